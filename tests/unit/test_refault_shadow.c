// SPDX-License-Identifier: GPL-2.0
/* What shadow paging adds to the causes of faults: the guest's page tables, and its TLB. */
#include "refault.h"

static void shadow_paging_knows_the_guests_tlb(void **state)
{
	struct mmuscope_invlpg rec = { .hdr = HDR(invlpg, 0), .gva = 0x7000 };
	struct mmuscope_fault f = fault_of(7);

	f.mode = MMUSCOPE_mode_shadow;
	f.gva = 0x7008;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_first_touch);
	rec.hdr.ts = now += 100000;
	feed(*(struct model **)state, rec);
	f.hdr.ts = now += 100000;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_guest_tlb);
	f.hdr.ts = now += 100000;
	assert_int_equal(feed_fault(*state, f), CAUSE_UNTAKEN);
}

static void recycled_tables_are_made_again(void **state)
{
	struct mmuscope_shadow_page rec = {
		.hdr = HDR(shadow_page, 0), .gfn = 99, .op = MMUSCOPE_page_op_zapped,
		.origin = MMUSCOPE_origin_ptwrite, .level = 1,
	};
	struct mmuscope_fault f = fault_of(7);

	f.mode = MMUSCOPE_mode_shadow;
	feed_fault(*state, f);
	feed(*(struct model **)state, rec);
	rec.op = MMUSCOPE_page_op_made;
	rec.origin = MMUSCOPE_origin_fault;
	rec.hdr.vcpu = 0;
	rec.hdr.ts = now += 100000;
	feed(*(struct model **)state, rec);
	f.hdr.ts = now += 1000;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_pt_write);
}

/* A shadow page that follows guest page table 99 is zapped, made or found by vCPU 0. */
static void feed_table(struct model *m, uint8_t op, uint8_t cause)
{
	struct mmuscope_shadow_page rec = {
		.hdr = HDR(shadow_page, 0), .gfn = 99, .op = op, .cause = cause,
		.origin = MMUSCOPE_origin_fault, .level = 1,
	};

	rec.hdr.vcpu = 0;
	rec.hdr.ts = now += 100000;
	feed(m, rec);
}

static unsigned int touch_at(struct model *m, uint64_t gfn, uint64_t gva)
{
	struct mmuscope_fault f = fault_of(gfn);

	f.mode = MMUSCOPE_mode_shadow;
	f.gva = gva;
	f.hdr.ts = now += 100000;
	return feed_fault(m, f);
}

static void other_pages_of_a_table_made_again(void **state)
{
	struct model *m = *state;

	touch_at(m, 7, 0x7000);
	touch_at(m, 8, 0x8000);
	for (unsigned int round = 0; round < 3; round++) {
		uint64_t zapped;

		feed_table(m, MMUSCOPE_page_op_zapped, MMUSCOPE_cause_recycling);
		zapped = now;
		feed_table(m, MMUSCOPE_page_op_made, 0);
		assert_int_equal(touch_at(m, 7, 0x7000), MMUSCOPE_cause_recycling);
		assert_int_equal(touch_at(m, 8, 0x8000), MMUSCOPE_cause_recycling);
		assert_true(model_cause(m)->aged);
		assert_int_equal(model_cause(m)->age, now - 2000 - zapped);
		/* Mapped since. */
		assert_int_equal(touch_at(m, 8, 0x8000), CAUSE_UNTAKEN);
		assert_int_equal(touch_at(m, 9 + round, 0x9000), MMUSCOPE_cause_first_touch);
	}
}

static void page_tables_that_are_new_to_kvm(void **state)
{
	struct model *m = *state;
	struct mmuscope_fault f = fault_of(7);

	touch_at(m, 7, 0x7000);
	touch_at(m, 8, 0x8000);
	feed_table(m, MMUSCOPE_page_op_made, 0);
	assert_int_equal(touch_at(m, 7, 0x80007000), MMUSCOPE_cause_shadowing);
	assert_int_equal(touch_at(m, 8, 0x80008000), MMUSCOPE_cause_shadowing);
	assert_false(model_cause(m)->aged);
	/* Of another table nothing is known. */
	assert_int_equal(touch_at(m, 8, 0x90008000), CAUSE_UNTAKEN);
	/* One that was there already has only to be linked: no entry of a page is set. */
	f.mode = MMUSCOPE_mode_shadow;
	f.gpa = MMUSCOPE_UNKNOWN;
	f.verdict = MMUSCOPE_verdict_spurious;
	f.hdr.ts = now += 100000;
	assert_int_equal(feed_fault(m, f), CAUSE_NO_ADDRESS);
	feed_table(m, MMUSCOPE_page_op_reused, 0);
	f.hdr.ts = now += 100000;
	assert_int_equal(feed_fault(m, f), MMUSCOPE_cause_shadowing);
	f.hdr.ts = now += 100000;
	assert_int_equal(feed_fault(m, f), CAUSE_NO_ADDRESS);
}

