// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/recording.h"
#include "render/export.h"
#include "view/view.h"

enum { KEY_FORMAT = 512, KEY_WEIGHT };

enum format { FORMAT_NONE, PERFETTO, CTF, FOLDED, CSV };

/**
 * struct export - one reading of a recording
 * @recording: the first member, see struct recording
 * @time: folded stacks are weighed by time, else by number
 * @filter: --filter where the model is to see what does not match, too
 * @out: for all formats but CTF
 */
struct export {
	struct recording recording;
	enum format format;
	bool time;
	struct filter *filter;
	FILE *out;
	uint64_t types;
	struct perfetto *perfetto;
	struct ctf *ctf;
	struct group *group;
	struct model *model;
};

static error_t export_parse(int key, char *arg, struct argp_state *state)
{
	static const char *const formats[] = {
		[FORMAT_NONE] = "", [PERFETTO] = "perfetto", [CTF] = "ctf", [FOLDED] = "folded",
		[CSV] = "csv",
	};
	struct export *x = state->input;

	switch (key) {
	case KEY_FORMAT:
		for (x->format = CSV; x->format && strcmp(arg, formats[x->format]); x->format--)
			;
		if (!x->format)
			options_error(state, "--format wants perfetto, ctf, folded or csv, "
				      "not '%s'", arg);
		return 0;
	case KEY_WEIGHT:
		x->time = !strcmp(arg, "time");
		if (!x->time && strcmp(arg, "count"))
			options_error(state, "--weight wants count or time, not '%s'", arg);
		return 0;
	case 'o':
		x->recording.options.output = arg;
		return 0;
	case ARGP_KEY_END:
		if (!x->format)
			options_error(state, "say which --format: perfetto, ctf, folded or csv");
		if (x->format == CTF && !x->recording.options.output)
			options_error(state, "CTF is a folder: say which, with -o");
		return 0;
	}
	return recording_parse(key, arg, state);
}

