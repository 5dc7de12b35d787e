// SPDX-License-Identifier: GPL-2.0
/* Many records at once leave the same in the model as one after the other. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/batch.h"
#include "models.h"
#include "source/merge.h"
#include "source/source.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct twins {
	struct model *one;	/* fed record by record */
	struct model *many;	/* fed with several at once */
};

static void name_by_pid(void *ctx, const struct mmuscope_vm *rec, char *name, size_t size)
{
	(void)ctx;
	snprintf(name, size, "%u", rec->pid);
}

static int setup(void **state)
{
	struct twins *t = calloc(1, sizeof(*t));

	t->one = model_new(name_by_pid, NULL);
	t->many = model_new(name_by_pid, NULL);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct twins *t = *state;

	model_free(t->one);
	model_free(t->many);
	free(t);
	return 0;
}

static void feed(struct twins *t, const struct mmuscope_hdr *const *recs, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(model_feed(t->one, recs[i]), 0);
	assert_int_equal(batch_feed(t->many, recs, nr), 0);
}

/* All families at random, and batches of every size. */
static void all_families(void **state)
{
	const struct synth_config cfg = {
		.streams = 3, .vms = 5, .vcpus = 3, .records = 300000, .seed = 5, .lost = 9,
	};
	struct source *src = source_synth_open(&cfg);
	struct merge *m = merge_open(src);
	const struct mmuscope_hdr *recs[MODEL_BATCH];
	unsigned int max = 1;
	int nr;

	merge_begin(m, UINT64_MAX);
	while ((nr = merge_take(m, recs, max)) > 0) {
		feed(*state, recs, nr);
		max = max % MODEL_BATCH + 1;
	}
	assert_int_equal(nr, -ENODATA);
	same_models(((struct twins *)*state)->one, ((struct twins *)*state)->many);
	assert_true(model_vm(((struct twins *)*state)->one, 0)->now.nr_exits > 0);
	merge_close(m);
	src->ops->close(src);
}

/* Records of one fault, flush or VM, ns apart. */
union any {
	struct mmuscope_hdr hdr;
	struct mmuscope_fault fault;
	struct mmuscope_flush flush;
	struct mmuscope_vm vm;
};

static void make(union any *r, unsigned int i, uint8_t type, uint16_t vm)
{
	memset(r, 0, sizeof(*r));
	r->hdr = (struct mmuscope_hdr){
		.ts = 1000 + i, .vm = vm, .type = type, .size = sizeof(r->vm),
	};
	if (type == MMUSCOPE_TYPE_fault) {
		r->fault.verdict = MMUSCOPE_verdict_fixed;
		r->fault.condition = MMUSCOPE_condition_not_present;
		r->fault.level = 1;
	}
}

/* Nothing of a VM that ends becomes one of the VM that has its number next. */
static void numbers_that_are_given_anew(void **state)
{
	static const struct { uint8_t type, op; } steps[] = {
		{ MMUSCOPE_TYPE_vm, MMUSCOPE_life_created }, { MMUSCOPE_TYPE_flush, 0 },
		{ MMUSCOPE_TYPE_fault, 0 }, { MMUSCOPE_TYPE_vm, MMUSCOPE_life_destroyed },
		{ MMUSCOPE_TYPE_flush, 0 }, { MMUSCOPE_TYPE_vm, MMUSCOPE_life_created },
		{ MMUSCOPE_TYPE_flush, 0 }, { MMUSCOPE_TYPE_flush, 0 }, { MMUSCOPE_TYPE_fault, 0 },
	};
	const struct mmuscope_hdr *recs[ARRAY_SIZE(steps)];
	union any all[ARRAY_SIZE(steps)];
	struct twins *t = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
		make(&all[i], i, steps[i].type, 1);
		if (steps[i].type == MMUSCOPE_TYPE_vm) {
			all[i].vm.op = steps[i].op;
			all[i].vm.pid = i + 1;
		}
		recs[i] = &all[i].hdr;
	}
	/* The first one is known by then. */
	feed(t, recs, 1);
	feed(t, recs + 1, ARRAY_SIZE(recs) - 1);
	same_models(t->one, t->many);
	assert_int_equal(model_vms(t->many), 2);
	assert_int_equal(model_vm(t->many, 0)->now.records[MMUSCOPE_TYPE_flush], 2);
}

/* They are seen in the order of their first records, whatever these are. */
static void vms_without_introduction(void **state)
{
	static const uint8_t types[] = {
		MMUSCOPE_TYPE_flush, MMUSCOPE_TYPE_fault, MMUSCOPE_TYPE_age, MMUSCOPE_TYPE_flush,
	};
	const struct mmuscope_hdr *recs[ARRAY_SIZE(types)];
	union any all[ARRAY_SIZE(types)];
	struct twins *t = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		make(&all[i], i, types[i], 9 - i);
		recs[i] = &all[i].hdr;
	}
	feed(t, recs, ARRAY_SIZE(recs));
	same_models(t->one, t->many);
	assert_int_equal(model_vms(t->many), 4);
	assert_int_equal(model_vm(t->many, 0)->id, 9);
}

/* Of newer families nothing is known. */
static void strange_families(void **state)
{
	static const uint8_t types[] = {
		MMUSCOPE_TYPE_vm, MMUSCOPE_TYPE_flush, MMUSCOPE_TYPES, 255, 0, MMUSCOPE_TYPE_flush,
	};
	const struct mmuscope_hdr *recs[ARRAY_SIZE(types)];
	union any all[ARRAY_SIZE(types)];
	struct twins *t = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		make(&all[i], i, types[i], 1);
		recs[i] = &all[i].hdr;
	}
	feed(t, recs, 1);
	feed(t, recs + 1, ARRAY_SIZE(recs) - 1);
	same_models(t->one, t->many);
	assert_int_equal(model_now(t->many)->records[0], 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_families),
		TEST(numbers_that_are_given_anew),
		TEST(vms_without_introduction),
		TEST(strange_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
