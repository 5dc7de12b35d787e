// SPDX-License-Identifier: GPL-2.0
#include "lib/mapping.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024

static struct mapping *mapping_add(struct mappings *m)
{
	struct mapping *list;

	if (!(m->nr & (m->nr - 1))) {
		list = realloc(m->list, (m->nr ? 2 * m->nr : 1) * sizeof(*list));
		if (!list)
			return NULL;
		m->list = list;
	}
	memset(&m->list[m->nr], 0, sizeof(*m->list));
	return &m->list[m->nr++];
}

/* A name is printed on terminals: no escape sequences from somebody else's files. */
static void name_set(struct mapping *m, const char *name)
{
	size_t len = strcspn(name, "\n");

	snprintf(m->name, sizeof(m->name), "%.*s", (int)len, name);
	for (char *c = m->name; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
}

/* "7f5e75c00000-7f5e76000000 rw-p 00000000 00:00 0    /path". Return: whether it is that. */
static int head_parse(const char *line, unsigned long long *start, unsigned long long *end)
{
	int name = 0;

	if (sscanf(line, "%llx-%llx %*4s %*x %*x:%*x %*u %n", start, end, &name) < 2 || !name)
		return 0;
	return name;
}

static void amount_parse(struct mapping *m, const char *line)
{
	static const struct {
		const char *key;
		size_t at, also;
	} amounts[] = {
#define AT(field) offsetof(struct mapping, field)
		{ "KernelPageSize:", AT(page), 0 },
		{ "Rss:", AT(resident), 0 },
		{ "Swap:", AT(swapped), 0 },
		{ "AnonHugePages:", AT(huge), 0 },
		{ "ShmemPmdMapped:", AT(huge), 0 },
		{ "FilePmdMapped:", AT(huge), 0 },
		/* Not part of the resident set, though in memory. */
		{ "Shared_Hugetlb:", AT(huge), AT(resident) },
		{ "Private_Hugetlb:", AT(huge), AT(resident) },
	};

	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		size_t len = strlen(amounts[i].key);
		uint64_t bytes;

		if (strncmp(line, amounts[i].key, len))
			continue;
		bytes = strtoull(line + len, NULL, 10) * KIB;
		*(uint64_t *)((char *)m + amounts[i].at) += bytes;
		if (amounts[i].also)
			*(uint64_t *)((char *)m + amounts[i].also) += bytes;
	}
}

int mappings_parse_smaps(struct mappings *m, FILE *f)
{
	unsigned long long start, end;
	struct mapping *now = NULL;
	char *line = NULL;
	size_t room = 0;
	int err = 0, name;

	while (!err && getline(&line, &room, f) > 0) {
		name = head_parse(line, &start, &end);
		if (name) {
			now = mapping_add(m);
			if (!now) {
				err = -ENOMEM;
				break;
			}
			now->start = start;
			now->end = end;
			name_set(now, line + name);
		} else if (now) {
			amount_parse(now, line);
		}
	}
	free(line);
	return err;
}

static int start_compare(const void *key, const void *mapping)
{
	uint64_t a = *(const uint64_t *)key, b = ((const struct mapping *)mapping)->start;

	return a < b ? -1 : a > b;
}

/* " N0=12 N1=3 ... kernelpagesize_kB=4": pages per node, of that size. */
static void nodes_parse(struct mapping *m, char *words)
{
	char *word, *rest = words, *size = strstr(words, "kernelpagesize_kB=");
	uint64_t page = m->page;
	unsigned int node;
	unsigned long long pages;

	if (size)
		page = strtoull(size + strlen("kernelpagesize_kB="), NULL, 10) * KIB;
	while ((word = strsep(&rest, " \n")))
		if (sscanf(word, "N%u=%llu", &node, &pages) == 2 && node < NODES_MAX)
			m->node[node] += pages * page;
}

void mappings_parse_numa(struct mappings *m, FILE *f)
{
	char *line = NULL, *words;
	struct mapping *found;
	size_t room = 0;
	uint64_t start;

	while (getline(&line, &room, f) > 0) {
		start = strtoull(line, &words, 16);
		found = words == line || !m->nr ? NULL :
			bsearch(&start, m->list, m->nr, sizeof(*m->list), start_compare);
		if (found)
			nodes_parse(found, words);
	}
	free(line);
}

static FILE *file_open(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

int mappings_read(struct mappings *m, pid_t pid)
{
	FILE *f = file_open(pid, "smaps");
	int err;

	*m = (struct mappings){ 0 };
	if (!f)
		return -errno;
	err = mappings_parse_smaps(m, f);
	fclose(f);
	if (err) {
		mappings_free(m);
		return err;
	}
	/* A kernel without NUMA has none. */
	f = file_open(pid, "numa_maps");
	if (f) {
		mappings_parse_numa(m, f);
		fclose(f);
	}
	return 0;
}

void mappings_free(struct mappings *m)
{
	free(m->list);
	*m = (struct mappings){ 0 };
}

const char *mapping_nodes(const uint64_t *node, char *text, size_t size)
{
	unsigned int nodes = 0;
	uint64_t all = 0;
	size_t len = 0;

	for (unsigned int i = 0; i < NODES_MAX; i++) {
		all += node[i];
		nodes += !!node[i];
	}
	*text = '\0';
	for (unsigned int i = 0; i < NODES_MAX && len < size; i++) {
		if (node[i] && nodes == 1)
			snprintf(text, size, "%u", i);
		else if (node[i])
			len += snprintf(text + len, size - len, "%s%u (%.0f%%)", len ? ", " : "",
					i, 100.0 * node[i] / all);
	}
	return text;
}
