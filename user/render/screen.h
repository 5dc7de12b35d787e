/* SPDX-License-Identifier: GPL-2.0 */
/* A page on the whole terminal, and keys. There is one screen; only screen*.c knows of ncurses. */
#ifndef RENDER_SCREEN_H
#define RENDER_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "render/grid.h"
#include "view/report.h"

/* What screen_key() returns besides characters. */
enum screen_key {
	SCREEN_NOTHING = 0,
	SCREEN_UP = 256, SCREEN_DOWN, SCREEN_LEFT, SCREEN_RIGHT, SCREEN_PAGE_UP, SCREEN_PAGE_DOWN,
	SCREEN_HOME, SCREEN_END, SCREEN_ENTER, SCREEN_ESCAPE, SCREEN_BACKSPACE, SCREEN_TAB,
	SCREEN_BACK_TAB, SCREEN_HELP, SCREEN_RESIZED, SCREEN_OTHER,
};

/**
 * struct screen_page - what is drawn, from the top to the bottom
 * @title: begin of the first line
 * @state: end of the first line, "frozen"; may be NULL
 * @report: its facts and notes come next, NULL for none
 * @path: line above the table
 * @grid: the table
 * @empty: what is said where the table has no row
 * @keys: the last line: "q quit", each key with its meaning, ended by NULL
 * @prompt: instead of @keys: what is being typed, after a '/'; or NULL
 */
struct screen_page {
	const char *title;
	const char *state;
	const struct report *report;
	const char *path;
	struct grid *grid;
	const char *empty;
	const char *const *keys;
	const char *prompt;
};

/**
 * screen_open() - take the terminal over
 *
 * Until screen_close(), what is written to standard error is kept if that is the terminal, and
 * signals that end the process give the terminal back first. A handler that SIGINT or SIGTERM has
 * is called for the first such signal; the next one ends the process.
 *
 * Return: 0, or -errno: -ENOTTY where there is no terminal, -EINVAL where TERM is not known.
 */
int screen_open(void);

/* Gives the terminal back as it was, and prints what was kept. */
void screen_close(void);

/* Return: a key that has been pressed, a character or enum screen_key; SCREEN_NOTHING for none. */
int screen_key(void);

void screen_draw(const struct screen_page *page);

/* Draws @lines, ended by NULL, from the @from-th on. */
void screen_draw_text(const char *title, const char *const *lines, size_t from);

/* Return: rows of the table that the last page had room for. */
size_t screen_rows(void);

#endif /* RENDER_SCREEN_H */
