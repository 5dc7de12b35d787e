/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Storms of TLB flushes: every 100 ms in which a VM was asked to flush all its
 * vCPUs 1,000 times or more. That is 10,000 per second; hosts on which nothing is
 * wrong stay below 1,000.
 */
#ifndef MODEL_STORM_H
#define MODEL_STORM_H

#include <stdint.h>

#define STORM_WINDOW_NS	100000000ULL
#define STORM_FLUSHES	1000

/* The window that runs. */
struct storm_window {
	uint64_t index;
	uint64_t flushes;
};

/**
 * struct storm - the storms of an interval
 * @windows: in which there was one
 * @flushes: in these
 * @peak: most in one
 * @begin: time stamp of the first such window, and @end of the last one's end
 */
struct storm {
	uint64_t windows;
	uint64_t flushes;
	uint64_t peak;
	uint64_t begin;
	uint64_t end;
};

/* Counts a flush of all vCPUs at time stamp @ts. */
void storm_add(struct storm *s, struct storm_window *w, uint64_t ts);

void storm_fold(struct storm *to, const struct storm *from);

#endif /* MODEL_STORM_H */
