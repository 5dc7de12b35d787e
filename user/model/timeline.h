/* SPDX-License-Identifier: GPL-2.0 */
/* What happened when, in a VM. */
#ifndef MODEL_TIMELINE_H
#define MODEL_TIMELINE_H

#include <mmuscope/abi.h>

#include "model/bins.h"

#define TIMELINE_BINS	256

enum timeline_what { TIMELINE_FAULTS, TIMELINE_FAULT_NS, TIMELINE_FLUSHES, TIMELINE_WHATS };

/**
 * struct timeline - sums by time
 * @sum: faults, by when they ended; ns in them, by when they were spent; flushes
 */
struct timeline {
	struct bins bins;
	uint64_t sum[TIMELINE_WHATS][TIMELINE_BINS];
};

/* @begin: CLOCK_MONOTONIC ns, what records have. */
void timeline_init(struct timeline *t, uint64_t begin);

/* Takes a fault or flush into account, and the time of any other record. */
void timeline_feed(struct timeline *t, const struct mmuscope_hdr *rec);

#endif /* MODEL_TIMELINE_H */
