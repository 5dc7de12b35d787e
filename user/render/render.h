/* SPDX-License-Identifier: GPL-2.0 */
/* Reports in the formats that people and programs read. */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include "view/report.h"

/**
 * render_text() - print @r for people
 * @width: columns that are there; columns of tables are left out to fit
 * @colour: use escape sequences
 */
void render_text(FILE *out, const struct report *r, unsigned int width, bool colour);

/* The columns of a table, and how wide they are; begins as 0. */
struct steady {
	bool made;
	unsigned int width[TABLE_COLUMNS];
};

/*
 * Same, for reports of one table that follow each other: its columns are those of the first one
 * that had rows, and as wide.
 */
void render_text_steady(FILE *out, const struct report *r, unsigned int width, bool colour,
			struct steady *keep);

/* Prints @r as one JSON object on a line of its own. Return: 0 or -ENOMEM. */
int render_json(FILE *out, const struct report *r);

/**
 * render_html() - write @r as one page that needs nothing else
 * @title: the headline
 */
void render_html(FILE *out, const struct report *r, const char *title);

/* Writes the heat maps of @r, below each other, as a file of SVG. */
void render_svg(FILE *out, const struct report *r, const char *title);

/* Prints @h as render_text() does. */
void render_heat(FILE *out, const struct heat_map *h, unsigned int width, bool colour);

#endif /* RENDER_RENDER_H */
