// SPDX-License-Identifier: GPL-2.0
/* mmuscope doctor: can this host do it? */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "lib/format.h"
#include "lib/host.h"
#include "source/source.h"

enum {
	NAME_WIDTH = 25,	/* columns of the text table */
	VALUE_WIDTH = 15,
	DOC_COLUMN = 2 + NAME_WIDTH + 1 + VALUE_WIDTH + 1,
	TEXT_LEAST = 20,	/* what is left for it, else it goes to a line of its own */
	TEXT_INDENT = 4,
};

/* The exit code; EXIT_USAGE lies between. */
enum verdict { FINE = EXIT_OK, UNABLE = EXIT_FAILED, DEGRADED = 3 };

/**
 * struct diagnosis - what doctor found
 * @host: the machine
 * @advice, @advised: how to change it
 * @probes, @count: hooks of the collector, NULL when it could not be opened
 * @error: why not, "" if it could
 * @denied: it could not for lack of privilege
 */
struct diagnosis {
	struct host host;
	struct host_advice advice[HOST_ADVICE];
	size_t advised;
	const struct probe_status *probes;
	size_t count;
	char error[512];
	bool denied;
};

static enum verdict diagnosis_verdict(const struct diagnosis *found)
{
	enum host_state worst = host_worst(&found->host);
	enum verdict verdict = FINE;

	if (worst == HOST_BAD || (found->error[0] && !found->denied))
		return UNABLE;
	if (worst == HOST_WARN || found->denied)
		verdict = DEGRADED;
	for (size_t i = 0; i < found->count; i++) {
		const struct probe_status *probe = &found->probes[i];

		if (probe->state != PROBE_MISSING)
			continue;
		if (probe->need == PROBE_REQUIRED)
			return UNABLE;
		if (probe->need == PROBE_WANTED)
			verdict = DEGRADED;
	}
	return verdict;
}

static const char *verdict_name(enum verdict verdict)
{
	return verdict == FINE ? "fine" : verdict == DEGRADED ? "degraded" : "unable";
}

static const char *state_name(enum probe_state state)
{
	return state == PROBE_FOUND ? "found" : state == PROBE_FALLBACK ? "fallback" : "missing";
}

static const char *need_name(enum probe_need need)
{
	return need == PROBE_REQUIRED ? "required" : need == PROBE_WANTED ? "wanted" : "optional";
}

/* Words of @text from @column on, broken where @out ends; the cursor is at @at. */
static void text_wrap(FILE *out, const char *text, int at, int column)
{
	int width = format_width(out);
	bool first = true;

	if (!text[0]) {
		fputc('\n', out);
		return;
	}
	if (column + TEXT_LEAST > width)
		column = TEXT_INDENT;
	if (at >= column && column) {
		fputc('\n', out);
		at = 0;
	}
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (!first && at + 1 + len > width) {
			fputc('\n', out);
			at = 0;
			first = true;
		}
		if (first)
			at += fprintf(out, "%*s", column - at, "");
		else
			at += fprintf(out, " ");
		at += fprintf(out, "%.*s", len, text);
		first = false;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void fact_print(FILE *out, const struct host_fact *fact)
{
	static const char marks[] = {
		[HOST_INFO] = ' ', [HOST_OK] = ' ', [HOST_WARN] = '!', [HOST_BAD] = 'x',
	};
	int at = fprintf(out, "%c %-*s ", marks[fact->state], NAME_WIDTH, fact->name);

	at += fprintf(out, "%s", fact->value);
	text_wrap(out, fact->doc, at, DOC_COLUMN);
}

static void host_print(FILE *out, const struct host *host)
{
	static const struct {
		const char *group;
		const char *title;
	} groups[] = {
		{ "cpu", "CPU" },
		{ "kvm", "KVM" },
		{ "memory", "Memory of the host" },
		{ "kernel", "Kernel" },
	};

	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		fprintf(out, "%s%s\n", g ? "\n" : "", groups[g].title);
		for (size_t i = 0; i < host->count; i++)
			if (strcmp(host->facts[i].group, groups[g].group) == 0)
				fact_print(out, &host->facts[i]);
	}
}

