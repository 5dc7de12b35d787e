// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/head.h"
#include "cmd/run.h"
#include "file/writer.h"
#include "lib/format.h"
#include "lib/parse.h"
#include "lib/trigger.h"
#include "model/sums.h"

/* What is younger can be missing when the power fails; also how often conditions are looked at. */
#define MARK_NS		1000000000ULL
#define FLIGHT_BYTES	(64ULL << 20)	/* of a flight recorder without a size */
#define SNAPSHOTS_MAX	100

enum { KEY_MAX_SIZE = 512, KEY_LAST, KEY_SNAPSHOT, KEY_ON };

/**
 * struct record - a recording being made
 * @options: the first member, because all groups of options take it as their input
 * @argv: the command line
 * @path: of the recording
 * @on: --on, or NULL
 * @failed: what the writer said; the recording ends then
 */
struct record {
	struct options options;
	char **argv;
	const char *path;
	uint64_t max_bytes;
	uint64_t last_ns;
	bool snapshot;
	struct trigger *on;
	struct writer *writer;
	unsigned int snapshots;
	uint64_t lost;
	int failed;
};

static volatile sig_atomic_t wanted;

static void want_snapshot(int signal)
{
	(void)signal;
	wanted = 1;
}

static void too_large(int signal)
{
	(void)signal;
}

static void parse_on(struct record *r, const struct argp_state *state, const char *arg)
{
	char why[128];

	trigger_free(r->on);
	r->on = trigger_new(arg, why, sizeof(why));
	if (!r->on)
		options_error(state, "--on does not understand '%s': %s", arg, why);
	r->snapshot = true;
}

static void check(struct record *r, const struct argp_state *state)
{
	run_check(state);
	if (r->snapshot && !r->max_bytes && !r->last_ns)
		r->max_bytes = FLIGHT_BYTES;
}

static error_t record_parse(int key, char *arg, struct argp_state *state)
{
	struct record *r = state->input;

	switch (key) {
	case 'o':
		r->path = arg;
		return 0;
	case KEY_MAX_SIZE:
		if (parse_bytes(arg, &r->max_bytes) || r->max_bytes < WRITER_SMALLEST)
			options_error(state, "--max-size wants at least %uM, not '%s'",
				      WRITER_SMALLEST >> 20, arg);
		return 0;
	case KEY_LAST:
		if (parse_seconds(arg, &r->last_ns))
			options_error(state, "--last wants a number of seconds, not '%s'", arg);
		return 0;
	case KEY_SNAPSHOT:
		r->snapshot = true;
		return 0;
	case KEY_ON:
		parse_on(r, state, arg);
		return 0;
	case ARGP_KEY_END:
		check(r, state);
		return 0;
	}
	return run_parse(key, arg, state);
}

