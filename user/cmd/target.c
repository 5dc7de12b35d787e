// SPDX-License-Identifier: GPL-2.0
#include "cmd/target.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/parse.h"
#include "lib/proc.h"

#define SYNTH		"synth"
#define SYNTH_MAX	1024	/* of streams, VMs and vCPUs */

static int synth_option(struct synth_config *cfg, const char *key, const char *value)
{
	const struct { const char *key; unsigned int *at; } small[] = {
		{ "streams", &cfg->streams }, { "vms", &cfg->vms }, { "vcpus", &cfg->vcpus },
	};
	const struct { const char *key; uint64_t *at; } large[] = {
		{ "records", &cfg->records }, { "seed", &cfg->seed }, { "lost", &cfg->lost },
	};
	uint64_t number;

	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		if (strcmp(small[i].key, key))
			continue;
		if (parse_number(value, SYNTH_MAX, &number) || !number)
			return -EINVAL;
		*small[i].at = number;
		return 0;
	}
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		if (!strcmp(large[i].key, key))
			return parse_number(value, UINT64_MAX, large[i].at);
	return -EINVAL;
}

static struct source *synth_open(const char *options)
{
	struct synth_config cfg = {
		.streams = 4, .vms = 2, .vcpus = 4, .records = 1000000, .seed = 1,
	};
	char *list = strdup(options), *rest = list, *item, *value;
	struct source *src = NULL;
	int err = 0;

	while (!err && list && (item = strsep(&rest, ","))) {
		value = strchr(item, '=');
		if (value)
			*value++ = '\0';
		if (*item)
			err = value ? synth_option(&cfg, item, value) : -EINVAL;
	}
	free(list);
	if (err) {
		fprintf(stderr, "mmuscope: --source synth does not understand '%s'\n", options);
		return NULL;
	}
	src = source_synth_open(&cfg);
	if (!src)
		fprintf(stderr, "mmuscope: not enough memory\n");
	return src;
}

/**
 * struct search - VMs found on the way to the one wanted
 * @len: of the name, without the "#N" that a report adds where two have the same
 * @count: VMs of that name
 * @pids: their processes, for the error message
 * @names: the other VMs, for the same
 */
struct search {
	const char *wanted;
	size_t len;
	pid_t pid;
	unsigned int count;
	char pids[160];
	char names[160];
};

static void list_add(char *list, size_t size, const char *word)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len ? ", " : "", word);
}

static int search_each(void *ctx, pid_t pid, const char *name)
{
	struct search *s = ctx;
	char number[16];

	if (strcmp(name, s->wanted) && (strncmp(name, s->wanted, s->len) || name[s->len])) {
		list_add(s->names, sizeof(s->names), name);
		return 0;
	}
	snprintf(number, sizeof(number), "%d", pid);
	list_add(s->pids, sizeof(s->pids), number);
	s->pid = pid;
	s->count++;
	return 0;
}

int target_find_vm(const char *name, pid_t *pid)
{
	struct search s = { .wanted = name, .len = strcspn(name, "#") };

	proc_for_each_vm(search_each, &s);
	*pid = s.pid;
	if (s.count == 1)
		return 0;
	if (s.count)
		fprintf(stderr, "mmuscope: %u VMs are named '%.*s': name one by its process, %s\n",
			s.count, (int)s.len, name, s.pids);
	else if (*s.names)
		fprintf(stderr, "mmuscope: no VM is named '%s'; running are %s\n", name, s.names);
	else
		fprintf(stderr, "mmuscope: no VM is named '%s', none is running\n", name);
	return s.count ? -ENOTUNIQ : -ENOENT;
}

bool target_is_live(const struct options *o)
{
	return !o->source;
}

struct source *target_open(const struct options *o, pid_t root)
{
	struct source_config cfg = {
		.pid = o->pid, .root = root, .ring_bytes = o->ring_bytes,
		.collector = o->collector,
	};
	char err[512] = "";
	struct source *src;

	if (o->source) {
		size_t len = strlen(SYNTH);

		if (!strncmp(o->source, SYNTH, len) && (!o->source[len] || o->source[len] == ':'))
			return synth_open(o->source + len + !!o->source[len]);
		fprintf(stderr, "mmuscope: there is no source '%s'\n", o->source);
		return NULL;
	}
	if (o->pid && kill(o->pid, 0) && errno == ESRCH) {
		fprintf(stderr, "mmuscope: there is no process %d\n", o->pid);
		return NULL;
	}
	if (o->vm && target_find_vm(o->vm, &cfg.pid))
		return NULL;
	src = source_live_open(&cfg, err, sizeof(err));
	if (!src && !*err)
		snprintf(err, sizeof(err), "%s", strerror(errno));
	if (*err)
		fprintf(stderr, "mmuscope: %s\n", err);
	return src;
}
