/* SPDX-License-Identifier: GPL-2.0 */
/* What pictures show, without saying how they look: parts of a section, as tables are. */
#ifndef VIEW_PICTURE_H
#define VIEW_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct series - a quantity by time
 * @title: what it is, with its unit
 * @percent: values are percentages, else numbers per second
 * @begin_ns: of the first value, since the begin of the recording
 * @step_ns: from value to value
 * @value: @nr of them, each the mean of its step
 */
struct series {
	const char *key;
	const char *title;
	bool percent;
	uint64_t begin_ns;
	uint64_t step_ns;
	double *value;
	size_t nr;
};

#define SHARES_PARTS 6

/* One bar, of parts that lie side by side. */
struct shares_row {
	const char *label;
	uint64_t part[SHARES_PARTS];
};

/**
 * struct shares - what amounts are made of
 * @ns: amounts are times, else counts
 * @part: what each part is, @nr_parts of them
 * @rows: the longest first, @nr of them
 */
struct shares {
	const char *key;
	const char *title;
	bool ns;
	const char *part[SHARES_PARTS];
	size_t nr_parts;
	struct shares_row *rows;
	size_t nr;
};

#define HEAT_LEVELS	4	/* 0 nothing mapped, 1 4K, 2 2M, 3 1G */
#define HEAT_NO_SLOT	(-1)

/**
 * struct heat_row - a range of guest-physical addresses, of heat_map.row_bytes
 * @jump: it does not follow the row before
 * @slot: the first memslot in it, or HEAT_NO_SLOT
 * @more_slots: there are others too
 * @level: faults by the page size that was mapped
 * @count: faults by column
 */
struct heat_row {
	uint64_t gpa;
	bool jump;
	int slot;
	bool more_slots;
	uint64_t level[HEAT_LEVELS];
	uint64_t *count;
};

/**
 * struct heat_map - faults by address, and by time or a field's value
 * @across: what the columns are
 * @names: of the columns, or NULL where they are times
 * @begin_ns: of the first column, since the begin of the recording
 * @step_ns: from column to column
 * @most: the largest count of all
 * @faults: that are in the map
 */
struct heat_map {
	const char *key;
	const char *title;
	const char *across;
	uint64_t row_bytes;
	struct heat_row *rows;
	size_t nr_rows;
	const char **names;
	size_t nr_columns;
	uint64_t begin_ns;
	uint64_t step_ns;
	uint64_t most;
	uint64_t faults;
};

#endif /* VIEW_PICTURE_H */
