/* SPDX-License-Identifier: GPL-2.0 */
/* A VM with one memslot, and what befalls its pages: for the tests of the causes of faults. */
#ifndef TESTS_UNIT_REFAULT_H
#define TESTS_UNIT_REFAULT_H

#include "unit.h"

#include <linux/kvm.h>
#include <string.h>

#include "model/model.h"

#define MS		1000000ULL
#define HVA		0x7f0000000000ULL
#define SLOT_PAGES	(1ULL << 20)

static uint64_t now;

#define HDR(name, ns)							\
	{ .ts = now += 100000, .dur = (ns), .vm = 1, .vcpu = MMUSCOPE_NO_VCPU,	\
	  .type = MMUSCOPE_TYPE_##name, .size = sizeof(struct mmuscope_##name) }

#define feed(m, rec)	assert_int_equal(model_feed(m, &(rec).hdr), 0)

static inline void feed_slot(struct model *m, uint8_t op, uint32_t flags)
{
	struct mmuscope_slot rec = {
		.hdr = HDR(slot, 0), .npages = SLOT_PAGES, .hva = HVA, .op = op, .flags = flags,
	};

	feed(m, rec);
}

/* A VM with one memslot from frame 0 on, made under the model's eyes or before. */
static inline struct model *begin(uint8_t life)
{
	struct mmuscope_vm vm = {
		.hdr = HDR(vm, 0), .pid = 5, .op = life, .mode = MMUSCOPE_mode_ept,
	};
	struct model *m = model_new(NULL, NULL);

	assert_non_null(m);
	feed(m, vm);
	feed_slot(m, MMUSCOPE_slot_op_found, 0);
	return m;
}

static inline int setup_new(void **state)
{
	now = 1000 * MS;
	*state = begin(MMUSCOPE_life_created);
	return 0;
}

static inline int setup_old(void **state)
{
	now = 1000 * MS;
	*state = begin(MMUSCOPE_life_found);
	return 0;
}

static inline int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static inline struct mmuscope_fault fault_of(uint64_t gfn)
{
	return (struct mmuscope_fault){
		.hdr = HDR(fault, 2000), .gpa = gfn << 12 | 0x123, .gva = MMUSCOPE_UNKNOWN,
		.mode = MMUSCOPE_mode_ept, .condition = MMUSCOPE_condition_not_present,
		.access = MMUSCOPE_access_write, .verdict = MMUSCOPE_verdict_fixed, .level = 1,
		.handler_ns = 1200,
	};
}

/* Return: the cause that the model found. */
static inline unsigned int feed_fault(struct model *m, struct mmuscope_fault f)
{
	f.hdr.vcpu = 0;
	feed(m, f);
	return model_cause(m)->cause;
}

static inline unsigned int touch(struct model *m, uint64_t gfn)
{
	return feed_fault(m, fault_of(gfn));
}

static inline void zap(struct model *m, uint64_t gfn, uint64_t pages, uint8_t cause)
{
	struct mmuscope_invalidate rec = {
		.hdr = HDR(invalidate, 500), .start = HVA + (gfn << 12),
		.end = HVA + ((gfn + pages) << 12), .cause = cause, .comm = "ksmd",
	};

	feed(m, rec);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup_new, teardown)
#define TEST_OLD(name)	cmocka_unit_test_setup_teardown(name, setup_old, teardown)

#endif /* TESTS_UNIT_REFAULT_H */
