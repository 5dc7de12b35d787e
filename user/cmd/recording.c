// SPDX-License-Identifier: GPL-2.0
#include "cmd/recording.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/format.h"
#include "lib/parse.h"
#include "lib/schema.h"
#include "model/batch.h"
#include "model/sums.h"

#define MEMORY_MAX	(4ULL << 30)

enum { KEY_TIME = 768, KEY_FILTER, KEY_VM, KEY_SYMBOLS };

/* "A,B", either of which may be left out. */
static int parse_range(struct recording *r, const char *arg)
{
	const char *comma = strchr(arg, ',');
	char from[32];

	if (!comma || comma - arg >= (int)sizeof(from))
		return -EINVAL;
	memcpy(from, arg, comma - arg);
	from[comma - arg] = '\0';
	r->from_ns = 0;
	r->to_ns = UINT64_MAX;
	if (*from && strcmp(from, "0") && parse_seconds(from, &r->from_ns))
		return -EINVAL;
	if (comma[1] && parse_seconds(comma + 1, &r->to_ns))
		return -EINVAL;
	return r->from_ns < r->to_ns ? 0 : -EINVAL;
}

static error_t group_parse(int key, char *arg, struct argp_state *state)
{
	struct recording *r = state->input;
	uint64_t number;
	char why[256];

	switch (key) {
	case KEY_TIME:
		if (parse_range(r, arg))
			options_error(state, "--time wants two times since the begin in seconds, "
				      "such as 1.5,3, not '%s'", arg);
		return 0;
	case KEY_FILTER:
		filter_free(r->filter);
		r->filter = filter_new(arg, why, sizeof(why));
		if (!r->filter)
			options_error(state, "--filter does not understand '%s': %s", arg, why);
		return 0;
	case 'p':
		if (parse_number(arg, INT_MAX, &number) || !number)
			options_error(state, "-p wants a process id, not '%s'", arg);
		r->options.pid = number;
		return 0;
	case KEY_VM:
		if (!*arg)
			options_error(state, "--vm wants the name of a VM");
		r->options.vm = arg;
		return 0;
	case KEY_SYMBOLS:
		if (guests_add(&r->guests, arg, why, sizeof(why)))
			options_error(state, "%s", why);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp recording_argp = {
	.options = (const struct argp_option[]){
		{ NULL, 0, NULL, 0, "What of the recording:", 1 },
		{ "time", KEY_TIME, "A,B", 0, "Only from A to B, in seconds since the begin; "
		  "A or B may be left out", 0 },
		{ "filter", KEY_FILTER, "EXPRESSION", 0, "Only records that match, such as "
		  "'type==fault and access==write and dur > 1ms'", 0 },
		{ "pid", 'p', "PID", 0, "Only VMs of this process", 0 },
		{ "vm", KEY_VM, "NAME", 0, "Only the VM of this name", 0 },
		{ "guest-symbols", KEY_SYMBOLS, "VM=FILE", 0, "Name guest instructions of VM by "
		  "this System.map, copy of /proc/kallsyms or vmlinux; may be repeated", 0 },
		{ 0 },
	},
	.parser = group_parse,
};

error_t recording_parse(int key, char *arg, struct argp_state *state)
{
	struct recording *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_share(state);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			options_error(state, "there is one FILE, but also '%s'", arg);
		r->path = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const char *recorded_vm(const struct source *src)
{
	const json_t *head = reader_head(source_file_reader(src));

	return json_string_value(json_object_get(json_object_get(head, "filter"), "vm"));
}

/*
 * Damage is found out, but a file can be made up to hold more VMs than there is memory for: that
 * is to end in a sentence, and not in swapping.
 */
static void memory_limit(void)
{
	uint64_t most = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2;
	struct rlimit limit;

	if (most > MEMORY_MAX)
		most = MEMORY_MAX;
	if (getrlimit(RLIMIT_DATA, &limit) || limit.rlim_cur <= most)
		return;
	limit.rlim_cur = most;
	setrlimit(RLIMIT_DATA, &limit);
}

int recording_open(struct recording *r)
{
	struct file_config cfg = {
		.path = r->path, .from_ns = r->from_ns, .to_ns = r->to_ns, .types = r->types,
	};
	char err[512];

	memory_limit();
	if (r->filter)
		cfg.types &= filter_types(r->filter);
	/* What is lost is always told. */
	cfg.types |= r->aside_types;
	cfg.types |= 1ULL << MMUSCOPE_TYPE_lost;
	r->source = source_file_open(&cfg, err, sizeof(err));
	if (r->source) {
		/* As stat --vm: whoever recorded one VM of a process wants to see that one. */
		r->asked = r->options.vm || r->options.pid;
		if (!r->asked)
			r->options.vm = recorded_vm(r->source);
		return 0;
	}
	fprintf(stderr, "mmuscope: %s\n", err);
	return -1;
}

void recording_close(struct recording *r)
{
	if (r->source)
		r->source->ops->close(r->source);
	filter_free(r->filter);
	guests_free(&r->guests);
}

/* Without these the others say nothing. */
static bool is_always_wanted(const struct mmuscope_hdr *rec)
{
	return rec->type == MMUSCOPE_TYPE_vm || rec->type == MMUSCOPE_TYPE_vcpu ||
	       rec->type == MMUSCOPE_TYPE_slot || rec->type == MMUSCOPE_TYPE_lost;
}

/* Whether --vm means @name: the model adds "#ID" where two have one name. */
static bool is_named(const char *wanted, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(wanted, name, len) && (!wanted[len] || wanted[len] == '#');
}

/* Marks for whom of --guest-symbols, --vm and -p there is a VM. */
static void see(struct recording *r, const char *name, uint32_t pid)
{
	guests_see(&r->guests, name);
	r->seen |= r->options.vm && is_named(r->options.vm, name);
	r->seen |= r->options.pid && pid == (uint32_t)r->options.pid;
}

static void see_vm(struct recording *r, const struct mmuscope_vm *vm)
{
	char name[MODEL_NAME];

	source_file_name(r->source, vm, name, sizeof(name));
	see(r, name, vm->pid);
}

static void see_record(struct recording *r, const struct mmuscope_hdr *rec)
{
	/* One of an older version is shorter. */
	struct mmuscope_vm vm = { 0 };

	memcpy(&vm, rec, rec->size < sizeof(vm) ? rec->size : sizeof(vm));
	/* Whoever happens to be the last to hold a VM does not own it. */
	if (vm.pid && vm.op != MMUSCOPE_life_destroyed)
		see_vm(r, &vm);
}

/* All was read: all that had a VM are known, in the order in which they were first told of. */
static void end(struct recording *r)
{
	const char *name;
	uint32_t pid;

	r->ended = true;
	for (size_t i = 0; (name = source_file_owner(r->source, i, &pid)); i++) {
		size_t len = strlen(r->names);

		see(r, name, pid);
		if (!strstr(r->names, name))
			snprintf(r->names + len, sizeof(r->names) - len, "%s%s",
				 len ? ", " : "", name);
	}
}

int recording_read(struct recording *r, int (*take)(void *ctx, const struct mmuscope_hdr *rec),
		   void *ctx)
{
	const struct mmuscope_hdr *rec;
	int ret;

	while ((ret = source_file_next(r->source, &rec)) == 1) {
		bool wanted = is_always_wanted(rec) ||
			      ((!r->filter || filter_match(r->filter, rec)) &&
			       r->types >> (rec->type < 63 ? rec->type : 63) & 1);

		if (rec->type == MMUSCOPE_TYPE_vm)
			see_record(r, rec);
		if (!wanted && !r->aside)
			continue;
		ret = wanted ? take(ctx, rec) : r->aside(ctx, rec);
		if (ret)
			return ret;
	}
	if (ret == -ENODATA)
		end(r);
	return r->ended ? 0 : ret;
}

static void see_model(struct recording *r, const struct model *m)
{
	for (size_t i = 0; i < model_vms(m); i++) {
		const struct vm *vm = model_vm(m, i);
		struct mmuscope_vm rec = { .hdr.vm = vm->id, .pid = vm->pid };

		memcpy(rec.comm, vm->comm, sizeof(rec.comm));
		if (vm->pid)
			see_vm(r, &rec);
	}
}

/* Return: a model made of the sums that the recording holds, or NULL. */
static struct model *sums_take(struct recording *r)
{
	struct model *m = NULL;
	struct bytes sums = { 0 };

	if (source_file_sums(r->source, &sums, SUMS_BYTES_MAX) == 1)
		m = model_new(source_file_name, r->source);
	if (m && sums_load(m, sums.at, sums.len)) {
		model_free(m);
		m = NULL;
	}
	bytes_free(&sums);
	if (!m)
		return NULL;
	source_file_pass(r->source);
	see_model(r, m);
	end(r);
	return m;
}

static int feed_all(struct recording *r, struct model *m)
{
	const struct mmuscope_hdr *recs[MODEL_BATCH];
	struct source *src = r->source;
	int ret = 0, err = 0;

	while (!ret && !err) {
		unsigned int nr = 0;

		while (nr < MODEL_BATCH && (ret = src->ops->next(src, 0, &recs[nr])) == 1) {
			if (recs[nr]->type == MMUSCOPE_TYPE_vm)
				see_record(r, recs[nr]);
			nr++;
		}
		err = batch_feed(m, recs, nr);
		src->ops->release(src, 0);
		ret = ret == 1 ? 0 : ret;
	}
	if (ret == -ENODATA)
		end(r);
	return err || r->ended ? err : ret;
}

int recording_model(struct recording *r, struct model **m)
{
	*m = sums_take(r);
	if (*m)
		return 0;
	*m = model_new(source_file_name, r->source);
	if (!*m)
		return -ENOMEM;
	if (r->from_ns)
		model_partial(*m);
	return feed_all(r, *m);
}

struct lines {
	const struct recording *recording;
	struct model *model;	/* knows the VMs; fed with what tells of them, and nothing else */
	int (*take)(void *ctx, const struct record_line *line);
	void *ctx;
};

static int line_take(void *ctx, const struct mmuscope_hdr *rec)
{
	const struct lines *l = ctx;
	const struct recording *r = l->recording;
	struct record_line line = { .rec = rec, .guests = &r->guests };
	const struct vm *vm;
	int err = 0;

	if (rec->type == MMUSCOPE_TYPE_vm || rec->type == MMUSCOPE_TYPE_vcpu ||
	    rec->type == MMUSCOPE_TYPE_slot)
		err = model_feed(l->model, rec);
	if (err || !schema_event(rec->type) || (r->filter && !filter_match(r->filter, rec)) ||
	    !recording_is_shown(r, l->model, rec))
		return err;
	vm = rec->vm ? model_vm_of(l->model, rec->vm) : NULL;
	line.vm = vm ? vm->name : NULL;
	line.begin = source_file_begin(r->source);
	return l->take(l->ctx, &line);
}

int recording_lines(struct recording *r, int (*take)(void *ctx, const struct record_line *line),
		    void *ctx)
{
	struct lines l = { r, model_new(source_file_name, r->source), take, ctx };
	int ret = l.model ? recording_read(r, line_take, &l) : -ENOMEM;

	if (l.model)
		model_free(l.model);
	return ret;
}

bool recording_is_shown(const struct recording *r, const struct model *m,
			const struct mmuscope_hdr *rec)
{
	const struct vm *vm;

	/* Whose the lost records were nobody knows. */
	if ((!r->options.vm && !r->options.pid) || rec->type == MMUSCOPE_TYPE_lost)
		return true;
	vm = rec->vm ? model_vm_of(m, rec->vm) : NULL;
	return vm && (!r->options.vm || !strcmp(vm->name, r->options.vm)) &&
	       (!r->options.pid || vm->pid == (uint32_t)r->options.pid);
}

int recording_damage(const struct recording *r, int code)
{
	char text[512];

	if (!source_file_damage(r->source, text, sizeof(text)))
		return code;
	fprintf(stderr, "mmuscope: %s\n", text);
	return code ? code : EXIT_FAILED;
}

int recording_strangers(const struct recording *r, int code)
{
	const char *vm = guests_unseen(&r->guests);

	if (r->asked && !r->seen) {
		if (r->options.vm)
			fprintf(stderr, "mmuscope: no VM is named '%s'", r->options.vm);
		else
			fprintf(stderr, "mmuscope: process %d has no VM", r->options.pid);
		fprintf(stderr, " in what was read%s%s\n", *r->names ? "; there are " : "",
			r->names);
		code = code ? code : EXIT_FAILED;
	}
	if (!vm)
		return code;
	fprintf(stderr, "mmuscope: --guest-symbols: there was no VM '%s' in what was read; "
		"'mmuscope info' tells the names\n", vm);
	return code ? code : EXIT_FAILED;
}

/* All of what was asked for lies behind the end. */
static int too_late(const struct recording *r, int code)
{
	char from[FORMAT_MAX];

	if (!r->from_ns || source_file_elapsed(r->source))
		return code;
	fprintf(stderr, "mmuscope: --time: '%s' has nothing from %s on; 'mmuscope info' tells how "
		"long it is\n", r->path, format_ns(from, r->from_ns));
	return code ? code : EXIT_FAILED;
}

int recording_verdict(const struct recording *r, int code)
{
	code = recording_damage(r, code);
	if (r->ended)
		code = too_late(r, code);
	/* Who read no further does not know who would have come. */
	return r->ended ? recording_strangers(r, code) : code;
}
