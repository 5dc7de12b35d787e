// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/recording.h"
#include "lib/format.h"
#include "model/group.h"
#include "model/pictures.h"
#include "render/render.h"
#include "view/view.h"

enum { KEY_BY = 512, KEY_JSON };

/**
 * struct heatmap - one reading of a recording
 * @recording: the first member, see struct recording
 * @by: what the columns are, NULL for time
 */
struct heatmap {
	struct recording recording;
	struct group *by;
	struct model *model;
	struct pictures *pictures;
	FILE *out;
};

static void parse_by(struct argp_state *state, struct heatmap *h, const char *arg)
{
	char why[128];

	group_free(h->by);
	h->by = strcmp(arg, "time") ? group_new(arg, why, sizeof(why)) : NULL;
	if (!h->by && strcmp(arg, "time"))
		options_error(state, "--by does not understand '%s': %s", arg, why);
	if (h->by && h->by->nr_keys > 1)
		options_error(state, "--by wants one field, not '%s'", arg);
	if (h->by && !(group_types(h->by) & 1ULL << MMUSCOPE_TYPE_fault))
		options_error(state, "--by wants a field of faults, not '%s'", arg);
	if (h->by)
		h->by->guests = &h->recording.guests;
}

static error_t heatmap_parse(int key, char *arg, struct argp_state *state)
{
	struct heatmap *h = state->input;

	switch (key) {
	case KEY_BY:
		parse_by(state, h, arg);
		return 0;
	case KEY_JSON:
		h->recording.options.json = true;
		return 0;
	case 'o':
		h->recording.options.output = arg;
		return 0;
	}
	return recording_parse(key, arg, state);
}

static const struct argp heatmap_argp = {
	.options = (const struct argp_option[]){
		{ "by", KEY_BY, "FIELD", 0,
		  "Columns are the values of this field: condition, verdict, access, level, vcpu "
		  "...; time (default)", 0 },
		{ NULL, 0, NULL, 0, "Output:", 2 },
		{ "output", 'o', "FILE", 0, "Write a picture to FILE, SVG", 0 },
		{ "json", KEY_JSON, NULL, 0, "Print JSON, one object per line", 0 },
		{ 0 },
	},
	.parser = heatmap_parse,
	.args_doc = "[FILE]",
	.doc = "Show where in each VM's memory faults were, and when, from a recording.\n"
	       "FILE is " RECORDING_NAME " unless named."
	       "\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &recording_argp, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int take(void *ctx, const struct mmuscope_hdr *rec)
{
	struct heatmap *h = ctx;
	int err = model_feed(h->model, rec);

	if (err || !recording_is_shown(&h->recording, h->model, rec))
		return err;
	return pictures_feed(h->pictures, h->model, rec);
}

static bool is_picture(const struct heatmap *h)
{
	return h->recording.options.output && !h->recording.options.json;
}

/* Adds the heat maps, or says that there are none; on stderr where a picture is made. */
static void add_maps(struct report *r, const struct heatmap *h, const struct view_window *w,
		     const struct view_heat *size)
{
	static const char none[] = "No fault was seen.";

	if (view_heatmaps(r, h->model, w, size))
		return;
	section_note(report_section(r, "summary", NULL, false), "%s", none);
	if (is_picture(h))
		fprintf(stderr, "mmuscope: %s\n", none);
}

static struct report *describe(const struct heatmap *h)
{
	const struct recording *rec = &h->recording;
	const struct view_window w = {
		.past = true, .elapsed_ns = source_file_elapsed(rec->source),
		.name = rec->options.vm, .pid = rec->options.pid, .pictures = h->pictures,
		.begin_ns = rec->from_ns,
	};
	/* A terminal is wider than it is high; of labels it takes 25 columns. */
	const struct view_heat size = is_picture(h) ?
		(struct view_heat){ .rows = 80, .columns = 80 } :
		(struct view_heat){ .rows = 32, .columns = format_width(h->out) - 25 };
	struct report *r = report_new("heatmap");

	if (r)
		add_maps(r, h, &w, &size);
	return r;
}

static int print(const struct heatmap *h)
{
	struct report *r = describe(h);

	if (!is_picture(h) || !r || report_failed(r))
		return output_report(h->out, &h->recording.options, r);
	render_svg(h->out, r, "Faults by guest-physical address");
	report_free(r);
	return EXIT_OK;
}

static int read_all(struct heatmap *h)
{
	struct recording *r = &h->recording;
	int err;

	/* What a fault was caused by is known from records of all kinds. */
	r->types = h->by ? UINT64_MAX : 1ULL << MMUSCOPE_TYPE_fault;
	if (recording_open(r))
		return EXIT_FAILED;
	h->model = model_new(source_file_name, r->source);
	h->pictures = pictures_new(source_file_begin(r->source) + r->from_ns, h->by);
	err = h->model && h->pictures ? recording_read(r, take, h) : -ENOMEM;
	if (!err)
		err = model_fold(h->model);
	if (err) {
		fprintf(stderr, "mmuscope: cannot read '%s': %s\n", r->path, strerror(-err));
		return EXIT_FAILED;
	}
	err = print(h);
	return recording_verdict(r, err);
}

int cmd_heatmap(int argc, char **argv)
{
	struct heatmap h = { .recording = RECORDING_INIT("mmuscope heatmap") };
	int code, closed;

	options_parse(&heatmap_argp, argc, argv, &h.recording.options);
	h.out = output_open_paged(&h.recording.options);
	if (!h.out)
		return EXIT_FAILED;
	code = read_all(&h);
	if (h.model)
		model_free(h.model);
	pictures_free(h.pictures);
	group_free(h.by);
	recording_close(&h.recording);
	closed = output_finish(h.out);
	return code ? code : closed;
}
