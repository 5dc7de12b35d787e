// SPDX-License-Identifier: GPL-2.0
#include "lib/permute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Random ways at least as far apart after which the rest would not change the verdict. */
#define ENOUGH	20

/* Ways to choose @k of @n, or something above PERMUTE_EXACT. */
static uint64_t choose(size_t n, size_t k)
{
	uint64_t ways = 1;

	if (k > n - k)
		k = n - k;
	for (size_t i = 1; i <= k; i++) {
		ways = ways * (n - k + i) / i;
		if (ways > PERMUTE_EXACT)
			return ways;
	}
	return ways;
}

/* What is the same but for rounding is as far apart. */
static bool as_far(double d, double observed)
{
	return d >= observed * (1 - 1e-9);
}

/* Moves to the next way to choose: the last of @at that can go up does, those behind follow. */
static bool next_choice(size_t *at, size_t k, size_t n)
{
	size_t i = k;

	while (i && at[i - 1] == n - k + i - 1)
		i--;
	if (!i)
		return false;
	at[i - 1]++;
	for (; i < k; i++)
		at[i] = at[i - 1] + 1;
	return true;
}

static double test_exactly(size_t k, size_t n, permute_fn apart, void *ctx, double observed)
{
	uint64_t ways = 0, far = 0;
	size_t at[PERMUTE_UNITS];
	bool in_a[PERMUTE_UNITS];

	for (size_t i = 0; i < k; i++)
		at[i] = i;
	do {
		memset(in_a, 0, sizeof(in_a));
		for (size_t i = 0; i < k; i++)
			in_a[at[i]] = true;
		far += as_far(apart(ctx, in_a), observed);
		ways++;
	} while (next_choice(at, k, n));
	return (double)far / ways;
}

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static double test_randomly(size_t k, size_t n, permute_fn apart, void *ctx, double observed)
{
	uint64_t far = 0, state = 1;
	bool in_a[PERMUTE_UNITS];

	for (size_t i = 0; i < n; i++)
		in_a[i] = i < k;
	for (uint64_t way = 1; way <= PERMUTE_RANDOM; way++) {
		for (size_t i = n - 1; i; i--) {
			size_t other = (random_next(&state) >> 32) * (i + 1) >> 32;
			bool was = in_a[i];

			in_a[i] = in_a[other];
			in_a[other] = was;
		}
		far += as_far(apart(ctx, in_a), observed);
		if (far == ENOUGH)
			return (double)far / way;
	}
	return (far + 1.0) / (PERMUTE_RANDOM + 1.0);
}

double permute_test(size_t nr_a, size_t nr_b, permute_fn apart, void *ctx,
		    double trust)
{
	size_t n = nr_a + nr_b;
	bool in_a[PERMUTE_UNITS];
	double observed;

	if (!nr_a || !nr_b || n > PERMUTE_UNITS)
		return NAN;
	for (size_t i = 0; i < n; i++)
		in_a[i] = i < nr_a;
	observed = apart(ctx, in_a) * trust;
	if (!(observed > 0))
		return 1;
	if (choose(n, nr_a) <= PERMUTE_EXACT)
		return test_exactly(nr_a, n, apart, ctx, observed);
	return test_randomly(nr_a, n, apart, ctx, observed);
}

double permute_smallest(size_t nr_a, size_t nr_b)
{
	uint64_t ways = choose(nr_a + nr_b, nr_a);

	if (ways > PERMUTE_EXACT)
		return 1.0 / (PERMUTE_RANDOM + 1.0);
	/* Groups of one size can change places. */
	return (nr_a == nr_b ? 2.0 : 1.0) / ways;
}

static int compare(const void *a, const void *b)
{
	double x = **(double *const *)a, y = **(double *const *)b;

	return x < y ? -1 : x > y;
}

void permute_holm(double *const *p, size_t nr)
{
	double **sorted = malloc((nr + 1) * sizeof(*sorted)), least = 0;
	size_t known = 0;

	/* Without memory nothing is said to differ. */
	for (size_t i = 0; i < nr; i++) {
		if (!sorted)
			*p[i] = NAN;
		else if (!isnan(*p[i]))
			sorted[known++] = p[i];
	}
	if (!sorted)
		return;
	qsort(sorted, known, sizeof(*sorted), compare);
	for (size_t i = 0; i < known; i++) {
		least = fmax(least, fmin(1, *sorted[i] * (known - i)));
		*sorted[i] = least;
	}
	free(sorted);
}
