/* SPDX-License-Identifier: GPL-2.0 */
/* Log-linear histogram of 64-bit values, nanoseconds as a rule. */
#ifndef LIB_HIST_H
#define LIB_HIST_H

#include <stdint.h>

#include <mmuscope/hist.h>

/**
 * struct hist - counts by size of value; count, sum, min and max are exact
 * @count: values
 * @sum: their sum, stays at UINT64_MAX instead of overflowing
 * @min: smallest value, UINT64_MAX when there is none
 * @max: largest value, 0 when there is none
 * @bucket: values per bucket of mmuscope/hist.h
 */
struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min;
	uint64_t max;
	uint64_t bucket[MMUSCOPE_HIST_BUCKETS];
};

/* Makes @h empty. */
void hist_init(struct hist *h);

/* Return: a new, empty histogram, to be freed with free(), or NULL when memory is short. */
struct hist *hist_new(void);

/* Counts @value, whose mmuscope_hist_index() is @index. */
static inline void hist_add_at(struct hist *h, uint64_t value, uint32_t index)
{
	h->count++;
	if (__builtin_add_overflow(h->sum, value, &h->sum))
		h->sum = UINT64_MAX;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->bucket[index]++;
}

/* Counts @value. */
static inline void hist_add(struct hist *h, uint64_t value)
{
	hist_add_at(h, value, mmuscope_hist_index(value));
}

/* Adds the values of @from to @to, as if each had been counted there. */
void hist_merge(struct hist *to, const struct hist *from);

/**
 * hist_percentile() - value that @percent of the values do not exceed
 * @percent: 0 to 100
 *
 * Return: the middle of the bucket, at most 1.6 % off, never outside of min and max; 0 when empty.
 */
uint64_t hist_percentile(const struct hist *h, double percent);

/* Number of power-of-two ranges that hist_octave() knows. */
#define HIST_OCTAVES	(MMUSCOPE_HIST_BUCKETS / MMUSCOPE_HIST_SUB)

/**
 * hist_octave() - values of one power-of-two range; the first holds all below 32
 * @index: below HIST_OCTAVES
 * @low: set to the smallest value of the range
 * @high: set to the smallest value behind it
 *
 * Return: number of values in the range.
 */
uint64_t hist_octave(const struct hist *h, unsigned int index, uint64_t *low, uint64_t *high);

#endif /* LIB_HIST_H */
