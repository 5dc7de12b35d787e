/* SPDX-License-Identifier: GPL-2.0 */
/* How wide the columns of a table are, and which of them there is room for. */
#ifndef RENDER_LAYOUT_H
#define RENDER_LAYOUT_H

#include <stddef.h>

#include "view/report.h"

/**
 * struct layout - the columns of a table as printed
 * @width: of each column, 0 for those left out
 */
struct layout {
	unsigned int width[TABLE_COLUMNS];
};

/**
 * layout_make() - fit the columns of @t into @room, the gaps between them included
 * @gap: columns of space between two
 * @least: what a column gets at least, so that tables stay still while cells change
 *
 * What there is no room for is left out, in the order of column.drop; then texts are cut.
 */
void layout_make(struct layout *l, const struct table *t, unsigned int room, unsigned int gap,
		 unsigned int least);

/* Of a column that stays as wide: "12.3us", "100.0%", "shadow". */
#define LAYOUT_LEAST	6

/**
 * layout_steady() - the same for tables that follow each other: what is left of @room is for texts
 * that are longer in the next one
 */
void layout_steady(struct layout *l, const struct table *t, unsigned int room, unsigned int gap);

/* Return: @c as text: its own, or what is written to @buf, FORMAT_MAX bytes. */
const char *layout_cell(const struct cell *c, char *buf);

/**
 * layout_fact() - "pid 12", "3 VMs" or "12ms"
 *
 * Return: whether people are told of @f; @buf is filled then.
 */
bool layout_fact(const struct fact *f, char *buf, size_t size);

#endif /* RENDER_LAYOUT_H */
