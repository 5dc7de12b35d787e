// SPDX-License-Identifier: GPL-2.0
#include "source/site.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/schema.h"

static const struct row {
	const char *name;
	uint8_t cause;
	uint8_t over;
} rows[] = {
#define SITE(function, cause)		{ #function, MMUSCOPE_cause_##cause, 0 },
#define SITE_OVER(function, cause, tool) \
	{ #function, MMUSCOPE_cause_##cause, MMUSCOPE_cause_##tool },
#include "source/site.def"
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int row_cmp(const void *key, const void *row)
{
	return strcmp(key, ((const struct row *)row)->name);
}

/* A part of a function has the function's name with a dot and more behind it. */
static const struct row *row_find(char *name)
{
	name[strcspn(name, ". \t\n")] = '\0';
	return bsearch(name, rows, ROWS, sizeof(rows[0]), row_cmp);
}

static int site_cmp(const void *a, const void *b)
{
	const struct cause_site *sa = a, *sb = b;

	return sa->start < sb->start ? -1 : sa->start > sb->start;
}

/* Addresses of all functions: the next one's begin is where a function ends at the latest. */
struct texts {
	uint64_t *at;
	size_t nr;
	size_t room;
};

static int texts_add(struct texts *t, uint64_t at)
{
	if (t->nr == t->room) {
		size_t room = t->room ? 2 * t->room : 65536;
		uint64_t *more = realloc(t->at, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->at = more;
		t->room = room;
	}
	t->at[t->nr++] = at;
	return 0;
}

static uint32_t size_find(const struct texts *t, uint64_t start)
{
	uint64_t end = start + (1 << 16);

	for (size_t i = 0; i < t->nr; i++) {
		if (t->at[i] > start && t->at[i] < end)
			end = t->at[i];
	}
	return end - start;
}

/* A line is "address type name", and the module's name behind a tab. */
static int line_take(char *line, struct texts *texts, struct cause_site *sites, unsigned int *nr)
{
	char *end;
	uint64_t at = strtoull(line, &end, 16);
	const struct row *row;

	if (!at || end[0] != ' ' || (end[1] != 't' && end[1] != 'T') || end[2] != ' ')
		return 0;
	row = row_find(end + 3);
	if (row && *nr < CAUSE_SITES)
		sites[(*nr)++] = (struct cause_site){
			.start = at, .cause = row->cause, .over = row->over,
		};
	return texts_add(texts, at);
}

int sites_read(const char *kallsyms, struct cause_site *sites)
{
	FILE *f = fopen(kallsyms, "r");
	struct texts texts = { 0 };
	unsigned int nr = 0;
	char line[512];
	int err = 0;

	for (unsigned int i = 0; i < CAUSE_SITES; i++)
		sites[i] = (struct cause_site){ .start = UINT64_MAX };
	if (!f)
		return -errno;
	while (!err && fgets(line, sizeof(line), f))
		err = line_take(line, &texts, sites, &nr);
	fclose(f);
	for (unsigned int i = 0; i < nr; i++)
		sites[i].size = size_find(&texts, sites[i].start);
	free(texts.at);
	qsort(sites, nr, sizeof(sites[0]), site_cmp);
	return err ? err : (int)nr;
}

size_t sites_missing(const struct cause_site *sites, char *text, size_t len)
{
	uint64_t found = 0, missing = 0;
	size_t at = 0, nr = 0;

	for (unsigned int i = 0; i < CAUSE_SITES && sites[i].size; i++)
		found |= 1ULL << sites[i].cause;
	for (size_t i = 0; i < ROWS; i++)
		missing |= 1ULL << rows[i].cause & ~found;
	*text = '\0';
	for (unsigned int cause = 0; cause < 64; cause++) {
		if (!(missing >> cause & 1))
			continue;
		at += snprintf(text + at, len - at, "%s%s", nr++ ? ", " : "",
			       schema_word_text(SET_cause, cause));
		if (at >= len)
			at = len - 1;
	}
	return nr;
}
