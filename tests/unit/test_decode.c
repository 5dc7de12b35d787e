// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

#include <string.h>

#include <asm/kvm.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include <mmuscope/decode.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ROW(code, access, condition, walk) \
	{ code, MMUSCOPE_access_##access, MMUSCOPE_condition_##condition, walk, #code }

/* Bits that KVM and not the hardware sets, and the ones of confidential guests. */
#define PF_USER		(1ULL << 2)
#define PF_PKEY		(1ULL << 5)
#define PF_SHADOW_STACK	(1ULL << 6)
#define PF_SGX		(1ULL << 15)
#define NPF_RMP		(1ULL << 31)
#define NPF_ENCRYPTED	(1ULL << 34)
#define KVM_IMPLICIT	(1ULL << 48)
#define KVM_PRIVATE	(1ULL << 49)
#define EPTQ_USER_EXEC	(1ULL << 6)
#define EPTQ_GVA_BITS	(7ULL << 9)
#define EPTQ_NMI	(1ULL << 12)

struct row {
	uint64_t code;
	uint8_t access;
	uint8_t condition;
	uint8_t walk;
	const char *text;
};

static const struct row ept_rows[] = {
	/* access itself, nothing there */
	ROW(0x181, read, not_present, 0),
	ROW(0x182, write, not_present, 0),
	ROW(0x184, exec, not_present, 0),
	ROW(0x183, write, not_present, 0),	/* read-modify-write */
	ROW(0x781, read, not_present, 0),	/* user, writable */
	ROW(0xf84, exec, not_present, 0),
	ROW(0x1181, read, not_present, 0),	/* NMI unblocking */
	/* access itself, denied by an entry */
	ROW(0x18a, write, write_protected, 0),
	ROW(0x1aa, write, write_protected, 0),
	ROW(0x1ab, write, write_protected, 0),
	ROW(0x19c, exec, exec_denied, 0),
	ROW(0x18c, exec, exec_denied, 0),
	ROW(0x1a1, read, denied, 0),		/* execute-only */
	/* walk of guest tables */
	ROW(0x81, read, not_present, 1),
	ROW(0x82, write, not_present, 1),
	ROW(0x83, write, not_present, 1),
	ROW(0x8b, write, accessed_dirty, 1),
	ROW(0xaa, write, accessed_dirty, 1),
	ROW(0xab, write, accessed_dirty, 1),
	ROW(0xa1, read, denied, 1),
	/* no guest virtual address: loading PDPTEs, the trace unit */
	ROW(0x1, read, not_present, 0),
	ROW(0x2, write, not_present, 0),
	ROW(0xa, write, write_protected, 0),
	ROW(0x101, read, not_present, 0),	/* bit 8 alone says nothing */
	/* misconfiguration: no access bit */
	ROW(0x8, unknown, reserved, 0),
	ROW(0x0, unknown, reserved, 0),
	/* the same with the access that was seen later */
	ROW(0x8000000000000009, read, reserved, 0),
	ROW(0x800000000000000a, write, reserved, 0),
};

static const struct row npf_rows[] = {
	ROW(0x100000004, read, not_present, 0),
	ROW(0x100000005, read, denied, 0),
	ROW(0x100000006, write, not_present, 0),
	ROW(0x100000007, write, write_protected, 0),
	ROW(0x100000014, exec, not_present, 0),
	ROW(0x100000015, exec, exec_denied, 0),
	/* walk of guest tables */
	ROW(0x200000004, read, not_present, 1),
	ROW(0x200000005, read, denied, 1),
	ROW(0x200000006, write, not_present, 1),
	ROW(0x200000007, write, accessed_dirty, 1),
	/* MMIO entries have a reserved bit */
	ROW(0x10000000d, read, reserved, 0),
	ROW(0x10000000f, write, reserved, 0),
	ROW(0x10000001d, exec, reserved, 0),
	ROW(0x20000000f, write, reserved, 1),
	/* confidential guests */
	ROW(0x180000006, write, not_present, 0),
	ROW(0x180000007, write, write_protected, 0),
	ROW(0x500000004, read, not_present, 0),
	/* both bits: not an access of the walk alone */
	ROW(0x300000006, write, not_present, 0),
};

static const struct row pf_rows[] = {
	ROW(0x00, read, not_present, 0),
	ROW(0x01, read, denied, 0),
	ROW(0x02, write, not_present, 0),
	ROW(0x03, write, write_protected, 0),
	ROW(0x04, read, not_present, 0),
	ROW(0x05, read, denied, 0),
	ROW(0x06, write, not_present, 0),
	ROW(0x07, write, write_protected, 0),
	ROW(0x08, read, reserved, 0),	/* QEMU's TCG leaves P out, span_mmio() makes it up */
	ROW(0x09, read, reserved, 0),
	ROW(0x0a, write, reserved, 0),
	ROW(0x0b, write, reserved, 0),
	ROW(0x0c, read, reserved, 0),
	ROW(0x0d, read, reserved, 0),
	ROW(0x0e, write, reserved, 0),
	ROW(0x0f, write, reserved, 0),
	ROW(0x10, exec, not_present, 0),
	ROW(0x11, exec, exec_denied, 0),
	ROW(0x12, exec, not_present, 0),
	ROW(0x13, exec, exec_denied, 0),
	ROW(0x14, exec, not_present, 0),
	ROW(0x15, exec, exec_denied, 0),
	ROW(0x16, exec, not_present, 0),
	ROW(0x17, exec, exec_denied, 0),
	ROW(0x18, exec, reserved, 0),
	ROW(0x19, exec, reserved, 0),
	ROW(0x1a, exec, reserved, 0),
	ROW(0x1b, exec, reserved, 0),
	ROW(0x1c, exec, reserved, 0),
	ROW(0x1d, exec, reserved, 0),
	ROW(0x1e, exec, reserved, 0),
	ROW(0x1f, exec, reserved, 0),
	/* protection key, shadow stack, enclave */
	ROW(0x21, read, denied, 0),
	ROW(0x25, read, denied, 0),
	ROW(0x27, write, write_protected, 0),
	ROW(0x45, read, denied, 0),
	ROW(0x47, write, write_protected, 0),
	ROW(0x8005, read, denied, 0),
};

static void expect(const struct row *r, const struct decode *d)
{
	if (d->access == r->access && d->condition == r->condition && d->walk == r->walk)
		return;
	fail_msg("%s: access %u condition %u walk %u, expected %u %u %u", r->text, d->access,
		 d->condition, d->walk, r->access, r->condition, r->walk);
}

static struct decode decode_as(uint8_t mode, uint8_t isa, uint64_t code)
{
	struct decode d;

	memset(&d, 0xa5, sizeof(d));
	decode_fault(mode, isa, code, &d);
	return d;
}

/* Every row under @mode and @isa, also with bits of @noise, which must not matter. */
static void rows_hold(const struct row *rows, size_t nr, uint8_t mode, uint8_t isa, uint64_t noise)
{
	for (size_t i = 0; i < nr; i++) {
		struct decode d = decode_as(mode, isa, rows[i].code);

		expect(&rows[i], &d);
		/* The made-up code has no other bits. */
		if (rows[i].code == PF_RESERVED)
			continue;
		for (uint64_t bit = 1; bit; bit <<= 1) {
			if (!(bit & noise))
				continue;
			d = decode_as(mode, isa, rows[i].code ^ bit);
			expect(&rows[i], &d);
		}
	}
}

static void ept_qualifications(void **state)
{
	const uint64_t noise = EPTQ_USER_EXEC | EPTQ_GVA_BITS | EPTQ_NMI | 1ULL << 62;

	(void)state;
	rows_hold(ept_rows, COUNT_OF(ept_rows), MMUSCOPE_mode_ept, MMUSCOPE_isa_vmx, noise);
	rows_hold(ept_rows, COUNT_OF(ept_rows), MMUSCOPE_mode_nested_ept, MMUSCOPE_isa_vmx, noise);
}

static void npf_codes(void **state)
{
	const uint64_t noise = PF_USER | NPF_RMP | NPF_ENCRYPTED | KVM_IMPLICIT | KVM_PRIVATE;

	(void)state;
	rows_hold(npf_rows, COUNT_OF(npf_rows), MMUSCOPE_mode_npt, MMUSCOPE_isa_svm, noise);
	rows_hold(npf_rows, COUNT_OF(npf_rows), MMUSCOPE_mode_nested_npt, MMUSCOPE_isa_svm, noise);
}

/* Kernels before 6.1 hand out the lower half only: the walk is lost, the rest is not. */
static void npf_codes_cut_to_32_bits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(npf_rows); i++) {
		struct row r = npf_rows[i];
		struct decode d = decode_as(MMUSCOPE_mode_npt, MMUSCOPE_isa_svm, (uint32_t)r.code);

		r.walk = 0;
		if (r.condition == MMUSCOPE_condition_accessed_dirty)
			r.condition = MMUSCOPE_condition_write_protected;
		expect(&r, &d);
	}
}

