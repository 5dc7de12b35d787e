// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "view/view.h"

static struct cell vm_cell(struct report *r, const struct model *m, uint64_t id)
{
	const struct vm *vm = model_vm_of(m, id);

	if (!id)
		return cell_text("none");
	/* The name as it is when the report is made: rows are older than that. */
	return cell_text(vm ? vm->name : report_text(r, "vm-%u", (unsigned int)id));
}

static struct cell number_cell(struct report *r, const struct schema_field *f, uint64_t n)
{
	unsigned long long number = n;

	switch (f->unit) {
	case UNIT_ADDR:
	case UNIT_GFN:
		return cell_text(n == MMUSCOPE_UNKNOWN ? "unknown" :
				 report_text(r, "0x%llx", number));
	case UNIT_HEX:
		return cell_text(report_text(r, "0x%llx", number));
	case UNIT_NS:
		return cell_ns(n);
	case UNIT_COUNT:
		return cell_count(n);
	default:
		return cell_text(report_text(r, f->type == TYPE_s32 ? "%lld" : "%llu", number));
	}
}

/* Whose symbols are to be looked at: where the VM is no key, it is not known. */
static const char *vm_name(const struct model *m, const struct group *g,
			   const struct group_row *row)
{
	for (size_t i = 0; i < g->nr_keys; i++) {
		const struct vm *vm;

		if (strcmp(g->key[i].name, "vm"))
			continue;
		vm = model_vm_of(m, row->value[i].number);
		return vm ? vm->name : NULL;
	}
	return NULL;
}

struct cell view_key(struct report *r, const struct model *m, const struct group *g,
		     const struct group_row *row, size_t key)
{
	const struct group_key *k = &g->key[key];
	const struct schema_field *f = k->field[row->type];
	const union group_value *v = &row->value[key];
	const struct schema_word *word;
	char symbol[600];

	if (k->slot && strcmp(f->name, "slot"))
		return v->number == GROUP_SLOT_NONE ? cell_text("none") :
		       cell_text(report_text(r, "%u", (unsigned int)v->number));
	if (k->cause && row->type == MMUSCOPE_TYPE_fault)
		return cell_text(cause_text(v->number));
	if (f->type == TYPE_TEXT)
		return cell_text(report_text(r, "%.*s", (int)sizeof(v->text), v->text));
	if (f->words) {
		word = schema_word(f->words, v->number);
		return cell_text(word ? word->name : "?");
	}
	if (!strcmp(f->name, "vm"))
		return vm_cell(r, m, v->number);
	if (!strcmp(f->name, "vcpu") && v->number == MMUSCOPE_NO_VCPU)
		return cell_text("none");
	if (!strcmp(f->name, "type"))
		return cell_text(schema_event(row->type)->name);
	if (!strcmp(f->name, "level") && v->number < STATS_LEVELS &&
	    row->type == MMUSCOPE_TYPE_fault)
		return cell_text(view_level(v->number));
	if (!strcmp(f->name, "rip") && guests_name(g->guests, vm_name(m, g, row), v->number,
						   symbol, sizeof(symbol)))
		return cell_text(report_text(r, "%s", symbol));
	return number_cell(r, f, v->number);
}

/* The family, the keys, then what every table of times has. They must outlive the report. */
static const struct column *columns_make(const struct group *g, size_t *nr)
{
	static const struct column times[] = {
		VIEW_HIST_COLUMNS,
		{ "share", "%time", false, 0 },
	};
	static struct column columns[1 + GROUP_KEYS + ARRAY_SIZE(times)];
	static char names[GROUP_KEYS][sizeof(g->key[0].name)];

	_Static_assert(ARRAY_SIZE(columns) <= TABLE_COLUMNS, "columns of a table");
	*nr = 0;
	columns[(*nr)++] = (struct column){ "record", "record", true, 0 };
	for (size_t i = 0; i < g->nr_keys; i++) {
		memcpy(names[i], g->key[i].name, sizeof(names[i]));
		columns[(*nr)++] = (struct column){ names[i], names[i], true, 0 };
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		columns[(*nr)++] = times[i];
	return columns;
}

void view_group(struct report *r, const struct group *g, const struct model *m,
		const struct view_window *w)
{
	const struct vm_view v = {
		.elapsed_ns = w->elapsed_ns,
		.shares = !view_lost_much(w->past ? model_past(m) : model_now(m)),
	};
	struct section *s = report_section(r, "groups", NULL, false);
	const struct column *columns;
	struct table *t;
	size_t nr;

	columns = columns_make(g, &nr);
	t = section_table(s, "rows", NULL, columns, nr);
	for (size_t i = 0; i < g->nr_rows; i++) {
		const struct group_row *from = &g->rows[i];
		struct cell *row = table_row(t);

		*row++ = cell_text(schema_event(from->type)->name);
		for (size_t k = 0; k < g->nr_keys; k++)
			*row++ = view_key(r, m, g, from, k);
		row = view_hist_cells(&v, row, from->hist);
		*row = view_share(v.shares, from->hist->sum, g->ns[from->type]);
	}
	table_sort(t, "count");
	table_sort(t, "ns");
	section_fact(s, "others", NULL, cell_count(g->others));
	if (g->others)
		section_caption(s, "There are more rows than are told apart (%d): %llu records "
				"are in none of these.", GROUP_ROWS, (unsigned long long)g->others);
	if (!g->nr_rows)
		section_note(s, "No record has these fields.");
}
