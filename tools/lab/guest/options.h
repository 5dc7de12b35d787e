/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LAB_GUEST_OPTIONS_H
#define LAB_GUEST_OPTIONS_H

#include "workload.h"

/* -1: go on; else the exit code of the program. */
int options_parse(struct options *opt, int argc, char **argv);
/* Starts one process per VM, named NAME-1 ...; the worst exit code. */
int options_run_many(const struct options *opt, int argc, char **argv);
const struct workload *workload_find(const char *name);

#endif
