// SPDX-License-Identifier: GPL-2.0
#include "view/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that a report owns hangs on one list, so that nothing can be forgotten. */
struct memory {
	struct memory *next;
	_Alignas(16) char bytes[];
};

const struct percentile histogram_percentiles[HISTOGRAM_PERCENTILES] = {
	{ 50, "p50" }, { 90, "p90" }, { 99, "p99" }, { 99.9, "p99.9" },
};

void *report_alloc(struct report *r, size_t size)
{
	struct memory *m = calloc(1, sizeof(*m) + size);

	if (!m) {
		r->failed = true;
		return NULL;
	}
	m->next = r->memory;
	r->memory = m;
	return m->bytes;
}

struct report *report_new(const char *key)
{
	struct report *r = calloc(1, sizeof(*r));

	if (r) {
		r->key = key;
		r->last_section = &r->sections;
	}
	return r;
}

void report_free(struct report *r)
{
	struct memory *next;

	for (struct memory *m = r->memory; m; m = next) {
		next = m->next;
		free(m);
	}
	free(r);
}

bool report_failed(const struct report *r)
{
	return r->failed;
}

static const char *report_vtext(struct report *r, const char *format, va_list args)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = report_alloc(r, len + 1);
	if (text)
		vsnprintf(text, len + 1, format, args);
	return text;
}

const char *report_text(struct report *r, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = report_vtext(r, format, args);
	va_end(args);
	return text;
}

struct section *report_section(struct report *r, const char *key, const char *title, bool list)
{
	struct section *s = report_alloc(r, sizeof(*s));

	if (!s)
		return NULL;
	s->key = key;
	s->title = title;
	s->list = list;
	s->report = r;
	s->last_block = &s->blocks;
	*r->last_section = s;
	r->last_section = &s->next;
	return s;
}

void section_fact(struct section *s, const char *key, const char *label, struct cell cell)
{
	struct fact *grown;
	size_t room;

	if (!s)
		return;
	if (s->nr_facts == s->room_facts) {
		room = s->room_facts ? 2 * s->room_facts : 8;
		grown = report_alloc(s->report, room * sizeof(*grown));
		if (!grown)
			return;
		if (s->nr_facts)
			memcpy(grown, s->facts, s->nr_facts * sizeof(*grown));
		s->facts = grown;
		s->room_facts = room;
	}
	s->facts[s->nr_facts++] = (struct fact){ key, label, cell };
}

static struct block *section_block(struct section *s, enum block_kind kind)
{
	struct block *b = s ? report_alloc(s->report, sizeof(*b)) : NULL;

	if (!b)
		return NULL;
	b->kind = kind;
	*s->last_block = b;
	s->last_block = &b->next;
	return b;
}

static void section_vnote(struct section *s, bool caption, const char *format, va_list args)
{
	struct block *b = section_block(s, BLOCK_NOTE);

	if (!b)
		return;
	b->caption = caption;
	b->note = report_vtext(s->report, format, args) ?: "";
}

void section_note(struct section *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	section_vnote(s, false, format, args);
	va_end(args);
}

void section_caption(struct section *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	section_vnote(s, true, format, args);
	va_end(args);
}

struct table *section_table(struct section *s, const char *key, const char *title,
			    const struct column *columns, size_t nr_columns)
{
	struct block *b = section_block(s, BLOCK_TABLE);

	if (!b)
		return NULL;
	b->table = (struct table){
		.key = key, .title = title, .columns = columns, .nr_columns = nr_columns,
		.report = s->report,
	};
	return &b->table;
}

struct table *section_line(struct section *s, const char *key, const struct column *columns,
			   size_t nr_columns)
{
	struct table *t = section_table(s, key, NULL, columns, nr_columns);

	if (t)
		t->line = true;
	return t;
}

struct cell *table_row(struct table *t)
{
	static struct cell nowhere[TABLE_COLUMNS];
	struct cell *grown;
	size_t room;

