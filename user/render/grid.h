/* SPDX-License-Identifier: GPL-2.0 */
/* A table that is looked through: sorted, filtered, with one row selected. Knows no terminal. */
#ifndef RENDER_GRID_H
#define RENDER_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view/report.h"

#define GRID_TEXT 64

/**
 * struct grid - how a table is looked at; all 0 is the table as it is, its first row selected
 * @sort: key of the column to sort by, "" for the table's own order
 * @reverse: the other way round
 * @filter: only rows with this in one of their texts, whatever the case; "" for all
 * @table: the table, NULL as long as there is none
 * @rows: indexes of the rows that are shown, @nr of them
 * @at: which of them is selected
 * @top: which of them is the first on the screen
 * @no_room: columns that are not on the screen, a bit for each; for who draws to set
 * @chosen: texts of the selected row, by which it is found in the next table; "" where it is the
 *	first, whichever that is
 */
struct grid {
	char sort[GRID_TEXT];
	bool reverse;
	char filter[GRID_TEXT];
	struct table *table;
	size_t *rows;
	size_t nr;
	size_t room;
	size_t at;
	size_t top;
	uint32_t no_room;
	char chosen[2 * GRID_TEXT];
};

/* Looks at @t, or at what it has become, with the same row selected. Return: 0 or -ENOMEM. */
int grid_show(struct grid *g, struct table *t);

/* Selects the row that is @by further down, as far as there are any. */
void grid_move(struct grid *g, long by);

/* Sorts by the column on the screen that follows the one sorted by, precedes it where @by is -1. */
int grid_sort_next(struct grid *g, int by);

/* Return: the selected row, NULL where there is none. */
const struct cell *grid_selected(const struct grid *g);

/* Scrolls so that the selected row is among @lines that are shown. */
void grid_scroll(struct grid *g, size_t lines);

/* Forgets selection and filter; the table is another one. */
void grid_reset(struct grid *g);

void grid_free(struct grid *g);

#endif /* RENDER_GRID_H */
