// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/run.h"
#include "cmd/summary.h"

struct stat {
	const struct options *options;
	FILE *out;
	struct progress progress;
};

static const struct argp stat_argp = {
	.options = (const struct argp_option[]){
		{ "duration", 'd', "SECONDS", 0, "Collect for so long", 0 },
		{ "interval", 'i', "SECONDS", 0,
		  "Print what happened in each such interval, and the total at the end", 0 },
		{ 0 },
	},
	.parser = run_parse,
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

static int print(struct stat *st, struct session *s, bool total)
{
	const struct summary sum = {
		.model = session_model(s), .source = session_source(s), .session = s,
		.progress = session_begin(s) ? &st->progress : NULL, .total = total,
		.elapsed_ns = session_elapsed(s), .interval_ns = session_interval(s),
	};

	return summary_print(st->out, st->options, &sum);
}

/* Interval after interval, each printed if asked for. Return: an exit code. */
static int collect(void *ctx, struct session *s, struct child *child)
{
	struct stat *st = ctx;
	const struct options *o = st->options;
	uint64_t begin = session_clock(), next = begin;
	uint64_t end = o->duration_ns ? begin + o->duration_ns : UINT64_MAX;
	int code = EXIT_OK;
	bool last = false;

	/* When the reader has gone nobody wants more, unless it is for a command's sake. */
	while (!last && code == EXIT_OK && (child || !ferror(st->out))) {
		next = o->interval_ns ? next + o->interval_ns : end;
		if (session_run(s, next < end ? next : end, child ? child_done : NULL, child))
			return EXIT_FAILED;
		last = run_over(s, child, end);
		if (o->interval_ns)
			code = print(st, s, false);
		if (model_fold(session_model(s)))
			return EXIT_FAILED;
	}
	return code == EXIT_OK && !ferror(st->out) ? print(st, s, true) : code;
}

int cmd_stat(int argc, char **argv)
{
	struct options o = { .name = "mmuscope stat" };
	struct stat st = { .options = &o };
	int code, closed;

	options_parse(&stat_argp, argc, argv, &o);
	st.out = output_open(&o);
	if (!st.out)
		return EXIT_FAILED;
	session_catch_signals();
	code = run_collection(&o, NULL, collect, &st);
	progress_close(&st.progress);
	closed = output_close(st.out);
	return code ? code : closed;
}
