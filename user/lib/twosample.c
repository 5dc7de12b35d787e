// SPDX-License-Identifier: GPL-2.0
#include "lib/twosample.h"

#include <math.h>
#include <string.h>

#include <mmuscope/hist.h>

#include "lib/permute.h"

/* Four of 32 buckets per power of two. */
#define BIN_SHIFT	3
/* Neighbours that are more alike than this are put together. */
#define ALIKE		0.1
#define CUTS		7
/* What rounding leaves of numbers that are at most 1. */
#define NOTHING		1e-12
/* Fewer latencies on one side of a cut tell nothing. */
#define FEWEST		10

_Static_assert(TWOSAMPLE_BINS == MMUSCOPE_HIST_BUCKETS >> BIN_SHIFT, "bins are whole buckets");
_Static_assert(2 * TWOSAMPLE_SLICES <= PERMUTE_UNITS, "slices of two recordings can be dealt");

/**
 * struct series - units of both samples
 * @nr_a: of the first sample, then @nr_b of the second
 * @nr_cuts: 1 for numbers, for latencies the number of cuts
 * @value: numbers, or latencies above each cut
 * @all: latencies of the unit; 1 for numbers
 * @slices: differences are studentized
 */
struct series {
	size_t nr_a;
	size_t nr_b;
	size_t nr_cuts;
	double value[PERMUTE_UNITS][CUTS];
	double all[PERMUTE_UNITS];
	bool slices;
};

unsigned int twosample_bin(uint64_t ns)
{
	return mmuscope_hist_index(ns) >> BIN_SHIFT;
}

/* Sums over the units of a group: of values, weights, and their products. */
struct sums {
	double n, v, w, vv, vw, ww;
};

static void sums_add(struct sums *m, double v, double w)
{
	m->n++;
	m->v += v;
	m->w += w;
	m->vv += v * v;
	m->vw += v * w;
	m->ww += w * w;
}

/* Variance of the mean v / w, from what whole units are off it. */
static double sums_variance(const struct sums *m)
{
	double mean = m->v / m->w, squares = m->vv - 2 * mean * m->vw + mean * mean * m->ww;

	return m->n > 1 ? squares * m->n / (m->n - 1) / (m->w * m->w) : 0;
}

static double apart_at(const struct series *s, const bool *in_a, size_t cut)
{
	struct sums m[2];
	double apart, variance;

	memset(m, 0, sizeof(m));
	for (size_t i = 0; i < s->nr_a + s->nr_b; i++)
		sums_add(&m[in_a[i]], s->value[i][cut], s->all[i]);
	/* Where all latencies are in one group there is nothing to compare. */
	if (!m[0].w || !m[1].w)
		return 0;
	apart = fabs(m[1].v / m[1].w - m[0].v / m[0].w);
	if (apart < NOTHING)
		return 0;
	if (!s->slices)
		return apart;
	variance = sums_variance(&m[0]) + sums_variance(&m[1]);
	return variance > apart * apart * NOTHING ? apart / sqrt(variance) : INFINITY;
}

static double apart(void *ctx, const bool *in_a)
{
	const struct series *s = ctx;
	double most = 0;

	for (size_t i = 0; i < s->nr_cuts; i++)
		most = fmax(most, apart_at(s, in_a, i));
	return most;
}

/*
 * How alike neighbours are: the autocorrelation of what a unit is off the mean of its sample. That
 * mean is of the same units, which makes it too small by the inverse of their number.
 */
static double alike_at(const struct series *s, size_t cut)
{
	double products = 0, squares = 0, before = 0, off;

	for (size_t side = 0; side < 2; side++) {
		size_t from = side ? s->nr_a : 0, nr = side ? s->nr_b : s->nr_a;
		double value = 0, weight = 0;

		for (size_t i = from; i < from + nr; i++) {
			value += s->value[i][cut];
			weight += s->all[i];
		}
		for (size_t i = from; weight && i < from + nr; i++) {
			off = s->value[i][cut] - value / weight * s->all[i];
			squares += off * off;
			products += i > from ? off * before : 0;
			before = off;
		}
	}
	return squares ? products / squares + 1.0 / s->nr_a : 0;
}

static double alike(const struct series *s)
{
	double most = -1;

	for (size_t i = 0; i < s->nr_cuts; i++)
		most = fmax(most, alike_at(s, i));
	return most;
}

