// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/about.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/recording.h"
#include "cmd/summary.h"
#include "cmd/run.h"
#include "model/group.h"
#include "view/view.h"

enum { KEY_BY = 512, KEY_SORT, KEY_HTML };

/**
 * struct report_run - one reading of a recording
 * @recording: the first member, see struct recording
 * @by: --by, or NULL
 * @sort: --sort, or NULL
 * @pictures: with --html, what pictures are made of
 * @html: --html, or NULL
 * @next: time stamp at which the running interval ends
 */
struct report_run {
	struct recording recording;
	const char *by;
	const char *sort;
	struct group *group;
	struct model *model;
	struct pictures *pictures;
	const char *html;
	FILE *out;
	uint64_t intervals;
	uint64_t next;
};

static bool has_key(const struct group *g, const char *name)
{
	for (size_t i = 0; i < g->nr_keys; i++)
		if (!strcmp(g->key[i].name, name))
			return true;
	return false;
}

static void group_make(struct report_run *run, const struct argp_state *state)
{
	char why[128], keys[256];

	run->group = group_new(run->by, why, sizeof(why));
	/* The same address is another function in another guest. */
	if (run->group && run->recording.guests.nr && has_key(run->group, "rip") &&
	    !has_key(run->group, "vm")) {
		group_free(run->group);
		snprintf(keys, sizeof(keys), "vm,%s", run->by);
		run->group = group_new(keys, why, sizeof(why));
	}
	if (!run->group)
		options_error(state, "--by does not understand '%s': %s", run->by, why);
	run->group->guests = &run->recording.guests;
}

static error_t report_parse(int key, char *arg, struct argp_state *state)
{
	struct report_run *run = state->input;
	struct options *o = &run->recording.options;

	switch (key) {
	case 'i':
		return run_parse(key, arg, state);
	case KEY_BY:
		run->by = arg;
		return 0;
	case KEY_SORT:
		run->sort = arg;
		return 0;
	case KEY_HTML:
		run->html = arg;
		return 0;
	case ARGP_KEY_END:
		if (run->by && o->interval_ns)
			options_error(state, "--by and -i exclude each other");
		if (run->html && (o->interval_ns || o->json || o->output))
			options_error(state, "--html excludes %s", o->interval_ns ? "-i" :
				      o->json ? "--json" : "-o");
		if (run->by)
			group_make(run, state);
		return 0;
	}
	return recording_parse(key, arg, state);
}

