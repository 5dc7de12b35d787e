// SPDX-License-Identifier: GPL-2.0
#include "render/grid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cell *row_of(const struct grid *g, size_t i)
{
	return &g->table->rows[g->rows[i] * g->table->nr_columns];
}

static bool row_matches(const struct grid *g, size_t row)
{
	const struct cell *cells = &g->table->rows[row * g->table->nr_columns];

	if (!*g->filter)
		return true;
	for (size_t i = 0; i < g->table->nr_columns; i++)
		if (cells[i].kind == CELL_TEXT && strcasestr(cells[i].text, g->filter))
			return true;
	return false;
}

/* What a row is known by: its texts, and numbers that are no amounts. */
static void row_name(const struct table *t, const struct cell *row, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < t->nr_columns && len + 1 < size; i++) {
		if (row[i].kind == CELL_TEXT)
			len += snprintf(buf + len, size - len, "%s\t", row[i].text);
		else if (row[i].kind == CELL_ID)
			len += snprintf(buf + len, size - len, "%llu\t",
					(unsigned long long)row[i].number);
	}
}

static void find_chosen(struct grid *g)
{
	char name[sizeof(g->chosen)];

	if (!*g->chosen)
		g->at = 0;
	for (size_t i = 0; *g->chosen && i < g->nr; i++) {
		row_name(g->table, row_of(g, i), name, sizeof(name));
		if (!strcmp(name, g->chosen)) {
			g->at = i;
			return;
		}
	}
	if (g->at >= g->nr)
		g->at = g->nr ? g->nr - 1 : 0;
}

int grid_show(struct grid *g, struct table *t)
{
	size_t *rows;

	g->table = t;
	g->nr = 0;
	if (!t)
		return 0;
	if (t->nr_rows > g->room) {
		rows = realloc(g->rows, t->nr_rows * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		g->rows = rows;
		g->room = t->nr_rows;
	}
	if (*g->sort)
		table_sort(t, g->sort);
	if (*g->sort && g->reverse)
		table_reverse(t);
	for (size_t i = 0; i < t->nr_rows; i++)
		if (row_matches(g, i))
			g->rows[g->nr++] = i;
	find_chosen(g);
	return 0;
}

void grid_move(struct grid *g, long by)
{
	if (!g->nr)
		return;
	if (by < 0 && (size_t)-by > g->at)
		g->at = 0;
	else if (by > 0 && (size_t)by >= g->nr - g->at)
		g->at = g->nr - 1;
	else
		g->at += by;
	*g->chosen = '\0';
	if (g->at)
		row_name(g->table, row_of(g, g->at), g->chosen, sizeof(g->chosen));
}

int grid_sort_next(struct grid *g, int by)
{
	const struct table *t = g->table;
	size_t at = 0, nr = t ? t->nr_columns : 0;

	while (at < nr && strcmp(t->columns[at].key, *g->sort ? g->sort : "ns"))
		at++;
	for (size_t i = 0; i < nr; i++) {
		at = (at + nr + by) % nr;
		if (t->columns[at].head && !(g->no_room >> at & 1))
			break;
	}
	if (!nr)
		return 0;
	snprintf(g->sort, sizeof(g->sort), "%s", t->columns[at].key);
	return grid_show(g, g->table);
}

const struct cell *grid_selected(const struct grid *g)
{
	return g->table && g->at < g->nr ? row_of(g, g->at) : NULL;
}

void grid_scroll(struct grid *g, size_t lines)
{
	if (g->at < g->top)
		g->top = g->at;
	if (lines && g->at >= g->top + lines)
		g->top = g->at - lines + 1;
	/* No empty lines at the end while rows are above. */
	if (g->top && g->top + lines > g->nr)
		g->top = g->nr > lines ? g->nr - lines : 0;
}

void grid_reset(struct grid *g)
{
	g->table = NULL;
	g->nr = g->at = g->top = 0;
	*g->filter = *g->chosen = '\0';
}

void grid_free(struct grid *g)
{
	free(g->rows);
	g->rows = NULL;
}
