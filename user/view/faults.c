// SPDX-License-Identifier: GPL-2.0
#include "view/view.h"

/* The mode says something only where there is more than one: else it is the first to go. */
#define FAULT_COLUMNS(drop_mode)		\
	{ "mode", "mode", true, drop_mode },	\
	{ "condition", "condition", true, 0 },	\
	{ "access", "access", true, 0 },	\
	{ "verdict", "verdict", true, 0 },	\
	{ "count", "count", false, 0 },		\
	{ "rate", "/s", false, 3 },		\
	{ "ns", "time", false, 0 },		\
	{ "share", "%time", false, 0 },		\
	{ "p50", "p50", false, 0 },		\
	{ "p90", "p90", false, 5 },		\
	{ "p99", "p99", false, 2 },		\
	{ "max", "max", false, 4 }

static void fault_row(const struct vm_view *v, struct table *t, size_t index, uint64_t all_ns)
{
	const struct hist *h = v->st->hist[index];
	struct fault_key key = stats_fault_key(index);
	struct cell *row = table_row(t);

	*row++ = cell_text(schema_word_text(SET_mode, key.mode));
	*row++ = cell_text(schema_word_text(SET_condition, key.condition));
	*row++ = cell_text(schema_word_text(SET_access, key.access));
	*row++ = cell_text(schema_word_text(SET_verdict, key.verdict));
	*row++ = cell_count(h->count);
	*row++ = cell_rate(h->count, v->elapsed_ns);
	*row++ = cell_ns(h->sum);
	*row++ = view_share(v->shares, h->sum, all_ns);
	*row++ = cell_ns(hist_percentile(h, 50));
	*row++ = cell_ns(hist_percentile(h, 90));
	*row++ = cell_ns(hist_percentile(h, 99));
	*row++ = cell_ns(h->max);
}

static bool modes_differ(const struct vm_stats *st)
{
	int first = -1;

	for (size_t i = HIST_FAULT; i < HIST_PHASE; i++) {
		int mode = stats_fault_key(i).mode;

		if (!st->hist[i])
			continue;
		if (first >= 0 && mode != first)
			return true;
		first = mode;
	}
	return false;
}

static void fault_table(const struct vm_view *v, const struct hist *all)
{
	static const struct column one_mode[] = { FAULT_COLUMNS(6) };
	static const struct column modes[] = { FAULT_COLUMNS(0) };
	struct table *t = section_table(v->section, "faults", "Faults",
					modes_differ(v->st) ? modes : one_mode,
					ARRAY_SIZE(modes));

	for (size_t i = HIST_FAULT; i < HIST_PHASE; i++)
		if (v->st->hist[i])
			fault_row(v, t, i, all->sum);
	table_sort(t, "ns");
}

static void phase_table(const struct vm_view *v, const struct hist *all)
{
	static const struct column columns[] = {
		{ "phase", "phase", true, 0 },
		VIEW_HIST_COLUMNS,
		{ "share", "%time", false, 0 },
	};
	static const char *const names[PHASES] = {
		[PHASE_HANDLER] = "fault handler",
		[PHASE_RESOLVE] = "host page",
		[PHASE_LOCK] = "mmu_lock",
	};
	struct table *t = section_table(v->section, "phases", "Where the time goes", columns,
					ARRAY_SIZE(columns));
	struct cell *row;

	for (size_t i = 0; i < PHASES; i++) {
		const struct hist *h = v->st->hist[HIST_PHASE + i];

		if (!h)
			continue;
		if (!t || !t->nr_rows) {
			row = table_row(t);
			*row++ = cell_text("exit to entry");
			row = view_hist_cells(v, row, all);
			*row = view_share(v->shares, all->sum, all->sum);
		}
		row = table_row(t);
		*row++ = cell_text(names[i]);
		row = view_hist_cells(v, row, h);
		*row = view_share(v->shares, h->sum, all->sum);
	}
}

static void level_table(const struct vm_view *v, const struct hist *all)
{
	static const struct column columns[] = {
		{ "level", "mapped", true, 0 },
		VIEW_HIST_COLUMNS,
		{ "share", "%faults", false, 0 },
	};
	struct table *t = section_table(v->section, "levels", "Page sizes mapped", columns,
					ARRAY_SIZE(columns));

	for (unsigned int level = 0; level < STATS_LEVELS; level++) {
		const struct hist *h = v->st->hist[HIST_LEVEL + level];
		struct cell *row;

		if (!h)
			continue;
		row = table_row(t);
		*row++ = cell_text(view_level(level));
		row = view_hist_cells(v, row, h);
		*row = view_share(v->shares, h->count, all->count);
	}
}

static void flag_table(const struct vm_view *v, const struct hist *all)
{
	static const struct column columns[] = {
		{ "which", "of these faults", true, 0 },
		{ "count", "count", false, 0 },
		{ "rate", "/s", false, 1 },
		{ "share", "%faults", false, 0 },
	};
	static const struct { size_t count; const char *name; } rows[] = {
		{ COUNT_WALK, "on the walk of guest page tables" },
		{ COUNT_SLEPT, "slept" },
		{ COUNT_PREEMPTED, "preempted" },
		{ COUNT_USER, "went to user space" },
		{ COUNT_NESTED, "with L2 running" },
		{ COUNT_PARTIAL, "begin not seen" },
	};
	struct table *t = section_table(v->section, "circumstances", NULL, columns,
					ARRAY_SIZE(columns));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t count = v->st->count[rows[i].count];
		struct cell *row;

		if (!count)
			continue;
		row = table_row(t);
		row[0] = cell_text(rows[i].name);
		row[1] = cell_count(count);
		row[2] = cell_rate(count, v->elapsed_ns);
		row[3] = view_share(v->shares, count, all->count);
	}
}

void view_faults(const struct vm_view *v)
{
	struct hist all;

	hist_init(&all);
	for (size_t i = HIST_FAULT; i < HIST_PHASE; i++)
		if (v->st->hist[i])
			hist_merge(&all, v->st->hist[i]);
	section_fact(v->section, "faults", "faults", cell_count(all.count));
	if (!all.count)
		return;
	section_fact(v->section, "fault_rate", "faults/s", cell_rate(all.count, v->elapsed_ns));
	section_fact(v->section, "fault_ns", "in faults", cell_ns(all.sum));
	section_fact(v->section, "fault_share", "of vCPU time",
		     view_share(v->shares, all.sum, v->st->vcpu_ns));
	fault_table(v, &all);
	section_histogram(v->section, "fault_ns_histogram", "Fault latency, exit to entry", &all);
	phase_table(v, &all);
	level_table(v, &all);
	flag_table(v, &all);
}
