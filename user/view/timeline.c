// SPDX-License-Identifier: GPL-2.0
#include "view/view.h"

/*
 * The last bin is not over when the recording is: its rate is of the part that was
 * recorded.
 */
static uint64_t bin_ns(const struct view_window *w, const struct bins *b, size_t i)
{
	uint64_t begin = i * b->width;

	return begin < w->elapsed_ns && w->elapsed_ns - begin < b->width ?
		w->elapsed_ns - begin : b->width;
}

/* Bins after the last record are there too, or the quiet would not be seen. */
static size_t bins_shown(const struct view_window *w, const struct bins *b)
{
	size_t nr = w->elapsed_ns / b->width + !!(w->elapsed_ns % b->width);

	return nr > b->used && nr <= b->nr ? nr : b->used;
}

static void add(struct section *s, const struct view_window *w, const struct timeline *t,
		enum timeline_what what, const struct series *like)
{
	struct series series = *like;
	bool any = false;

	series.begin_ns = w->begin_ns;
	series.step_ns = t->bins.width;
	series.nr = bins_shown(w, &t->bins);
	series.value = s ? report_alloc(s->report, series.nr * sizeof(*series.value)) : NULL;
	if (!series.value)
		return;
	for (size_t i = 0; i < series.nr; i++) {
		series.value[i] = (double)t->sum[what][i] / bin_ns(w, &t->bins, i) *
			(series.percent ? 100 : 1e9);
		any |= t->sum[what][i];
	}
	if (any)
		section_series(s, &series);
}

void view_timeline(struct section *s, const struct view_window *w, const struct timeline *t)
{
	add(s, w, t, TIMELINE_FAULTS, &(struct series){ .key = "faults_by_time",
	    .title = "Faults per second" });
	add(s, w, t, TIMELINE_FAULT_NS, &(struct series){ .key = "fault_ns_by_time",
	    .title = "Time in faults, % of one vCPU's", .percent = true });
	add(s, w, t, TIMELINE_FLUSHES, &(struct series){ .key = "flushes_by_time",
	    .title = "TLB flushes per second" });
}
