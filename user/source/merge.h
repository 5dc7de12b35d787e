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

struct merge;

/* Return: a merge of the streams of @src, which stays the caller's; NULL when memory is short. */
struct merge *merge_open(struct source *src);

void merge_close(struct merge *m);

/**
 * merge_ahead_fn - sees each record a while before it is handed out
 *
 * Nothing is promised but that it will come, unless it is late or the caller gives up before: what
 * it takes to deal with it may be fetched from memory meanwhile.
 */
typedef void (*merge_ahead_fn)(const void *ctx, const struct mmuscope_hdr *rec);

/* Has @ahead see all records from now on, with @ctx. */
void merge_ahead(struct merge *m, merge_ahead_fn ahead, const void *ctx);

/**
 * merge_begin() - begin a round
 * @limit: time up to which all streams are known to have delivered everything, CLOCK_MONOTONIC ns.
 *	UINT64_MAX for a source whose streams always have their next record, until they end.
 */
void merge_begin(struct merge *m, uint64_t limit);

/**
 * merge_next() - the next record of the round, in the order of time stamps
 * @rec: set to the record, valid until the next call
 *
 * What comes after its successors were handed out is not handed out. It is counted, and the count
 * handed out as a "lost" record of stage "merge". Only records of state (vm, vcpu, slot, lost) are
 * given the present time instead.
 *
 * Return: 1, 0 when the round is over, -ENODATA when the source has ended, or another -errno from
 * it, after which merge_close() is all that may be called.
 */
int merge_next(struct merge *m, const struct mmuscope_hdr **rec);

/* Ends a round: gives the source its memory back. */
void merge_end(struct merge *m);

/* Return: bytes that the busiest stream delivered since the round began. */
uint64_t merge_busiest(const struct merge *m);

#endif /* SOURCE_MERGE_H */
