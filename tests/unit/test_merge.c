// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

#include "fake.h"
#include "source/merge.h"

#define FAULT	MMUSCOPE_TYPE_fault

/* @sum: of the time stamps of all that came */
struct setup {
	struct fake *fake;
	struct merge *merge;
	uint64_t sum;
};

static int setup(void **state)
{
	struct setup *s = calloc(1, sizeof(*s));

	s->fake = fake_new();
	s->merge = merge_open(&s->fake->src);
	*state = s;
	return !s->merge;
}

static int teardown(void **state)
{
	struct setup *s = *state;

	merge_close(s->merge);
	free(s->fake);
	free(s);
	return 0;
}

/*
 * One round. Return: what ended it; @nr records came, the last at @last. All that come at once are
 * still there when the last of them is.
 */
static int round_up_to(struct setup *s, uint64_t limit, size_t *nr, uint64_t *last)
{
	const struct mmuscope_hdr *recs[MERGE_TAKE];
	static unsigned int max;
	int ret;

	merge_begin(s->merge, limit);
	while ((ret = merge_take(s->merge, recs, max++ % MERGE_TAKE + 1)) > 0) {
		for (int i = 0; i < ret; i++) {
			if (recs[i]->type == MMUSCOPE_TYPE_lost)
				continue;
			assert_true(recs[i]->type < MMUSCOPE_TYPES);
			assert_true(recs[i]->ts >= *last);
			*last = recs[i]->ts;
			s->sum += *last;
			++*nr;
		}
	}
	merge_end(s->merge);
	return ret;
}

static void streams_come_in_order(void **state)
{
	struct setup *s = *state;
	uint64_t last = 0;
	size_t nr = 0;

	for (uint64_t i = 0; i < 4000; i++)
		fake_add(s->fake, i * 7 % FAKE_STREAMS, FAULT, 1000 + i);
	fake_end(s->fake);
	assert_int_equal(round_up_to(s, UINT64_MAX, &nr, &last), -ENODATA);
	assert_int_equal(nr, 4000);
	assert_int_equal(last, 4999);
}

/* The order of streams is kept as a time since about the first record that was seen. */
static void streams_may_begin_far_apart(void **state)
{
	const uint64_t hour = 3600 * 1000000000ULL, begin = 20000 * hour;
	struct setup *s = *state;
	uint64_t last = 0;
	size_t nr = 0;

	fake_add(s->fake, 0, FAULT, begin);
	fake_add(s->fake, 0, FAULT, begin + 4000 * hour);
	fake_add(s->fake, 1, FAULT, begin - 12 * hour);
	fake_add(s->fake, 1, FAULT, begin - 10 * hour);
	fake_add(s->fake, 2, FAULT, begin - 11 * hour);
	fake_add(s->fake, 1, FAULT, begin + 4000 * hour - 1);
	fake_end(s->fake);
	assert_int_equal(round_up_to(s, UINT64_MAX, &nr, &last), -ENODATA);
	assert_int_equal(nr, 6);
	assert_int_equal(last, begin + 4000 * hour);
}

static void inversions_are_put_right(void **state)
{
	struct setup *s = *state;
	uint64_t last = 0;
	size_t nr = 0;

	/* Up to MERGE_WINDOW - 1 records too late, several streams, several rounds of memory. */
	for (uint64_t i = 0; i < 8000; i++)
		fake_add(s->fake, i % 2, FAULT, 100000 + (i ^ 0xff));
	fake_end(s->fake);
	assert_int_equal(round_up_to(s, UINT64_MAX, &nr, &last), -ENODATA);
	assert_int_equal(nr, 8000);
}

static void equal_stamps_keep_the_order_of_streams(void **state)
{
	struct setup *s = *state;
	const struct mmuscope_hdr *rec;

	for (unsigned int i = FAKE_STREAMS; i--;)
		fake_add(s->fake, i, FAULT, 77);
	fake_end(s->fake);
	merge_begin(s->merge, UINT64_MAX);
	for (unsigned int i = 0; i < FAKE_STREAMS; i++) {
		assert_int_equal(merge_take(s->merge, &rec, 1), 1);
		assert_int_equal(rec->vm, 1 + i);
	}
}

