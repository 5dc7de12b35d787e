// SPDX-License-Identifier: GPL-2.0
/* The tests of diff: their p, and how often they cry wolf. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/permute.h"
#include "lib/twosample.h"
#include "view/diff.h"

#define SLICES	TWOSAMPLE_SLICES
#define PAIRS	200
#define LEVEL	0.05
/* Of 200 pairs 10 are expected; more than 20 has a chance of 1 in 1000. */
#define MOST	20

static const struct twosample any_difference = {
	.slices = true, .most = SLICES, .factor = 1,
};
static const struct twosample few_slices = { .slices = true, .most = 4, .factor = 1 };
/* As two single recordings are compared. */
static const struct twosample single = {
	.slices = true, .most = SLICES, .factor = DIFF_FACTOR, .shift = DIFF_SHIFT,
};

static uint64_t seed;

static double random_unit(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return ((z ^ z >> 31) >> 11) * 0x1p-53;
}

static double random_normal(void)
{
	return sqrt(-2 * log(1 - random_unit())) * cos(2 * M_PI * random_unit());
}

static double random_poisson(double mean)
{
	double limit = exp(-mean), product = random_unit(), n = 0;

	if (mean > 50)
		return fmax(0, round(mean + sqrt(mean) * random_normal()));
	for (; product > limit; n++)
		product *= random_unit();
	return n;
}

/* Bursts of @length slices on average, as often on as off; a base rate below them. */
static void bursts(double *slice, double mean, double length)
{
	bool on = random_unit() < 0.5;

	for (size_t i = 0; i < SLICES; i++) {
		if (random_unit() < 1 / length)
			on = !on;
		slice[i] = random_poisson(on ? 1.8 * mean : 0.2 * mean);
	}
}

static double mean_of_first(void *ctx, const bool *in_a)
{
	const double *value = ctx;
	double sum[2] = { 0 };
	size_t nr[2] = { 0 };

	for (size_t i = 0; i < 6; i++) {
		sum[in_a[i]] += value[i];
		nr[in_a[i]]++;
	}
	return fabs(sum[1] / nr[1] - sum[0] / nr[0]);
}

static void three_runs_against_three_by_hand(void **state)
{
	double far[6] = { 1, 2, 3, 10, 11, 12 }, near[6] = { 1, 3, 2, 2, 3, 1 };

	(void)state;
	/* 20 ways to deal; these and the reverse are the furthest apart. */
	assert_float_equal(permute_test(3, 3, mean_of_first, far, 1), 2.0 / 20, 1e-9);
	assert_float_equal(permute_smallest(3, 3), 0.1, 1e-9);
	assert_float_equal(permute_test(3, 3, mean_of_first, near, 1), 1, 1e-9);
	/* 15 ways, and the groups cannot change places. */
	assert_float_equal(permute_test(2, 4, mean_of_first, far, 1), 2.0 / 15, 1e-9);
	assert_float_equal(permute_smallest(2, 4), 1.0 / 15, 1e-9);
	assert_true(isnan(permute_test(0, 3, mean_of_first, far, 1)));
}

static void holm_by_hand(void **state)
{
	double p[5] = { 0.01, 0.04, 0.03, NAN, 0.005 }, *list[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		list[i] = &p[i];
	permute_holm(list, 5);
	assert_float_equal(p[4], 0.02, 1e-12);
	assert_float_equal(p[0], 0.03, 1e-12);
	assert_float_equal(p[2], 0.06, 1e-12);
	assert_float_equal(p[1], 0.06, 1e-12);
	assert_true(isnan(p[3]));
}

/* Returns of how many pairs of the same kind it is said that they differ. */
static size_t false_alarms(size_t pairs, double length, double mean_a, double mean_b)
{
	double a[SLICES], b[SLICES];
	size_t alarms = 0;

	seed = 7;
	for (size_t i = 0; i < pairs; i++) {
		bursts(a, mean_a, length);
		bursts(b, mean_b, length);
		alarms += twosample_counts(a, SLICES, b, SLICES, &any_difference) < LEVEL;
	}
	return alarms;
}

static void same_counts_rarely_differ(void **state)
{
	size_t alarms[] = {
		false_alarms(PAIRS, 2, 1, 1), false_alarms(PAIRS, 2, 100, 100),
		false_alarms(PAIRS, 3, 30, 30), false_alarms(PAIRS, 4, 300, 300),
		false_alarms(PAIRS, 6, 1000, 1000),
	};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		print_message("# %zu false alarms in %d pairs\n", alarms[i], PAIRS);
		assert_true(alarms[i] <= MOST);
	}
	/* Nor do they never: then the test would find nothing either. */
	assert_true(alarms[1] >= 2);
}

