// SPDX-License-Identifier: GPL-2.0
/* What made faults necessary, and what that says of huge pages. */
#include <math.h>

#include "view/view.h"

/* What is known where the schema's word says too little. */
static const char *cause_detail(unsigned int cause)
{
	switch (cause) {
	case MMUSCOPE_cause_unknown:
		return "taken away, not known by what";
	case CAUSE_UNSEEN:
		return "mapped before tracing, maybe";
	case CAUSE_UNTAKEN:
		return "mapped, not seen taken away";
	case CAUSE_NO_ADDRESS:
		return "address not known";
	case CAUSE_MMIO:
		return "MMIO or emulated memory";
	case CAUSE_GUEST:
		return "the guest's own fault";
	default:
		return schema_word(schema_vocabulary(SET_cause), cause)->doc;
	}
}

static bool cause_is_unknown(unsigned int cause)
{
	return cause == MMUSCOPE_cause_unknown || (cause >= CAUSE_UNSEEN && cause < CAUSE_MMIO);
}

static void cause_row(const struct vm_view *v, struct table *t, unsigned int cause, uint64_t all_ns)
{
	const struct hist *h = v->st->hist[HIST_CAUSE + cause];
	const struct hist *age = v->st->hist[HIST_AGE + cause];
	struct cell *row = table_row(t);

	row[0] = cell_text(cause_text(cause));
	row[1] = cell_count(h->count);
	row[2] = cell_rate(h->count, v->elapsed_ns);
	row[3] = cell_ns(h->sum);
	row[4] = view_share(v->shares, h->sum, all_ns);
	row[5] = cell_ns(hist_percentile(h, 50));
	row[6] = cell_ns(hist_percentile(h, 99));
	row[7] = age ? cell_ns(hist_percentile(age, 50)) : (struct cell){ 0 };
	row[8] = cell_text(cause_detail(cause));
}

void view_causes(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "cause", "cause", true, 0 },
		{ "count", "count", false, 0 },
		{ "rate", "/s", false, 3 },
		{ "ns", "time", false, 0 },
		{ "share", "%time", false, 1 },
		{ "p50", "p50", false, 0 },
		{ "p99", "p99", false, 2 },
		{ "age_p50", "taken for", false, 0 },
		{ "detail", "what is known", true, 0 },
	};
	struct table *t = section_table(v->section, "causes", "Faults by cause", columns,
					ARRAY_SIZE(columns));
	uint64_t all = 0, all_ns = 0, unknown = 0;

	for (unsigned int i = 0; i < CAUSES; i++) {
		const struct hist *h = v->st->hist[HIST_CAUSE + i];

		if (!h)
			continue;
		all += h->count;
		all_ns += h->sum;
		unknown += cause_is_unknown(i) ? h->count : 0;
	}
	for (unsigned int i = 0; i < CAUSES; i++)
		if (v->st->hist[HIST_CAUSE + i])
			cause_row(v, t, i, all_ns);
	table_sort(t, "ns");
	section_fact(v->section, "unknown_cause_share", NULL, cell_percent(unknown, all));
	/* All but a few are not all. */
	if (unknown)
		section_caption(v->section, "The cause of %s%.1f%% of the faults is not known.",
				unknown < all && unknown > 0.9995 * all ? "more than " : "",
				unknown < all ? fmin(99.9, 100.0 * unknown / all) : 100.0);
}

/* Letters of the parts of a fault in a bar, by enum stats_time. */
static const char letters[STATS_TIMES + 1] = "xhslmu?";

#define BAR_WIDTH	30

/* A bar in which each part has its share of letters; what is left of rounding goes to the last. */
static const char *bar_make(struct report *r, const uint64_t *ns, uint64_t all)
{
	char bar[BAR_WIDTH + 1] = "";
	uint64_t sum = 0;
	size_t at = 0;

	for (unsigned int i = 0; i < STATS_TIMES; i++) {
		size_t end;

		sum += ns[i];
		end = (double)sum / all * BAR_WIDTH + 0.5;
		while (at < end && at < BAR_WIDTH)
			bar[at++] = letters[i];
	}
	return report_text(r, "%s", bar);
}

/* Whether part @i could not be told from the rest: its hook was missing, or this host has none. */
static bool part_unseen(const struct vm_view *v, unsigned int i)
{
	static const char *const probes[STATS_TIMES] = {
		[TIME_HOST] = "kvm_mmu_spte_requested", [TIME_ASLEEP] = "kvm_sched_out",
		[TIME_LOCK] = "contention_begin", [TIME_USER] = "kvm_userspace_exit",
		[TIME_OUTSIDE] = "kvm_exit",
	};

	return probes[i] && !view_seen(v->window->source, probes[i]);
}

static void time_row(const struct vm_view *v, struct table *t, const char *cause,
		     const uint64_t *ns)
{
	uint64_t all = 0;
	struct cell *row;

	for (unsigned int i = 0; i < STATS_TIMES; i++)
		all += ns[i];
	if (!all)
		return;
	row = table_row(t);
	*row++ = cell_text(cause);
	*row++ = cell_ns(all);
	for (unsigned int i = 0; i < STATS_TIMES; i++, row++)
		if (!part_unseen(v, i))
			*row = cell_percent(ns[i], all);
	*row = cell_text(bar_make(v->section->report, ns, all));
}

void view_times(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "cause", "cause", true, 0 },
		{ "ns", "time", false, 0 },
		{ "outside", "exit", false, 5 },
		{ "host", "host", false, 1 },
		{ "asleep", "asleep", false, 2 },
		{ "lock", "lock", false, 3 },
		{ "map", "map", false, 4 },
		{ "user", "user", false, 6 },
		{ "unknown", "?", false, 7 },
		{ "bar", "parts", true, 0 },
	};
	struct table *t = section_table(v->section, "fault_times", "Faults, part by part", columns,
					ARRAY_SIZE(columns));
	uint64_t all[STATS_TIMES] = { 0 }, unknown[STATS_TIMES] = { 0 };

	for (unsigned int cause = 0; cause < CAUSES; cause++) {
		const uint64_t *ns = &v->st->count[COUNT_TIME + cause * STATS_TIMES];

		for (unsigned int i = 0; i < STATS_TIMES; i++) {
			all[i] += ns[i];
			unknown[i] += cause_is_unknown(cause) ? ns[i] : 0;
		}
		if (!cause_is_unknown(cause))
			time_row(v, t, cause_text(cause), ns);
	}
	time_row(v, t, cause_text(MMUSCOPE_cause_unknown), unknown);
	time_row(v, t, "all", all);
	table_sort(t, "ns");
	if (t && t->nr_rows)
		section_caption(v->section, "x exit to handler and back to entry, h host page, s "
				"host page in faults that slept, l waiting for mmu_lock, m page "
				"tables, u user space, ? not measured.");
}
