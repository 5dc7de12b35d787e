// SPDX-License-Identifier: GPL-2.0
#include "source/site.h"

#include <errno.h>
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

/* No function of these is longer. */
#define SIZE_MOST	(1U << 16)

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int row_cmp(const void *key, const void *row)
{
	return strcmp(key, ((const struct row *)row)->name);
}

/* A part of a function has the function's name with a dot and more behind it. */
static const struct row *row_find(char *name)
{
	name[strcspn(name, ".")] = '\0';
	return bsearch(name, rows, ROWS, sizeof(rows[0]), row_cmp);
}

static int site_cmp(const void *a, const void *b)
{
	const struct cause_site *sa = a, *sb = b;

	return sa->start < sb->start ? -1 : sa->start > sb->start;
}

void sites_begin(struct site_search *s, struct cause_site *sites)
{
	*s = (struct site_search){ .sites = sites };
	for (unsigned int i = 0; i < CAUSE_SITES; i++)
		sites[i] = (struct cause_site){ .start = UINT64_MAX };
}

static int texts_add(struct site_search *s, uint64_t at)
{
	if (s->nr_texts == s->room) {
		size_t room = s->room ? 2 * s->room : 65536;
		uint64_t *more = realloc(s->texts, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->texts = more;
		s->room = room;
	}
	s->texts[s->nr_texts++] = at;
	return 0;
}

int sites_take(struct site_search *s, const struct kallsym *symbol)
{
	const struct row *row;

	if (!symbol->address || (symbol->type != 't' && symbol->type != 'T'))
		return 0;
	row = row_find(symbol->name);
	if (row && s->nr < CAUSE_SITES)
		s->sites[s->nr++] = (struct cause_site){
			.start = symbol->address, .size = SIZE_MOST,
			.cause = row->cause, .over = row->over,
		};
	return texts_add(s, symbol->address);
}

/*
 * A function begins at @at: the one before it ends there at the latest. Those before that one do
 * so already, since it is one of the functions itself.
 */
static void sizes_limit(struct site_search *s, uint64_t at)
{
	unsigned int low = 0, high = s->nr;
	uint64_t start;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (s->sites[middle].start < at)
			low = middle + 1;
		else
			high = middle;
	}
	start = low ? s->sites[low - 1].start : 0;
	while (low-- && s->sites[low].start == start)
		if (at - start < s->sites[low].size)
			s->sites[low].size = at - start;
}

unsigned int sites_end(struct site_search *s)
{
	qsort(s->sites, s->nr, sizeof(s->sites[0]), site_cmp);
	for (size_t i = 0; i < s->nr_texts; i++)
		sizes_limit(s, s->texts[i]);
	free(s->texts);
	s->texts = NULL;
	return s->nr;
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
