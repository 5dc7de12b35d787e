// SPDX-License-Identifier: GPL-2.0
/* The tables of all that is not a fault. */
#include "view/view.h"

static void work_row(const struct vm_view *v, struct table *t, unsigned int type, const char *name)
{
	const struct hist *h = v->st->hist[HIST_WORK + type];
	uint64_t amount = v->st->count[COUNT_AMOUNT + type];
	struct cell *row;

	if (!h)
		return;
	row = table_row(t);
	*row++ = cell_text(name);
	row = view_hist_cells(v, row, h);
	if (amount)
		*row = cell_count(amount);
}

static void page_table(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "op", "page-table pages", true, 0 },
		{ "kind", "kind", true, 0 },
		{ "count", "count", false, 0 },
		{ "rate", "/s", false, 1 },
	};
	struct table *t = section_table(v->section, "shadow_pages", NULL, columns,
					ARRAY_SIZE(columns));

	for (size_t i = 0; i < WORDS_page_op * 2; i++) {
		uint64_t count = v->st->count[COUNT_PAGES + i];
		struct cell *row;

		if (!count)
			continue;
		row = table_row(t);
		row[0] = cell_text(schema_word_text(SET_page_op, i / 2));
		row[1] = cell_text(i % 2 ? "direct" : "shadow");
		row[2] = cell_count(count);
		row[3] = cell_rate(count, v->elapsed_ns);
	}
}

void view_shadow(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "work", "work", true, 0 },
		VIEW_HIST_COLUMNS,
		{ "pages", "pages", false, 0 },
	};
	static const struct { unsigned int type; const char *name; } rows[] = {
		{ MMUSCOPE_TYPE_sync, "sync" },
		{ MMUSCOPE_TYPE_unsync, "unsync" },
		{ MMUSCOPE_TYPE_ptwrite, "page-table write" },
		{ MMUSCOPE_TYPE_invlpg, "INVLPG" },
		{ MMUSCOPE_TYPE_cr3, "CR3 write" },
	};
	struct table *t = section_table(v->section, "shadow", "Shadow paging", columns,
					ARRAY_SIZE(columns));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		work_row(v, t, rows[i].type, rows[i].name);
	page_table(v);
}

void view_other(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "work", "work", true, 0 },
		VIEW_HIST_COLUMNS,
		{ "young", "young", false, 0 },
	};
	struct table *t = section_table(v->section, "other", "Other work", columns,
					ARRAY_SIZE(columns));

	work_row(v, t, MMUSCOPE_TYPE_age, "accessed-bit scan");
	work_row(v, t, MMUSCOPE_TYPE_apf, "async page fault");
}

void view_invalidations(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "event", "event", true, 0 },
		{ "cause", "cause", true, 0 },
		{ "task", "task", true, 0 },
		VIEW_HIST_COLUMNS,
		{ "gfns", "frames", false, 4 },
		{ "inferred", "inferred", false, 5 },
	};
	struct table *t = section_table(v->section, "invalidations",
					"Invalidations by the host (MMU notifier)", columns,
					ARRAY_SIZE(columns));
	bool frames = view_seen(v->window->source, "kvm_unmap_gfn_range");
	uint64_t inferred = 0;

	for (size_t i = 0; i < v->st->notify.nr; i++) {
		const struct notify_row *n = &v->st->notify.rows[i];
		struct cell *row = table_row(t);

		inferred += n->inferred;
		*row++ = cell_text(schema_word_text(SET_notifier, n->event));
		*row++ = cell_text(schema_word_text(SET_cause, n->cause));
		*row++ = cell_text(report_text(v->section->report, "%.*s",
					       (int)sizeof(n->comm), n->comm));
		row = view_hist_cells(v, row, n->hist);
		*row++ = frames || n->gfns ? cell_count(n->gfns) : (struct cell){ 0 };
		*row = cell_count(n->inferred);
	}
	table_sort(t, "count");
	if (inferred)
		section_caption(v->section, "The cause of %llu invalidations is inferred from "
				"event and task.", (unsigned long long)inferred);
}

/* Where KVM's ring or the CPU's buffer is emptied, neither says how much was in it. */
static bool counts_pages(unsigned int op)
{
	return op != MMUSCOPE_dirty_op_ring_reset && op != MMUSCOPE_dirty_op_pml_full;
}

void view_dirty(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "op", "operation", true, 0 },
		VIEW_HIST_COLUMNS,
		{ "pages", "pages", false, 0 },
	};
	struct table *t = section_table(v->section, "dirty", "Dirty logging", columns,
					ARRAY_SIZE(columns));

	for (size_t i = 0; i < WORDS_dirty_op; i++) {
		const struct hist *h = v->st->hist[HIST_DIRTY + i];
		struct cell *row;

		if (!h)
			continue;
		row = table_row(t);
		*row++ = cell_text(schema_word_text(SET_dirty_op, i));
		row = view_hist_cells(v, row, h);
		if (counts_pages(i) || v->st->count[COUNT_DIRTY_PAGES + i])
			*row = cell_count(v->st->count[COUNT_DIRTY_PAGES + i]);
	}
	table_sort(t, "count");
}

void view_slots(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "op", "memslots", true, 0 },
		{ "count", "count", false, 0 },
		{ "rate", "/s", false, 1 },
	};
	struct table *t = section_table(v->section, "slots", "Memslot changes", columns,
					ARRAY_SIZE(columns));

	for (size_t i = 0; i < WORDS_slot_op; i++) {
		uint64_t count = v->st->count[COUNT_SLOT + i];
		struct cell *row;

		/* What was there already is no change. */
		if (!count || i == WORDS_slot_op_found)
			continue;
		row = table_row(t);
		row[0] = cell_text(schema_word_text(SET_slot_op, i));
		row[1] = cell_count(count);
		row[2] = cell_rate(count, v->elapsed_ns);
	}
}

void view_locks(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "op", "mmu_lock", true, 0 },
		{ "origin", "origin", true, 0 },
		VIEW_HIST_COLUMNS,
	};
	struct table *t = section_table(v->section, "locks", "Waiting for mmu_lock", columns,
					ARRAY_SIZE(columns));

	for (size_t i = 0; i < WORDS_lock_op * WORDS_origin; i++) {
		const struct hist *h = v->st->hist[HIST_LOCK + i];
		struct cell *row;

		if (!h)
			continue;
		row = table_row(t);
		*row++ = cell_text(schema_word_text(SET_lock_op, i / WORDS_origin));
		*row++ = cell_text(schema_word_text(SET_origin, i % WORDS_origin));
		view_hist_cells(v, row, h);
	}
	table_sort(t, "ns");
}
