// SPDX-License-Identifier: GPL-2.0
#include "cmd/top.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/run.h"
#include "cmd/summary.h"
#include "lib/parse.h"
#include "render/render.h"
#include "view/view.h"

#define INTERVAL_NS	1000000000ULL	/* unless the user wants another one */
#define REFRESH_PART	20		/* refreshing takes at most this part of the time */

enum { KEY_BY = 512, KEY_SORT };

static error_t check(struct top *top, struct argp_state *state)
{
	struct group *g;
	char why[128];

	run_check(state);
	if (!top->options.interval_ns)
		top->options.interval_ns = INTERVAL_NS;
	if (top->options.json || top->options.output)
		top->batch = true;
	if (top->by) {
		g = group_new(top->by, why, sizeof(why));
		if (!g)
			options_error(state, "--by does not understand '%s': %s", top->by, why);
		group_free(g);
	}
	if (!top->batch && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		options_error(state, "this is no terminal to draw on; --batch prints lines");
	return 0;
}

static error_t top_parse(int key, char *arg, struct argp_state *state)
{
	struct top *top = state->input;

	switch (key) {
	case 'b':
		top->batch = true;
		return 0;
	case 'n':
		if (parse_number(arg, UINT32_MAX, &top->nr) || !top->nr)
			options_error(state, "-n wants a number of refreshes, not '%s'", arg);
		return 0;
	case KEY_BY:
		top->by = arg;
		return 0;
	case KEY_SORT:
		top->sort = arg;
		return 0;
	case ARGP_KEY_ARG:
		options_error(state, "top takes no argument, such as '%s'", arg);
	case ARGP_KEY_END:
		return check(top, state);
	}
	return run_parse(key, arg, state);
}

static const struct argp top_argp = {
	.options = (const struct argp_option[]){
		{ "batch", 'b', NULL, 0, "Print each refresh, for pipes and files", 0 },
		{ "iterations", 'n', "N", 0, "End after N refreshes", 0 },
		{ "interval", 'i', "SECONDS", 0, "Time between two refreshes (default: 1)", 0 },
		{ "duration", 'd', "SECONDS", 0, "End after so long", 0 },
		{ "by", KEY_BY, "FIELD[,FIELD...]", 0,
		  "A row for each value of these fields instead of one for each VM: vm, vcpu, "
		  "cause, access, rip, slot, level ...", 0 },
		{ "sort", KEY_SORT, "COLUMN", 0,
		  "Sort by COLUMN, by its name in --json: ns (default), fault_rate, p99, name ...",
		  0 },
		{ 0 },
	},
	.parser = top_parse,
	.doc = "Show what happens now: a row for each VM, into which one can look by vCPU, kind "
	       "of fault, cause, memslot and guest instruction.\n"
	       "Key '?' tells the keys, 'q' ends."
	       "\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &options_collect, 0, NULL, 0 },
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static uint64_t cpu_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ULL +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ULL;
}

uint64_t top_interval(const struct top *top)
{
	uint64_t least = top->refresh_ns * REFRESH_PART;

	return top->options.interval_ns > least ? top->options.interval_ns : least;
}

static void add_cost(struct top *top, struct report *r)
{
	struct session *s = top->session;
	struct section *section = report_section(r, "cost", NULL, false);
	uint64_t cpu = cpu_now();

	view_cost(section, session_source(s), view_vcpu_ns(session_model(s)));
	section_fact(section, "cpu_share", "of a CPU for mmuscope",
		     cell_percent(cpu - top->cpu_ns, session_interval(s)));
	/* The first one is under way. */
	section_fact(section, "refresh_ns", "refresh ",
		     top->refresh_ns ? cell_ns(top->refresh_ns) : (struct cell){ 0 });
	section_fact(section, "interval_ns",
		     top_interval(top) > top->options.interval_ns ? "so only every " : NULL,
		     cell_ns(top_interval(top)));
	top->cpu_ns = cpu;
}

static struct report *make(struct top *top, const struct group *g, struct table **table)
{
	struct session *s = top->session;
	const struct view_window w = {
		.name = top->options.vm, .elapsed_ns = session_interval(s),
		.source = session_source(s),
	};
	struct report *r = report_new("top");

	if (!r)
		return NULL;
	if (top->batch)
		summary_time(r, &(struct summary){ .elapsed_ns = session_elapsed(s),
						   .interval_ns = session_interval(s) });
	*table = g ? view_top_group(r, g, session_model(s), &w) :
		     view_top(r, session_model(s), &w);
	add_cost(top, r);
	if (!report_failed(r))
		return r;
	report_free(r);
	return NULL;
}

void top_forget(struct top *top)
{
	if (top->report)
		report_free(top->report);
	group_free(top->group);
	top->report = NULL;
	top->table = NULL;
	top->group = NULL;
}

int top_refresh(struct top *top, bool show)
{
	struct table *table = NULL;
	struct report *r = NULL;
	struct group *g;
	int err;

	err = focus_take(&top->focus, &g);
	if (!err && show)
		r = make(top, g, &table);
	if (err || (show && !r)) {
		group_free(g);
		return -ENOMEM;
	}
	if (show) {
		top_forget(top);
		top->report = r;
		top->table = table;
		top->group = g;
	} else {
		group_free(g);
	}
	return model_fold(session_model(top->session));
}

bool top_over(const struct top *top, uint64_t end)
{
	return run_over(top->session, NULL, end);
}

static int print(struct top *top, FILE *out)
{
	uint64_t begin = session_clock();
	struct report *r;
	int code;

	if (top_refresh(top, true)) {
		fprintf(stderr, "mmuscope: not enough memory\n");
		return EXIT_FAILED;
	}
	if (top->sort)
		table_sort(top->table, top->sort);
	r = top->report;
	top->report = NULL;
	code = output_report(out, &top->options, r);
	top->refresh_ns = session_clock() - begin;
	return code;
}

/* Interval after interval on standard output, or where -o says. Return: an exit code. */
static int print_all(struct top *top, uint64_t end)
{
	FILE *out = output_open(&top->options);
	int code = out ? EXIT_OK : EXIT_FAILED, closed;
	uint64_t next = session_clock(), printed = 0;
	bool last = false;

	/* A signal while one is printed leaves what has happened since for another one. */
	while (code == EXIT_OK && !last && !ferror(out) && !(top->nr && printed == top->nr)) {
		next += top_interval(top);
		if (session_run(top->session, next < end ? next : end, NULL, NULL))
			code = EXIT_FAILED;
		last = top_over(top, end);
		if (code == EXIT_OK)
			code = print(top, out);
		printed++;
	}
	if (!out)
		return code;
	closed = output_close(out);
	return code ? code : closed;
}

static int take_record(void *ctx, const struct mmuscope_hdr *rec)
{
	struct top *top = ctx;
	int err = focus_feed(&top->focus, session_model(top->session), rec);

	if (err)
		fprintf(stderr, "mmuscope: not enough memory\n");
	return err;
}

static int work(void *ctx, struct session *s, struct child *child)
{
	struct top *top = ctx;
	const struct session_tap tap = { .record = take_record, .ctx = top };
	uint64_t end = top->options.duration_ns ? session_clock() + top->options.duration_ns :
		       UINT64_MAX;

	(void)child;
	top->session = s;
	top->cpu_ns = cpu_now();
	session_set_tap(s, &tap);
	/* Nothing has been counted yet, but the columns are known. */
	if (top_refresh(top, true)) {
		fprintf(stderr, "mmuscope: not enough memory\n");
		return EXIT_FAILED;
	}
	if (top->sort && !table_sort(top->table, top->sort)) {
		int code = summary_no_column(top->report, top->sort);

		top->report = NULL;
		return code;
	}
	top_forget(top);
	return top->batch ? print_all(top, end) : top_browse(top, end);
}

int cmd_top(int argc, char **argv)
{
	struct steady steady = { 0 };
	struct top top = { .options = { .name = "mmuscope top", .steady = &steady } };
	int code;

	options_parse(&top_argp, argc, argv, &top.options);
	if (focus_init(&top.focus, top.by)) {
		fprintf(stderr, "mmuscope: not enough memory\n");
		return EXIT_FAILED;
	}
	session_catch_signals();
	code = run_collection(&top.options, NULL, work, &top);
	top_forget(&top);
	focus_free(&top.focus);
	return code;
}
