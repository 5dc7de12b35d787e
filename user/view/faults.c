// SPDX-License-Identifier: GPL-2.0
#include "view/view.h"

/*
 * Faults of the CPU's walk of the guest's page tables and of the final access are
 * told apart in every table. Where there are no walks the column is the first to
 * go; so is the mode where there is only one.
 */
#define DROP_WALK	8
#define DROP_MODE	7
#define WALK_COLUMN(drop)	{ "on", "on", true, drop }

#define FAULT_COLUMNS(drop_mode, drop_walk)	\
	{ "mode", "mode", true, drop_mode },	\
	WALK_COLUMN(drop_walk),			\
	{ "condition", "condition", true, 0 },	\
	{ "access", "access", true, 0 },	\
	{ "verdict", "verdict", true, 0 },	\
	{ "count", "count", false, 0 },		\
	{ "rate", "/s", false, 3 },		\
	{ "ns", "time", false, 0 },		\
	{ "share", "%time", false, 0 },		\
	{ "p50", "p50", false, 1 },		\
	{ "p90", "p90", false, 5 },		\
	{ "p99", "p99", false, 2 },		\
	{ "max", "max", false, 4 }

/* All faults, and by whether they are of a walk. */
struct fault_sums {
	struct hist all;
	struct hist by[STATS_WALKS];
};

static struct cell cell_walk(unsigned int walk)
{
	return cell_text(walk ? "page walk" : "access");
}

