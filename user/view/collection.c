// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "view/view.h"

static uint64_t sum(const uint64_t *list, size_t nr)
{
	uint64_t all = 0;

	for (size_t i = 0; i < nr; i++)
		all += list[i];
	return all;
}

static void lost_tables(struct section *s, const struct ledger *l)
{
	static const struct column stages[] = {
		{ "stage", "Lost at", true, 0 }, { "count", "records", false, 0 },
	};
	static const struct column cpus[] = {
		{ "cpu", "Lost by CPU", false, 0 }, { "count", "records", false, 0 },
	};
	struct table *t = section_line(s, "lost_by_stage", stages, ARRAY_SIZE(stages));
	struct cell *row;

	for (size_t i = 0; i < WORDS_stage; i++) {
		if (!l->lost[i])
			continue;
		row = table_row(t);
		row[0] = cell_text(schema_word_text(SET_stage, i));
		row[1] = cell_count(l->lost[i]);
	}
	t = section_line(s, "lost_by_cpu", cpus, ARRAY_SIZE(cpus));
	for (size_t i = 0; i < l->nr_cpus; i++) {
		if (!l->lost_cpus[i])
			continue;
		row = table_row(t);
		row[0] = cell_id(i);
		row[1] = cell_count(l->lost_cpus[i]);
	}
}

static void family_table(struct section *s, const char *key, const struct column *columns,
			 const uint64_t *counts)
{
	struct table *t = section_line(s, key, columns, 2);

	for (unsigned int i = 0; i < MMUSCOPE_TYPES; i++) {
		struct cell *row;

		/* Those that tell of lost records are not what the reader counts. */
		if (!counts[i] || i == MMUSCOPE_TYPE_lost)
			continue;
		row = table_row(t);
		row[0] = cell_text(i ? schema_event(i)->name : "of a newer version");
		row[1] = cell_count(counts[i]);
	}
	table_sort(t, "count");
}

bool view_cost(struct section *s, const struct source *src, uint64_t vcpu_ns)
{
	struct source_cost cost = { 0 };

	if (src->ops->cost)
		src->ops->cost(src, &cost);
	if (!cost.collector_ns || !cost.records)
		return false;
	section_fact(s, "cost_ns_per_record", "per record in the collector",
		     cell_ns(cost.collector_ns / cost.records));
	section_fact(s, "cost_share", "of vCPU time", cell_percent(cost.collector_ns, vcpu_ns));
	return true;
}

const struct probe_status *view_probe(const struct source *source, const char *name)
{
	const struct probe_status *list = NULL;
	size_t nr = source && source->ops->probes ? source->ops->probes(source, &list) : 0;

	for (size_t i = 0; i < nr; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

bool view_seen(const struct source *source, const char *name)
{
	const struct probe_status *status, *list;

	if (!source || !source->ops->probes || !source->ops->probes(source, &list))
		return true;
	status = view_probe(source, name);
	return status && (status->state == PROBE_FOUND || !status->lost[0]);
}

static void probe_table(struct section *s, const struct source *src)
{
	static const struct column columns[] = {
		{ "probe", "Missing probes", true, 0 }, { "records", "for", true, 0 },
		{ "lost", "what is not seen", true, 0 }, { "why", "why", true, 0 },
	};
	struct table *t = section_line(s, "missing_probes", columns, ARRAY_SIZE(columns));
	const struct probe_status *list = NULL;
	size_t nr = src->ops->probes ? src->ops->probes(src, &list) : 0;

	for (size_t i = 0; i < nr; i++) {
		struct cell *row;

		if (!list[i].lost[0])
			continue;
		row = table_row(t);
		row[0] = cell_text(list[i].name);
		/* Another hook tells, but less. */
		row[1] = cell_text(list[i].state == PROBE_MISSING ? list[i].records :
				   report_text(s->report, "%s, in part", list[i].records));
		row[2] = cell_text(list[i].lost);
		row[3] = cell_text(list[i].why);
	}
	if (t && t->nr_rows)
		section_caption(s, "'mmuscope doctor' says what is not seen without them.");
}

/* Causes hang on what is remembered of each page. */
static void history_facts(struct section *s, const struct model *m)
{
	struct history_use use;

	model_history(m, &use);
	section_fact(s, "history_bytes", "of page history", cell_bytes(use.bytes));
	section_fact(s, "history_max_bytes", NULL, cell_bytes(use.max));
	section_fact(s, "history_evicted", NULL, cell_count(use.evicted));
	if (use.evicted)
		section_note(s, "The history of pages was full: of %llu regions of 2M what had "
			     "been known was forgotten. Causes of faults there may be unknown.",
			     (unsigned long long)use.evicted);
}

uint64_t view_vcpu_ns(const struct model *m)
{
	uint64_t all = 0;

	for (size_t i = 0; i < model_vms(m); i++)
		all += model_vm(m, i)->past.vcpu_ns;
	return all;
}

void view_collection(struct report *r, const struct model *m, const struct view_window *w)
{
	static const struct column families[] = {
		{ "family", "Records", true, 0 }, { "count", "count", false, 0 },
	};
	static const struct column strays[] = {
		{ "family", "Without a VM", true, 0 }, { "count", "count", false, 0 },
	};
	const struct ledger *l = w->past ? model_past(m) : model_now(m);
	struct section *s = report_section(r, "collection", "Collection", false);
	uint64_t lost = view_lost(l), records = sum(l->records, MMUSCOPE_TYPES) -
		l->records[MMUSCOPE_TYPE_lost];
	uint64_t stray = sum(l->unattributed, MMUSCOPE_TYPES);
	const struct source *src = w->source;

	section_fact(s, "source", NULL, cell_text(src->ops->name));
	section_fact(s, "elapsed_ns", "", cell_ns(w->elapsed_ns));
	section_fact(s, "records", "records", cell_count(records));
	section_fact(s, "lost", "lost", cell_count(lost));
	section_fact(s, "unattributed_records", "without a VM", cell_count(stray));
	if (w->past && !view_cost(s, src, view_vcpu_ns(m)))
		section_note(s, "Own cost: not known.");
	history_facts(s, m);
	if (lost)
		section_note(s, "Records were lost: counts are too low, and percentages that this "
			     "would make wrong are not shown. A larger --ring-size helps where "
			     "rings were full.");
	lost_tables(s, l);
	family_table(s, "families", families, l->records);
	family_table(s, "unattributed", strays, l->unattributed);
	/* The source counts from its opening on: no figures for a single interval. */
	if (w->past)
		probe_table(s, src);
}
