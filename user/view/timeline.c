// SPDX-License-Identifier: GPL-2.0
#include "view/view.h"

unsigned int view_bins(const struct view_window *w, const struct bins *b, size_t most, size_t *nr)
{
	uint64_t last = b->used ? b->used - 1 : 0;
	unsigned int fold = 0;

	/* The quiet after the last record is there too, and all VMs have the same time. */
	if (w->elapsed_ns && (w->elapsed_ns - 1) / b->width > last)
		last = (w->elapsed_ns - 1) / b->width;
	while (last >> fold >= most)
		fold++;
	*nr = (last >> fold) + 1;
	return fold;
}

/* The last step is not over when the recording is: its mean is of the part that was recorded. */
static uint64_t step_ns(const struct view_window *w, const struct series *s, size_t i)
{
	uint64_t begin = i * s->step_ns;

	return begin < w->elapsed_ns && w->elapsed_ns - begin < s->step_ns ?
		w->elapsed_ns - begin : s->step_ns;
}

static void add(struct section *s, const struct view_window *w, const struct timeline *t,
		enum timeline_what what, const struct series *like)
{
	struct series series = *like;
	unsigned int fold = view_bins(w, &t->bins, TIMELINE_BINS, &series.nr);
	bool any = false;

	series.begin_ns = w->begin_ns;
	series.step_ns = t->bins.width << fold;
	series.value = s ? report_alloc(s->report, series.nr * sizeof(*series.value)) : NULL;
	if (!series.value)
		return;
	for (size_t i = 0; i < t->bins.used; i++)
		series.value[i >> fold] += t->sum[what][i];
	for (size_t i = 0; i < series.nr; i++) {
		any |= series.value[i] > 0;
		series.value[i] *= (series.percent ? 100 : 1e9) / step_ns(w, &series, i);
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
