// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "view/view.h"

#define ROWS_SHOWN 10

static uint64_t hist_sum(const struct hist *h)
{
	return h ? h->sum : 0;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t row_total(const struct shares_row *row)
{
	uint64_t total = 0;

	for (size_t i = 0; i < SHARES_PARTS; i++)
		total += row->part[i];
	return total;
}

/* The handler lies within the fault, and has parts: what is left is a part of its own. */
static void phases(const struct vm_view *v)
{
	static const char *const labels[STATS_WALKS] = { "access", "page walk" };
	struct shares shares = {
		.key = "phase_shares", .title = "Time in faults, by phase", .ns = true,
		.part = { "host page", "mmu_lock", "rest of the handler", "outside of it" },
		.nr_parts = 4,
		.rows = report_alloc(v->section->report, STATS_WALKS * sizeof(*shares.rows)),
	};
	uint64_t all[STATS_WALKS] = { 0 };

	for (size_t i = HIST_FAULT; i < HIST_PHASE; i++)
		all[stats_fault_key(i).walk] += hist_sum(v->st->hist[i]);
	for (size_t walk = 0; shares.rows && walk < STATS_WALKS; walk++) {
		struct hist *const *phase = &v->st->hist[HIST_PHASE + walk];
		struct shares_row *row = &shares.rows[shares.nr];
		uint64_t handler = hist_sum(phase[STATS_WALKS * PHASE_HANDLER]);

		row->label = labels[walk];
		row->part[0] = hist_sum(phase[STATS_WALKS * PHASE_RESOLVE]);
		row->part[1] = hist_sum(phase[STATS_WALKS * PHASE_LOCK]);
		row->part[2] = minus(handler, row->part[0] + row->part[1]);
		row->part[3] = minus(all[walk], handler);
		shares.nr += !!row_total(row);
	}
	if (shares.nr)
		section_shares(v->section, &shares);
}

static int row_compare(const void *a, const void *b)
{
	uint64_t x = row_total(a), y = row_total(b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static void answers(const struct vm_view *v)
{
	struct shares shares = {
		.key = "answer_shares", .title = "Faults, by condition, answer and access",
		.nr_parts = WORDS_access,
		.rows = report_alloc(v->section->report, WORDS_condition * WORDS_verdict *
				     sizeof(*shares.rows)),
	};

	_Static_assert(WORDS_access <= SHARES_PARTS, "parts of a bar");
	for (size_t i = 0; i < WORDS_access; i++)
		shares.part[i] = schema_word_text(SET_access, i);
	for (size_t i = HIST_FAULT; shares.rows && i < HIST_PHASE; i++) {
		struct fault_key key = stats_fault_key(i);
		struct shares_row *row = &shares.rows[key.condition * WORDS_verdict + key.verdict];

		if (!v->st->hist[i])
			continue;
		row->label = report_text(v->section->report, "%s: %s",
					 schema_word_text(SET_condition, key.condition),
					 schema_word_text(SET_verdict, key.verdict)) ?: "";
		row->part[key.access] += v->st->hist[i]->count;
	}
	if (!shares.rows)
		return;
	qsort(shares.rows, WORDS_condition * WORDS_verdict, sizeof(*shares.rows), row_compare);
	while (shares.nr < ROWS_SHOWN && shares.rows[shares.nr].label)
		shares.nr++;
	section_shares(v->section, &shares);
}

void view_shares(const struct vm_view *v)
{
	if (!v->section)
		return;
	phases(v);
	answers(v);
}
