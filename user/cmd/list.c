// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/session.h"
#include "lib/proc.h"
#include "view/view.h"

/* VMs that run show themselves at their next exit; idle ones have timers. */
#define LOOK_NS	200000000ULL

static error_t list_parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		options_share(state);
		return 0;
	case ARGP_KEY_ARG:
		options_error(state, "list takes no argument, but there is '%s'", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp list_argp = {
	.parser = list_parse,
	.doc = "List the VMs that are running.\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &options_collect, 0, NULL, 0 },
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int list(FILE *out, const struct options *o)
{
	struct session *s = session_open(o, 0);
	int code = EXIT_FAILED;
	struct report *r;

	if (!s)
		return EXIT_FAILED;
	if (!session_run(s, session_clock() + LOOK_NS, NULL, NULL)) {
		r = report_new("list");
		if (r)
			view_list(r, session_model(s), proc_rss);
		code = output_report(out, o, r);
	}
	session_close(s);
	return code;
}

int cmd_list(int argc, char **argv)
{
	struct options o = { .name = "mmuscope list" };
	int code, closed;
	FILE *out;

	options_parse(&list_argp, argc, argv, &o);
	out = output_open_paged(&o);
	if (!out)
		return EXIT_FAILED;
	session_catch_signals();
	code = list(out, &o);
	closed = output_close(out);
	return code ? code : closed;
}