static const struct argp export_argp = {
	.options = (const struct argp_option[]){
		{ "format", KEY_FORMAT, "FORMAT", 0, "perfetto: JSON for ui.perfetto.dev; ctf: a "
		  "folder for babeltrace2 and Trace Compass; folded: stacks for flame graphs; "
		  "csv", 0 },
		{ "weight", KEY_WEIGHT, "WHAT", 0,
		  "What folded stacks count: count of faults (default), or time, in ns", 0 },
		{ "output", 'o', "FILE", 0, "Write to FILE, or for ctf to this new folder", 0 },
		{ 0 },
	},
	.parser = export_parse,
	.args_doc = "[FILE]",
	.doc = "Write a recording in a format that other tools open.\n"
	       "FILE is " RECORDING_NAME " unless named."
	       "\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &recording_argp, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int take_line(void *ctx, const struct record_line *line)
{
	struct export *x = ctx;
	int err = 0;

	switch (x->format) {
	case PERFETTO:
		err = perfetto_record(x->perfetto, line);
		break;
	case CTF:
		return ctf_record(x->ctf, line);
	default:
		record_csv(x->out, line, x->types);
	}
	/* A reader who has gone wants no more. */
	return err ?: ferror(x->out) ? -EPIPE : 0;
}

/* The model is to know all: what a fault is due to may follow from records before it. */
static int take_fault(void *ctx, const struct mmuscope_hdr *rec)
{
	struct export *x = ctx;
	int err = model_feed(x->model, rec);

	if (err || rec->type != MMUSCOPE_TYPE_fault ||
	    !recording_is_shown(&x->recording, x->model, rec) ||
	    (x->filter && !filter_match(x->filter, rec)))
		return err;
	return group_feed(x->group, x->model, rec);
}

/* Keys of the stacks, from the bottom to the top. */
#define STACK	"vm,rip,cause,condition,access,verdict"

static void stack_frame(const struct export *x, const struct group_row *row, size_t key,
			struct report *r)
{
	const struct group_key *k = &x->group->key[key];
	const struct vm *vm = model_vm_of(x->model, row->value[0].number);
	const char *text = NULL;

	if (vm && !strcmp(k->name, "rip"))
		text = guests_function(&x->recording.guests, vm->name, row->value[key].number);
	text = text ?: view_key(r, x->model, x->group, row, key).text ?: "?";
	if (key)
		fputc(';', x->out);
	for (; *text; text++)
		fputc(*text == ';' || (unsigned char)*text < ' ' ? '?' : *text, x->out);
}

static int stacks_write(struct export *x)
{
	struct report *texts = report_new("");
	uint64_t others = x->group->ns[MMUSCOPE_TYPE_fault];
	int err;

	for (size_t i = 0; texts && i < x->group->nr_rows; i++) {
		const struct group_row *row = &x->group->rows[i];

		for (size_t k = 0; k < x->group->nr_keys; k++)
			stack_frame(x, row, k, texts);
		fprintf(x->out, " %" PRIu64 "\n", x->time ? row->hist->sum : row->hist->count);
		others -= row->hist->sum;
	}
	if (x->group->others)
		fprintf(x->out, "others %" PRIu64 "\n", x->time ? others : x->group->others);
	err = !texts || report_failed(texts) ? -ENOMEM : 0;
	if (texts)
		report_free(texts);
	return err;
}

static int folded(struct export *x)
{
	char why[128];
	int err;

	x->group = group_new(STACK, why, sizeof(why));
	x->model = model_new(source_file_name, x->recording.source);
	err = x->group && x->model ? 0 : -ENOMEM;
	if (!err && x->recording.from_ns)
		model_partial(x->model);
	if (!err)
		err = recording_read(&x->recording, take_fault, x);
	if (!err)
		err = stacks_write(x);
	if (x->model)
		model_free(x->model);
	group_free(x->group);
	return err;
}

static struct export_head head_of(const struct recording *r)
{
	const json_t *head = reader_head(source_file_reader(r->source));
	const json_t *uname = json_object_get(head, "uname");
	const json_t *clock = json_object_get(head, "clock");

	return (struct export_head){
		.host = json_string_value(json_object_get(uname, "name")),
		.kernel = json_string_value(json_object_get(uname, "release")),
		.realtime_ns = json_integer_value(json_object_get(clock, "realtime_ns")) -
			       json_integer_value(json_object_get(clock, "monotonic_ns")),
	};
}

/* Return: 0 or -errno; 1 after one sentence. */
static int convert(struct export *x)
{
	const struct export_head head = head_of(&x->recording);
	char why[512];
	int err, end;

	switch (x->format) {
	case PERFETTO:
		x->perfetto = perfetto_begin(x->out, &head);
		if (!x->perfetto)
			return -ENOMEM;
		err = recording_lines(&x->recording, take_line, x);
		perfetto_end(x->perfetto);
		return err;
	case CTF:
		x->ctf = ctf_begin(x->recording.options.output, &head, why, sizeof(why));
		if (!x->ctf) {
			fprintf(stderr, "mmuscope: %s\n", why);
			return 1;
		}
		err = recording_lines(&x->recording, take_line, x);
		end = ctf_end(x->ctf);
		return err ?: end;
	case FOLDED:
		return folded(x);
	default:
		record_csv_head(x->out, x->types, &x->recording.guests);
		return recording_lines(&x->recording, take_line, x);
	}
}

static int read_all(struct export *x)
{
	struct recording *r = &x->recording;
	int err;

	if (x->format == FOLDED) {
		x->filter = r->filter;
		r->filter = NULL;
	}
	if (recording_open(r))
		return EXIT_FAILED;
	x->types = r->filter ? filter_types(r->filter) : UINT64_MAX;
	err = convert(x);
	if (err == 1)
		return EXIT_FAILED;
	if (err && err != -EPIPE) {
		fprintf(stderr, "mmuscope: cannot export '%s': %s\n", r->path, strerror(-err));
		return EXIT_FAILED;
	}
	return recording_verdict(r, EXIT_OK);
}

int cmd_export(int argc, char **argv)
{
	struct export x = { .recording = RECORDING_INIT("mmuscope export") };
	int code, closed;

	options_parse(&export_argp, argc, argv, &x.recording.options);
	/* A folder is made by who writes to it. */
	x.out = x.format == CTF ? stdout : output_open(&x.recording.options);
	if (!x.out)
		return EXIT_FAILED;
	code = read_all(&x);
	filter_free(x.filter);
	recording_close(&x.recording);
	closed = output_finish(x.out);
	return code ? code : closed;
}
