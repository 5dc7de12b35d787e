/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults of a VM by guest-physical address, and by time or by what else they differ in.
 *
 * Memory is bounded: when there are more ranges of addresses than can be told apart, all
 * become twice as large, and when time goes on so do its bins.
 */
#ifndef MODEL_HEAT_H
#define MODEL_HEAT_H

#include <mmuscope/abi.h>

#include "model/bins.h"
#include "model/group.h"
#include "model/slots.h"
#include "model/stats.h"

#define HEAT_LINES	512	/* ranges of addresses that are told apart */
#define HEAT_COLUMNS	128	/* bins of time */
#define HEAT_VALUES	16	/* values of a field, the most that a picture has room for */

/**
 * struct heat_line - a range of addresses
 * @level: faults by the page size that was mapped, as fault.level
 * @count: faults by column
 */
struct heat_line {
	uint64_t level[STATS_LEVELS];
	uint64_t count[HEAT_COLUMNS];
};

/**
 * struct heat - what was counted
 * @by: columns are values of its only key, NULL where they are time
 * @shift: log2 of the bytes of a line
 * @at: first address of each line, shifted by that; @nr_lines of them, rising
 * @line: what was counted there
 * @last: the line that was found last
 * @bins: of time
 * @value: of the field, @nr_values of them, in the order in which they were seen
 * @slots: memslots, each where it was last, also after its end
 * @faults: that are in a column
 * @elsewhere: faults whose address is not known
 * @others: faults with another value than those in @value
 */
struct heat {
	const struct group *by;
	unsigned int shift;
	uint64_t at[HEAT_LINES];
	struct heat_line *line[HEAT_LINES];
	size_t nr_lines;
	size_t last;
	struct bins bins;
	union group_value value[HEAT_VALUES];
	size_t nr_values;
	struct slots slots;
	uint64_t faults;
	uint64_t elsewhere;
	uint64_t others;
};

/* @begin: CLOCK_MONOTONIC ns; @by must outlive @h. */
void heat_init(struct heat *h, uint64_t begin, const struct group *by);

/* Takes a fault or memslot into account; @m was fed with it. Return: 0 or -ENOMEM. */
int heat_feed(struct heat *h, const struct model *m, const struct mmuscope_hdr *rec);

void heat_clear(struct heat *h);

#endif /* MODEL_HEAT_H */
