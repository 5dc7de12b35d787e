// SPDX-License-Identifier: GPL-2.0
#include "lab/report.h"

#include <stdlib.h>
#include <string.h>

const char *const lab_method[] = {
	"Counts are real: each is of what the real KVM of that kernel did for a real guest. Times "
	"of an emulated machine are not hardware time. They are instructions that KVM, Linux and "
	"mmuscope's probes executed. What hardware does without instructions, as entering a guest, "
	"missing in the TLB or walking two tables, takes none here.",
	"Each guest does its work twice, in a new VM that KVM has mapped no data of: once "
	"untraced, "
	"once traced. \"More when traced\" is the difference of the two, the cost of watching; "
	"where hardly anything exits there is none to tell. All other numbers are of the traced "
	"run.",
	NULL
};

/* A report refers to its columns; a run has two or three machines at most. */
static struct column columns[TABLE_COLUMNS];
static char keys[TABLE_COLUMNS][40], heads[TABLE_COLUMNS][40];

static void column_add(size_t *nr, unsigned int drop, const char *key, const char *head)
{
	snprintf(keys[*nr], sizeof(keys[0]), "%s", key);
	snprintf(heads[*nr], sizeof(heads[0]), "%s", head);
	columns[*nr] = (struct column){ keys[*nr], heads[*nr], false, drop };
	(*nr)++;
}

/* What it is, then the sides, and behind a machine's shadow paging the ratio. */
static size_t columns_make(const struct lab_result *r)
{
	char key[40], head[40];
	size_t nr = 0;

	column_add(&nr, 0, "what", "");
	columns[0].text = true;
	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_side *s = &r->side[i];
		const struct lab_side *tdp = lab_result_tdp(r, s);

		snprintf(key, sizeof(key), "%s_%s", s->machine->name, s->mode);
		snprintf(head, sizeof(head), "%s%s%s", tdp ? "" : s->machine->title,
			 tdp ? "" : " ", lab_mode_name(s->mode));
		column_add(&nr, 0, key, head);
		if (!tdp)
			continue;
		snprintf(key, sizeof(key), "%s_ratio", s->machine->name);
		column_add(&nr, 1, key, "ratio");
	}
	return nr;
}

static struct cell value_cell(const struct lab_side *s, enum lab_quantity q, double value)
{
	if (value < 0)
		return (struct cell){ .kind = CELL_NONE };
	switch (lab_quantities[q].unit) {
	case LAB_UNIT_PER_OP:
		return (struct cell){ .kind = CELL_RATE, .real = value };
	case LAB_UNIT_PERCENT:
		return (struct cell){ .kind = CELL_PERCENT, .real = value };
	case LAB_UNIT_TIME:
		/* Of millions, people read the first digits. */
		if (s->emulated && q == LAB_RUN)
			return (struct cell){ .kind = CELL_RATE, .real = value };
		return s->emulated ? cell_count(value + 0.5) : cell_ns(value + 0.5);
	case LAB_UNIT_COUNT:
		break;
	}
	return cell_count(value);
}

/* Times of faults that are not the same ones have no ratio, nor has what tracing adds. */
static struct cell ratio_cell(enum lab_quantity q, const struct lab_numbers *a,
			      const struct lab_numbers *b)
{
	bool of_faults = q == LAB_FAULT_MEAN || q == LAB_FAULT_P50 || q == LAB_FAULT_P99;

	if (q == LAB_WATCHING || a->value[q] <= 0 || b->value[q] < 0 || !a->there || !b->there ||
	    (of_faults && a->value[LAB_FAULTS] != b->value[LAB_FAULTS]))
		return (struct cell){ .kind = CELL_NONE };
	return (struct cell){ .kind = CELL_RATE, .real = b->value[q] / a->value[q] };
}

static const char *label(struct report *rep, const struct lab_result *r, enum lab_quantity q,
			 bool machine)
{
	bool emulated = false, host = false;

	if (machine)
		return lab_quantities[q].key;
	if (lab_quantities[q].unit != LAB_UNIT_TIME)
		return lab_quantities[q].label;
	for (size_t i = 0; i < r->nr; i++) {
		emulated |= r->side[i].emulated;
		host |= !r->side[i].emulated;
	}
	return report_text(rep, "%s%s", !host ? "instr." : !emulated ? "time" : "instr./time",
			   lab_quantities[q].label);
}

/* What nowhere happened says nothing. */
static bool says_anything(const struct lab_result *r, size_t w, enum lab_quantity q)
{
	for (size_t i = 0; i < r->nr; i++)
		if (r->side[i].numbers[w].there && r->side[i].numbers[w].value[q] > 0)
			return true;
	return false;
}

static void add_numbers(struct report *rep, struct section *s, const struct lab_result *r,
			size_t w, size_t nr_columns, bool machine)
{
	struct table *t = section_table(s, "numbers", NULL, columns, nr_columns);

	for (enum lab_quantity q = 0; q < LAB_QUANTITIES; q++) {
		struct cell *cell;

		if (!machine && !says_anything(r, w, q))
			continue;
		cell = table_row(t);
		*cell++ = cell_text(label(rep, r, q, machine));
		for (size_t i = 0; i < r->nr; i++) {
			const struct lab_side *side = &r->side[i];
			const struct lab_side *tdp = lab_result_tdp(r, side);

			if (side->numbers[w].there)
				*cell = value_cell(side, q, side->numbers[w].value[q]);
			cell++;
			if (tdp)
				*cell++ = ratio_cell(q, &tdp->numbers[w], &side->numbers[w]);
		}
	}
}

