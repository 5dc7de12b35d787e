// SPDX-License-Identifier: GPL-2.0
/* What happens now: a row for each VM, or for each value of some fields. */
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

/* What has a rate of its own in a row; all other families are one. */
enum top_kind { TOP_FAULT, TOP_FLUSH, TOP_INVALIDATE, TOP_EXITS, TOP_DIRTY, TOP_OTHER, TOP_KINDS };

/* Columns of rates, and of the numbers behind them, which are for machines. */
static const struct column rates[TOP_KINDS] = {
	[TOP_FAULT] = { "fault_rate", "fault/s", false, 0 },
	[TOP_FLUSH] = { "flush_rate", "flush/s", false, 1 },
	[TOP_INVALIDATE] = { "invalidation_rate", "inv/s", false, 4 },
	[TOP_EXITS] = { "exit_rate", "exits/s", false, 2 },
	[TOP_DIRTY] = { "dirty_rate", "dirty/s", false, 8 },
	[TOP_OTHER] = { "other_rate", "other/s", false, 9 },
};

static const struct column counts[TOP_KINDS] = {
	[TOP_FAULT] = { "faults", NULL, false, 0 },
	[TOP_FLUSH] = { "flushes", NULL, false, 0 },
	[TOP_INVALIDATE] = { "invalidations", NULL, false, 0 },
	[TOP_EXITS] = { "exits", NULL, false, 0 },
	[TOP_DIRTY] = { "dirty_pages", NULL, false, 0 },
	[TOP_OTHER] = { "others", NULL, false, 0 },
};

static const struct column vm_columns[] = {
	{ "id", NULL, false, 0 },
	{ "name", "VM", true, 0 },
	{ "pid", "pid", false, 5 },
	{ "mode", "mode", true, 3 },
	{ "vcpus", "vCPUs", false, 7 },
};

#define TIMES(share)				\
	{ "ns", "time", false, 0 },		\
	{ "share", share, false, 0 },		\
	{ "p50", "p50", false, 6 },		\
	{ "p99", "p99", false, 0 }
#define TIME_COLUMNS	4

static const struct column vm_times[TIME_COLUMNS] = { TIMES("%vCPU") };
static const struct column row_times[TIME_COLUMNS] = { TIMES("%time") };

static enum top_kind kind_of(unsigned int type)
{
	switch (type) {
	case MMUSCOPE_TYPE_fault:
		return TOP_FAULT;
	case MMUSCOPE_TYPE_flush:
		return TOP_FLUSH;
	case MMUSCOPE_TYPE_invalidate:
		return TOP_INVALIDATE;
	case MMUSCOPE_TYPE_exits:
		return TOP_EXITS;
	case MMUSCOPE_TYPE_dirty:
		return TOP_DIRTY;
	default:
		return TOP_OTHER;
	}
}

/* Families that tell what happened, not who is there. */
static bool is_activity(unsigned int type)
{
	return type != MMUSCOPE_TYPE_vm && type != MMUSCOPE_TYPE_vcpu && type != MMUSCOPE_TYPE_lost;
}

/**
 * struct columns - the columns of a table being put together
 * @has: kinds that have columns
 */
struct columns {
	struct column list[TABLE_COLUMNS];
	size_t nr;
	bool has[TOP_KINDS];
};

static void columns_add(struct columns *c, const struct column *list, size_t nr)
{
	memcpy(&c->list[c->nr], list, nr * sizeof(*list));
	c->nr += nr;
}

/* The first rate, the times of what it counts, the other rates, the numbers. */
static void columns_finish(struct columns *c, const struct column *times)
{
	bool timed = !times;

	for (size_t i = 0; i < TOP_KINDS; i++) {
		if (!c->has[i])
			continue;
		columns_add(c, &rates[i], 1);
		if (!timed)
			columns_add(c, times, TIME_COLUMNS);
		timed = true;
	}
	for (size_t i = 0; i < TOP_KINDS; i++)
		if (c->has[i])
			columns_add(c, &counts[i], 1);
}

/**
 * struct sums - what a row says
 * @times: durations of what the first rate counts, NULL where it has none
 * @share: of these times
 * @source: whose hooks tell
 */
struct sums {
	uint64_t count[TOP_KINDS];
	const struct source *source;
	const struct hist *times;
	struct cell share;
};

/* A 0 is one only where it would have been seen; whoever faults has exits that nobody counted. */
static bool is_known(const struct sums *s, enum top_kind kind)
{
	static const char *const probes[TOP_KINDS] = {
		[TOP_FLUSH] = "kvm_flush_remote_tlbs", [TOP_EXITS] = "kvm_exit",
		[TOP_INVALIDATE] = "kvm_mmu_notifier_invalidate_range_start",
		[TOP_DIRTY] = "kvm_get_dirty_log_protect",
	};

	if (s->count[kind] || !probes[kind])
		return true;
	return view_seen(s->source, probes[kind]) && (kind != TOP_EXITS || !s->count[TOP_FAULT]);
}