	if (!t)
		return nowhere;
	if (t->nr_rows == t->room) {
		room = t->room ? 2 * t->room : 8;
		grown = report_alloc(t->report, room * t->nr_columns * sizeof(*grown));
		if (!grown)
			return nowhere;
		if (t->nr_rows)
			memcpy(grown, t->rows, t->nr_rows * t->nr_columns * sizeof(*grown));
		t->rows = grown;
		t->room = room;
	}
	return &t->rows[t->nr_rows++ * t->nr_columns];
}

static int row_compare(const void *a, const void *b, void *arg)
{
	const size_t column = *(const size_t *)arg;
	const struct cell *x = (const struct cell *)a + column;
	const struct cell *y = (const struct cell *)b + column;
	uint64_t xn = x->kind == CELL_NONE ? 0 : x->number;
	uint64_t yn = y->kind == CELL_NONE ? 0 : y->number;

	if (x->kind == CELL_TEXT && y->kind == CELL_TEXT)
		return strcmp(x->text, y->text);
	return xn < yn ? 1 : xn > yn ? -1 : 0;
}

bool table_sort(struct table *t, const char *column)
{
	for (size_t i = 0; t && i < t->nr_columns; i++) {
		if (strcmp(t->columns[i].key, column))
			continue;
		if (t->nr_rows)
			qsort_r(t->rows, t->nr_rows, t->nr_columns * sizeof(struct cell),
				row_compare, &i);
		return true;
	}
	return false;
}

void table_reverse(struct table *t)
{
	struct cell row[TABLE_COLUMNS];
	size_t size = t->nr_columns * sizeof(*row);

	for (size_t low = 0, high = t->nr_rows; low + 1 < high; low++) {
		struct cell *a = &t->rows[low * t->nr_columns];
		struct cell *b = &t->rows[--high * t->nr_columns];

		memcpy(row, a, size);
		memcpy(a, b, size);
		memcpy(b, row, size);
	}
}

bool report_sort(struct report *r, const char *column)
{
	bool any = false;

	for (struct section *s = r->sections; s; s = s->next)
		for (struct block *b = s->blocks; b; b = b->next)
			if (b->kind == BLOCK_TABLE)
				any |= table_sort(&b->table, column);
	return any;
}

static void histogram_bars(struct histogram *g, const struct hist *h, struct bar *bars)
{
	size_t nr = 0, used = 0;

	for (unsigned int i = 0; i < HIST_OCTAVES; i++) {
		struct bar *b = &bars[nr];

		b->count = hist_octave(h, i, &b->low, &b->high);
		if (b->count)
			used = nr + 1;
		if (used)
			nr++;
	}
	g->bars = bars;
	g->nr_bars = used;
}

void section_histogram(struct section *s, const char *key, const char *title,
		       const struct hist *h)
{
	struct bar *bars;
	struct block *b;

	if (!s || !h->count)
		return;
	bars = report_alloc(s->report, HIST_OCTAVES * sizeof(*bars));
	b = bars ? section_block(s, BLOCK_HISTOGRAM) : NULL;
	if (!b)
		return;
	b->histogram = (struct histogram){
		.key = key, .title = title,
		.count = h->count, .sum = h->sum, .min = h->min, .max = h->max,
	};
	for (size_t i = 0; i < HISTOGRAM_PERCENTILES; i++)
		b->histogram.percentile[i] = hist_percentile(h, histogram_percentiles[i].percent);
	histogram_bars(&b->histogram, h, bars);
}

void section_series(struct section *s, const struct series *series)
{
	struct block *b = section_block(s, BLOCK_SERIES);

	if (b)
		b->series = *series;
}

void section_shares(struct section *s, const struct shares *shares)
{
	struct block *b = section_block(s, BLOCK_SHARES);

	if (b)
		b->shares = *shares;
}

void section_heat(struct section *s, const struct heat_map *heat)
{
	struct block *b = section_block(s, BLOCK_HEAT);

	if (b)
		b->heat = *heat;
}
