/* SPDX-License-Identifier: GPL-2.0 */
/* top: a collection whose last interval is looked at. */
#ifndef CMD_TOP_H
#define CMD_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/focus.h"
#include "cmd/session.h"
#include "view/report.h"

/**
 * struct top - what the command line asked for, and what there is to show
 * @options: the first member, because all groups of options take it as their input
 * @batch: print, do not draw
 * @nr: intervals to show, 0 for no end
 * @by: --by, or NULL
 * @sort: --sort, or NULL
 * @session: the collection
 * @focus: what is looked at
 * @report: the last interval, NULL before the first has ended
 * @table: of @report
 * @group: what the rows of @table were made of; NULL where they are VMs
 * @refresh_ns: what it took to make and draw the last report
 * @cpu_ns: CPU time of this process at the end of the last interval
 */
struct top {
	struct options options;
	bool batch;
	uint64_t nr;
	const char *by;
	const char *sort;
	struct session *session;
	struct focus focus;
	struct report *report;
	struct table *table;
	struct group *group;
	uint64_t refresh_ns;
	uint64_t cpu_ns;
};

/**
 * top_refresh() - end the running interval and make the report of it
 * @show: replace the last report; else what was counted is only put away
 *
 * Return: 0 or -ENOMEM.
 */
int top_refresh(struct top *top, bool show);

/* Forgets the report. */
void top_forget(struct top *top);

/* Return: ns from one refresh to the next, so that refreshing stays a small part of the time. */
uint64_t top_interval(const struct top *top);

/* Return: whether collecting has come to its end, by itself, at @end or by a signal. */
bool top_over(const struct top *top, uint64_t end);

/* Shows the session on the terminal until its end, @end or a key. Return: an exit code. */
int top_browse(struct top *top, uint64_t end);

#endif /* CMD_TOP_H */
