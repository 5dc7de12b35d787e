// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/child.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/session.h"
#include "lib/format.h"
#include "lib/parse.h"
#include "view/view.h"

static error_t stat_parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_share(state);
		return 0;
	case 'd':
		if (parse_seconds(arg, &o->duration_ns))
			options_error(state, "-d wants a number of seconds, not '%s'", arg);
		return 0;
	case 'i':
		if (parse_seconds(arg, &o->interval_ns))
			options_error(state, "-i wants a number of seconds, not '%s'", arg);
		return 0;
	case ARGP_KEY_ARG:
		o->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (o->command && o->duration_ns)
			options_error(state, "-d and a command exclude each other");
		if (o->command && (o->pid || o->vm))
			options_error(state, "-p or --vm and a command exclude each other");
		if (o->pid && o->vm)
			options_error(state, "-p and --vm exclude each other");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp stat_argp = {
	.options = (const struct argp_option[]){
		{ "duration", 'd', "SECONDS", 0, "Collect for so long", 0 },
		{ "interval", 'i', "SECONDS", 0,
		  "Print what happened in each such interval, and the total at the end", 0 },
		{ 0 },
	},
	.parser = stat_parse,
	.args_doc = "[-- COMMAND [ARGUMENT...]]",
	.doc = "Collect for a while and print tables and histograms per VM.\n"
	       "Ends after -d SECONDS, with COMMAND, or at Ctrl-C. With COMMAND, only VMs of that "
	       "command and its children count."
	       "\vExit code: 0 ok, 1 failure, 2 usage; with COMMAND, that of the command.",
	.children = (const struct argp_child[]){
		{ &options_collect, 0, NULL, 0 },
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static void add_time(struct report *r, const struct session *s, bool total)
{
	char buf[FORMAT_MAX];
	struct section *time;

	time = report_section(r, "time", total ? NULL :
			      report_text(r, "=== %s ===",
					  format_ns(buf, session_elapsed(s))), false);
	section_fact(time, "kind", NULL, cell_text(total ? "total" : "interval"));
	section_fact(time, "elapsed_ns", NULL, cell_ns(session_elapsed(s)));
	if (!total)
		section_fact(time, "interval_ns", NULL, cell_ns(session_interval(s)));
}

static int print(FILE *out, const struct options *o, struct session *s, bool total)
{
	struct view_window w = {
		.past = total, .name = o->vm,
		.elapsed_ns = total ? session_elapsed(s) : session_interval(s),
	};
	struct report *r = report_new("stat");

	if (!r)
		return output_report(out, o, r);
	add_time(r, s, total);
	if (!view_stat(r, session_model(s), &w))
		section_note(report_section(r, "summary", NULL, false), "No VM was seen.");
	view_collection(r, session_model(s), &w, session_source(s));
	return output_report(out, o, r);
}

/* Interval after interval, each printed if asked for. Return: an exit code. */
static int collect(FILE *out, const struct options *o, struct session *s, struct child *child)
{
	uint64_t begin = session_clock(), next = begin;
	uint64_t end = o->duration_ns ? begin + o->duration_ns : UINT64_MAX;
	int code = EXIT_OK;
	bool last = false;

	while (!last && code == EXIT_OK) {
		next = o->interval_ns ? next + o->interval_ns : end;
		if (session_run(s, next < end ? next : end, child ? child_done : NULL, child))
			return EXIT_FAILED;
		last = session_stopped() || session_ended(s) || session_clock() >= end ||
		       (child && child->ended);
		if (o->interval_ns)
			code = print(out, o, s, false);
		if (model_fold(session_model(s)))
			return EXIT_FAILED;
	}
	return code == EXIT_OK ? print(out, o, s, true) : code;
}

static int with_session(FILE *out, const struct options *o, struct child *child)
{
	struct session *s = session_open(o, child ? child->pid : 0);
	int code, err = 0;

	if (!s)
		return EXIT_FAILED;
	if (child)
		err = child_start(child);
	if (err) {
		fprintf(stderr, "mmuscope: cannot run '%s': %s\n", o->command[0], strerror(-err));
		code = EXIT_FAILED;
	} else {
		code = collect(out, o, s, child);
	}
	session_close(s);
	return code;
}

static int with_command(FILE *out, const struct options *o)
{
	struct child child;
	int code, err;

	err = child_prepare(&child, o->command);
	if (err) {
		fprintf(stderr, "mmuscope: cannot fork: %s\n", strerror(-err));
		return EXIT_FAILED;
	}
	code = with_session(out, o, &child);
	child_end(&child);
	return code == EXIT_OK ? child_code(&child) : code;
}

int cmd_stat(int argc, char **argv)
{
	struct options o = { .name = "mmuscope stat" };
	int code, closed;
	FILE *out;

	options_parse(&stat_argp, argc, argv, &o);
	out = output_open(&o);
	if (!out)
		return EXIT_FAILED;
	session_catch_signals();
	code = o.command ? with_command(out, &o) : with_session(out, &o, NULL);
	closed = output_close(out);
	return code ? code : closed;
}
