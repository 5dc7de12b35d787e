/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two samples compared, each of units in the order of time: equal slices of one recording, or
 * whole recordings. Of a unit a number is known, or how many of its latencies are in which bin.
 */
#ifndef LIB_TWOSAMPLE_H
#define LIB_TWOSAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Slices of a recording, and the fewest that neighbours are put together to. Faults come in
 * bursts: a burst that goes on in the next slice makes neighbours alike, and slices that are alike
 * tell less than as many independent ones would.
 */
#define TWOSAMPLE_SLICES	64
#define TWOSAMPLE_FEWEST	8

/* Latencies: four bins per power of two, from 1 ns to over an hour. */
#define TWOSAMPLE_BINS		152

/* Return: the bin of @ns. */
unsigned int twosample_bin(uint64_t ns);

/**
 * struct twosample - how samples are compared
 * @slices: units are slices, TWOSAMPLE_SLICES in each sample, which may be alike; else recordings
 * @most: at most so many slices may be told apart
 * @factor: numbers differ when they do by more than this; 1 where any difference counts
 * @shift: same for latencies, in bins; 0 where any difference counts
 *
 * Slices tell how much a recording goes up and down, not what differs from one to the next: that
 * is what @factor and @shift are for. The p is then that of a minimum-effect test (Murphy and
 * Myors 1999): the null hypothesis is the largest difference that does not count.
 *
 * For slices differences are studentized, so that unequal spreads do no harm; of whole recordings
 * there are too few for that.
 */
struct twosample {
	bool slices;
	size_t most;
	double factor;
	unsigned int shift;
};

/**
 * twosample_counts() - do the means differ?
 * @a: @nr_a numbers
 * @b: @nr_b numbers
 *
 * Return: p of a permutation test, NAN where it cannot be told.
 */
double twosample_counts(const double *a, size_t nr_a, const double *b, size_t nr_b,
			const struct twosample *how);

/**
 * twosample_latencies() - do the distributions differ?
 * @bins: of each unit, TWOSAMPLE_BINS counts, or NULL for none; first those of the first sample
 *
 * The shares of latencies above the percentiles 10, 25, 50, 75, 90, 95 and 99 of both samples
 * together are compared, and the largest difference counts, as in a Kolmogorov-Smirnov test.
 * Whole units are dealt, because latencies within a burst are alike.
 *
 * Return: p of a permutation test, NAN where there are too few latencies.
 */
double twosample_latencies(const uint32_t *const *bins, size_t nr_a, size_t nr_b,
			   const struct twosample *how);

#endif /* LIB_TWOSAMPLE_H */