static void young_records_are_held_back(void **state)
{
	struct setup *s = *state;
	uint64_t last = 0;
	size_t nr = 0;

	fake_add(s->fake, 0, FAULT, 100);
	fake_add(s->fake, 0, FAULT, 200);
	assert_int_equal(round_up_to(s, 150, &nr, &last), 0);
	assert_int_equal(nr, 1);
	/* Comes later and is older than the one that is held. */
	fake_add(s->fake, 1, FAULT, 160);
	assert_int_equal(round_up_to(s, 300, &nr, &last), 0);
	assert_int_equal(nr, 3);
	assert_int_equal(last, 200);
}

static void idle_streams_do_not_stall(void **state)
{
	struct setup *s = *state;
	uint64_t last = 0;
	size_t nr = 0;

	for (uint64_t i = 0; i < 2000; i++)
		fake_add(s->fake, 2, FAULT, i);
	assert_int_equal(round_up_to(s, 5000, &nr, &last), 0);
	assert_int_equal(nr, 2000);
}

static void late_records_are_counted(void **state)
{
	struct setup *s = *state;
	const struct mmuscope_lost *lost;
	const struct mmuscope_hdr *rec;
	uint64_t last = 0;
	size_t nr = 0;

	fake_add(s->fake, 0, FAULT, 1000);
	round_up_to(s, 1000, &nr, &last);
	fake_add(s->fake, 3, FAULT, 900);
	fake_add(s->fake, 3, FAULT, 950);
	fake_add(s->fake, 3, FAULT, 1000);
	merge_begin(s->merge, 2000);
	assert_int_equal(merge_take(s->merge, &rec, 1), 1);
	assert_int_equal(rec->ts, 1000);
	assert_int_equal(merge_take(s->merge, &rec, 1), 1);
	assert_int_equal(rec->type, MMUSCOPE_TYPE_lost);
	lost = (const struct mmuscope_lost *)rec;
	assert_int_equal(lost->count, 2);
	assert_int_equal(lost->cpu, ~0U);
	assert_int_equal(lost->stage, MMUSCOPE_stage_merge);
	assert_int_equal(lost->hdr.size, sizeof(*lost));
	assert_int_equal(merge_take(s->merge, &rec, 1), 0);
}

static void late_state_is_not_lost(void **state)
{
	struct setup *s = *state;
	const struct mmuscope_hdr *rec;
	uint64_t last = 0;
	size_t nr = 0;

	fake_add(s->fake, 0, FAULT, 1000);
	round_up_to(s, 1000, &nr, &last);
	fake_add(s->fake, 1, MMUSCOPE_TYPE_vm, 500);
	merge_begin(s->merge, 2000);
	assert_int_equal(merge_take(s->merge, &rec, 1), 1);
	assert_int_equal(rec->type, MMUSCOPE_TYPE_vm);
	assert_int_equal(rec->ts, 1000);
	assert_int_equal(merge_take(s->merge, &rec, 1), 0);
}

/*
 * What is held over many rounds must be a copy: fake_release() spoils the source's. It is copied
 * again along with what was put before it.
 */
static void held_records_outlive_the_sources_memory(void **state)
{
	struct setup *s = *state;
	uint64_t last = 0;
	size_t nr = 0;

	for (uint64_t i = 0; i < 3008; i++) {
		fake_add(s->fake, i % FAKE_STREAMS, FAULT, 10 * (i ^ 28));
		if (i % 7 == 0)
			round_up_to(s, i > 50 ? 10 * (i - 50) : 0, &nr, &last);
	}
	fake_end(s->fake);
	assert_int_equal(round_up_to(s, UINT64_MAX, &nr, &last), -ENODATA);
	assert_int_equal(nr, 3008);
	assert_int_equal(last, 30070);
	assert_int_equal(s->sum, 10 * 3008 * 3007 / 2);
}

static void rounds_may_be_broken_off(void **state)
{
	struct setup *s = *state;
	const struct mmuscope_hdr *rec;

	for (uint64_t i = 0; i < 100; i++)
		fake_add(s->fake, i % 3, FAULT, i);
	for (uint64_t i = 0; i < 100; i++) {
		merge_begin(s->merge, UINT64_MAX);
		assert_int_equal(merge_take(s->merge, &rec, 1), 1);
		assert_int_equal(rec->ts, i);
		merge_end(s->merge);
	}
}

