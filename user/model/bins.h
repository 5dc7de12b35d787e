/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Time in a bounded number of bins, though nobody knows how long it will be: when a time
 * is behind the last bin, all become twice as wide.
 */
#ifndef MODEL_BINS_H
#define MODEL_BINS_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct bins - where the bins are; what they count is the caller's
 * @begin: of the first bin, ns
 * @width: of each, ns
 * @nr: how many there are, an even number
 * @used: of them, up to the last that a time was in
 */
struct bins {
	uint64_t begin;
	uint64_t width;
	size_t nr;
	size_t used;
};

/* Makes @nr bins, narrow ones, of the time from @begin on. */
void bins_init(struct bins *b, uint64_t begin, size_t nr);

/**
 * bins_reach() - widen the bins until @ts is in one
 *
 * Return: how often they were made twice as wide. The caller calls bins_fold() as often on all
 * that it counts by bin.
 */
unsigned int bins_reach(struct bins *b, uint64_t ts);

/* Return: the bin of @ts, after bins_reach(); the first for times before the begin. */
size_t bins_index(const struct bins *b, uint64_t ts);

/* Adds up the @nr numbers in pairs, @times times over; the other half is 0. */
void bins_fold(uint64_t *numbers, size_t nr, unsigned int times);

#endif /* MODEL_BINS_H */