static const struct argp report_argp = {
	.options = (const struct argp_option[]){
		{ "interval", 'i', "SECONDS", 0,
		  "Print what happened in each such interval, and the total at the end", 0 },
		{ "by", KEY_BY, "FIELD[,FIELD...]", 0,
		  "One table instead, with a row for each value of these fields: vm, vcpu, cause, "
		  "access, rip, slot, level ...", 0 },
		{ "html", KEY_HTML, "FILE", 0,
		  "Write a page with tables and pictures to FILE instead", 0 },
		{ "sort", KEY_SORT, "COLUMN", 0,
		  "Sort tables by COLUMN, by its name in --json: count, ns, p50, p99, max ...", 0 },
		{ 0 },
	},
	.parser = report_parse,
	.args_doc = "[FILE]",
	.doc = "Print tables and histograms per VM from a recording, as 'mmuscope stat' does "
	       "live.\n"
	       "FILE is " RECORDING_NAME " unless named."
	       "\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &recording_argp, 0, NULL, 0 },
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int print_groups(struct report_run *run)
{
	const struct view_window w = {
		.past = true, .elapsed_ns = source_file_elapsed(run->recording.source),
		.source = run->recording.source,
	};
	struct report *r = report_new("groups");

	if (r) {
		if (run->html)
			about_recording(r, &run->recording, run->model);
		view_group(r, run->group, run->model, &w);
		view_collection(r, run->model, &w);
		if (run->sort && !report_sort(r, run->sort))
			return summary_no_column(r, run->sort);
	}
	return output_report(run->out, &run->recording.options, r);
}

static int print(struct report_run *run, bool total, uint64_t elapsed, uint64_t interval)
{
	const struct summary sum = {
		.model = run->model, .source = run->recording.source, .total = total,
		.elapsed_ns = elapsed, .interval_ns = interval,
		.pid = run->recording.options.pid, .sort = run->sort,
		.pictures = run->pictures, .begin_ns = run->recording.from_ns,
		.recording = run->html ? &run->recording : NULL,
	};

	return summary_print(run->out, &run->recording.options, &sum);
}

/* Ends intervals until @ts is in the running one. Return: an exit code. */
static int intervals_end(struct report_run *run, uint64_t ts)
{
	uint64_t every = run->recording.options.interval_ns;

	while (ts > run->next) {
		int code = print(run, false, ++run->intervals * every, every);

		if (code == EXIT_OK && model_fold(run->model))
			code = EXIT_FAILED;
		if (code != EXIT_OK)
			return code;
		run->next += every;
	}
	return EXIT_OK;
}

static int take(void *ctx, const struct mmuscope_hdr *rec)
{
	struct report_run *run = ctx;
	const struct filter *filter = run->recording.filter;
	int err = 0;

	if (run->recording.options.interval_ns && intervals_end(run, rec->ts))
		return -ECANCELED;
	err = model_feed(run->model, rec);
	if (!err && run->group && (!filter || filter_match(filter, rec)) &&
	    recording_is_shown(&run->recording, run->model, rec))
		err = group_feed(run->group, run->model, rec);
	if (!err && run->pictures && recording_is_shown(&run->recording, run->model, rec))
		err = pictures_feed(run->pictures, run->model, rec);
	return err;
}

static int take_aside(void *ctx, const struct mmuscope_hdr *rec)
{
	const struct report_run *run = ctx;

	return model_note(run->model, rec);
}

static int finish(struct report_run *run)
{
	uint64_t elapsed = source_file_elapsed(run->recording.source);
	uint64_t before = run->intervals * run->recording.options.interval_ns;
	int code = EXIT_OK;

	if (run->recording.options.interval_ns && elapsed > before)
		code = print(run, false, elapsed, elapsed - before);
	if (model_fold(run->model)) {
		fprintf(stderr, "mmuscope: not enough memory\n");
		return EXIT_FAILED;
	}
	if (code != EXIT_OK)
		return code;
	return run->group ? print_groups(run) : print(run, true, elapsed, elapsed);
}

/* Return: whether nobody looks at the records but the model. */
static bool is_plain(const struct report_run *run)
{
	return !run->group && !run->html && !run->recording.options.interval_ns &&
	       !run->recording.filter;
}

/* Looks at the records one by one. Return: 0, -ECANCELED after a message, -errno. */
static int look_at_each(struct report_run *run)
{
	struct recording *r = &run->recording;

	run->model = model_new(source_file_name, r->source);
	run->next = source_file_begin(r->source) + r->from_ns + r->options.interval_ns;
	if (run->html && !run->group)
		run->pictures = pictures_new(source_file_begin(r->source) + r->from_ns, NULL);
	if (!run->model || (run->html && !run->group && !run->pictures))
		return -ENOMEM;
	if (r->from_ns)
		model_partial(run->model);
	return recording_read(r, take, run);
}

static int read_all(struct report_run *run)
{
	struct recording *r = &run->recording;
	int err;

	r->types = run->group ? group_types(run->group) : UINT64_MAX;
	if (!run->group || group_has_cause(run->group)) {
		r->aside = take_aside;
		r->aside_types = CAUSE_TYPES;
	}
	if (recording_open(r))
		return EXIT_FAILED;
	err = is_plain(run) ? recording_model(r, &run->model) : look_at_each(run);
	if (err == -ECANCELED)
		return EXIT_FAILED;
	if (err) {
		fprintf(stderr, "mmuscope: cannot read '%s': %s\n", r->path, strerror(-err));
		return EXIT_FAILED;
	}
	err = finish(run);
	return recording_verdict(r, err);
}

static const char *page_title(const struct recording *r)
{
	static char title[256];
	const char *slash = strrchr(r->path, '/');

	snprintf(title, sizeof(title), "Memory virtualization, from %s",
		 slash ? slash + 1 : r->path);
	return title;
}

int cmd_report(int argc, char **argv)
{
	struct report_run run = { .recording = RECORDING_INIT("mmuscope report") };
	int code = EXIT_FAILED, closed;

	options_parse(&report_argp, argc, argv, &run.recording.options);
	if (run.html) {
		run.recording.options.output = run.html;
		run.recording.options.page = page_title(&run.recording);
	}
	run.out = output_open_paged(&run.recording.options);
	if (!run.out)
		return EXIT_FAILED;
	code = read_all(&run);
	if (run.model)
		model_free(run.model);
	pictures_free(run.pictures);
	group_free(run.group);
	recording_close(&run.recording);
	closed = output_close(run.out);
	return code ? code : closed;
}
