// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

#include <stdlib.h>

#include "lib/hist.h"

#define HOUR	3600000000000ULL

static double error_of(uint64_t told, uint64_t value)
{
	double off = told > value ? told - value : value - told;

	return off / value;
}

static void every_value_is_in_its_bucket(void **state)
{
	(void)state;
	for (uint64_t v = 1; v < 1ULL << MMUSCOPE_HIST_BITS; v += 1 + v / 500) {
		uint32_t i = mmuscope_hist_index(v);

		assert_true(i < MMUSCOPE_HIST_BUCKETS);
		assert_true(mmuscope_hist_low(i) <= v);
		assert_true(v < mmuscope_hist_low(i + 1));
	}
}

static void buckets_have_no_gap(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MMUSCOPE_HIST_BUCKETS; i++)
		assert_int_equal(mmuscope_hist_index(mmuscope_hist_low(i)), i);
	for (uint32_t i = 1; i < MMUSCOPE_HIST_BUCKETS; i++)
		assert_int_equal(mmuscope_hist_index(mmuscope_hist_low(i) - 1), i - 1);
}

/* With three values the median is neither the minimum nor the maximum, which are exact. */
static void error_is_below_3_percent(void **state)
{
	(void)state;
	for (uint64_t v = 1; v <= HOUR; v += 1 + v / 300) {
		struct hist h;

		hist_init(&h);
		hist_add(&h, 0);
		hist_add(&h, v);
		hist_add(&h, 2 * HOUR);
		assert_true(error_of(hist_percentile(&h, 50), v) <= 0.03);
	}
}

static void percentiles_of_a_known_list(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	for (uint64_t v = 1; v <= 10000; v++)
		hist_add(&h, v * 1000);
	assert_true(error_of(hist_percentile(&h, 50), 5000000) <= 0.03);
	assert_true(error_of(hist_percentile(&h, 99), 9900000) <= 0.03);
	assert_true(error_of(hist_percentile(&h, 99.9), 9990000) <= 0.03);
	assert_int_equal(hist_percentile(&h, 0), 1000);
	assert_int_equal(hist_percentile(&h, 100), 10000000);
}

static void extremes(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	assert_int_equal(hist_percentile(&h, 50), 0);
	assert_int_equal(h.max, 0);
	hist_add(&h, 0);
	assert_int_equal(hist_percentile(&h, 50), 0);
	hist_add(&h, 1);
	hist_add(&h, UINT64_MAX);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.min, 0);
	assert_true(h.max == UINT64_MAX);
	assert_int_equal(hist_percentile(&h, 50), 1);
	assert_true(hist_percentile(&h, 100) == UINT64_MAX);
	/* The sum stays, and does not begin at 0 again. */
	assert_true(h.sum == UINT64_MAX);
	hist_add(&h, 5);
	assert_true(h.sum == UINT64_MAX);
}

static void one_value_is_exact(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	hist_add(&h, 123457);
	assert_int_equal(hist_percentile(&h, 50), 123457);
	assert_int_equal(h.sum, 123457);
}

static void merging_is_adding(void **state)
{
	struct hist a, b, both;

	(void)state;
	hist_init(&a);
	hist_init(&b);
	hist_init(&both);
	srandom(1);
	for (int i = 0; i < 10000; i++) {
		uint64_t v = (uint64_t)random() << (random() % 12);

		hist_add(i % 3 ? &a : &b, v);
		hist_add(&both, v);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

static void octaves_cover_everything(void **state)
{
	uint64_t low, high, before = 0, sum = 0;
	struct hist h;

	(void)state;
	hist_init(&h);
	for (uint64_t v = 1; v < HOUR; v *= 3)
		hist_add(&h, v);
	for (unsigned int i = 0; i < HIST_OCTAVES; i++) {
		sum += hist_octave(&h, i, &low, &high);
		assert_int_equal(low, before);
		assert_true(high > low);
		before = high;
	}
	assert_int_equal(sum, h.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_is_in_its_bucket),
		cmocka_unit_test(buckets_have_no_gap),
		cmocka_unit_test(error_is_below_3_percent),
		cmocka_unit_test(percentiles_of_a_known_list),
		cmocka_unit_test(extremes),
		cmocka_unit_test(one_value_is_exact),
		cmocka_unit_test(merging_is_adding),
		cmocka_unit_test(octaves_cover_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
