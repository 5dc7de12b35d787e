// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/recording.h"
#include "render/record.h"

enum { KEY_CSV = 512 };

/**
 * struct script - one reading of a recording
 * @recording: the first member, see struct recording
 * @types: families that there are columns for in CSV
 */
struct script {
	struct recording recording;
	bool csv;
	uint64_t types;
	FILE *out;
};

static error_t script_parse(int key, char *arg, struct argp_state *state)
{
	struct script *s = state->input;

	if (key == KEY_CSV) {
		s->csv = true;
		return 0;
	}
	if (key == ARGP_KEY_END && s->csv && s->recording.options.json)
		options_error(state, "--json and --csv exclude each other");
	return recording_parse(key, arg, state);
}

static const struct argp script_argp = {
	.options = (const struct argp_option[]){
		{ "csv", KEY_CSV, NULL, 0, "Print comma-separated values, names in the first line",
		  0 },
		{ 0 },
	},
	.parser = script_parse,
	.args_doc = "[FILE]",
	.doc = "Print the records of a recording, one per line, in the order of time.\n"
	       "FILE is " RECORDING_NAME " unless named."
	       "\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &recording_argp, 0, NULL, 0 },
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int take(void *ctx, const struct record_line *line)
{
	struct script *s = ctx;

	if (s->csv)
		record_csv(s->out, line, s->types);
	else if (s->recording.options.json)
		record_json(s->out, line);
	else
		record_text(s->out, line);
	/* A reader who has gone wants no more. */
	return ferror(s->out) ? -EPIPE : 0;
}

static int read_all(struct script *s)
{
	struct recording *r = &s->recording;
	int err;

	if (recording_open(r))
		return EXIT_FAILED;
	s->types = r->filter ? filter_types(r->filter) : UINT64_MAX;
	if (s->csv)
		record_csv_head(s->out, s->types, &r->guests);
	err = recording_lines(r, take, s);
	if (err == -EPIPE)
		return EXIT_OK;
	if (err) {
		fprintf(stderr, "mmuscope: cannot read '%s': %s\n", r->path, strerror(-err));
		return EXIT_FAILED;
	}
	return recording_verdict(r, EXIT_OK);
}

int cmd_script(int argc, char **argv)
{
	struct script s = { .recording = RECORDING_INIT("mmuscope script") };
	int code, closed;

	options_parse(&script_argp, argc, argv, &s.recording.options);
	s.out = output_open_paged(&s.recording.options);
	if (!s.out)
		return EXIT_FAILED;
	code = read_all(&s);
	recording_close(&s.recording);
	closed = output_finish(s.out);
	return code ? code : closed;
}
