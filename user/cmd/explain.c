// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "cmd/recording.h"
#include "cmd/run.h"
#include "cmd/summary.h"
#include "view/explain.h"

enum { KEY_GLOSSARY = 1024 };

/**
 * struct explain - one run
 * @recording: the first member, see struct recording
 * @argument: the recording or, with @glossary, the term; NULL where none was given
 * @live: VMs that run are looked at, and @progress asks the kernel about them
 */
struct explain {
	struct recording recording;
	const char *argument;
	bool glossary;
	bool live;
	struct progress progress;
	struct model *model;
	FILE *out;
};

static void explain_check(struct argp_state *state, const struct explain *x)
{
	const struct options *o = &x->recording.options;

	run_check(state);
	if (x->glossary && (o->command || o->duration_ns || o->pid || o->vm))
		options_error(state, "--glossary goes with a term only");
	if (!x->glossary && x->argument && (o->command || o->duration_ns))
		options_error(state, "a recording excludes -d and a command");
}

static error_t explain_parse(int key, char *arg, struct argp_state *state)
{
	struct explain *x = state->input;

	switch (key) {
	case KEY_GLOSSARY:
		x->glossary = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->quoted && state->next > state->quoted)
			break;
		if (state->arg_num)
			options_error(state, "there is one FILE or TERM, but also '%s'", arg);
		x->argument = arg;
		return 0;
	case ARGP_KEY_END:
		explain_check(state, x);
		return 0;
	}
	return run_parse(key, arg, state);
}

static const struct argp explain_argp = {
	.options = (const struct argp_option[]){
		{ "duration", 'd', "SECONDS", 0, "Collect for so long", 0 },
		{ "glossary", KEY_GLOSSARY, NULL, 0,
		  "Explain TERM, a word of any output, or all of them", 0 },
		{ 0 },
	},
	.parser = explain_parse,
	.args_doc = "[FILE]\n[-- COMMAND [ARGUMENT...]]\n--glossary [TERM]",
	.doc = "Say what makes memory virtualization expensive in each VM, what it costs, and what "
	       "changes it.\n"
	       "From FILE, a recording; else collects, until -d SECONDS, COMMAND's end or Ctrl-C."
	       "\vExit code: 0 ok, 1 failure, 2 usage; with COMMAND, that of the command.",
	.children = (const struct argp_child[]){
		{ &options_collect, 0, NULL, 0 },
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int print(struct explain *x, const struct model *m, const struct source *src,
		 uint64_t elapsed_ns)
{
	const struct options *o = &x->recording.options;
	const struct view_window w = {
		.past = true, .elapsed_ns = elapsed_ns, .name = o->vm, .pid = o->pid,
		.progress = x->live ? progress_ask : NULL, .progress_ctx = &x->progress,
		.source = src,
	};
	struct report *r = report_new("explain");

	if (r) {
		view_explain(r, m, &w);
		view_collection(r, m, &w);
	}
	return output_report(x->out, o, r);
}

static int explain_live(void *ctx, struct session *s, struct child *child)
{
	struct explain *x = ctx;
	const struct options *o = &x->recording.options;
	uint64_t end = o->duration_ns ? session_clock() + o->duration_ns : UINT64_MAX;

	if (session_run(s, end, child ? child_done : NULL, child))
		return EXIT_FAILED;
	if (model_fold(session_model(s))) {
		fprintf(stderr, "mmuscope: not enough memory\n");
		return EXIT_FAILED;
	}
	x->live = session_begin(s);
	return print(x, session_model(s), session_source(s), session_elapsed(s));
}

static int explain_file(struct explain *x)
{
	struct recording *r = &x->recording;
	int err;

	r->path = x->argument;
	if (recording_open(r))
		return EXIT_FAILED;
	err = recording_model(r, &x->model);
	if (!err)
		err = model_fold(x->model);
	if (err)
		fprintf(stderr, "mmuscope: cannot read '%s': %s\n", r->path, strerror(-err));
	else
		err = print(x, x->model, r->source, source_file_elapsed(r->source));
	return recording_verdict(r, err ? EXIT_FAILED : EXIT_OK);
}

static int explain_term(const struct explain *x)
{
	struct report *r = report_new("glossary");

	if (r && !view_glossary(r, x->argument)) {
		report_free(r);
		fprintf(stderr, "mmuscope: there is no term '%s'; 'mmuscope explain --glossary' "
			"lists all\n", x->argument);
		return EXIT_FAILED;
	}
	return output_report(x->out, &x->recording.options, r);
}

int cmd_explain(int argc, char **argv)
{
	struct explain x = { .recording = RECORDING_INIT("mmuscope explain") };
	int code, closed;

	options_parse(&explain_argp, argc, argv, &x.recording.options);
	x.out = output_open(&x.recording.options);
	if (!x.out)
		return EXIT_FAILED;
	if (x.glossary) {
		code = explain_term(&x);
	} else if (x.argument) {
		code = explain_file(&x);
	} else {
		session_catch_signals();
		code = run_collection(&x.recording.options, NULL, explain_live, &x);
	}
	if (x.model)
		model_free(x.model);
	recording_close(&x.recording);
	progress_close(&x.progress);
	closed = output_close(x.out);
	return code ? code : closed;
}
