/* SPDX-License-Identifier: GPL-2.0 */
/* Pictures: SVG that takes its colours from the page's CSS. */
#ifndef RENDER_SVG_H
#define RENDER_SVG_H

#include <stdbool.h>
#include <stdio.h>

#include "view/picture.h"
#include "view/report.h"

/* Width of each picture in its own units: what a phone shows unscaled. */
#define SVG_WIDTH 340

/* Shades of a heat map, classes h1 to h8. */
#define SVG_SHADES 8

/* Begins a picture in a page; @title is what it is called by those who cannot see it. */
void svg_begin(FILE *out, double height, const char *title);

/* The same for a file of its own, with its style. */
void svg_begin_file(FILE *out, double height, const char *title);

void svg_end(FILE *out);

/* Prints @text at a point; @class is of the page's CSS: head, small, end, mid, num. */
void svg_text(FILE *out, const char *class, double x, double y, const char *text);

/* What a report holds, each as a picture of its own. */
void svg_histogram(FILE *out, const struct histogram *g);
void svg_series(FILE *out, const struct series *s);
void svg_shares(FILE *out, const struct shares *s);
void svg_heat(FILE *out, const struct heat_map *h);

/* Return: height of what svg_heat_at() draws. */
double svg_heat_height(const struct heat_map *h);

/* Draws @h with its upper edge at @top, into a picture that was begun. */
void svg_heat_at(FILE *out, const struct heat_map *h, double top);

/* What the pictures are made of. */

/* Return: @value as on an axis, "2.5k", in @buf of FORMAT_MAX bytes. */
const char *svg_number(char *buf, double value);

/* A part of a picture, from @top down to @base. Labels of axes are outside of theirs. */
struct svg_area {
	double left, top, width, base;
};

/* Draws the lower edge, with ticks for the ns from @begin to @end. */
void svg_time_axis(FILE *out, const struct svg_area *a, uint64_t begin, uint64_t end);

/* Draws lines for values from 0 to @most, numbers or percentages. */
void svg_value_axis(FILE *out, const struct svg_area *a, double most, bool percent);

#define SVG_LEGEND 15	/* height of each of its lines */

/* Says what the parts p0, p1 ... are, on as many lines as that takes; @used may be NULL for all. */
void svg_legend(FILE *out, double y, const char *const *text, const bool *used, size_t nr);

/* A rectangle, and the text that is shown when it is pointed at. */
__attribute__((format(printf, 4, 5)))
void svg_rect(FILE *out, const char *class, const struct svg_area *a, const char *format, ...);

#endif /* RENDER_SVG_H */