/* Fills a row from @cell on, as columns_finish() made the columns. */
static void sums_cells(const struct columns *c, struct cell *cell, const struct sums *s, bool timed,
		       uint64_t elapsed_ns)
{
	for (size_t i = 0; i < TOP_KINDS; i++) {
		if (!c->has[i])
			continue;
		*cell++ = is_known(s, i) ? cell_rate(s->count[i], elapsed_ns) : (struct cell){ 0 };
		if (!timed)
			continue;
		timed = false;
		cell[0] = cell_ns(s->times ? s->times->sum : 0);
		cell[1] = s->share;
		if (s->times && s->times->count) {
			cell[2] = cell_ns(hist_percentile(s->times, 50));
			cell[3] = cell_ns(hist_percentile(s->times, 99));
		}
		cell += TIME_COLUMNS;
	}
	for (size_t i = 0; i < TOP_KINDS; i++)
		if (c->has[i])
			*cell++ = is_known(s, i) ? cell_count(s->count[i]) : (struct cell){ 0 };
}

static void vm_sums(const struct vm_stats *st, struct sums *s, struct hist *faults)
{
	hist_init(faults);
	for (size_t i = HIST_LEVEL; i < HIST_LEVEL + STATS_LEVELS * STATS_WALKS; i++)
		if (st->hist[i])
			hist_merge(faults, st->hist[i]);
	s->times = faults;
	for (unsigned int i = 1; i < MMUSCOPE_TYPES; i++)
		if (is_activity(i))
			s->count[kind_of(i)] += st->records[i];
	s->count[TOP_OTHER] -= st->count[COUNT_SLOT + MMUSCOPE_slot_op_found];
	/* Of these a record stands for several, or none. */
	s->count[TOP_EXITS] = s->count[TOP_DIRTY] = 0;
	for (size_t i = 0; i < st->nr_exits; i++)
		s->count[TOP_EXITS] += st->exits[i].count;
	for (size_t i = 0; i < WORDS_dirty_op; i++)
		s->count[TOP_DIRTY] += st->count[COUNT_DIRTY_PAGES + i];
}

static void vm_row(struct table *t, const struct columns *c, const struct vm *vm,
		   const struct sums *s, uint64_t elapsed_ns)
{
	struct cell *row = table_row(t);

	row[0] = cell_id(vm->id);
	row[1] = cell_text(vm->name);
	row[2] = vm->pid ? cell_id(vm->pid) : (struct cell){ 0 };
	row[3] = cell_text(schema_word_text(SET_mode, vm->mode));
	row[4] = cell_count(vm->nr_vcpus);
	sums_cells(c, row + ARRAY_SIZE(vm_columns), s, true, elapsed_ns);
}

/* What all of them do together, and how far that can be trusted. */
struct totals {
	size_t vms;
	uint64_t vcpus, faults, fault_ns, vcpu_ns;
};

static void total_facts(struct section *s, const struct totals *all, const struct ledger *l,
			uint64_t elapsed_ns)
{
	uint64_t lost = view_lost(l), strays = 0;

	for (size_t i = 0; i < MMUSCOPE_TYPES; i++)
		strays += l->unattributed[i];
	section_fact(s, "vm_count", all->vms == 1 ? "VM" : "VMs", cell_count(all->vms));
	section_fact(s, "vcpu_count", all->vcpus == 1 ? "vCPU" : "vCPUs", cell_count(all->vcpus));
	section_fact(s, "fault_rate", "faults/s", cell_rate(all->faults, elapsed_ns));
	section_fact(s, "fault_share", "of vCPU time",
		     view_share(!view_lost_much(l), all->fault_ns, all->vcpu_ns));
	section_fact(s, "lost", "records lost", cell_count(lost));
	section_fact(s, "unattributed", "without a VM", cell_count(strays));
	if (lost)
		section_note(s, "Records were lost: counts are too low.");
}

static bool is_looked_at(const struct vm *vm, const struct vm_stats *st,
			 const struct view_window *w)
{
	if (!view_wants(w, vm))
		return false;
	/* One that has gone is shown once more where it did something. */
	if (vm->life != MMUSCOPE_life_destroyed)
		return true;
	for (unsigned int i = 1; i < MMUSCOPE_TYPES; i++)
		if (st->records[i])
			return true;
	return false;
}

struct table *view_top(struct report *r, const struct model *m, const struct view_window *w)
{
	static struct columns c = { .has = { true, true, true, true, true, true } };
	const struct ledger *l = w->past ? model_past(m) : model_now(m);
	struct section *section = report_section(r, "top", NULL, false);
	struct totals all = { 0 };
	struct hist faults;
	struct table *t;

	if (!c.nr) {
		columns_add(&c, vm_columns, ARRAY_SIZE(vm_columns));
		columns_finish(&c, vm_times);
	}
	t = section_table(section, "vms", NULL, c.list, c.nr);
	for (size_t i = 0; i < model_vms(m); i++) {
		const struct vm *vm = model_vm(m, i);
		const struct vm_stats *st = w->past ? &vm->past : &vm->now;
		struct sums s = { .source = w->source };

		if (!is_looked_at(vm, st, w))
			continue;
		vm_sums(st, &s, &faults);
		s.share = view_share(!view_lost_much(l), faults.sum, st->vcpu_ns);
		vm_row(t, &c, vm, &s, w->elapsed_ns);
		all.vms++;
		all.vcpus += vm->nr_vcpus;
		all.faults += faults.count;
		all.fault_ns += faults.sum;
		all.vcpu_ns += st->vcpu_ns;
	}
	total_facts(section, &all, l, w->elapsed_ns);
	table_sort(t, "ns");
	return t;
}

