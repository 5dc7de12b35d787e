// SPDX-License-Identifier: GPL-2.0
#include "cmd/summary.h"

#include "cmd/about.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "lib/format.h"
#include "view/explain.h"
#include "view/view.h"

void summary_time(struct report *r, const struct summary *s)
{
	char buf[FORMAT_MAX];
	struct section *time;

	time = report_section(r, "time", s->total ? NULL :
			      report_text(r, "=== %s ===", format_ns(buf, s->elapsed_ns)), false);
	section_fact(time, "kind", NULL, cell_text(s->total ? "total" : "interval"));
	section_fact(time, "elapsed_ns", NULL, cell_ns(s->elapsed_ns));
	if (!s->total)
		section_fact(time, "interval_ns", NULL, cell_ns(s->interval_ns));
}

static bool counted(const void *ctx, uint16_t vm, struct view_counted *c)
{
	return session_counted(ctx, vm, &c->flushes, &c->requests);
}

int summary_no_column(struct report *r, const char *column)
{
	fprintf(stderr, "mmuscope: --sort: no table has a column '%s'; --json shows their names\n",
		column);
	report_free(r);
	return EXIT_USAGE;
}

int summary_print(FILE *out, const struct options *o, const struct summary *s)
{
	struct view_window w = {
		.past = s->total, .name = o->vm, .pid = s->pid,
		.elapsed_ns = s->total ? s->elapsed_ns : s->interval_ns,
		.counted = s->session ? counted : NULL, .ctx = s->session,
		.progress = s->progress ? progress_ask : NULL, .progress_ctx = s->progress,
		.pictures = s->pictures, .begin_ns = s->begin_ns, .source = s->source,
	};
	struct report *r = report_new("stat");
	size_t vms;

	if (!r)
		return output_report(out, o, r);
	if (s->recording) {
		about_recording(r, s->recording, s->model);
		view_overview(r, s->model, &w);
		view_explain(r, s->model, &w);
	}
	summary_time(r, s);
	vms = view_stat(r, s->model, &w);
	if (!vms)
		section_note(report_section(r, "summary", NULL, false), o->command ?
			     "The command started no VM; without a command all VMs count." :
			     "No VM was seen.");
	view_collection(r, s->model, &w);
	if (s->recording)
		about_host(r, s->recording);
	if (s->sort && !report_sort(r, s->sort) && vms)
		return summary_no_column(r, s->sort);
	return output_report(out, o, r);
}
