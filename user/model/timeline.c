// SPDX-License-Identifier: GPL-2.0
#include "model/timeline.h"

#include <string.h>

void timeline_init(struct timeline *t, uint64_t begin)
{
	memset(t, 0, sizeof(*t));
	bins_init(&t->bins, begin, TIMELINE_BINS);
}

/* A fault of a second is not to make a spike of 1,000 vCPUs in a bin of a millisecond. */
static void add_time(struct timeline *t, uint64_t from, uint64_t to)
{
	const struct bins *b = &t->bins;
	uint64_t *ns = t->sum[TIMELINE_FAULT_NS];

	if (from < b->begin)
		from = b->begin;
	if (from >= to)
		return;
	from -= b->begin;
	to -= b->begin;
	for (size_t i = from / b->width; i <= to / b->width; i++) {
		uint64_t low = i * b->width, end = to - low < b->width ? to : low + b->width;

		ns[i] += end - (low < from ? from : low);
	}
}

void timeline_feed(struct timeline *t, const struct mmuscope_hdr *rec)
{
	unsigned int times = bins_reach(&t->bins, rec->ts);

	for (size_t i = 0; times && i < TIMELINE_WHATS; i++)
		bins_fold(t->sum[i], TIMELINE_BINS, times);
	if (rec->type == MMUSCOPE_TYPE_fault) {
		t->sum[TIMELINE_FAULTS][bins_index(&t->bins, rec->ts)]++;
		add_time(t, rec->dur < rec->ts ? rec->ts - rec->dur : 0, rec->ts);
	} else if (rec->type == MMUSCOPE_TYPE_flush) {
		t->sum[TIMELINE_FLUSHES][bins_index(&t->bins, rec->ts)]++;
	}
}
