// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/recording.h"
#include "lib/parse.h"
#include "view/diff.h"

/* As diff(1). */
enum { EXIT_SAME = 0, EXIT_DIFFER = 1, EXIT_TROUBLE = 2 };

enum { KEY_BY = 512, KEY_PER };

#define BIT(name)	(1ULL << MMUSCOPE_TYPE_##name)
/* They say whose the others are, and are no work. */
#define STATE		(BIT(vm) | BIT(vcpu) | BIT(slot) | BIT(lost))

static const struct diff_spec totals = { "totals", "All", "vm,type", ~STATE };

static const struct diff_spec details[] = {
	{ "faults", "Faults", "vm,cause,condition,access,verdict", BIT(fault) },
	{ "flushes", "TLB flushes", "vm,scope,origin,cause", BIT(flush) },
	{ "invalidations", "MMU notifiers", "vm,event,cause,comm", BIT(invalidate) },
	{ "work", "Page tables, dirty logging, mmu_lock", "vm,type,op",
	  BIT(shadow_page) | BIT(dirty) | BIT(lockwait) },
	{ "exits", "Exits", "vm,isa,reason", BIT(exits) },
};

/**
 * struct diff_cmd
 * @recording: the first member; what is wanted of each recording
 * @recordings: those that were opened, like the runs of @diff
 * @by: --by, or NULL
 * @divided: there was a ":" between the files
 * @operations: --per, of which there are @nr_operations
 */
struct diff_cmd {
	struct recording recording;
	struct recording recordings[DIFF_RUNS];
	const char *by;
	bool divided;
	double operations[DIFF_RUNS];
	size_t nr_operations;
	struct diff diff;
};

/* "1000", or "1000,2000": operations of the guest. */
static int parse_operations(struct diff_cmd *c, const char *arg)
{
	char *list = strdup(arg), *rest = list, *one;
	uint64_t number;
	int err = list ? 0 : -ENOMEM;

	while (!err && (one = strsep(&rest, ","))) {
		err = c->nr_operations == DIFF_RUNS ? -E2BIG :
		      parse_number(one, UINT64_MAX / 2, &number);
		if (!err && !number)
			err = -EINVAL;
		if (!err)
			c->operations[c->nr_operations++] = number;
	}
	free(list);
	return err;
}

static int parse_per(struct diff_cmd *c, const char *arg)
{
	static const char *const words[] = {
		[DIFF_SECOND] = "second", [DIFF_RUN] = "run",
		[DIFF_VCPU_SECOND] = "vcpu-second", [DIFF_EXIT] = "exit",
	};

	c->nr_operations = 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		c->diff.per = i;
		if (!strcmp(arg, words[i]))
			return 0;
	}
	c->diff.per = DIFF_OPERATION;
	return parse_operations(c, arg);
}

static void take_file(struct diff_cmd *c, const char *arg, const struct argp_state *state)
{
	if (!strcmp(arg, ":")) {
		if (c->divided)
			options_error(state, "there is one ':' between the recordings of A and B");
		c->divided = true;
		c->diff.nr_a = c->diff.nr;
		return;
	}
	if (c->diff.nr == DIFF_RUNS)
		options_error(state, "at most %d recordings are compared", DIFF_RUNS);
	c->diff.runs[c->diff.nr++].path = arg;
}

static void check(struct diff_cmd *c, const struct argp_state *state)
{
	struct diff *d = &c->diff;

	if (!c->divided && d->nr == 2)
		d->nr_a = 1;
	if (!d->nr_a || d->nr_a == d->nr)
		options_error(state, "it wants two recordings, A B, or those of repeated runs with "
			      "a ':' between both sides, A1 A2 A3 : B1 B2 B3");
	if (d->per == DIFF_OPERATION && c->nr_operations != 1 && c->nr_operations != 2 &&
	    c->nr_operations != d->nr)
		options_error(state, "--per wants one number, one for each side or one for each "
			      "recording, not %zu", c->nr_operations);
	for (size_t i = 0; i < d->nr; i++)
		d->runs[i].operations = c->operations[c->nr_operations == d->nr ? i :
						      c->nr_operations == 2 ? i >= d->nr_a : 0];
}