static void pf_codes(void **state)
{
	const uint64_t noise = PF_PKEY | PF_SHADOW_STACK | PF_SGX | KVM_IMPLICIT;

	(void)state;
	for (size_t i = 0; i < 0x20; i++)
		assert_int_equal(pf_rows[i].code, i);
	rows_hold(pf_rows, COUNT_OF(pf_rows), MMUSCOPE_mode_shadow, MMUSCOPE_isa_vmx, noise);
	rows_hold(pf_rows, COUNT_OF(pf_rows), MMUSCOPE_mode_shadow, MMUSCOPE_isa_svm, noise);
	rows_hold(pf_rows, COUNT_OF(pf_rows), MMUSCOPE_mode_shadow, MMUSCOPE_isa_unknown, noise);
}

/* The same number means different things: the mode and the vendor decide. */
static void mode_and_isa_choose(void **state)
{
	struct decode d;

	(void)state;
	d = decode_as(MMUSCOPE_mode_ept, MMUSCOPE_isa_vmx, 4);
	assert_int_equal(d.access, MMUSCOPE_access_exec);
	d = decode_as(MMUSCOPE_mode_unknown, MMUSCOPE_isa_vmx, 4);
	assert_int_equal(d.access, MMUSCOPE_access_exec);
	d = decode_as(MMUSCOPE_mode_shadow, MMUSCOPE_isa_vmx, 4);
	assert_int_equal(d.access, MMUSCOPE_access_read);
	d = decode_as(MMUSCOPE_mode_npt, MMUSCOPE_isa_svm, 4);
	assert_int_equal(d.access, MMUSCOPE_access_read);
	d = decode_as(MMUSCOPE_mode_nested_npt, MMUSCOPE_isa_svm, 0x81);
	assert_int_equal(d.walk, 0);
	assert_int_equal(d.condition, MMUSCOPE_condition_denied);
}

