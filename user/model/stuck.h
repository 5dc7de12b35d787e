/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vCPUs that make no progress: the same instruction faults on the same page again
 * and again, and each time KVM's answer is to try again.
 */
#ifndef MODEL_STUCK_H
#define MODEL_STUCK_H

#include <stdint.h>

#include <mmuscope/abi.h>

/* In a row. A retry is normal while the page is being taken away; two or three are. */
#define STUCK_FAULTS	64

/* A row of faults; @count of them, from time stamp @begin to @end. */
struct stuck_row {
	uint64_t rip;
	uint64_t gfn;
	uint64_t count;
	uint64_t begin;
	uint64_t end;
	uint16_t vcpu;
};

/**
 * struct stuck - what there was of it in an interval
 * @rows: rows that were long enough
 * @faults: in these
 * @ns: from the first to the last fault of these
 * @worst: the longest one
 */
struct stuck {
	uint64_t rows;
	uint64_t faults;
	uint64_t ns;
	struct stuck_row worst;
};

/* Takes a fault into account; @row is its vCPU's. */
void stuck_add(struct stuck *s, struct stuck_row *row, const struct mmuscope_fault *f);

void stuck_fold(struct stuck *to, const struct stuck *from);

#endif /* MODEL_STUCK_H */
