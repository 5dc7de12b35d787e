// SPDX-License-Identifier: GPL-2.0
#include "lib/reason.h"
#include "view/view.h"

static void exit_row_print(const struct vm_view *v, struct table *t, const struct exit_row *e,
			   uint64_t all)
{
	const char *name = reason_name(e->isa, e->reason);
	struct cell *row = table_row(t);

	row[0] = cell_text(name ? name : report_text(v->section->report, "reason %#x", e->reason));
	row[1] = cell_count(e->count);
	row[2] = cell_rate(e->count, v->elapsed_ns);
	row[3] = view_share(v->exit_shares, e->count, all);
	row[4] = cell_ns(e->ns);
	row[5] = view_share(v->exit_shares, e->ns, v->st->vcpu_ns);
	row[6] = cell_ns(e->count ? e->ns / e->count : 0);
}

void view_exits(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "reason", "reason", true, 0 },
		{ "count", "count", false, 0 },
		{ "rate", "/s", false, 1 },
		{ "share", "%exits", false, 0 },
		{ "ns", "time", false, 0 },
		{ "time_share", "%vCPU", false, 0 },
		{ "mean", "mean", false, 2 },
	};
	struct table *t = section_table(v->section, "exits", "Exits", columns,
					ARRAY_SIZE(columns));
	uint64_t all = 0;

	for (size_t i = 0; i < v->st->nr_exits; i++)
		all += v->st->exits[i].count;
	for (size_t i = 0; i < v->st->nr_exits; i++)
		exit_row_print(v, t, &v->st->exits[i], all);
	table_sort(t, "ns");
}