/* Rows of a group in an order in which those that make one row here follow each other. */
struct order {
	const struct group *g;
	uint8_t like[MMUSCOPE_TYPES];	/* the first family that means the same by the keys */
	bool has[TOP_KINDS];
	unsigned int timed;		/* the family whose times are shown, 0 for none */
	uint16_t *row;
};

static int order_compare(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct group_row *x = &o->g->rows[*(const uint16_t *)a];
	const struct group_row *y = &o->g->rows[*(const uint16_t *)b];

	if (o->like[x->type] != o->like[y->type])
		return o->like[x->type] < o->like[y->type] ? -1 : 1;
	return memcmp(x->value, y->value, o->g->nr_keys * sizeof(x->value[0]));
}

static void order_types(struct order *o)
{
	static const unsigned int timed[] = {
		MMUSCOPE_TYPE_fault, MMUSCOPE_TYPE_flush, MMUSCOPE_TYPE_invalidate,
	};
	uint64_t types = group_types(o->g);

	for (unsigned int i = 1; i < MMUSCOPE_TYPES; i++) {
		if (!(types >> i & 1) || !is_activity(i))
			continue;
		o->has[kind_of(i)] = true;
		for (unsigned int k = i; k >= 1; k--)
			if (types >> k & 1 && group_alike(o->g, i, k))
				o->like[i] = k;
	}
	for (size_t i = ARRAY_SIZE(timed); i-- > 0; )
		if (types >> timed[i] & 1)
			o->timed = timed[i];
}

/* Fills in the row that begins at o->row[@from]. Return: where the next one begins. */
static size_t order_row(struct report *r, const struct order *o, size_t from,
			const struct model *m, struct sums *s, struct cell *keys)
{
	size_t at = from;

	*s = (struct sums){ 0 };
	for (size_t i = 0; i < o->g->nr_keys; i++)
		keys[i] = view_key(r, m, o->g, &o->g->rows[o->row[from]], i);
	do {
		const struct group_row *row = &o->g->rows[o->row[at]];

		s->count[kind_of(row->type)] += row->amount;
		if (row->type == o->timed)
			s->times = row->hist;
		at++;
	} while (at < o->g->nr_rows && !order_compare(&o->row[from], &o->row[at], (void *)o));
	return at;
}

static void rows_add(struct report *r, struct table *t, const struct columns *c,
		     const struct order *o, const struct model *m, const struct view_window *w)
{
	const struct ledger *l = w->past ? model_past(m) : model_now(m);
	struct cell keys[GROUP_KEYS], *row;
	struct sums s;

	size_t at = 0;

	while (at < o->g->nr_rows && !o->like[o->g->rows[o->row[at]].type])
		at++;
	while (at < o->g->nr_rows) {
		at = order_row(r, o, at, m, &s, keys);
		s.source = w->source;
		s.share = view_share(!view_lost_much(l), s.times ? s.times->sum : 0,
				     o->timed ? o->g->ns[o->timed] : 0);
		row = table_row(t);
		memcpy(row, keys, o->g->nr_keys * sizeof(*keys));
		sums_cells(c, row + o->g->nr_keys, &s, o->timed, w->elapsed_ns);
	}
}

struct table *view_top_group(struct report *r, const struct group *g, const struct model *m,
			     const struct view_window *w)
{
	struct section *section = report_section(r, "top", NULL, false);
	struct columns *c = report_alloc(r, sizeof(*c));
	struct order o = { .g = g };
	struct table *t;

	o.row = report_alloc(r, (g->nr_rows + 1) * sizeof(*o.row));
	if (!c || !o.row)
		return NULL;
	order_types(&o);
	for (size_t i = 0; i < g->nr_rows; i++)
		o.row[i] = i;
	qsort_r(o.row, g->nr_rows, sizeof(*o.row), order_compare, &o);
	for (size_t i = 0; i < g->nr_keys; i++) {
		const char *name = report_text(r, "%s", g->key[i].name);

		columns_add(c, &(struct column){ name, name, true, 0 }, 1);
	}
	memcpy(c->has, o.has, sizeof(c->has));
	columns_finish(c, o.timed ? row_times : NULL);
	t = section_table(section, "rows", NULL, c->list, c->nr);
	rows_add(r, t, c, &o, m, w);
	section_fact(section, "uncounted", g->others ? "records in no row" : NULL,
		     cell_count(g->others));
	section_fact(section, "lost", "records lost",
		     cell_count(view_lost(w->past ? model_past(m) : model_now(m))));
	table_sort(t, o.timed ? "ns" : "other_rate");
	return t;
}