/* What the hardware can say in any combination gives a word, and one that agrees with itself. */
static void every_code_has_a_word(void **state)
{
	(void)state;
	for (uint64_t code = 0; code < 0x2000; code++) {
		struct decode d = decode_as(MMUSCOPE_mode_ept, MMUSCOPE_isa_vmx, code);
		int present = !!(code & 0x38);

		assert_true(d.access <= MMUSCOPE_access_exec);
		assert_int_equal(d.access == MMUSCOPE_access_unknown, !(code & 7));
		assert_int_equal(d.condition == MMUSCOPE_condition_reserved, !(code & 7));
		if (code & 7)
			assert_int_equal(d.condition != MMUSCOPE_condition_not_present, present);
		assert_int_equal(d.walk, (code & 0x180) == 0x80);
	}
	for (uint64_t high = 0; high < 4; high++) {
		for (uint64_t low = 0; low < 0x80; low++) {
			struct decode d = decode_as(MMUSCOPE_mode_npt, MMUSCOPE_isa_svm,
						    high << 32 | low);

			assert_int_not_equal(d.access, MMUSCOPE_access_unknown);
			assert_int_equal(d.walk, high == 2);
			assert_int_equal(d.condition == MMUSCOPE_condition_reserved, !!(low & 8));
			if (d.condition == MMUSCOPE_condition_accessed_dirty)
				assert_true(d.walk && low & 2);
			assert_int_not_equal(d.condition, MMUSCOPE_condition_unknown);
		}
	}
}