/* A fault of vCPU 0 that sets no entry, 2 us until @ts: shadow paging does not tell its frame. */
static unsigned int touch_nowhere(struct model *m, uint8_t condition, uint8_t verdict, uint64_t ts)
{
	struct mmuscope_fault f = fault_of(0);

	f.mode = MMUSCOPE_mode_shadow;
	f.gpa = MMUSCOPE_UNKNOWN;
	f.condition = condition;
	f.verdict = verdict;
	f.hdr.ts = ts;
	return feed_fault(m, f);
}

static void own_invalidation_tells_the_frame(void **state)
{
	struct mmuscope_invalidate rec = {
		.hdr = HDR(invalidate, 500), .start = HVA + (7 << 12), .end = HVA + (8 << 12),
		.cause = MMUSCOPE_cause_ksm_break,
	};
	const uint8_t retry = MMUSCOPE_verdict_retry;
	struct model *m = *state;
	uint64_t zapped;

	rec.hdr.vcpu = 0;
	touch_at(m, 7, 0x7000);
	zap(m, 7, 1, MMUSCOPE_cause_ksm_merge);
	zapped = now;
	rec.hdr.ts = now += 100000;
	feed(m, rec);
	assert_int_equal(touch_nowhere(m, MMUSCOPE_condition_not_present, retry,
				       rec.hdr.ts + 1000), MMUSCOPE_cause_ksm_merge);
	assert_int_equal(model_cause(m)->age, rec.hdr.ts - 1000 - zapped);
	/* The next one has none of its own. */
	assert_int_equal(touch_nowhere(m, MMUSCOPE_condition_not_present, retry,
				       rec.hdr.ts + 100000), CAUSE_NO_ADDRESS);
	/* Mapped until it was copied. */
	touch_at(m, 7, 0x7000);
	rec.hdr.ts = now += 100000;
	feed(m, rec);
	assert_int_equal(touch_nowhere(m, MMUSCOPE_condition_write_protected, retry,
				       rec.hdr.ts + 1000), MMUSCOPE_cause_ksm_break);
}

static void writes_to_guest_page_tables(void **state)
{
	struct mmuscope_fault f = fault_of(99);
	struct model *m = *state;

	assert_int_equal(touch_nowhere(m, MMUSCOPE_condition_write_protected,
				       MMUSCOPE_verdict_emulated, now + 100000),
			 MMUSCOPE_cause_pt_write);
	f.mode = MMUSCOPE_mode_shadow;
	f.condition = MMUSCOPE_condition_write_protected;
	f.hdr.ts = now += 100000;
	assert_int_equal(feed_fault(m, f), CAUSE_UNTAKEN);
	/* Once KVM does not follow the table any more the first write makes it writable. */
	feed_table(m, MMUSCOPE_page_op_zapped, MMUSCOPE_cause_pt_write);
	f.hdr.ts = now += 100000;
	assert_int_equal(feed_fault(m, f), MMUSCOPE_cause_pt_write);
}

/* What drops all frames has not taken what a guest virtual address had. */
static void wide_ranges_are_of_frames(void **state)
{
	struct mmuscope_invlpg rec = { .hdr = HDR(invlpg, 0), .gva = 0x7000 };
	struct model *m = *state;

	touch_at(m, 7, 0x7000);
	touch_at(m, 8, 0x8000);
	feed_slot(m, MMUSCOPE_slot_op_delete, 0);
	feed_slot(m, MMUSCOPE_slot_op_create, 0);
	assert_int_equal(touch_at(m, 7, 0x7000), MMUSCOPE_cause_slot_change);
	rec.hdr.ts = now += 100000;
	feed(m, rec);
	assert_int_equal(touch_at(m, 7, 0x7000), MMUSCOPE_cause_guest_tlb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shadow_paging_knows_the_guests_tlb),
		TEST(recycled_tables_are_made_again),
		TEST(other_pages_of_a_table_made_again),
		TEST(page_tables_that_are_new_to_kvm),
		TEST(own_invalidation_tells_the_frame),
		TEST(writes_to_guest_page_tables),
		TEST_OLD(wide_ranges_are_of_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
