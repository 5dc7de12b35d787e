/* SPDX-License-Identifier: GPL-2.0 */
/* MMU-notifier invalidations by event, cause and the task that made them. */
#ifndef MODEL_NOTIFY_H
#define MODEL_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include <mmuscope/abi.h>

#include "lib/hist.h"

/* Different rows that are told apart; what comes later is counted in one row more, "other". */
#define NOTIFY_ROWS	128
#define NOTIFY_OTHER	"other tasks"

#define NOTIFY_COMM	16

/**
 * struct notify_row - what one task did for one reason
 * @comm: task name, not necessarily ended by a NUL
 * @gfns: guest frames that were covered
 * @inferred: how often the cause was inferred
 * @hist: durations in ns
 */
struct notify_row {
	uint8_t event;
	uint8_t cause;
	char comm[NOTIFY_COMM];
	uint64_t gfns;
	uint64_t inferred;
	struct hist *hist;
};

/* @index is a hash table of positions in @rows, plus one; 0 is empty. */
struct notify {
	struct notify_row rows[NOTIFY_ROWS + 1];
	size_t nr;
	uint8_t index[2 * NOTIFY_ROWS];
};

/* Counts one invalidation. Return: 0 or -ENOMEM. */
int notify_add(struct notify *n, const struct mmuscope_invalidate *rec);

/* Moves what @from counted to @to; @from is empty then. Return: 0 or -ENOMEM. */
int notify_fold(struct notify *to, struct notify *from);

/* Frees what @n holds and makes it empty. */
void notify_clear(struct notify *n);

#endif /* MODEL_NOTIFY_H */
