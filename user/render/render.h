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

/* Prints @r as one JSON object on a line of its own. Return: 0 or -ENOMEM. */
int render_json(FILE *out, const struct report *r);

#endif /* RENDER_RENDER_H */
