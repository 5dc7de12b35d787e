// SPDX-License-Identifier: GPL-2.0
#include "view/diff.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/reason.h"

static struct cell cell_real(enum cell_kind kind, double real)
{
	if (isnan(real))
		return (struct cell){ .kind = CELL_NONE };
	return (struct cell){ .kind = kind, .real = real };
}

double diff_change(const struct diff_row *row)
{
	if (!row->complete || !(row->value[0] > 0))
		return NAN;
	return (row->value[1] / row->value[0] - 1) * 100;
}

const char *diff_key(struct report *r, const struct diff *d, const struct diff_row *row,
		     size_t key)
{
	const struct model *m = NULL;
	struct cell c;

	/* The key is of the first run that has the row. */
	for (size_t run = d->nr; run--;)
		if (row->in[run])
			m = d->runs[run].model;
	c = view_key(r, m, row->group, row->key, key);
	if (c.kind == CELL_TEXT)
		return c.text;
	return report_text(r, "%llu", (unsigned long long)c.number);
}

static const char *exit_label(struct report *r, const struct diff_row *row)
{
	uint64_t isa = 0, reason = 0;
	const char *name;

	for (size_t i = 1; i < row->group->nr_keys; i++) {
		if (!strcmp(row->group->key[i].name, "isa"))
			isa = row->key->value[i].number;
		else if (!strcmp(row->group->key[i].name, "reason"))
			reason = row->key->value[i].number;
		else
			return NULL;
	}
	if (row->group->nr_keys != 3)
		return NULL;
	name = reason_name(isa, reason);
	return name ?: report_text(r, "reason %#x", (unsigned int)reason);
}

const char *diff_label(struct report *r, const struct diff *d, const struct diff_row *row)
{
	const char *text = row->key->type == MMUSCOPE_TYPE_exits ? exit_label(r, row) : NULL;

	if (text)
		return text;
	text = "";
	for (size_t i = 1; i < row->group->nr_keys; i++) {
		const char *value = diff_key(r, d, row, i) ?: "?";

		/* What is not known says nothing, unless it is all there is. */
		if (strcmp(value, "unknown"))
			text = report_text(r, "%s%s%s", text ?: "", text && *text ? " " : "",
					   value);
	}
	return text && !*text && row->group->nr_keys > 1 ? "unknown" : text;
}

static void row_cells(struct report *r, const struct diff *d, const struct diff_row *row,
		      struct cell *c)
{
	static const double percents[] = { 50, 99 };

	*c++ = cell_text(diff_label(r, d, row));
	*c++ = cell_count(row->count[0] + 0.5);
	*c++ = cell_count(row->count[1] + 0.5);
	*c++ = cell_real(CELL_RATE, row->value[0]);
	*c++ = cell_real(CELL_RATE, row->value[1]);
	*c++ = cell_real(CELL_CHANGE, diff_change(row));
	*c++ = cell_real(CELL_CHANCE, row->p);
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++)
		for (size_t side = 0; side < 2; side++) {
			const struct hist *h = row->hist[side];

			if (h && h->count)
				*c = cell_ns(hist_percentile(h, percents[i]));
			c++;
		}
	*c = cell_real(CELL_CHANCE, row->time_p);
}

static int compare(const void *a, const void *b)
{
	const struct diff_row *x = a, *y = b;
	double dx = fabs(x->value[1] - x->value[0]), dy = fabs(y->value[1] - y->value[0]);

	return dx < dy ? 1 : dx > dy ? -1 : 0;
}

static void table_print(struct report *r, struct section *s, const struct diff *d,
			const struct diff_table *from)
{
	static const struct column columns[] = {
		{ "what", "", true, 0 },
		{ "count_a", "count A", false, 8 }, { "count_b", "count B", false, 7 },
		{ "a", "A", false, 0 }, { "b", "B", false, 0 },
		{ "change", "change", false, 0 }, { "p", "p", false, 0 },
		{ "p50_a", "p50 A", false, 4 }, { "p50_b", "p50 B", false, 3 },
		{ "p99_a", "p99 A", false, 6 }, { "p99_b", "p99 B", false, 5 },
		{ "time_p", "p(time)", false, 2 },
	};
	struct table *t = section_table(s, from->spec->key, from->spec->title, columns,
					ARRAY_SIZE(columns));

	for (size_t i = 0; i < from->nr; i++)
		row_cells(r, d, &from->rows[i], table_row(t));
}

static void vm_print(struct report *r, const struct diff *d, const struct diff_vm *vm)
{
	struct section *s = report_section(r, "vms", report_text(r, "VM %s", vm->name), true);
	const char *modes[2] = { NULL, NULL }, *names[2] = { NULL, NULL };

	for (size_t run = 0; run < d->nr; run++) {
		const struct vm *in = vm->in[run];

		if (!in)
			continue;
		modes[run >= d->nr_a] = schema_word_text(SET_mode, in->mode);
		names[run >= d->nr_a] = in->name;
	}
	/* The report outlives the list of VMs. */
	section_fact(s, "name", NULL, cell_text(report_text(r, "%s", vm->name)));
	section_fact(s, "name_a", "A: ", cell_text(names[0]));
	section_fact(s, "mode_a", "", cell_text(modes[0]));
	section_fact(s, "name_b", "B: ", cell_text(names[1]));
	section_fact(s, "mode_b", "", cell_text(modes[1]));
	for (size_t t = 0; t < d->nr_specs; t++)
		table_print(r, s, d, &vm->tables[t]);
}

static bool any_differs(const struct diff_vms *vms, const struct diff *d)
{
	for (size_t i = 0; i < vms->nr; i++) {
		const struct diff_row *faults = diff_faults(&vms->list[i]);

		for (size_t t = 0; t < d->nr_specs; t++) {
			const struct diff_table *table = &vms->list[i].tables[t];

			for (size_t k = 0; k < table->nr; k++) {
				const struct diff_row *row = &table->rows[k];
				double level = row == faults ? DIFF_VERDICT : DIFF_ROW;

				if (row->p < level || row->time_p < level)
					return true;
			}
		}
	}
	return false;
}

/* Return: whether the faults of some VM that is on both sides could not be compared, or none is. */
static bool any_untold(const struct diff_vms *vms)
{
	size_t both = 0;

	for (size_t i = 0; i < vms->nr; i++) {
		const struct diff_row *faults = diff_faults(&vms->list[i]);

		if (vms->list[i].sides != 3)
			continue;
		both++;
		if (faults && (!faults->complete || isnan(faults->p)))
			return true;
	}
	return !both;
}

int view_diff(struct report *r, const struct diff *d, enum diff_outcome *outcome)
{
	struct diff_vms vms;
	int err = diff_match(&vms, d);

	if (!err)
		err = diff_compute(&vms, d);
	if (!err) {
		for (size_t i = 0; i < vms.nr; i++)
			for (size_t t = 0; t < d->nr_specs; t++)
				if (vms.list[i].tables[t].nr)
					qsort(vms.list[i].tables[t].rows,
					      vms.list[i].tables[t].nr,
					      sizeof(struct diff_row), compare);
		*outcome = any_differs(&vms, d) ? DIFF_DIFFERS :
			   any_untold(&vms) ? DIFF_UNTOLD : DIFF_SAME;
		diff_verdict(r, d, &vms);
		for (size_t i = 0; i < vms.nr; i++)
			if (vms.list[i].sides == 3)
				vm_print(r, d, &vms.list[i]);
		diff_recordings(r, d);
		diff_method(r, d, &vms);
	}
	diff_vms_free(&vms, d);
	return err;
}
