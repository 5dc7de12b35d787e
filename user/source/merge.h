/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts the streams of a source together, ordered by time stamp.
 *
 * A window of records per stream, sorted as they come, takes care of the small
 * inversions within a stream. Between streams the caller says up to which time
 * every stream has certainly delivered (the hold-back); younger records stay
 * where they are, in the source. Memory depends on the number of streams only.
 */
#ifndef SOURCE_MERGE_H
#define SOURCE_MERGE_H

#include <stdint.h>

#include "source/source.h"

/* Records of a stream that are looked at before the first of them is handed out. */
#define MERGE_WINDOW	128
/* Records that are handed out at once, at most. */
#define MERGE_TAKE	256

struct merge;

/* Return: a merge of the streams of @src, which stays the caller's; NULL when memory is short. */
struct merge *merge_open(struct source *src);

void merge_close(struct merge *m);

/**
 * merge_begin() - begin a round
 * @limit: time up to which all streams are known to have delivered everything, CLOCK_MONOTONIC ns.
 *	UINT64_MAX for a source whose streams always have their next record, until they end.
 */
void merge_begin(struct merge *m, uint64_t limit);

/**
 * merge_take() - the next records of the round, in the order of time stamps
 * @recs: set to the records, valid until the next call
 * @max: how many are wanted, at most MERGE_TAKE
 *
 * What comes after its successors were handed out is not handed out. It is counted, and the count
 * handed out as a "lost" record of stage "merge". Only records of state (vm, vcpu, slot, lost) are
 * given the present time instead.
 *
 * Return: how many, 0 when the round is over, -ENODATA when the source has ended, or another -errno
 * from it, after which merge_close() is all that may be called.
 */
int merge_take(struct merge *m, const struct mmuscope_hdr **recs, unsigned int max);

/* Ends a round: gives the source its memory back. */
void merge_end(struct merge *m);

/* Return: bytes that the busiest stream delivered since the round began. */
uint64_t merge_busiest(const struct merge *m);

#endif /* SOURCE_MERGE_H */