static void other_counts_differ(void **state)
{
	(void)state;
	assert_true(false_alarms(12, 2, 100, 200) >= 11);
	/* In eight bursts of each there is less to go by. */
	assert_true(false_alarms(12, 4, 100, 400) >= 9);
}

/* All at the begin, as a guest does that touches its memory and ends: nothing can be said. */
static void one_slice_that_has_all_proves_nothing(void **state)
{
	double a[SLICES] = { 2048 }, b[SLICES] = { 0, 4096 };

	(void)state;
	assert_true(twosample_counts(a, SLICES, b, SLICES, &any_difference) > 0.3);
	memset(b, 0, sizeof(b));
	assert_true(twosample_counts(a, SLICES, a, SLICES, &any_difference) == 1);
	assert_true(twosample_counts(b, SLICES, b, SLICES, &any_difference) == 1);
}

/* Without any spread every other way to deal is nearer. */
static void constant_slices_that_differ_do(void **state)
{
	double a[SLICES], b[SLICES];

	(void)state;
	for (size_t i = 0; i < SLICES; i++) {
		a[i] = 1e-9;
		b[i] = 1.1e-9;
	}
	assert_true(twosample_counts(a, SLICES, b, SLICES, &any_difference) < 0.001);
	assert_true(isnan(twosample_counts(a, SLICES, b, SLICES, &few_slices)));
}

/*
 * Slices of a recording whose rate goes up and down in itself: a log-normal process with the
 * autocorrelation @alike and the spread @ups, which each recording has at a level of its own, apart
 * by @runs in logarithms.
 */
static void wander(double *slice, double mean, double alike, double ups, double runs)
{
	double level = mean * exp(runs * random_normal()), x = random_normal();

	for (size_t i = 0; i < SLICES; i++) {
		slice[i] = random_poisson(level * exp(ups * x - ups * ups / 2));
		x = alike * x + sqrt(1 - alike * alike) * random_normal();
	}
}

static size_t wander_alarms(size_t pairs, const struct twosample *how, double alike, double ups,
			    double runs, double factor)
{
	double a[SLICES], b[SLICES];
	size_t alarms = 0;

	seed = 23;
	for (size_t i = 0; i < pairs; i++) {
		wander(a, 300, alike, ups, runs);
		wander(b, 300 * factor, alike, ups, runs);
		alarms += twosample_counts(a, SLICES, b, SLICES, how) < LEVEL;
	}
	return alarms;
}

/* Alike over a tenth of the recording: what goes up and down more slowly is not seen. */
static void slices_that_are_alike_are_fewer(void **state)
{
	static const double alike[] = { 0, 0.8 };

	(void)state;
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
		size_t alarms = wander_alarms(PAIRS, &any_difference, alike[i], 0.3, 0, 1);

		print_message("# alike %.1f: %zu in %d pairs\n", alike[i], alarms, PAIRS);
		assert_true(alarms <= MOST);
	}
}

