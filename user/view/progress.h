/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM's own view of invalidations. A fault notes the sequence of its VM, and is tried again
 * when that has moved meanwhile or an invalidation is under way.
 */
#ifndef VIEW_PROGRESS_H
#define VIEW_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "view/report.h"

/* A KVM that keeps the sequence in an int takes every fault for stale from here on. */
#define PROGRESS_WRAP	(1ULL << 31)

/**
 * struct view_progress - as KVM has it
 * @seq: invalidations that ended, of all the VM's life
 * @in_progress: that have begun and not ended
 * @moved: by how much @seq moved in @moved_ns; that is 0 where it was looked at once
 */
struct view_progress {
	uint64_t seq;
	int64_t in_progress;
	uint64_t moved;
	uint64_t moved_ns;
};

/* Return: whether the sequence comes to PROGRESS_WRAP soon: an eighth is left. */
bool progress_near_wrap(const struct view_progress *p);

/* Return: sentences of the report's memory: what the numbers are, and what follows for faults. */
const char *progress_words(struct report *r, const struct view_progress *p);

/* The same for a VM of which a vCPU makes no progress. */
const char *progress_verdict(struct report *r, const struct view_progress *p);

/* Adds the numbers to @s, and a note; @p NULL: this kernel does not tell. */
void view_progress(struct section *s, const struct view_progress *p);

#endif /* VIEW_PROGRESS_H */
