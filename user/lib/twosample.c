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
/* Of so few slices it is not known that they are more alike than this. */
#define MOST_ALIKE	0.95
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
 * @sign: 0, or that of the differences which count: of the second sample less the first
 */
struct series {
	size_t nr_a;
	size_t nr_b;
	size_t nr_cuts;
	double value[PERMUTE_UNITS][CUTS];
	double all[PERMUTE_UNITS];
	bool slices;
	double sign;
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
	apart = m[0].v / m[0].w - m[1].v / m[1].w;
	apart = s->sign ? apart * s->sign : fabs(apart);
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
 * How alike neighbours are: the autocorrelation of what a unit is off the mean of its sample. Of
 * few units that is too small, because the mean is of the same units: by (1 + 3r) / n (Kendall
 * 1954).
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
	return squares ? (products / squares * s->nr_a + 1) / (s->nr_a - 3) : 0;
}

/* What makes neighbours alike does so at all cuts; the largest of them all is mostly chance. */
static double alike(const struct series *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->nr_cuts; i++)
		sum += alike_at(s, i);
	return sum / s->nr_cuts;
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

/*
 * Brings the first sample as near to the second as @factor allows. What is left is a difference
 * beyond it: the null hypothesis has an effect, the largest that is of no interest.
 */
static void come_near(struct series *s, double factor)
{
	double a = 0, b = 0, by;

	for (size_t i = 0; i < s->nr_a + s->nr_b; i++)
		*(i < s->nr_a ? &a : &b) += s->value[i][0];
	if (!(a > 0))
		return;
	by = fmin(factor, fmax(1 / factor, b / s->nr_b / (a / s->nr_a)));
	for (size_t i = 0; i < s->nr_a; i++)
		s->value[i][0] *= by;
}

static double test(struct series *s, size_t most)
{
	double r;

	while (s->slices && s->nr_a > TWOSAMPLE_FEWEST && (s->nr_a > most || alike(s) > ALIKE))
		halve(s);
	r = s->slices ? fmin(MOST_ALIKE, fmax(0, alike(s))) : 0;
	for (size_t i = 0; i < s->nr_cuts; i++)
		centre(s, i);
	/* Units that are still alike are as good as fewer: by (1 - r) / (1 + r). */
	return permute_test(s->nr_a, s->nr_b, apart, s, sqrt((1 - r) / (1 + r)));
}

double twosample_counts(const double *a, size_t nr_a, const double *b, size_t nr_b,
			const struct twosample *how)
{
	struct series s = { .nr_a = nr_a, .nr_b = nr_b, .nr_cuts = 1, .slices = how->slices };
	double unit = 0;

	if (nr_a + nr_b > PERMUTE_UNITS || (how->slices && how->most < TWOSAMPLE_FEWEST))
		return NAN;
	for (size_t i = 0; i < nr_a + nr_b; i++) {
		s.value[i][0] = i < nr_a ? a[i] : b[i - nr_a];
		s.all[i] = 1;
		unit = fmax(unit, fabs(s.value[i][0]));
	}
	/* Rates per exit may be tiny: what counts as nothing is so against the largest. */
	for (size_t i = 0; unit && i < nr_a + nr_b; i++)
		s.value[i][0] /= unit;
	if (how->factor > 1)
		come_near(&s, how->factor);
	return test(&s, how->most);
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

/* The bin that latencies of @bin are in when they are longer by @shift bins. */
static size_t shifted(size_t bin, int shift)
{
	long to = (long)bin + shift;

	return to < 0 ? 0 : to >= TWOSAMPLE_BINS ? TWOSAMPLE_BINS - 1 : to;
}

/* Tests latencies, where those of the first sample are made longer by @shift bins. */
static double test_latencies(struct series *s, const uint32_t *const *bins, int shift)
{
	size_t nr = s->nr_a + s->nr_b;
	uint64_t all[TWOSAMPLE_BINS] = { 0 }, sum = 0;
	unsigned int cut[CUTS];

	for (size_t i = 0; i < nr; i++)
		for (size_t bin = 0; bins[i] && bin < TWOSAMPLE_BINS; bin++)
			all[shifted(bin, i < s->nr_a ? shift : 0)] += bins[i][bin];
	for (size_t bin = 0; bin < TWOSAMPLE_BINS; bin++)
		sum += all[bin];
	s->nr_cuts = cuts_find(all, sum, cut);
	/* All in one bin on both sides. */
	if (!s->nr_cuts)
		return 1;
	for (size_t i = 0; i < nr; i++) {
		for (size_t bin = 0; bins[i] && bin < TWOSAMPLE_BINS; bin++) {
			size_t to = shifted(bin, i < s->nr_a ? shift : 0);

			s->all[i] += bins[i][bin];
			for (size_t c = 0; c < s->nr_cuts && to >= cut[c]; c++)
				s->value[i][c] += bins[i][bin];
		}
	}
	return test(s, TWOSAMPLE_SLICES);
}

static bool enough(const uint32_t *const *bins, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		for (size_t bin = 0; bins[i] && bin < TWOSAMPLE_BINS; bin++)
			sum += bins[i][bin];
	return sum >= FEWEST;
}

double twosample_latencies(const uint32_t *const *bins, size_t nr_a, size_t nr_b,
			   const struct twosample *how)
{
	const struct series begin = { .nr_a = nr_a, .nr_b = nr_b, .slices = how->slices };
	struct series s = begin;
	double longer;

	if (nr_a + nr_b > PERMUTE_UNITS || !enough(bins, nr_a) || !enough(bins + nr_a, nr_b))
		return NAN;
	if (!how->shift)
		return test_latencies(&s, bins, 0);
	/* Either tail of what is allowed for itself: both are looked at. */
	s.sign = 1;
	longer = test_latencies(&s, bins, how->shift);
	s = begin;
	s.sign = -1;
	return fmin(1, 2 * fmin(longer, test_latencies(&s, bins, -(int)how->shift)));
}