static void add_exits(struct report *rep, struct section *s, const struct lab_result *r, size_t w)
{
	static const struct column reason_columns[] = {
		{ "side", "", true, 0 },
		{ "reason", "exits by reason", true, 0 },
		{ "count", "count", false, 0 },
	};
	struct table *t = section_table(s, "exits", NULL, reason_columns, 3);
	char name[64];

	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_numbers *n = &r->side[i].numbers[w];
		const char *side = report_text(rep, "%s", lab_side_name(name, sizeof(name),
									&r->side[i]));

		for (size_t k = 0; k < n->nr_reasons; k++) {
			struct cell *cell = table_row(t);

			cell[0] = cell_text(side);
			cell[1] = cell_text(n->reason[k].name);
			cell[2] = cell_count(n->reason[k].count);
		}
	}
}

static void add_sentences(struct section *s, const struct lab_result *r, size_t w)
{
	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_side *tdp = lab_result_tdp(r, &r->side[i]);
		char *text = tdp ? lab_sentence(&lab_workloads[w], tdp, &r->side[i]) : NULL;

		if (text)
			section_note(s, "%s", text);
		free(text);
	}
}

static void add_workload(struct report *rep, const struct lab_result *r, size_t w,
			 size_t nr_columns, bool machine)
{
	const struct lab_workload *l = &lab_workloads[w];
	struct section *s = report_section(rep, "workloads",
					   report_text(rep, "%s: %s", l->name, l->title), true);
	uint64_t ops = 0;

	for (size_t i = 0; i < r->nr; i++)
		if (r->side[i].numbers[w].ops)
			ops = r->side[i].numbers[w].ops;
	section_fact(s, "name", NULL, cell_text(l->name));
	section_fact(s, "guest", NULL, cell_text(l->guest));
	if (!ops) {
		section_note(s, "Not possible here.");
		return;
	}
	section_fact(s, "operation", NULL, cell_text(l->one));
	section_fact(s, "operations", l->many, cell_count(ops));
	section_note(s, "%s", l->look);
	add_numbers(rep, s, r, w, nr_columns, machine);
	add_exits(rep, s, r, w);
	add_sentences(s, r, w);
}

static void add_sides(struct report *rep, const struct lab_result *r)
{
	char name[64];

	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_side *s = &r->side[i];
		struct section *section = report_section(rep, "machines", report_text(rep, "%s",
			lab_side_name(name, sizeof(name), s)), true);

		section_fact(section, "machine", NULL, cell_text(s->machine->name));
		section_fact(section, "mode", NULL, cell_text(s->mode));
		section_fact(section, "unit_of_time", NULL,
			     cell_text(s->emulated ? "instructions" : "ns"));
		section_fact(section, "what", "", cell_text(s->machine->what));
		for (size_t k = 0; k < s->nr_facts; k++)
			if (strcmp(s->fact[k].key, "ns_per_instruction"))
				section_fact(section, s->fact[k].key,
					     report_text(rep, "%s ", s->fact[k].key),
					     cell_text(s->fact[k].value));
		section_fact(section, "fault_counts_known",
			     "fault counts known in advance, all exact",
			     cell_count(s->known));
		section_fact(section, "missing_probes", NULL, cell_count(s->missing));
		if (s->missing)
			section_note(section, "%u probes are missing on this kernel, and numbers "
				     "with them; 'mmuscope doctor' tells which.", s->missing);
	}
}

struct report *lab_report(const struct lab_result *r, bool machine)
{
	struct report *rep = report_new("lab");
	size_t nr_columns = columns_make(r);
	struct section *s;

	if (!rep)
		return NULL;
	for (size_t w = 0; w < LAB_WORKLOADS; w++)
		if (r->chosen[w])
			add_workload(rep, r, w, nr_columns, machine);
	add_sides(rep, r);
	s = report_section(rep, "method", "How it was measured", false);
	section_fact(s, "seconds", "seconds, boots and all", cell_count(r->seconds));
	for (size_t i = 0; lab_method[i]; i++)
		section_note(s, "%s", lab_method[i]);
	return rep;
}

struct report *lab_report_list(void)
{
	static const struct column machine_columns[] = {
		{ "name", "machine", true, 0 },
		{ "what", "what it is", true, 0 },
	};
	struct report *rep = report_new("lab-list");
	struct section *s;
	struct table *t;

	if (!rep)
		return NULL;
	for (size_t w = 0; w < LAB_WORKLOADS; w++) {
		const struct lab_workload *l = &lab_workloads[w];

		s = report_section(rep, "workloads", report_text(rep, "%s: %s", l->name, l->title),
				   true);
		section_fact(s, "name", NULL, cell_text(l->name));
		section_fact(s, "title", NULL, cell_text(l->title));
		section_fact(s, "guest", NULL, cell_text(l->guest));
		section_fact(s, "look", NULL, cell_text(l->look));
		section_note(s, "%s", l->look);
	}
	s = report_section(rep, "machines", NULL, false);
	t = section_table(s, "list", NULL, machine_columns, 2);
	for (size_t i = 0; i < LAB_MACHINES; i++) {
		struct cell *cell = table_row(t);

		cell[0] = cell_text(lab_machines[i].name);
		cell[1] = cell_text(lab_machines[i].what);
	}
	return rep;
}
