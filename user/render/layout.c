// SPDX-License-Identifier: GPL-2.0
#include "render/layout.h"

#include <stdio.h>
#include <string.h>

#include "lib/format.h"

#define NARROWEST	6	/* a column of text is not cut below this */
#define ROOMY		32	/* nor made wider than this for what may come */
#define SENTENCE	30	/* and one of sentences is not narrower than this */

const char *layout_cell(const struct cell *c, char *buf)
{
	switch (c->kind) {
	case CELL_TEXT:
		return c->text;
	case CELL_COUNT:
		return format_count(buf, c->number);
	case CELL_ID:
		snprintf(buf, FORMAT_MAX, "%llu", (unsigned long long)c->number);
		return buf;
	case CELL_RATE:
		return format_rate(buf, c->real);
	case CELL_NS:
		return format_ns(buf, c->number);
	case CELL_BYTES:
		return format_bytes(buf, c->number);
	case CELL_PERCENT:
		return format_percent(buf, c->real);
	case CELL_CHANGE:
		return format_change(buf, c->real);
	case CELL_CHANCE:
		return format_chance(buf, c->real);
	case CELL_NONE:
		break;
	}
	return "-";
}

bool layout_fact(const struct fact *f, char *buf, size_t size)
{
	size_t len = f->label ? strlen(f->label) : 0;
	char number[FORMAT_MAX];
	const char *value;

	if (!f->label || f->cell.kind == CELL_NONE)
		return false;
	value = layout_cell(&f->cell, number);
	if (len && f->label[len - 1] == ' ')
		snprintf(buf, size, "%s%s", f->label, value);
	else
		snprintf(buf, size, "%s%s%s", value, len ? " " : "", f->label);
	return true;
}

static unsigned int layout_total(const struct layout *l, size_t nr, unsigned int gap)
{
	unsigned int total = 0;

	for (size_t i = 0; i < nr; i++)
		if (l->width[i])
			total += l->width[i] + gap;
	return total ? total - gap : 0;
}

static bool layout_drop(struct layout *l, const struct table *t)
{
	size_t victim = t->nr_columns;
	unsigned int worst = 0;

	for (size_t i = 0; i < t->nr_columns; i++) {
		if (l->width[i] && t->columns[i].drop > worst) {
			worst = t->columns[i].drop;
			victim = i;
		}
	}
	if (victim == t->nr_columns)
		return false;
	l->width[victim] = 0;
	return true;
}

/* The sentences of the last column have what the others leave. */
static void layout_wrap(struct layout *l, const struct table *t, unsigned int room,
			unsigned int gap)
{
	unsigned int *last = &l->width[t->nr_columns - 1];

	while (layout_total(l, t->nr_columns, gap) > room && *last > SENTENCE)
		--*last;
}

/* Takes from the widest column of text, when leaving out columns was not enough. */
static void layout_cut(struct layout *l, const struct table *t, unsigned int room,
		       unsigned int gap)
{
	while (layout_total(l, t->nr_columns, gap) > room) {
		unsigned int *widest = NULL;

		for (size_t i = 0; i < t->nr_columns; i++)
			if (t->columns[i].text && (!widest || l->width[i] > *widest))
				widest = &l->width[i];
		if (!widest || *widest <= NARROWEST)
			return;
		--*widest;
	}
}

void layout_make(struct layout *l, const struct table *t, unsigned int room, unsigned int gap,
		 unsigned int least)
{
	char buf[FORMAT_MAX];

	for (size_t i = 0; i < t->nr_columns; i++) {
		l->width[i] = 0;
		if (!t->columns[i].head)
			continue;
		l->width[i] = strlen(t->columns[i].head);
		if (l->width[i] < least)
			l->width[i] = least;
		for (size_t r = 0; r < t->nr_rows; r++) {
			size_t len = strlen(layout_cell(&t->rows[r * t->nr_columns + i], buf));

			if (len > l->width[i])
				l->width[i] = len;
		}
	}
	if (t->wrap)
		layout_wrap(l, t, room, gap);
	while (layout_total(l, t->nr_columns, gap) > room && layout_drop(l, t))
		;
	layout_cut(l, t, room, gap);
}

void layout_steady(struct layout *l, const struct table *t, unsigned int room, unsigned int gap)
{
	unsigned int total, before = 0;

	layout_make(l, t, room, gap, LAYOUT_LEAST);
	total = layout_total(l, t->nr_columns, gap);
	while (total < room && total != before) {
		before = total;
		for (size_t i = 0; i < t->nr_columns && total < room; i++) {
			/* What can be dropped, a mode, has words that are known to be short. */
			if (!t->columns[i].text || t->columns[i].drop || !l->width[i] ||
			    l->width[i] >= ROOMY)
				continue;
			l->width[i]++;
			total++;
		}
	}
}
