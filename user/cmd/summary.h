/* SPDX-License-Identifier: GPL-2.0 */
/* The report of stat and report: every VM, and how far the numbers can be trusted. */
#ifndef CMD_SUMMARY_H
#define CMD_SUMMARY_H

#include <stdio.h>

#include "cmd/options.h"
#include "cmd/progress.h"
#include "cmd/recording.h"
#include "cmd/session.h"
#include "model/model.h"
#include "model/pictures.h"
#include "source/source.h"
#include "view/report.h"

/**
 * struct summary - what to print
 * @session: the collection, whose KVM can be asked; NULL for a recording
 * @progress: to ask the kernel about VMs that run, NULL for a recording
 * @total: of all that was folded, else of the running interval
 * @elapsed_ns: since the begin
 * @interval_ns: of the running interval
 * @pid: only VMs of this process, 0 for all that were collected
 * @pictures: by time and address, or NULL
 * @begin_ns: when these begin, since the begin of the recording
 * @recording: whose host is told of too, or NULL
 * @sort: key of the column that tables are sorted by, NULL for their own
 */
struct summary {
	const struct model *model;
	const struct source *source;
	const struct session *session;
	struct progress *progress;
	bool total;
	uint64_t elapsed_ns;
	uint64_t interval_ns;
	uint32_t pid;
	const struct pictures *pictures;
	uint64_t begin_ns;
	const struct recording *recording;
	const char *sort;
};

/* Adds the section "time": which interval, or that it is the total. */
void summary_time(struct report *r, const struct summary *s);

/* Says that no table of @r has @column, and frees @r. Return: the exit code. */
int summary_no_column(struct report *r, const char *column);

/* Return: an exit code, after one sentence unless EXIT_OK. */
int summary_print(FILE *out, const struct options *o, const struct summary *s);

#endif /* CMD_SUMMARY_H */
