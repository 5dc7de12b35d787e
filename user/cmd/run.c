// SPDX-License-Identifier: GPL-2.0
#include "cmd/run.h"

#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/parse.h"

void run_check(const struct argp_state *state)
{
	const struct options *o = state->input;

	if (o->command && o->duration_ns)
		options_error(state, "-d and a command exclude each other");
	if (o->command && !o->timed && (o->pid || o->vm))
		options_error(state, "-p or --vm and a command exclude each other");
	if (o->pid && o->vm)
		options_error(state, "-p and --vm exclude each other");
}

error_t run_parse(int key, char *arg, struct argp_state *state)
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
		run_check(state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

bool run_over(const struct session *s, const struct child *child, uint64_t end)
{
	return session_stopped() || session_ended(s) || session_clock() >= end ||
	       (child && child->ended);
}

static int with_child(const struct options *o, struct session *s, struct child *child,
		      run_fn work, void *ctx)
{
	int err = child ? child_start(child) : 0, code;

	if (err) {
		fprintf(stderr, "mmuscope: cannot run '%s': %s\n", o->command[0], strerror(-err));
		return EXIT_FAILED;
	}
	code = work(ctx, s, child);
	/* Made-up records come to their end before the command does. */
	if (child && session_ended(s) && !session_stopped())
		child_wait(child);
	return code;
}

static int with_session(const struct options *o, struct child *child, run_fn prepare, run_fn work,
			void *ctx)
{
	struct session *s = session_open(o, child && !o->timed ? child->pid : 0);
	int code;

	if (!s)
		return EXIT_FAILED;
	code = prepare ? prepare(ctx, s, NULL) : EXIT_OK;
	if (code == EXIT_OK)
		code = with_child(o, s, child, work, ctx);
	session_close(s);
	return code;
}

static int with_command(const struct options *o, run_fn prepare, run_fn work, void *ctx)
{
	struct child child;
	int code, err;

	err = child_prepare(&child, o->command);
	if (err) {
		fprintf(stderr, "mmuscope: cannot fork: %s\n", strerror(-err));
		return EXIT_FAILED;
	}
	code = with_session(o, &child, prepare, work, ctx);
	child_end(&child);
	return code == EXIT_OK ? child_code(&child) : code;
}

int run_collection(const struct options *o, run_fn prepare, run_fn work, void *ctx)
{
	return o->command ? with_command(o, prepare, work, ctx) :
			    with_session(o, NULL, prepare, work, ctx);
}
