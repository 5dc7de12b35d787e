// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/permute.h"
#include "view/diff.h"

/* What counts of @vm in run @at are divided by; NAN where that is not known. */
static double divisor(const struct diff *d, const struct diff_vm *vm, size_t at)
{
	const struct diff_run *run = &d->runs[at];
	double by = 0;

	switch (d->per) {
	case DIFF_SECOND:
		by = run->elapsed_ns / 1e9;
		break;
	case DIFF_RUN:
		return 1;
	case DIFF_VCPU_SECOND:
		by = vm->in[at] ? vm->in[at]->past.vcpu_ns / 1e9 : 0;
		break;
	case DIFF_EXIT:
		for (size_t i = 0; vm->in[at] && i < vm->in[at]->past.nr_exits; i++)
			by += vm->in[at]->past.exits[i].count;
		break;
	case DIFF_OPERATION:
		by = run->operations;
		break;
	}
	return by > 0 ? by : NAN;
}

static bool is_complete(const struct diff *d, const struct group_row *key)
{
	for (size_t i = 0; i < d->nr; i++) {
		const struct ledger *l = model_past(d->runs[i].model);

		if (key->type == MMUSCOPE_TYPE_exits ? !view_exits_complete(l) : view_lost_much(l))
			return false;
	}
	return true;
}

/* Return: whether rows of different runs are the same, but for the VM's number, the first key. */
static bool is_same(const struct group *g, const struct group_row *a, const struct group_row *b)
{
	return a->type == b->type && !memcmp(a->value + 1, b->value + 1,
					     (g->nr_keys - 1) * sizeof(a->value[0]));
}

