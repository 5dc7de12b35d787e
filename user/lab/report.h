/* SPDX-License-Identifier: GPL-2.0 */
/* A lab's results, for people and programs. */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H

#include <stdio.h>

#include "lab/result.h"
#include "view/report.h"

/**
 * lab_report() - a report on all of @r, one at a time
 * @machine: for programs: rows have keys, and are there whatever they say
 *
 * Return: the report, or NULL where memory is short.
 */
struct report *lab_report(const struct lab_result *r, bool machine);

/* Return: a report that lists workloads and machines. */
struct report *lab_report_list(void);

/* Writes @r as one page of HTML that needs nothing else. */
void lab_page(FILE *out, const struct lab_result *r);

/* What has to be said about how it was measured; ends with NULL. */
extern const char *const lab_method[];

#endif /* LAB_REPORT_H */
