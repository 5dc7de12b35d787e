/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers as people read them, and what the terminal can show. */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Large enough for every format_*() below. */
#define FORMAT_MAX 32

/* Each writes a text of less than FORMAT_MAX bytes to @buf and returns @buf. */
const char *format_ns(char *buf, uint64_t ns);			/* "3.12us" */
const char *format_count(char *buf, uint64_t count);		/* "12,345" */
const char *format_rate(char *buf, double per_second);		/* "12.3k" */
const char *format_bytes(char *buf, uint64_t bytes);		/* "4.0G", powers of 1024 */
const char *format_percent(char *buf, double percent);		/* "12.3%" */
const char *format_change(char *buf, double percent);		/* "+12.3%", "x15.2" */
const char *format_chance(char *buf, double p);			/* "0.012", "<0.001" */

/* Return: columns to use on @out: the terminal's, else COLUMNS of the environment, else 80. */
unsigned int format_width(FILE *out);

/* Return: whether @out is a terminal whose user did not object to colour (NO_COLOR). */
bool format_colour(FILE *out);

/* Standard output is about to become a pipe to the terminal that it is: answer as for that one. */
void format_remember(void);

#endif /* LIB_FORMAT_H */