struct reason {
	uint32_t number;
	const char *name;
};

static const struct reason vmx_reasons[] = { VMX_EXIT_REASONS };
static const struct reason svm_reasons[] = { SVM_EXIT_REASONS };

static void vmx_reasons_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vmx_reasons); i++) {
		uint32_t number = vmx_reasons[i].number;

		assert_int_equal(exit_index(number), number);
		assert_int_equal(exit_reason(exit_index(number)), number);
	}
	/* newer than the header: TDCALL, MSR access with immediate */
	for (uint32_t number = 76; number <= 85; number++)
		assert_int_equal(exit_reason(exit_index(number)), number);
}

/* What is left out is software's own: VMGEXIT codes and "not entered at all". */
static void svm_reasons_come_back(void **state)
{
	size_t other = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(svm_reasons); i++) {
		uint32_t number = svm_reasons[i].number, index = exit_index(number);

		assert_true(index < EXIT_INDEX_MAX);
		if (number >= 0x80000000) {
			assert_int_equal(index, EXIT_OTHER);
			other++;
			continue;
		}
		assert_int_not_equal(index, EXIT_OTHER);
		assert_int_equal(exit_reason(index), number);
	}
	assert_true(other > 0 && other < COUNT_OF(svm_reasons) / 4);
	assert_int_equal(exit_index(0x400), 0xf0);
	assert_int_equal(exit_index(0x403), 0xf3);
	/* newer than the header: bus lock, idle HLT */
	assert_int_equal(exit_reason(exit_index(0xa5)), 0xa5);
	assert_int_equal(exit_reason(exit_index(0xa6)), 0xa6);
}

static void exit_indices_are_unique(void **state)
{
	static const uint32_t others[] = { 0xf0, 0xff, 0x100, 0x3ff, 0x40f, 0x410, 0x4ff, 0x500,
					   0x80000000, 0x80000030, 0xf0000000, ~0U };
	unsigned int owners[EXIT_INDEX_MAX] = { 0 };

	(void)state;
	for (uint32_t reason = 0; reason < 0x10000; reason++) {
		uint32_t index = exit_index(reason);

		assert_true(index < EXIT_INDEX_MAX);
		owners[index]++;
		if (index != EXIT_OTHER)
			assert_int_equal(exit_reason(index), reason);
	}
	for (uint32_t i = 0; i < EXIT_OTHER; i++) {
		assert_int_equal(owners[i], 1);
		assert_int_equal(exit_index(exit_reason(i)), i);
	}
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_int_equal(exit_index(others[i]), EXIT_OTHER);
	assert_true(exit_reason(EXIT_OTHER) == ~0U);
	/* BPF masks with it */
	assert_int_equal(EXIT_INDEX_MAX & (EXIT_INDEX_MAX - 1), 0);
}

static void faults_have_a_reason(void **state)
{
	(void)state;
	assert_int_equal(fault_reason(MMUSCOPE_isa_vmx, MMUSCOPE_mode_ept),
			 EXIT_REASON_EPT_VIOLATION);
	assert_int_equal(fault_reason(MMUSCOPE_isa_vmx, MMUSCOPE_mode_shadow),
			 EXIT_REASON_EXCEPTION_NMI);
	assert_int_equal(fault_reason(MMUSCOPE_isa_svm, MMUSCOPE_mode_npt), SVM_EXIT_NPF);
	/* 14 is #PF */
	assert_int_equal(fault_reason(MMUSCOPE_isa_svm, MMUSCOPE_mode_shadow),
			 SVM_EXIT_EXCP_BASE + 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ept_qualifications),
		cmocka_unit_test(npf_codes),
		cmocka_unit_test(npf_codes_cut_to_32_bits),
		cmocka_unit_test(pf_codes),
		cmocka_unit_test(mode_and_isa_choose),
		cmocka_unit_test(every_code_has_a_word),
		cmocka_unit_test(vmx_reasons_come_back),
		cmocka_unit_test(svm_reasons_come_back),
		cmocka_unit_test(exit_indices_are_unique),
		cmocka_unit_test(faults_have_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