static void halve(struct series *s)
{
	for (size_t i = 0; i < (s->nr_a + s->nr_b) / 2; i++) {
		for (size_t c = 0; c < s->nr_cuts; c++)
			s->value[i][c] = s->value[2 * i][c] + s->value[2 * i + 1][c];
		s->all[i] = s->all[2 * i] + s->all[2 * i + 1];
	}
	s->nr_a /= 2;
	s->nr_b /= 2;
}

/* Takes the common mean off, so that squares do not drown what they differ by. */
static void centre(struct series *s, size_t cut)
{
	double v = 0, w = 0;

	for (size_t i = 0; i < s->nr_a + s->nr_b; i++) {
		v += s->value[i][cut];
		w += s->all[i];
	}
	for (size_t i = 0; w && i < s->nr_a + s->nr_b; i++)
		s->value[i][cut] -= v / w * s->all[i];
}

static double test(struct series *s, size_t most)
{
	double r;

	while (s->slices && s->nr_a > TWOSAMPLE_FEWEST && (s->nr_a > most || alike(s) > ALIKE))
		halve(s);
	for (size_t i = 0; i < s->nr_cuts; i++)
		centre(s, i);
	/* Units that are still alike are as good as fewer: by (1 - r) / (1 + r). */
	r = s->slices ? fmin(0.9, fmax(0, alike(s))) : 0;
	return permute_test(s->nr_a, s->nr_b, apart, s, sqrt((1 - r) / (1 + r)));
}

double twosample_counts(const double *a, size_t nr_a, const double *b, size_t nr_b, bool slices,
			size_t most)
{
	struct series s = { .nr_a = nr_a, .nr_b = nr_b, .nr_cuts = 1, .slices = slices };
	double unit = 0;

	if (nr_a + nr_b > PERMUTE_UNITS || (slices && most < TWOSAMPLE_FEWEST))
		return NAN;
	for (size_t i = 0; i < nr_a + nr_b; i++) {
		s.value[i][0] = i < nr_a ? a[i] : b[i - nr_a];
		s.all[i] = 1;
		unit = fmax(unit, fabs(s.value[i][0]));
	}
	/* Rates per exit may be tiny: what counts as nothing is so against the largest. */
	for (size_t i = 0; unit && i < nr_a + nr_b; i++)
		s.value[i][0] /= unit;
	return test(&s, most);
}

/* The first bins behind the percentiles, each once, with enough latencies on either side. */
static size_t cuts_find(const uint64_t *all, uint64_t nr, unsigned int *cut)
{
	static const double percents[CUTS] = { 10, 25, 50, 75, 90, 95, 99 };
	uint64_t below = 0;
	size_t found = 0, at = 0;

	for (unsigned int bin = 0; bin < TWOSAMPLE_BINS && at < CUTS; bin++) {
		below += all[bin];
		if (below < percents[at] / 100 * nr)
			continue;
		while (at < CUTS && below >= percents[at] / 100 * nr)
			at++;
		if (below >= FEWEST && nr - below >= FEWEST)
			cut[found++] = bin + 1;
	}
	return found;
}

double twosample_latencies(const uint32_t *const *bins, size_t nr_a, size_t nr_b, bool slices)
{
	struct series s = { .nr_a = nr_a, .nr_b = nr_b, .slices = slices };
	uint64_t all[TWOSAMPLE_BINS] = { 0 }, nr = 0, nr_of_a = 0;
	unsigned int cut[CUTS];

	if (nr_a + nr_b > PERMUTE_UNITS)
		return NAN;
	for (size_t i = 0; i < nr_a + nr_b; i++) {
		if (i == nr_a)
			nr_of_a = nr;
		for (size_t bin = 0; bins[i] && bin < TWOSAMPLE_BINS; bin++) {
			all[bin] += bins[i][bin];
			s.all[i] += bins[i][bin];
			nr += bins[i][bin];
		}
	}
	if (nr_of_a < FEWEST || nr - nr_of_a < FEWEST)
		return NAN;
	s.nr_cuts = cuts_find(all, nr, cut);
	/* All in one bin on both sides. */
	if (!s.nr_cuts)
		return 1;
	for (size_t i = 0; i < nr_a + nr_b; i++)
		for (size_t c = 0; bins[i] && c < s.nr_cuts; c++)
			for (size_t bin = cut[c]; bin < TWOSAMPLE_BINS; bin++)
				s.value[i][c] += bins[i][bin];
	return test(&s, TWOSAMPLE_SLICES);
}