static void fault_row(const struct vm_view *v, struct table *t, size_t index, uint64_t all_ns)
{
	const struct hist *h = v->st->hist[index];
	struct fault_key key = stats_fault_key(index);
	struct cell *row = table_row(t);

	*row++ = cell_text(schema_word_text(SET_mode, key.mode));
	*row++ = cell_walk(key.walk);
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

static void fault_table(const struct vm_view *v, const struct fault_sums *sums)
{
	static const struct column columns[2][2][13] = {
		{ { FAULT_COLUMNS(DROP_MODE, DROP_WALK) }, { FAULT_COLUMNS(DROP_MODE, 0) } },
		{ { FAULT_COLUMNS(0, DROP_WALK) }, { FAULT_COLUMNS(0, 0) } },
	};
	bool modes = modes_differ(v->st), walks = sums->by[1].count;
	struct table *t = section_table(v->section, "faults", "Faults", columns[modes][walks],
					ARRAY_SIZE(columns[0][0]));

	for (size_t i = HIST_FAULT; i < HIST_PHASE; i++)
		if (v->st->hist[i])
			fault_row(v, t, i, sums->all.sum);
	table_sort(t, "ns");
}

/* Software virtualization has none: a fault is known from its handler on. */
static bool exits_seen(const struct vm_view *v)
{
	return v->vm->isa != MMUSCOPE_isa_unknown;
}

static void phase_row(const struct vm_view *v, struct table *t, const char *name,
		      unsigned int walk, const struct hist *h, const struct hist *all)
{
	struct cell *row = table_row(t);

	*row++ = cell_text(name);
	*row++ = cell_walk(walk);
	row = view_hist_cells(v, row, h);
	*row = view_share(v->shares, h->sum, all->sum);
}

static void phase_table(const struct vm_view *v, const struct fault_sums *sums)
{
	static const struct column columns[2][10] = {
#define PHASE_COLUMNS(drop_walk) { "phase", "phase", true, 0 }, WALK_COLUMN(drop_walk),	\
		VIEW_HIST_COLUMNS, { "share", "%time", false, 0 }
		{ PHASE_COLUMNS(DROP_WALK) }, { PHASE_COLUMNS(0) },
	};
	static const char *const names[PHASES] = {
		[PHASE_HANDLER] = "fault handler",
		[PHASE_RESOLVE] = "host page",
		[PHASE_LOCK] = "mmu_lock",
	};
	struct table *t = section_table(v->section, "phases", "Where the time goes",
					columns[sums->by[1].count != 0], ARRAY_SIZE(columns[0]));

	for (unsigned int walk = 0; walk < STATS_WALKS; walk++) {
		size_t rows = t ? t->nr_rows : 0;

		for (size_t i = 0; i < PHASES; i++) {
			const struct hist *h = v->st->hist[HIST_PHASE + STATS_WALKS * i + walk];

			if (!h)
				continue;
			if (t && t->nr_rows == rows)
				phase_row(v, t, exits_seen(v) ? "exit to entry" : "whole fault",
					  walk, &sums->by[walk], &sums->all);
			phase_row(v, t, names[i], walk, h, &sums->all);
		}
	}
}

static void level_table(const struct vm_view *v, const struct fault_sums *sums)
{
	static const struct column columns[2][10] = {
#define LEVEL_COLUMNS(drop_walk) { "level", "mapped", true, 0 }, WALK_COLUMN(drop_walk),	\
		VIEW_HIST_COLUMNS, { "share", "%faults", false, 0 }
		{ LEVEL_COLUMNS(DROP_WALK) }, { LEVEL_COLUMNS(0) },
	};
	struct table *t = section_table(v->section, "levels", "Page sizes mapped",
					columns[sums->by[1].count != 0], ARRAY_SIZE(columns[0]));

	for (unsigned int i = 0; i < STATS_LEVELS * STATS_WALKS; i++) {
		const struct hist *h = v->st->hist[HIST_LEVEL + i];
		struct cell *row;

		if (!h)
			continue;
		row = table_row(t);
		*row++ = cell_text(view_level(i / STATS_WALKS));
		*row++ = cell_walk(i % STATS_WALKS);
		row = view_hist_cells(v, row, h);
		*row = view_share(v->shares, h->count, sums->all.count);
	}
}

static void flag_row(const struct vm_view *v, struct table *t, const char *name,
		     unsigned int walk, uint64_t count, uint64_t all)
{
	struct cell *row;

	if (!count)
		return;
	row = table_row(t);
	row[0] = cell_text(name);
	row[1] = cell_walk(walk);
	row[2] = cell_count(count);
	row[3] = cell_rate(count, v->elapsed_ns);
	row[4] = view_share(v->shares, count, all);
}

static void flag_table(const struct vm_view *v, const struct fault_sums *sums)
{
	static const struct column columns[2][5] = {
#define FLAG_COLUMNS(drop_walk) { "which", "of these faults", true, 0 }, WALK_COLUMN(drop_walk), \
		{ "count", "count", false, 0 }, { "rate", "/s", false, 1 },			\
		{ "share", "%faults", false, 0 }
		{ FLAG_COLUMNS(DROP_WALK) }, { FLAG_COLUMNS(0) },
	};
	static const struct { size_t count; const char *name; } rows[] = {
		{ COUNT_SLEPT, "slept" },
		{ COUNT_PREEMPTED, "preempted" },
		{ COUNT_USER, "went to user space" },
		{ COUNT_NESTED, "with L2 running" },
		{ COUNT_PARTIAL, "begin not seen" },
	};
	uint64_t walks = sums->by[1].count, all = sums->all.count;
	struct table *t = section_table(v->section, "circumstances", NULL, columns[walks != 0],
					ARRAY_SIZE(columns[0]));

	flag_row(v, t, "on the walk of guest page tables", 1, walks, all);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (unsigned int walk = 0; walk < STATS_WALKS; walk++)
			flag_row(v, t, rows[i].name, walk, v->st->count[rows[i].count + walk], all);
}

static void sums_make(struct fault_sums *sums, const struct vm_stats *st)
{
	hist_init(&sums->all);
	for (unsigned int walk = 0; walk < STATS_WALKS; walk++)
		hist_init(&sums->by[walk]);
	for (size_t i = HIST_FAULT; i < HIST_PHASE; i++)
		if (st->hist[i])
			hist_merge(&sums->by[stats_fault_key(i).walk], st->hist[i]);
	for (unsigned int walk = 0; walk < STATS_WALKS; walk++)
		hist_merge(&sums->all, &sums->by[walk]);
}

void view_faults(const struct vm_view *v)
{
	struct fault_sums sums;

	sums_make(&sums, v->st);
	section_fact(v->section, "fault_count", "faults", cell_count(sums.all.count));
	if (!sums.all.count) {
		fault_table(v, &sums);
		return;
	}
	section_fact(v->section, "fault_rate", "faults/s",
		     cell_rate(sums.all.count, v->elapsed_ns));
	section_fact(v->section, "fault_ns", "in faults", cell_ns(sums.all.sum));
	section_fact(v->section, "fault_share", "of vCPU time",
		     view_share(v->shares, sums.all.sum, v->st->vcpu_ns));
	fault_table(v, &sums);
	section_histogram(v->section, "fault_ns_histogram", exits_seen(v) ?
			  "Fault latency, exit to entry" : "Fault latency", &sums.all);
	view_shares(v);
	phase_table(v, &sums);
	level_table(v, &sums);
	flag_table(v, &sums);
}
