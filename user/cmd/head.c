// SPDX-License-Identifier: GPL-2.0
#include "cmd/head.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "lib/host.h"

/* As doctor has it: groups of facts, less what only doctor's reader needs. */
static json_t *host_json(void)
{
	struct host *host = malloc(sizeof(*host));
	json_t *root = json_object(), *group;

	if (!host)
		return root;
	host_examine(host, "");
	for (size_t i = 0; i < host->count; i++) {
		const struct host_fact *f = &host->facts[i];

		group = json_object_get(root, f->group);
		if (!group) {
			group = json_object();
			json_object_set_new(root, f->group, group);
		}
		json_object_set_new(group, f->name, json_string(f->value) ?: json_string("?"));
	}
	free(host);
	return root;
}

static json_t *uname_json(void)
{
	struct utsname u;

	if (uname(&u))
		return json_object();
	return json_pack("{ssssssss}", "name", u.nodename, "release", u.release,
			 "version", u.version, "machine", u.machine);
}

static json_t *probes_json(const struct source *src)
{
	static const char *const needs[] = {
		[PROBE_OPTIONAL] = "optional", [PROBE_WANTED] = "wanted",
		[PROBE_REQUIRED] = "required",
	};
	static const char *const states[] = {
		[PROBE_MISSING] = "missing", [PROBE_FALLBACK] = "fallback",
		[PROBE_FOUND] = "found",
	};
	const struct probe_status *list = NULL;
	size_t nr = src->ops->probes ? src->ops->probes(src, &list) : 0;
	json_t *root = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(root, json_pack("{ssssssssssssss}",
			"name", list[i].name ?: "", "records", list[i].records ?: "",
			"need", needs[list[i].need], "state", states[list[i].state],
			"how", list[i].how ?: "", "why", list[i].why ?: "",
			"lost", list[i].lost ?: ""));
	return root;
}

/* Time stamps are of the monotonic clock; this says what the other one showed. */
static json_t *clock_json(const struct session *s)
{
	struct timespec real;

	clock_gettime(CLOCK_REALTIME, &real);
	return json_pack("{sIsI}", "monotonic_ns", (json_int_t)session_begin(s), "realtime_ns",
			 (json_int_t)(real.tv_sec * 1000000000LL + real.tv_nsec -
				      (session_begin(s) ? session_clock() - session_begin(s) : 0)));
}

json_t *head_make(const struct options *o, const struct session *s, char **argv)
{
	json_t *command = json_array(), *filter = json_object();

	/* The first is the program, and the subcommand's name is lost by now. */
	json_array_append_new(command, json_string(o->name));
	while (*++argv)
		json_array_append_new(command, json_string(*argv) ?: json_string("?"));
	if (o->pid)
		json_object_set_new(filter, "pid", json_integer(o->pid));
	if (o->vm)
		json_object_set_new(filter, "vm", json_string(o->vm));
	return json_pack("{sssssososososososs}", "mmuscope", MMUSCOPE_VERSION,
			 "source", session_source(s)->ops->name, "clock", clock_json(s),
			 "uname", uname_json(), "host", host_json(),
			 "probes", probes_json(session_source(s)),
			 "arguments", command, "filter", filter,
			 "until", o->command ? "command" : "told");
}

bool head_until_command(const json_t *head)
{
	const char *until = json_string_value(json_object_get(head, "until"));
	const json_t *list = json_object_get(head, "arguments"), *arg;
	size_t i;

	if (until)
		return !strcmp(until, "command");
	/* Older recordings have the command line only. */
	json_array_foreach(list, i, arg)
		if (!strcmp(json_string_value(arg) ?: "", "--"))
			return true;
	return false;
}