static const struct argp record_argp = {
	.options = (const struct argp_option[]){
		{ "output", 'o', "FILE", 0, "Record to FILE (default: " RECORDING_NAME ")", 0 },
		{ "duration", 'd', "SECONDS", 0, "Record for so long", 0 },
		{ "max-size", KEY_MAX_SIZE, "BYTES", 0,
		  "Flight recorder: keep the file this small, the newest records replace the "
		  "oldest; K, M and G are understood", 0 },
		{ "last", KEY_LAST, "SECONDS", 0,
		  "Flight recorder: keep at least the last SECONDS, as far as --max-size allows",
		  0 },
		{ "snapshot", KEY_SNAPSHOT, NULL, 0,
		  "At each SIGUSR2, copy what the flight recorder holds to FILE.1, FILE.2 ...", 0 },
		{ "on", KEY_ON, "CONDITION", 0,
		  "Take a snapshot also when CONDITION becomes true in a second: "
		  "'p99(fault) > 1ms', 'max(flush) >= 100us', 'count(split) > 1000'", 0 },
		{ 0 },
	},
	.parser = record_parse,
	.args_doc = "[-- COMMAND [ARGUMENT...]]",
	.doc = "Record what happens to a file, for 'mmuscope report', 'script' and 'info'.\n"
	       "Ends after -d SECONDS, with COMMAND, or at Ctrl-C. All VMs are recorded, whoever "
	       "started them, unless -p or --vm names one."
	       "\vExit code: 0 ok, 1 failure, 2 usage; with COMMAND, that of the command.",
	.children = (const struct argp_child[]){
		{ &options_collect, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int keep_error(struct record *r, int err)
{
	if (err && !r->failed)
		r->failed = err;
	return err;
}

static int take_name(void *ctx, const struct mmuscope_vm *rec, const char *name)
{
	struct record *r = ctx;

	return keep_error(r, writer_name(r->writer, rec->hdr.vm, rec->pid, name));
}

static int take_record(void *ctx, const struct mmuscope_hdr *rec)
{
	struct record *r = ctx;

	if (r->on)
		trigger_feed(r->on, rec);
	if (rec->type == MMUSCOPE_TYPE_lost)
		r->lost += ((const struct mmuscope_lost *)rec)->count;
	return keep_error(r, writer_add(r->writer, rec));
}

static struct totals totals_now(struct session *s)
{
	const struct source *src = session_source(s);
	struct source_cost cost = { 0 };

	if (src->ops->cost)
		src->ops->cost(src, &cost);
	return (struct totals){
		.at = session_clock(), .elapsed_ns = session_elapsed(s),
		.cost_records = cost.records, .cost_ns = cost.collector_ns,
		.cost_runs = cost.runs,
	};
}

static void say_failed(const struct record *r)
{
	fprintf(stderr, "mmuscope: cannot write '%s': %s; the recording ends here, what it holds "
		"can be read\n", r->path, strerror(-r->failed));
}

/* A snapshot that cannot be written is no reason to end the recording. */
static void take_snapshot(struct record *r, struct session *s)
{
	struct totals t = totals_now(s);
	char path[PATH_MAX];
	int err;

	if (r->snapshots == SNAPSHOTS_MAX) {
		fprintf(stderr, "mmuscope: there are %u snapshots, no more are taken\n",
			r->snapshots++);
		return;
	}
	if (r->snapshots > SNAPSHOTS_MAX)
		return;
	snprintf(path, sizeof(path), "%s.%u", r->path, ++r->snapshots);
	err = writer_snapshot(r->writer, path, &t);
	if (err)
		fprintf(stderr, "mmuscope: cannot write '%s': %s\n", path, strerror(-err));
	else
		fprintf(stderr, "mmuscope: snapshot in '%s'\n", path);
}

static void progress(const struct record *r, struct session *s, bool last)
{
	char time[FORMAT_MAX], records[FORMAT_MAX], bytes[FORMAT_MAX], lost[FORMAT_MAX];
	size_t vms = model_vms(session_model(s));
	bool terminal = isatty(STDERR_FILENO);
	char line[PATH_MAX + 5 * FORMAT_MAX];

	if (!last && !terminal)
		return;
	snprintf(line, sizeof(line), "mmuscope: %s, %s records of %zu VM%s, %s lost, %s in '%s'",
		 format_ns(time, session_elapsed(s)),
		 format_count(records, writer_records(r->writer)), vms, vms == 1 ? "" : "s",
		 format_count(lost, r->lost + writer_dropped(r->writer)),
		 format_bytes(bytes, writer_bytes(r->writer)), r->path);
	/* A line that wraps would stay behind when the next one takes its place. */
	fprintf(stderr, "%s%.*s%s", terminal ? "\r\033[K" : "",
		last ? (int)sizeof(line) : (int)format_width(stderr) - 1, line, last ? "\n" : "");
	fflush(stderr);
}

static int after_second(struct record *r, struct session *s)
{
	bool fired = r->on && trigger_fired(r->on);
	struct totals t = totals_now(s);

	if (keep_error(r, writer_mark(r->writer, &t)))
		return r->failed;
	if (fired || wanted) {
		wanted = 0;
		take_snapshot(r, s);
	}
	progress(r, s, false);
	return 0;
}

/* What was recorded has been counted already, and need not be again. A file can do without that. */
static void keep_sums(struct record *r, struct model *m)
{
	struct bytes sums = { 0 };
	uint64_t records = 0;

	if (!model_fold(m) && !sums_save(m, &sums) && sums.len <= SUMS_BYTES_MAX) {
		for (size_t i = 1; i < MMUSCOPE_TYPES; i++)
			records += model_past(m)->records[i];
		writer_sums(r->writer, sums.at, sums.len, records);
	}
	bytes_free(&sums);
}

static int collect(void *ctx, struct session *s, struct child *child)
{
	struct record *r = ctx;
	uint64_t begin = session_clock(), next = begin;
	uint64_t end = r->options.duration_ns ? begin + r->options.duration_ns : UINT64_MAX;
	struct totals t;
	int code = EXIT_OK, err;
	bool last = false;

	while (!last && !r->failed) {
		next += MARK_NS;
		if (session_run(s, next < end ? next : end, child ? child_done : NULL, child)) {
			code = EXIT_FAILED;
			break;
		}
		last = run_over(s, child, end);
		if (after_second(r, s))
			break;
	}
	t = totals_now(s);
	keep_sums(r, session_model(s));
	err = writer_end(r->writer, &t);
	if (keep_error(r, err) || r->failed)
		say_failed(r);
	progress(r, s, true);
	return r->failed ? EXIT_FAILED : code;
}

/* Under sudo the recording is for whoever called it: "sudo mmuscope record && mmuscope report". */
static void owner_find(struct writer_config *cfg)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	uint64_t u, g;

	if (geteuid() || !uid || !gid || parse_number(uid, INT_MAX, &u) ||
	    parse_number(gid, INT_MAX, &g))
		return;
	cfg->uid = u;
	cfg->gid = g;
}

/* Return: false where there are hooks that tell of that family, and all of them are missing. */
static bool is_seen(const struct source *src, unsigned int type)
{
	const char *name = schema_event(type)->name;
	const struct probe_status *list = NULL;
	size_t nr = src->ops->probes ? src->ops->probes(src, &list) : 0;
	size_t missing = 0, len = strlen(name);

	for (size_t i = 0; i < nr; i++) {
		const char *records = list[i].records, *at = strstr(records, name);

		/* A word of its own, as "sync" is not in "unsync". */
		if (!at || (at > records && at[-1] != ' ') || (at[len] && at[len] != ' '))
			continue;
		/* These tell the causes of what others tell of. */
		if (!strcmp(list[i].name, "call sites"))
			continue;
		if (list[i].state != PROBE_MISSING)
			return true;
		missing++;
	}
	return !missing;
}

/* What exists is replaced only once nothing speaks against it. */
static int prepare(void *ctx, struct session *s, struct child *child)
{
	struct record *r = ctx;
	const struct session_tap tap = { take_name, take_record, r };
	struct writer_config cfg = {
		.path = r->path, .max_bytes = r->max_bytes, .last_ns = r->last_ns,
	};
	json_t *head;

	(void)child;
	if (r->on && !is_seen(session_source(s), trigger_type(r->on))) {
		fprintf(stderr, "mmuscope: --on would never be true: the hooks that tell of '%s' "
			"are missing here, see 'mmuscope doctor'\n",
			schema_event(trigger_type(r->on))->name);
		return EXIT_FAILED;
	}
	head = head_make(&r->options, s, r->argv);
	cfg.head = head;
	owner_find(&cfg);
	errno = ENOMEM;
	r->writer = head ? writer_open(&cfg) : NULL;
	json_decref(head);
	if (!r->writer) {
		fprintf(stderr, "mmuscope: cannot write '%s': %s\n", r->path,
			errno == EBUSY ? "another mmuscope records to it" : strerror(errno));
		return EXIT_FAILED;
	}
	session_set_tap(s, &tap);
	return EXIT_OK;
}

/* Before anything is traced or run. What exists is replaced only when there is something new. */
static int try_path(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool made = fd >= 0;

	if (!made && errno == EEXIST)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "mmuscope: cannot write '%s': %s\n", path, strerror(errno));
		return -1;
	}
	close(fd);
	if (made)
		unlink(path);
	return 0;
}

int cmd_record(int argc, char **argv)
{
	struct record r = {
		/* What is too much can be left out later, by report -p or --vm. */
		.options = { .name = "mmuscope record", .timed = true },
		.path = RECORDING_NAME, .argv = argv,
	};
	int code;

	options_parse(&record_argp, argc, argv, &r.options);
	if (try_path(r.path))
		return EXIT_FAILED;
	session_catch_signals();
	/* Files may have a limit: this becomes an error of write(), and is gone in a command. */
	sigaction(SIGXFSZ, &(struct sigaction){ .sa_handler = too_large }, NULL);
	if (r.snapshot)
		sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = want_snapshot }, NULL);
	code = run_collection(&r.options, prepare, collect, &r);
	if (r.writer)
		writer_close(r.writer);
	trigger_free(r.on);
	return code;
}
