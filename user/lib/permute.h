/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Permutation tests: is the difference between two groups larger than what comes of dealing the
 * same units into two groups at random? They ask of the units only that, where nothing differs,
 * any of them could as well have been in the other group.
 */
#ifndef LIB_PERMUTE_H
#define LIB_PERMUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERMUTE_UNITS	128
/* All ways to deal are tried up to this many: 8 and 8 units have 12,870. */
#define PERMUTE_EXACT	13000
#define PERMUTE_RANDOM	19999

/**
 * permute_fn - how far apart the groups are
 * @in_a: for each unit, whether it is in the first group
 *
 * Return: 0 or more, the same when the groups change places; the larger, the further apart.
 */
typedef double (*permute_fn)(void *ctx, const bool *in_a);

/**
 * permute_test() - the chance of a difference at least as large where there is none
 * @nr_a: units of the first group, which come first
 * @nr_b: units of the second; PERMUTE_UNITS in all at most
 * @trust: 1, or what the observed difference is multiplied with where units are not independent
 *
 * All ways to deal where they are few, else random ones, the same at each call: up to
 * PERMUTE_RANDOM, fewer where twenty of them were enough to see that the difference is ordinary
 * (Besag and Clifford 1991).
 *
 * Return: p, two-sided; NAN where a group is empty or there are too many units.
 */
double permute_test(size_t nr_a, size_t nr_b, permute_fn apart, void *ctx,
		    double trust);

/* Return: the smallest p that permute_test() can give with that many units. */
double permute_smallest(size_t nr_a, size_t nr_b);

/*
 * Makes each of @p so large that the chance of any below a limit, where nothing differs, is at
 * most that limit (Holm 1979). NAN is none, and stays.
 */
void permute_holm(double *const *p, size_t nr);

#endif /* LIB_PERMUTE_H */