static error_t diff_parse(int key, char *arg, struct argp_state *state)
{
	struct diff_cmd *c = state->input;

	switch (key) {
	case KEY_BY:
		c->by = arg;
		return 0;
	case KEY_PER:
		if (parse_per(c, arg))
			options_error(state, "--per wants second, run, vcpu-second, exit or "
				      "numbers of operations, not '%s'", arg);
		return 0;
	case ARGP_KEY_ARG:
		take_file(c, arg, state);
		return 0;
	case ARGP_KEY_END:
		check(c, state);
		return 0;
	}
	return recording_parse(key, arg, state);
}

static const struct argp diff_argp = {
	.options = (const struct argp_option[]){
		{ "per", KEY_PER, "WHAT", 0, "What counts are divided by: second (default), run, "
		  "vcpu-second, exit, or N[,N...], operations that the guest did: in each, in A "
		  "and B, or by recording", 0 },
		{ "by", KEY_BY, "FIELD[,FIELD...]", 0,
		  "A row for each value of these fields, as in report, instead of the tables", 0 },
		{ 0 },
	},
	.parser = diff_parse,
	.args_doc = "A B\nA1 A2... : B1 B2...",
	.doc = "Compare two recordings, or those of repeated runs, row by row.\n"
	       "\vExit code: 0 no significant difference, 1 there is one, 2 trouble or usage.",
	.children = (const struct argp_child[]){
		{ &recording_argp, 0, NULL, 0 },
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int spec_add(struct diff *d, const struct diff_spec *spec, char *why, size_t len)
{
	struct tally *t = tally_new(spec->keys, spec->types, why, len);
	bool ok = t && t->types;

	if (ok)
		d->specs[d->nr_specs++] = *spec;
	tally_free(t);
	return ok ? 0 : -EINVAL;
}

/* Return: 0, or -1 after one sentence. */
static int specs_choose(struct diff_cmd *c, char *keys, size_t len)
{
	const struct diff_spec by = { "rows", c->by, keys, ~STATE };
	struct diff *d = &c->diff;
	char why[128];

	snprintf(keys, len, "vm,%s", c->by ?: "");
	if (spec_add(d, &totals, why, sizeof(why)))
		goto fail;
	if (c->by) {
		if (!spec_add(d, &by, why, sizeof(why)))
			return 0;
		goto fail;
	}
	for (size_t i = 0; i < ARRAY_SIZE(details); i++)
		if (spec_add(d, &details[i], why, sizeof(why)))
			goto fail;
	return 0;
fail:
	if (c->by)
		fprintf(stderr, "mmuscope: --by does not understand '%s': %s\n", c->by, why);
	else
		fprintf(stderr, "mmuscope: %s\n", why);
	return -1;
}

static int ignore(void *ctx, const struct mmuscope_hdr *rec)
{
	(void)ctx;
	(void)rec;
	return 0;
}

/* How long the recording is: it is known at its end, and needed to cut it into slices. */
static int measure(const struct diff_cmd *c, struct diff_run *run)
{
	struct recording r = c->recording;
	int err;

	r.path = run->path;
	r.filter = NULL;
	r.guests = (struct guests){ NULL, 0 };
	r.types = 0;
	if (recording_open(&r))
		return -1;
	err = recording_read(&r, ignore, NULL);
	run->elapsed_ns = source_file_elapsed(r.source);
	recording_close(&r);
	if (err)
		fprintf(stderr, "mmuscope: cannot read '%s': %s\n", r.path, strerror(-err));
	return err;
}

struct reading {
	const struct diff_cmd *cmd;
	const struct recording *recording;
	struct diff_run *run;
};

static int take(void *ctx, const struct mmuscope_hdr *rec)
{
	const struct reading *in = ctx;
	const struct filter *filter = in->cmd->recording.filter;
	int err = model_feed(in->run->model, rec);

	if (err || (filter && !filter_match(filter, rec)) ||
	    !recording_is_shown(in->recording, in->run->model, rec))
		return err;
	for (size_t i = 0; !err && i < in->cmd->diff.nr_specs; i++)
		err = tally_feed(in->run->tally[i], in->run->model, rec);
	return err;
}

static int tallies_new(const struct diff_cmd *c, struct diff_run *run, uint64_t begin)
{
	const struct diff *d = &c->diff;
	char why[128];

	for (size_t i = 0; i < d->nr_specs; i++) {
		run->tally[i] = tally_new(d->specs[i].keys, d->specs[i].types, why, sizeof(why));
		if (!run->tally[i])
			return -ENOMEM;
		run->tally[i]->group->guests = &c->recording.guests;
		run->tally[i]->begin = begin;
		run->tally[i]->elapsed_ns = run->elapsed_ns;
		run->tally[i]->nr_slices = d->nr == 2 ? TWOSAMPLE_SLICES : 1;
	}
	return 0;
}

/* Return: 0, -errno after one sentence, or 1 after one where some of it could not be read. */
static int read_run(struct diff_cmd *c, size_t at)
{
	struct recording *r = &c->recordings[at];
	struct diff_run *run = &c->diff.runs[at];
	struct reading in = { c, r, run };
	int err;

	if (measure(c, run))
		return -EIO;
	*r = c->recording;
	r->path = run->path;
	/* The model is to know all, also where only some of it is counted. */
	r->filter = NULL;
	if (recording_open(r))
		return -EIO;
	run->source = r->source;
	run->vm = r->options.vm;
	run->pid = r->options.pid;
	run->head = reader_head(source_file_reader(r->source));
	run->command = head_until_command(run->head);
	run->model = model_new(source_file_name, r->source);
	err = run->model ? tallies_new(c, run, source_file_begin(r->source) + r->from_ns) :
			   -ENOMEM;
	if (!err && r->from_ns)
		model_partial(run->model);
	if (!err)
		err = recording_read(r, take, &in);
	if (!err)
		err = model_fold(run->model);
	if (err) {
		fprintf(stderr, "mmuscope: cannot read '%s': %s\n", r->path, strerror(-err));
		return err;
	}
	return recording_damage(r, 0);
}

static int compare(struct diff_cmd *c, FILE *out)
{
	enum diff_outcome outcome = DIFF_UNTOLD;
	bool wrong = false;
	struct report *r;
	int err, code;

	for (size_t i = 0; i < c->diff.nr; i++) {
		err = read_run(c, i);
		if (err < 0)
			return EXIT_TROUBLE;
		wrong |= err > 0;
		/* A VM may be on one side only. */
		c->recording.asked |= c->recordings[i].asked;
		c->recording.seen |= c->recordings[i].seen;
		memcpy(c->recording.names, c->recordings[i].names, sizeof(c->recording.names));
	}
	wrong |= recording_strangers(&c->recording, 0) != EXIT_OK;
	r = report_new("diff");
	if (r && view_diff(r, &c->diff, &outcome)) {
		report_free(r);
		r = NULL;
	}
	code = output_report(out, &c->recording.options, r);
	if (code != EXIT_OK || wrong)
		return EXIT_TROUBLE;
	return outcome == DIFF_DIFFERS ? EXIT_DIFFER :
	       outcome == DIFF_SAME ? EXIT_SAME : EXIT_TROUBLE;
}

static void close_all(struct diff_cmd *c)
{
	for (size_t i = 0; i < c->diff.nr; i++) {
		struct diff_run *run = &c->diff.runs[i];

		for (size_t t = 0; t < c->diff.nr_specs; t++)
			tally_free(run->tally[t]);
		if (run->model)
			model_free(run->model);
		/* What was asked for is of all of them. */
		c->recordings[i].guests = (struct guests){ NULL, 0 };
		recording_close(&c->recordings[i]);
	}
	recording_close(&c->recording);
}

int cmd_diff(int argc, char **argv)
{
	static struct diff_cmd c = { .recording = RECORDING_INIT("mmuscope diff") };
	int code = EXIT_TROUBLE, closed;
	char keys[256];
	FILE *out;

	options_parse(&diff_argp, argc, argv, &c.recording.options);
	if (specs_choose(&c, keys, sizeof(keys)))
		return EXIT_TROUBLE;
	out = output_open_paged(&c.recording.options);
	if (!out)
		return EXIT_TROUBLE;
	code = compare(&c, out);
	close_all(&c);
	closed = output_close(out);
	return closed ? EXIT_TROUBLE : code;
}
