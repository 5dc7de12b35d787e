// SPDX-License-Identifier: GPL-2.0
/* What stands on the screen. */
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "lib/format.h"
#include "render/layout.h"
#include "render/screen.h"
#include "render/screen_color.h"

#define GAP		1	/* between columns */
#define WORD_MAX	256

static size_t rows_shown;

/* Writes @text at @y, @x, as much of it as fits before column @end. Return: the column behind. */
static int put(int y, int x, int end, const char *text, attr_t attributes)
{
	if (y >= LINES || x >= end)
		return x;
	attrset(attributes);
	mvaddnstr(y, x, text, end - x);
	attrset(A_NORMAL);
	return getcury(stdscr) == y ? getcurx(stdscr) : end;
}

/* Where the next word of a paragraph goes. */
struct cursor {
	int y, x;
	int last;	/* line that is not written to */
};

static void put_word(struct cursor *c, const char *word, const char *separator, attr_t attributes)
{
	int len = strlen(separator) + strlen(word);

	if (c->x && c->x + len > COLS) {
		c->y++;
		c->x = 0;
	}
	if (c->y >= c->last)
		return;
	if (c->x)
		c->x = put(c->y, c->x, COLS, separator, A_NORMAL);
	c->x = put(c->y, c->x, COLS, word, attributes);
}

static void put_note(struct cursor *c, const char *note)
{
	char word[WORD_MAX];

	while (*note) {
		size_t len = strcspn(note, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, note);
		put_word(c, word, " ", COLOR_PAIR(COLOR_BAD) | A_BOLD);
		note += len;
		note += strspn(note, " ");
	}
}

/* Facts and notes of all sections, at most a third of the screen. */
static int put_report(const struct report *r, int y)
{
	struct cursor c = { .y = y, .last = y + LINES / 3 };
	char word[WORD_MAX];

	for (const struct section *s = r ? r->sections : NULL; s; s = s->next) {
		for (size_t i = 0; i < s->nr_facts; i++)
			if (layout_fact(&s->facts[i], word, sizeof(word)))
				put_word(&c, word, ", ", A_NORMAL);
		for (const struct block *b = s->blocks; b; b = b->next) {
			if (b->kind != BLOCK_NOTE)
				continue;
			c.y += !!c.x;
			c.x = 0;
			put_note(&c, b->note);
		}
		c.y += !!c.x;
		c.x = 0;
	}
	return c.y < c.last ? c.y : c.last;
}

static void put_cell(int y, int x, unsigned int width, const char *value, bool left,
		     attr_t attributes)
{
	char text[WORD_MAX];

	if (strlen(value) > width)
		snprintf(text, sizeof(text), "%.*s~", (int)width - 1, value);
	else
		snprintf(text, sizeof(text), left ? "%-*s" : "%*s", (int)width, value);
	put(y, x, COLS, text, attributes);
}

static void put_row(int y, const struct grid *g, const struct layout *l, const struct cell *row,
		    attr_t attributes)
{
	const struct table *t = g->table;
	char buf[FORMAT_MAX];
	int x = 0;

	for (size_t i = 0; i < t->nr_columns; i++) {
		attr_t mark = !row && !strcmp(t->columns[i].key, g->sort) ?
			      COLOR_PAIR(COLOR_KEY) | A_UNDERLINE : 0;

		if (!l->width[i])
			continue;
		put_cell(y, x, l->width[i], row ? layout_cell(&row[i], buf) : t->columns[i].head,
			 t->columns[i].text, attributes | mark);
		x += l->width[i] + GAP;
		/* The gaps of a selected row as well. */
		if (x < COLS && row && attributes)
			put(y, x - GAP, x, " ", attributes);
	}
}

static void put_table(struct grid *g, int y, int end, const char *empty)
{
	struct layout l;

	rows_shown = end > y + 1 ? end - y - 1 : 0;
	if (!g->table || !g->nr) {
		put(y, 0, COLS, empty, A_NORMAL);
		return;
	}
	layout_make(&l, g->table, COLS, GAP, LAYOUT_LEAST);
	g->no_room = 0;
	for (size_t i = 0; i < g->table->nr_columns; i++)
		g->no_room |= (uint32_t)!l.width[i] << i;
	if (y < end)
		put_row(y, g, &l, NULL, A_BOLD);
	grid_scroll(g, rows_shown);
	for (size_t i = 0; i < rows_shown && g->top + i < g->nr; i++)
		put_row(y + 1 + i, g, &l,
			&g->table->rows[g->rows[g->top + i] * g->table->nr_columns],
			g->top + i == g->at ? A_REVERSE : A_NORMAL);
}

/* Keys stand out from what they mean; what there is no room for is left out. */
static void put_keys(const char *const *keys)
{
	int y = LINES - 1, x = 0;

	for (; *keys; keys++) {
		int len = strcspn(*keys, " ");
		char key[WORD_MAX];

		if (x + (int)strlen(*keys) > COLS)
			continue;
		snprintf(key, sizeof(key), "%.*s", len, *keys);
		x = put(y, x, COLS, key, COLOR_PAIR(COLOR_KEY) | A_BOLD);
		x = put(y, x, COLS, *keys + len, A_NORMAL);
		x = put(y, x, COLS, "  ", A_NORMAL);
	}
}

static void put_title(const char *title, const char *state)
{
	int end = COLS - (state ? (int)strlen(state) : 0);

	put(0, 0, COLS, title, A_BOLD);
	if (state)
		put(0, end > 0 ? end : 0, COLS, state, COLOR_PAIR(COLOR_BAD) | A_BOLD);
}

void screen_draw(const struct screen_page *p)
{
	int y = 1, last = LINES - 1;

	erase();
	put_title(p->title, p->state);
	y = put_report(p->report, y);
	put(y++, 0, COLS, p->path, A_BOLD);
	put_table(p->grid, y, last, p->empty);
	if (p->prompt) {
		int x = put(last, 0, COLS, "/", COLOR_PAIR(COLOR_KEY) | A_BOLD);

		x = put(last, x, COLS, p->prompt, A_NORMAL);
		put(last, x, COLS, "_", A_REVERSE);
	} else {
		put_keys(p->keys);
	}
	refresh();
}

void screen_draw_text(const char *title, const char *const *lines, size_t from)
{
	int room = LINES > 1 ? LINES - 1 : 0;

	erase();
	put_title(title, NULL);
	for (int i = 0; i < room && lines[from + i]; i++)
		put(1 + i, 0, COLS, lines[from + i], A_NORMAL);
	refresh();
}

size_t screen_rows(void)
{
	return rows_shown;
}