static void advice_print(FILE *out, const struct diagnosis *found)
{
	if (!found->advised)
		return;
	fputs("\nTo change how guest memory is virtualized (stop all VMs first; run by you)\n",
	      out);
	if (found->host.users > 0)
		fprintf(out, "! %s is in use by %d: it cannot be reloaded while VMs run\n",
		       found->host.vendor, found->host.users);
	for (size_t i = 0; i < found->advised; i++)
		fprintf(out, "  %s:\n    %s\n", found->advice[i].title, found->advice[i].command);
}

static void probe_print(FILE *out, const struct probe_status *probe)
{
	char mark = ' ';
	int at;

	if (probe->state == PROBE_MISSING && probe->need != PROBE_OPTIONAL)
		mark = probe->need == PROBE_REQUIRED ? 'x' : '!';
	at = fprintf(out, "%c %-*s ", mark, NAME_WIDTH, probe->name);
	at += fprintf(out, "%s", probe->state == PROBE_MISSING ? "missing" : probe->how);
	text_wrap(out, probe->records, at, DOC_COLUMN);
	if (probe->state == PROBE_FOUND)
		return;
	if (probe->why && probe->why[0])
		text_wrap(out, probe->why, 0, 4);
	if (probe->lost && probe->lost[0]) {
		fprintf(out, "    lost:");
		text_wrap(out, probe->lost, 9, 10);
	}
}

static void probes_print(FILE *out, const struct diagnosis *found)
{
	fputs("\nProbes\n", out);
	if (found->error[0]) {
		fputc(found->denied ? '!' : 'x', out);
		text_wrap(out, found->error, 1, 2);
		return;
	}
	for (size_t i = 0; i < found->count; i++)
		probe_print(out, &found->probes[i]);
}

static void diagnosis_print(FILE *out, const struct diagnosis *found)
{
	host_print(out, &found->host);
	probes_print(out, found);
	advice_print(out, found);
	fputc('\n', out);
	switch (diagnosis_verdict(found)) {
	case FINE:
		fputs("Verdict: fine, everything can be traced.\n", out);
		break;
	case DEGRADED:
		fputs(found->denied ?
		      "Verdict: not complete, root is needed to check the probes.\n" :
		      "Verdict: degraded, what is marked ! above is lost.\n", out);
		break;
	case UNABLE:
		fputs("Verdict: unable, nothing can be traced until what is marked x is mended.\n",
		      out);
		break;
	}
}

static json_t *host_json(const struct host *host)
{
	json_t *groups = json_object();

	for (size_t i = 0; i < host->count; i++) {
		const struct host_fact *fact = &host->facts[i];
		json_t *group = json_object_get(groups, fact->group);

		if (!group) {
			group = json_object();
			json_object_set_new(groups, fact->group, group);
		}
		json_object_set_new(group, fact->name,
				    json_pack("{s:s, s:s, s:s}", "value", fact->value, "state",
					      host_state_name(fact->state), "doc", fact->doc));
	}
	return groups;
}

static json_t *probes_json(const struct diagnosis *found)
{
	json_t *list = json_array();

	for (size_t i = 0; i < found->count; i++) {
		const struct probe_status *probe = &found->probes[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
				  "name", probe->name, "records", probe->records,
				  "need", need_name(probe->need),
				  "state", state_name(probe->state),
				  "how", probe->how ? probe->how : "",
				  "why", probe->why ? probe->why : "",
				  "lost", probe->lost ? probe->lost : ""));
	}
	return list;
}

