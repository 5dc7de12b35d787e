/* SPDX-License-Identifier: GPL-2.0 */
/* Pictures in the page of a lab: SVG that takes its colours from the page. */
#ifndef LAB_SVG_H
#define LAB_SVG_H

#include <stdio.h>

#include "lab/result.h"

/* Return: "tdp0", "shadow1" ...: the class that gives a side its colour. */
const char *svg_class(const struct lab_result *r, const struct lab_side *s);

/* Bars, one per side: a quantity of workload @w. Nothing where it nowhere happened. */
void svg_bars(FILE *out, const struct lab_result *r, size_t w, enum lab_quantity q);

/* Faults of workload @w by time, a line per side. Nothing where there are none. */
void lab_svg_histogram(FILE *out, const struct lab_result *r, size_t w);

/* The walk of the tables, a box for each memory reference; tdp_levels is 0 under shadow paging. */
void svg_walk(FILE *out, const char *mode, unsigned int levels, unsigned int tdp_levels);

/* From an address in the guest to one of the host's memory, and who does each step. */
void svg_path(FILE *out, const char *mode);

/* Writes a value in the unit of its quantity to @buf, of 2 * FORMAT_MAX bytes. Return: @buf. */
const char *svg_value(char *buf, const struct lab_side *s, enum lab_quantity q, double value);

#endif /* LAB_SVG_H */
