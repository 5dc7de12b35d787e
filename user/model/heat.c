// SPDX-License-Identifier: GPL-2.0
#include "model/heat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BITS 12

void heat_init(struct heat *h, uint64_t begin, const struct group *by)
{
	*h = (struct heat){ .by = by, .shift = PAGE_BITS };
	bins_init(&h->bins, begin, HEAT_COLUMNS);
}

void heat_clear(struct heat *h)
{
	for (size_t i = 0; i < h->nr_lines; i++)
		free(h->line[i]);
	slots_clear(&h->slots);
	h->nr_lines = 0;
}

static void line_merge(struct heat_line *to, const struct heat_line *from)
{
	for (size_t i = 0; i < STATS_LEVELS; i++)
		to->level[i] += from->level[i];
	for (size_t i = 0; i < HEAT_COLUMNS; i++)
		to->count[i] += from->count[i];
}

/* Makes lines twice as large. */
static void lines_merge(struct heat *h)
{
	size_t nr = 0;

	for (size_t i = 0; i < h->nr_lines; i++) {
		if (nr && h->at[nr - 1] == h->at[i] / 2) {
			line_merge(h->line[nr - 1], h->line[i]);
			free(h->line[i]);
		} else {
			h->at[nr] = h->at[i] / 2;
			h->line[nr++] = h->line[i];
		}
	}
	h->nr_lines = nr;
	h->shift++;
}

/* Return: the first line that is not before @at. */
static size_t line_find(const struct heat *h, uint64_t at)
{
	size_t low = 0, high = h->nr_lines;

	if (h->last < high && h->at[h->last] == at)
		return h->last;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (h->at[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct heat_line *line_get(struct heat *h, uint64_t gpa)
{
	size_t at = line_find(h, gpa >> h->shift);
	struct heat_line *line;

	if (at == h->nr_lines || h->at[at] != gpa >> h->shift) {
		while (h->nr_lines == HEAT_LINES)
			lines_merge(h);
		at = line_find(h, gpa >> h->shift);
	}
	if (at == h->nr_lines || h->at[at] != gpa >> h->shift) {
		line = calloc(1, sizeof(*line));
		if (!line)
			return NULL;
		memmove(&h->line[at + 1], &h->line[at], (h->nr_lines - at) * sizeof(*h->line));
		memmove(&h->at[at + 1], &h->at[at], (h->nr_lines - at) * sizeof(*h->at));
		h->at[at] = gpa >> h->shift;
		h->line[at] = line;
		h->nr_lines++;
	}
	h->last = at;
	return h->line[at];
}

static size_t column_by_time(struct heat *h, uint64_t ts)
{
	unsigned int times = bins_reach(&h->bins, ts);

	for (size_t i = 0; times && i < h->nr_lines; i++)
		bins_fold(h->line[i]->count, HEAT_COLUMNS, times);
	return bins_index(&h->bins, ts);
}

/* Return: HEAT_VALUES where there is no column left. */
static size_t column_by_key(struct heat *h, const struct model *m, const struct mmuscope_hdr *rec)
{
	union group_value v = group_value(&h->by->key[0], m, rec);
	size_t i = 0;

	while (i < h->nr_values && memcmp(&h->value[i], &v, sizeof(v)))
		i++;
	if (i == h->nr_values && i < HEAT_VALUES)
		h->value[h->nr_values++] = v;
	return i;
}

static int add_fault(struct heat *h, const struct model *m, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_fault *f = (const void *)rec;
	struct heat_line *line;
	size_t column;

	column = h->by ? column_by_key(h, m, rec) : column_by_time(h, rec->ts);
	if (f->gpa == MMUSCOPE_UNKNOWN) {
		h->elsewhere++;
		return 0;
	}
	if (h->by && column == HEAT_VALUES) {
		h->others++;
		return 0;
	}
	line = line_get(h, f->gpa);
	if (!line)
		return -ENOMEM;
	line->count[column]++;
	line->level[f->level < STATS_LEVELS ? f->level : 0]++;
	h->faults++;
	return 0;
}

static int add_slot(struct heat *h, const struct mmuscope_slot *rec)
{
	return rec->op == MMUSCOPE_slot_op_delete ? 0 : slots_update(&h->slots, rec);
}

int heat_feed(struct heat *h, const struct model *m, const struct mmuscope_hdr *rec)
{
	if (rec->type == MMUSCOPE_TYPE_fault)
		return add_fault(h, m, rec);
	if (rec->type == MMUSCOPE_TYPE_slot)
		return add_slot(h, (const struct mmuscope_slot *)rec);
	return 0;
}
