/* SPDX-License-Identifier: GPL-2.0 */
/* Rows by key, as of a group, and when within the recording their records came: for comparisons. */
#ifndef MODEL_TALLY_H
#define MODEL_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/twosample.h"
#include "model/group.h"

/* Rows with slices, of those that a group has room for: each may take 40 KiB. */
#define TALLY_ROWS	1000

/**
 * struct tally_row - beside the row of the group with the same index
 * @count: of what its records stand for: exits are counted in the kernel
 * @ns: their time
 * @longest: of intervals that counts of the kernel are for; 0 where records stand for themselves
 * @slice: @count by the time at which it came
 * @bins: durations in that slice, TWOSAMPLE_BINS of them; NULL for none
 */
struct tally_row {
	double count;
	double ns;
	uint64_t longest;
	double slice[TWOSAMPLE_SLICES];
	uint32_t *bins[TWOSAMPLE_SLICES];
};

/**
 * struct tally - one table of one recording
 * @group: its rows and keys; the first key is the VM
 * @types: families that are counted, a bit for each
 * @begin: CLOCK_MONOTONIC ns
 * @elapsed_ns: of the recording
 * @nr_slices: that it is cut into, 1 to TWOSAMPLE_SLICES
 * @rows: as many as the group has
 * @others: records that there was no row for
 */
struct tally {
	struct group *group;
	uint64_t types;
	uint64_t begin;
	uint64_t elapsed_ns;
	size_t nr_slices;
	struct tally_row *rows;
	uint64_t others;
};

/**
 * tally_new() - begin to count
 * @keys: names of fields, with commas between them, the first being "vm"
 * @types: families that are wanted, of those that have the keys
 * @err: set to one clause where that cannot be done
 *
 * Return: the tally, or NULL. Begin, elapsed_ns and nr_slices are to be set before it is fed.
 */
struct tally *tally_new(const char *keys, uint64_t types, char *err, size_t len);

void tally_free(struct tally *t);

/* Counts @rec, after @m has been fed with it. Return: 0 or -ENOMEM. */
int tally_feed(struct tally *t, const struct model *m, const struct mmuscope_hdr *rec);

#endif /* MODEL_TALLY_H */