static int diagnosis_json(FILE *out, const struct diagnosis *found)
{
	json_t *advice = json_array(), *root;
	int err;

	for (size_t i = 0; i < found->advised; i++)
		json_array_append_new(advice, json_pack("{s:s, s:s}",
							"title", found->advice[i].title,
							"command", found->advice[i].command));
	root = json_pack("{s:s, s:s, s:o, s:o, s:o?, s:s?}",
			 "version", MMUSCOPE_VERSION,
			 "verdict", verdict_name(diagnosis_verdict(found)),
			 "host", host_json(&found->host), "advice", advice,
			 "probes", found->error[0] ? NULL : probes_json(found),
			 "probes_error", found->error[0] ? found->error : NULL);
	if (!root)
		return -ENOMEM;
	err = json_dumpf(root, out, 0);
	json_decref(root);
	fputc('\n', out);
	return err ? -EIO : 0;
}

/* Attaches the collector for a moment. Returns the source that owns the list of probes, or NULL. */
static struct source *probes_find(struct diagnosis *found, enum collector_kind collector)
{
	struct source_config config = { .collector = collector };
	struct source *src;

	if (!found->host.loaded) {
		snprintf(found->error, sizeof(found->error), "kvm is not loaded");
		return NULL;
	}
	src = source_live_open(&config, found->error, sizeof(found->error));
	if (!src) {
		/* Root who is refused cannot do better: no tracing here. */
		found->denied = (errno == EPERM || errno == EACCES) && geteuid() != 0;
		if (!found->error[0])
			snprintf(found->error, sizeof(found->error),
				 "the collector could not be attached: %s", strerror(errno));
		return NULL;
	}
	found->error[0] = '\0';
	if (src->ops->probes)
		found->count = src->ops->probes(src, &found->probes);
	return src;
}

static error_t doctor_parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_share(state);
		return 0;
	case OPTIONS_COLLECTOR:
		o->collector = options_collector(state, arg);
		return 0;
	case ARGP_KEY_ARG:
		options_error(state, "doctor takes no argument, but there is '%s'", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp doctor_argp = {
	.options = (const struct argp_option[]){
		{ "collector", OPTIONS_COLLECTOR, "WHICH", 0,
		  "Whose probes: bpf, kmod (the kernel module) or auto (default), the one that "
		  "stat would take", 0 },
		{ 0 },
	},
	.parser = doctor_parse,
	.doc = "Can this host trace memory virtualization?\n"
	       "Looks at CPU, kvm, memory management and kernel, attaches the probes for a moment "
	       "(root), and prints what is there, what is missing and how to change it. Changes "
	       "nothing."
	       "\vExit code: 0 everything can be traced, 1 nothing can be traced, 2 usage, "
	       "3 something is lost or, without root, not checked.",
	.children = (const struct argp_child[]){
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

/* Return: the exit code. */
static int diagnose(FILE *out, const struct options *o)
{
	struct diagnosis *found = calloc(1, sizeof(*found));
	enum verdict verdict = UNABLE;
	struct source *src;

	if (!found) {
		fprintf(stderr, "mmuscope: not enough memory\n");
		return EXIT_FAILED;
	}
	host_examine(&found->host, "");
	found->advised = host_advise(&found->host, found->advice);
	src = probes_find(found, o->collector);
	if (!o->json) {
		diagnosis_print(out, found);
		verdict = diagnosis_verdict(found);
	} else if (diagnosis_json(out, found) == 0) {
		verdict = diagnosis_verdict(found);
	}
	if (src)
		src->ops->close(src);
	free(found);
	return verdict;
}

int cmd_doctor(int argc, char **argv)
{
	struct options o = { .name = "mmuscope doctor" };
	int code, closed;
	FILE *out;

	options_parse(&doctor_argp, argc, argv, &o);
	out = output_open_paged(&o);
	if (!out)
		return EXIT_FAILED;
	code = diagnose(out, &o);
	closed = output_close(out);
	return closed ? closed : code;
}
