// SPDX-License-Identifier: GPL-2.0
#include "model/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct tally *tally_new(const char *keys, uint64_t types, char *err, size_t len)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (t) {
		t->group = group_new(keys, err, len);
		t->rows = t->group ? calloc(TALLY_ROWS, sizeof(*t->rows)) : NULL;
	}
	if (!t || (t->group && !t->rows))
		snprintf(err, len, "not enough memory");
	if (t && t->rows) {
		t->types = types & group_types(t->group);
		return t;
	}
	tally_free(t);
	return NULL;
}

void tally_free(struct tally *t)
{
	for (size_t i = 0; t && t->rows && i < t->group->nr_rows && i < TALLY_ROWS; i++)
		for (size_t k = 0; k < TWOSAMPLE_SLICES; k++)
			free(t->rows[i].bins[k]);
	if (t) {
		group_free(t->group);
		free(t->rows);
	}
	free(t);
}

static size_t slice_of(const struct tally *t, uint64_t ts)
{
	double at = ts > t->begin && t->elapsed_ns ?
		(double)(ts - t->begin) / t->elapsed_ns * t->nr_slices : 0;

	/* What came when the recording was being ended belongs to its last slice. */
	return at < t->nr_slices ? (size_t)at : t->nr_slices - 1;
}

/* Exits come as a count for an interval, which may lie in several slices. */
static void add_exits(const struct tally *t, struct tally_row *row,
		      const struct mmuscope_exits *rec)
{
	double width = (double)t->elapsed_ns / t->nr_slices, dur = rec->hdr.dur;
	size_t last = slice_of(t, rec->hdr.ts);
	size_t first = rec->hdr.dur < rec->hdr.ts ? slice_of(t, rec->hdr.ts - rec->hdr.dur) : 0;
	double left = rec->count;

	row->count += rec->count;
	row->ns += rec->ns;
	if (rec->hdr.dur > row->longest)
		row->longest = rec->hdr.dur;
	for (size_t i = last; i > first && dur > 0; i--) {
		double from = t->begin + i * width, to = i == last ? rec->hdr.ts : from + width;
		double part = to > from ? rec->count * (to - from) / dur : 0;

		part = part < left ? part : left;
		row->slice[i] += part;
		left -= part;
	}
	row->slice[first] += left;
}

static int add_record(const struct tally *t, struct tally_row *row, struct hist *hist,
		      const struct mmuscope_hdr *rec)
{
	size_t slice = slice_of(t, rec->ts);
	uint32_t **bins = &row->bins[slice];

	row->count++;
	row->ns += rec->dur;
	row->slice[slice]++;
	/* What happens at a point in time has no latency. */
	if (!rec->dur)
		return 0;
	hist_add(hist, rec->dur);
	if (!*bins)
		*bins = calloc(TWOSAMPLE_BINS, sizeof(**bins));
	if (!*bins)
		return -ENOMEM;
	(*bins)[twosample_bin(rec->dur)]++;
	return 0;
}

int tally_feed(struct tally *t, const struct model *m, const struct mmuscope_hdr *rec)
{
	struct group_row *row;
	int err = 0;
	size_t at;

	if (rec->type >= MMUSCOPE_TYPES || !(t->types >> rec->type & 1))
		return 0;
	row = group_row(t->group, m, rec, &err);
	if (err)
		return err;
	at = row ? (size_t)(row - t->group->rows) : TALLY_ROWS;
	if (at >= TALLY_ROWS) {
		t->others++;
		return 0;
	}
	if (rec->type != MMUSCOPE_TYPE_exits)
		return add_record(t, &t->rows[at], row->hist, rec);
	add_exits(t, &t->rows[at], (const struct mmuscope_exits *)rec);
	return 0;
}
