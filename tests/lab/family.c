// SPDX-License-Identifier: GPL-2.0
#include "family.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"

static const char *const families[] = {
#define EVENT(id, name, size, doc) #name,
#include <mmuscope/events.def>
};

#define FAMILIES	(sizeof(families) / sizeof(families[0]))

static const char *const modes[] = { "ept", "npt", "shadow" };

#define MODES		(sizeof(modes) / sizeof(modes[0]))

static struct tally {
	unsigned int compared;
	unsigned int counted;	/* of these, comparisons of something that happened */
	unsigned int differ;
} tallies[MODES][FAMILIES];

static size_t mode_now = MODES, family_now = FAMILIES;
static bool closed;

static size_t word_find(const char *const *words, size_t nr, const char *word)
{
	size_t i = 0;

	while (word && i < nr && strcmp(words[i], word))
		i++;
	return word ? i : nr;
}

void family_mode(const char *mode)
{
	mode_now = word_find(modes, MODES, mode);
}

void family_of(const char *family)
{
	family_now = word_find(families, FAMILIES, family);
	closed = false;
}

void family_compared(bool held, bool counted)
{
	struct tally *t;

	if (mode_now == MODES || family_now == FAMILIES)
		return;
	t = &tallies[mode_now][family_now];
	t->compared++;
	t->counted += counted;
	t->differ += !held;
}

static json_t *probes(void)
{
	return json_object_get(result_report("doctor"), "probes");
}

static bool is_whole(json_t *probe)
{
	return strcmp(fact_word(probe, "state"), "missing") && !*fact_word(probe, "lost");
}

bool family_has(const char *name)
{
	json_t *probe;
	size_t i;

	json_array_foreach(probes(), i, probe)
		if (!strcmp(fact_word(probe, "name"), name))
			return is_whole(probe);
	/* Of another vendor's CPU. */
	return false;
}

void family_needs(const char *probe)
{
	closed = !family_has(probe);
}

bool family_open(void)
{
	return !closed;
}

/* Whether @word is one of @list, which blanks separate. */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

/* The hooks of a family that are not whole; *@none: there is not one that the tool has. */
static json_t *lacks(const char *family, bool *none)
{
	json_t *list = json_array(), *probe;
	size_t i, missing = 0, all = 0;

	json_array_foreach(probes(), i, probe) {
		if (!list_has(fact_word(probe, "records"), family))
			continue;
		all++;
		missing += !strcmp(fact_word(probe, "state"), "missing");
		if (!is_whole(probe))
			json_array_append_new(list, json_pack("{s:s, s:s, s:s}",
				"probe", fact_word(probe, "name"),
				"lost", fact_word(probe, "lost"), "why", fact_word(probe, "why")));
	}
	*none = all && missing == all;
	return list;
}

static json_t *family_json(size_t mode, size_t family)
{
	const struct tally *t = &tallies[mode][family];
	bool none;
	json_t *list = lacks(families[family], &none);
	const char *state = t->differ ? "wrong" :
			    none ? "absent" :
			    json_array_size(list) ? "reduced" :
			    t->counted ? "exact" : "untested";

	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "mode", modes[mode], "family",
			 families[family], "state", state, "compared", t->compared, "differ",
			 t->differ, "missing", list);
}

/* Modes that nothing was compared in are another machine's. */
static bool mode_used(size_t mode)
{
	for (size_t i = 0; i < FAMILIES; i++)
		if (tallies[mode][i].compared)
			return true;
	return false;
}

int family_write(const char *folder)
{
	char *kernel = result_text("kernel", ""), *path;
	json_t *list = json_array(), *root;
	int err;

	for (size_t m = 0; m < MODES; m++)
		for (size_t i = 0; i < FAMILIES && mode_used(m); i++)
			if (strcmp(families[i], "lost"))
				json_array_append_new(list, family_json(m, i));
	if (kernel)
		kernel[strcspn(kernel, "\n")] = '\0';
	root = json_pack("{s:s, s:s, s:s, s:o}", "kernel", kernel ?: "", "machine",
			 !strcmp(result_tdp(), "ept") ? "intel" : "amd", "collector",
			 result_kmod() ? "kmod" : "bpf", "families", list);
	if (asprintf(&path, "%s/families.json", folder) < 0)
		return -ENOMEM;
	err = json_dump_file(root, path, JSON_COMPACT) ? -EIO : 0;
	json_decref(root);
	free(kernel);
	free(path);
	return err;
}