/* The same thing twice: one of twenty pairs may be said to differ, whatever it is like. */
static void single_runs_of_the_same_rarely_differ(void **state)
{
	static const struct { double alike, ups, runs; } kinds[] = {
		{ 0, 0.1, 0.1 }, { 0, 1, 0.1 }, { 0.9, 0.1, 0.1 },
		{ 0.9, 0.3, 0.1 }, { 0.9, 1, 0.1 }, { 0.98, 0.2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t alarms = wander_alarms(PAIRS, &single, kinds[i].alike, kinds[i].ups,
					      kinds[i].runs, 1);

		print_message("# alike %.2f, ups and downs %.1f, runs %.2f: %zu in %d pairs\n",
			      kinds[i].alike, kinds[i].ups, kinds[i].runs, alarms, PAIRS);
		assert_true(alarms <= PAIRS * LEVEL);
	}
}

static void single_runs_tell_large_differences(void **state)
{
	size_t most = PAIRS / 4;

	(void)state;
	/* A third is within what runs differ by, twice as many is not. */
	assert_true(wander_alarms(most, &single, 0, 0.1, 0, 1.25) == 0);
	assert_true(wander_alarms(most, &single, 0, 0.3, 0.1, 2) >= most * 0.9);
	assert_true(wander_alarms(most, &single, 0, 0.3, 0.1, 0.5) >= most * 0.9);
	assert_true(wander_alarms(most, &single, 0.6, 0.3, 0.1, 3) >= most * 0.9);
	assert_true(wander_alarms(most, &single, 0.9, 0.1, 0.1, 3) >= most * 0.9);
	/* The whole test, without the factor, sees what only goes on within the recordings. */
	assert_true(wander_alarms(most, &any_difference, 0, 0.1, 0, 1.25) == most);
}

static uint32_t store[2 * SLICES][TWOSAMPLE_BINS];

/* Log-normal; each burst has a median of its own, @cluster apart in logarithms. */
static void latencies(size_t from, double mean, double median, double cluster, double tail)
{
	for (size_t i = from; i < from + SLICES; i++) {
		double nr = random_poisson(mean);
		double here = median * exp(cluster * random_normal());

		memset(store[i], 0, sizeof(store[i]));
		for (double k = 0; k < nr; k++) {
			double ns = here * exp(0.4 * random_normal());

			store[i][twosample_bin(random_unit() < tail ? ns * 100 : ns)]++;
		}
	}
}

static size_t latency_alarms(const struct twosample *how, size_t pairs, double mean_a,
			     double mean_b, double factor, double cluster, double tail)
{
	const uint32_t *bins[2 * SLICES];
	size_t alarms = 0;

	seed = 11;
	for (size_t i = 0; i < 2 * SLICES; i++)
		bins[i] = store[i];
	for (size_t i = 0; i < pairs; i++) {
		latencies(0, mean_a, 4000, cluster, 0.01);
		latencies(SLICES, mean_b, 4000 * factor, cluster, tail);
		alarms += twosample_latencies(bins, SLICES, SLICES, how) < LEVEL;
	}
	return alarms;
}

static void same_latencies_rarely_differ(void **state)
{
	size_t alarms[] = {
		latency_alarms(&any_difference, PAIRS, 30, 30, 1, 0, 0.01),
		latency_alarms(&any_difference, PAIRS, 30, 30, 1, 0.5, 0.01),
		latency_alarms(&any_difference, PAIRS, 100, 5, 1, 0, 0.01),
		latency_alarms(&any_difference, PAIRS, 50, 10, 1, 0.3, 0.01),
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		print_message("# %zu false alarms in %d pairs\n", alarms[i], PAIRS);
		assert_true(alarms[i] <= MOST);
	}
	assert_true(alarms[0] >= 2);
}

static void other_latencies_differ(void **state)
{
	(void)state;
	assert_true(latency_alarms(&any_difference, 12, 30, 30, 1.2, 0, 0.01) >= 11);
	/* Only the tail. */
	assert_true(latency_alarms(&any_difference, 12, 100, 100, 1, 0, 0.05) >= 11);
}

/* On a busy host all latencies are longer: that is no difference of what was recorded. */
static void single_runs_tell_much_longer_latencies(void **state)
{
	(void)state;
	assert_int_equal(latency_alarms(&single, 50, 30, 30, 1.5, 0, 0.01), 0);
	assert_int_equal(latency_alarms(&single, 50, 30, 30, 1 / 1.5, 0, 0.01), 0);
	assert_true(latency_alarms(&single, PAIRS, 30, 30, 1.9, 0.3, 0.01) <= PAIRS * LEVEL);
	assert_true(latency_alarms(&single, 12, 30, 30, 3, 0, 0.01) >= 11);
	assert_true(latency_alarms(&single, 12, 30, 30, 1 / 3., 0.3, 0.01) >= 11);
	/* Only the tail, which in one of the samples is twice as long, too. */
	assert_true(latency_alarms(&single, 12, 100, 100, 1, 0, 0.1) >= 11);
}

static void few_latencies_prove_nothing(void **state)
{
	const uint32_t *bins[2 * SLICES] = { store[0], [SLICES] = store[1] };

	(void)state;
	memset(store, 0, sizeof(store));
	store[0][10] = 5;
	store[1][90] = 5000;
	assert_true(isnan(twosample_latencies(bins, SLICES, SLICES, &any_difference)));
	store[0][10] = 5000;
	/* Two clusters: any other way to deal them is as far apart. */
	assert_true(twosample_latencies(bins, SLICES, SLICES, &any_difference) > 0.3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_runs_against_three_by_hand),
		cmocka_unit_test(holm_by_hand),
		cmocka_unit_test(same_counts_rarely_differ),
		cmocka_unit_test(other_counts_differ),
		cmocka_unit_test(slices_that_are_alike_are_fewer),
		cmocka_unit_test(single_runs_of_the_same_rarely_differ),
		cmocka_unit_test(single_runs_tell_large_differences),
		cmocka_unit_test(one_slice_that_has_all_proves_nothing),
		cmocka_unit_test(constant_slices_that_differ_do),
		cmocka_unit_test(same_latencies_rarely_differ),
		cmocka_unit_test(other_latencies_differ),
		cmocka_unit_test(single_runs_tell_much_longer_latencies),
		cmocka_unit_test(few_latencies_prove_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