static void busiest_stream_is_told(void **state)
{
	struct setup *s = *state;
	uint64_t last = 0;
	size_t nr = 0;

	for (uint64_t i = 0; i < 30; i++)
		fake_add(s->fake, i % 3 ? 1 : 0, FAULT, i);
	round_up_to(s, UINT64_MAX, &nr, &last);
	assert_int_equal(merge_busiest(s->merge), 20 * sizeof(struct mmuscope_vm));
}

/* State that comes late is given another time, in a copy of its own for each. */
static void late_state_that_comes_at_once(void **state)
{
	const struct mmuscope_hdr *recs[MERGE_TAKE];
	struct setup *s = *state;
	/* More than there is room for, and the source does not want its memory back yet. */
	const uint32_t nr_late = 7 * MERGE_TAKE;
	uint64_t last = 0;
	size_t nr = 0;

	fake_add(s->fake, 0, FAULT, 5000);
	round_up_to(s, 5000, &nr, &last);
	for (uint32_t i = 0; i < nr_late; i++) {
		s->fake->streams[1].rec[i].pid = i;
		fake_add(s->fake, 1, MMUSCOPE_TYPE_vm, 2 * i);
	}
	merge_begin(s->merge, 9000);
	for (uint32_t taken = 0; taken < nr_late; taken += MERGE_TAKE) {
		assert_int_equal(merge_take(s->merge, recs, MERGE_TAKE), MERGE_TAKE);
		for (uint32_t i = 0; i < MERGE_TAKE; i++) {
			assert_int_equal(recs[i]->ts, 5000);
			assert_int_equal(((const struct mmuscope_vm *)recs[i])->pid, taken + i);
		}
	}
	assert_int_equal(merge_take(s->merge, recs, MERGE_TAKE), 0);
}

static void errors_are_passed_on(void **state)
{
	struct setup *s = *state;
	const struct mmuscope_hdr *rec;

	s->fake->streams[1].error = -EIO;
	merge_begin(s->merge, UINT64_MAX);
	assert_int_equal(merge_take(s->merge, &rec, 1), -EIO);
}

/* What came before the error is handed out before it. */
static void errors_come_behind_records(void **state)
{
	const struct mmuscope_hdr *recs[MERGE_TAKE];
	struct setup *s = *state;

	for (uint64_t i = 0; i < 3 * MERGE_WINDOW; i++)
		fake_add(s->fake, 0, FAULT, i);
	merge_begin(s->merge, UINT64_MAX);
	assert_int_equal(merge_take(s->merge, recs, 1), 1);
	s->fake->streams[0].error = -EIO;
	assert_in_range(merge_take(s->merge, recs, MERGE_TAKE), 1, MERGE_TAKE);
	assert_int_equal(merge_take(s->merge, recs, MERGE_TAKE), -EIO);
	assert_int_equal(merge_take(s->merge, recs, MERGE_TAKE), -EIO);
}

/* The generator makes inversions; none of its records may be lost or out of order. */
static void made_up_records_all_arrive(void **state)
{
	const struct synth_config cfg = {
		.streams = 8, .vms = 3, .vcpus = 2, .records = 200001, .seed = 7,
	};
	struct source *src = source_synth_open(&cfg);
	struct merge *m = merge_open(src);
	const struct mmuscope_hdr *rec;
	uint64_t nr = 0, last = 0;

	(void)state;
	merge_begin(m, UINT64_MAX);
	while (merge_take(m, &rec, 1) == 1) {
		assert_int_not_equal(rec->type, MMUSCOPE_TYPE_lost);
		assert_true(rec->ts >= last);
		last = rec->ts;
		nr++;
	}
	assert_int_equal(nr, cfg.records);
	merge_close(m);
	src->ops->close(src);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(streams_come_in_order),
		TEST(streams_may_begin_far_apart),
		TEST(inversions_are_put_right),
		TEST(equal_stamps_keep_the_order_of_streams),
		TEST(young_records_are_held_back),
		TEST(idle_streams_do_not_stall),
		TEST(late_records_are_counted),
		TEST(late_state_is_not_lost),
		TEST(held_records_outlive_the_sources_memory),
		TEST(rounds_may_be_broken_off),
		TEST(busiest_stream_is_told),
		TEST(late_state_that_comes_at_once),
		TEST(errors_are_passed_on),
		TEST(errors_come_behind_records),
		cmocka_unit_test(made_up_records_all_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
