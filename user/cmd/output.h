/* SPDX-License-Identifier: GPL-2.0 */
/* Where reports go. */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <stdio.h>

#include "cmd/options.h"
#include "view/report.h"

/* Return: the stream that the options name, or NULL after one sentence on stderr. */
FILE *output_open(const struct options *o);

/* Same, through a pager: for what may be more than a screen, and is there at once. */
FILE *output_open_paged(const struct options *o);

/**
 * output_report() - print @r, which may be NULL where memory was short, and free it
 *
 * Return: an exit code; after one sentence on stderr unless EXIT_OK. A reader who has gone is no
 * error.
 */
int output_report(FILE *out, const struct options *o, struct report *r);

/* Closes @out, to which lines were printed. Return: as output_report(). */
int output_finish(FILE *out);

/* Return: as output_report(). */
int output_close(FILE *out);

#endif /* CMD_OUTPUT_H */