static struct diff_row *row_get(struct diff_table *t, const struct group *g,
				const struct group_row *key)
{
	struct diff_row *grown;

	for (size_t i = 0; i < t->nr; i++)
		if (is_same(g, t->rows[i].key, key))
			return &t->rows[i];
	/* Grows by doubling, each time a power of two is full. */
	if (!(t->nr & (t->nr - 1))) {
		grown = realloc(t->rows, (t->nr ? 2 * t->nr : 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		t->rows = grown;
	}
	memset(&t->rows[t->nr], 0, sizeof(*t->rows));
	t->rows[t->nr].group = g;
	t->rows[t->nr].key = key;
	return &t->rows[t->nr++];
}

static int rows_collect(struct diff_table *t, const struct diff *d, size_t spec,
			const struct diff_vm *vm)
{
	for (size_t run = 0; run < d->nr; run++) {
		const struct tally *from = d->runs[run].tally[spec];
		size_t nr = from->group->nr_rows < TALLY_ROWS ? from->group->nr_rows : TALLY_ROWS;

		for (size_t i = 0; vm->in[run] && i < nr; i++) {
			const struct group_row *key = &from->group->rows[i];
			struct diff_row *row;

			if (key->value[0].number != vm->in[run]->id)
				continue;
			row = row_get(t, from->group, key);
			if (!row)
				return -ENOMEM;
			row->in[run] = &from->rows[i];
		}
	}
	return 0;
}

/* The numbers of both sides, by slice or by run, one behind the other. */
static size_t values_of(const struct diff *d, const struct diff_row *row, const double *by,
			bool slices, double *value)
{
	size_t nr = 0;

	for (size_t run = 0; run < d->nr; run++) {
		const struct tally_row *in = row->in[run];

		for (size_t i = 0; slices && i < TWOSAMPLE_SLICES; i++)
			value[nr++] = in ? in->slice[i] * TWOSAMPLE_SLICES / by[run] : 0;
		if (!slices)
			value[nr++] = in ? in->count / by[run] : 0;
	}
	return nr;
}

/* An interval of exits should not be longer than half a slice. */
static size_t most_slices(const struct diff *d, const struct diff_row *row)
{
	size_t most = TWOSAMPLE_SLICES, slices;

	for (size_t run = 0; run < d->nr; run++) {
		if (!row->in[run] || !row->in[run]->longest)
			continue;
		slices = d->runs[run].elapsed_ns / (2 * row->in[run]->longest);
		most = slices < most ? slices : most;
	}
	return most;
}

double diff_longer(const struct diff *d)
{
	double a = d->runs[0].elapsed_ns, b = d->runs[1].elapsed_ns;

	/* A command that took twice as long for the same work has half the rate. */
	if (d->nr != 2 || d->per != DIFF_SECOND || !(d->runs[0].command || d->runs[1].command) ||
	    !(a > 0) || !(b > 0))
		return 1;
	return fmax(a / b, b / a);
}

static void row_test(struct diff_row *row, const struct diff *d, const double *by)
{
	const uint32_t *bins[PERMUTE_UNITS];
	bool slices = d->nr == 2;
	const struct twosample how = {
		.slices = slices, .most = most_slices(d, row),
		.factor = slices ? DIFF_FACTOR * diff_longer(d) : 1,
		.shift = slices ? DIFF_SHIFT : 0,
	};
	double value[PERMUTE_UNITS];
	size_t units = slices ? TWOSAMPLE_SLICES : 1, a = d->nr_a * units, nr = 0;

	row->p = row->time_p = NAN;
	if (!row->complete)
		return;
	if (!isnan(row->value[0]) && !isnan(row->value[1])) {
		nr = values_of(d, row, by, slices, value);
		row->p = twosample_counts(value, a, value + a, nr - a, &how);
	}
	nr = 0;
	for (size_t run = 0; run < d->nr; run++)
		for (size_t i = 0; i < units; i++)
			bins[nr++] = row->in[run] ? row->in[run]->bins[i] : NULL;
	row->time_p = twosample_latencies(bins, a, nr - a, &how);
}

/* Adds the run's row to the histogram of its side. */
static int hist_take(struct diff_row *row, const struct diff *d, size_t spec, size_t run)
{
	const struct tally *from = d->runs[run].tally[spec];
	size_t side = run >= d->nr_a;

	if (!row->in[run])
		return 0;
	if (!row->hist[side])
		row->hist[side] = hist_new();
	if (!row->hist[side])
		return -ENOMEM;
	hist_merge(row->hist[side], from->group->rows[row->in[run] - from->rows].hist);
	return 0;
}

static int row_compute(struct diff_row *row, const struct diff *d, size_t spec, const double *by)
{
	int err = 0;

	row->complete = is_complete(d, row->key);
	for (size_t run = 0; !err && run < d->nr; run++) {
		size_t side = run >= d->nr_a;
		double count = row->in[run] ? row->in[run]->count : 0;

		row->count[side] += count;
		row->value[side] += count / by[run] / (side ? d->nr - d->nr_a : d->nr_a);
		err = hist_take(row, d, spec, run);
	}
	if (!err)
		row_test(row, d, by);
	return err;
}

static int vm_compute(struct diff_vm *vm, const struct diff *d)
{
	double by[DIFF_RUNS];
	int err = 0;

	for (size_t run = 0; run < d->nr; run++)
		by[run] = divisor(d, vm, run);
	for (size_t t = 0; !err && t < d->nr_specs; t++) {
		struct diff_table *table = &vm->tables[t];

		table->spec = &d->specs[t];
		err = rows_collect(table, d, t, vm);
		for (size_t i = 0; !err && i < table->nr; i++)
			err = row_compute(&table->rows[i], d, t, by);
	}
	return err;
}

const struct diff_row *diff_faults(const struct diff_vm *vm)
{
	for (size_t i = 0; i < vm->tables[0].nr; i++)
		if (vm->tables[0].rows[i].key->type == MMUSCOPE_TYPE_fault)
			return &vm->tables[0].rows[i];
	return NULL;
}

/* Corrects the verdicts among themselves, and all other rows. */
static int correct(struct diff_vms *vms, const struct diff *d)
{
	size_t room = 0, nr[2] = { 0 };
	double **p[2];

	for (size_t i = 0; i < vms->nr; i++)
		for (size_t t = 0; t < d->nr_specs; t++)
			room += 2 * vms->list[i].tables[t].nr;
	p[0] = malloc((room + 1) * sizeof(*p[0]));
	p[1] = malloc((room + 1) * sizeof(*p[1]));
	for (size_t i = 0; p[0] && p[1] && i < vms->nr; i++) {
		for (size_t t = 0; t < d->nr_specs; t++) {
			struct diff_table *table = &vms->list[i].tables[t];

			for (size_t k = 0; k < table->nr; k++) {
				bool row = &table->rows[k] != diff_faults(&vms->list[i]);

				p[row][nr[row]++] = &table->rows[k].p;
				p[row][nr[row]++] = &table->rows[k].time_p;
			}
		}
	}
	for (size_t row = 0; p[0] && p[1] && row < 2; row++)
		permute_holm(p[row], nr[row]);
	room = p[0] && p[1];
	free(p[0]);
	free(p[1]);
	return room ? 0 : -ENOMEM;
}

int diff_compute(struct diff_vms *vms, const struct diff *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < vms->nr; i++)
		if (vms->list[i].sides == 3)
			err = vm_compute(&vms->list[i], d);
	return err ? err : correct(vms, d);
}
