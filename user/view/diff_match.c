// SPDX-License-Identifier: GPL-2.0
/* Which VM of a recording is which of another: numbers and process ids change, names stay. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/diff.h"

/* The name without what differs from run to run: "comm:pid" of a VM without one, "#number". */
static void base_name(const struct vm *vm, char *base)
{
	char suffix[24];
	size_t len, cut;

	snprintf(base, MODEL_NAME, "%s", vm->name);
	for (int i = 0; i < 2; i++) {
		snprintf(suffix, sizeof(suffix), i ? ":%u" : "#%u", i ? vm->pid : vm->id);
		len = strlen(base);
		cut = strlen(suffix);
		if (len > cut && !strcmp(base + len - cut, suffix))
			base[len - cut] = '\0';
	}
}

static struct diff_vm *vm_get(struct diff_vms *vms, const char *name)
{
	struct diff_vm *grown;

	for (size_t i = 0; i < vms->nr; i++)
		if (!strcmp(vms->list[i].name, name))
			return &vms->list[i];
	grown = realloc(vms->list, (vms->nr + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	vms->list = grown;
	grown += vms->nr++;
	memset(grown, 0, sizeof(*grown));
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return grown;
}

/* Several of one name are told apart by the order in which they were seen. */
static int run_match(struct diff_vms *vms, const struct diff *d, size_t run)
{
	const struct diff_run *of = &d->runs[run];
	const struct model *m = of->model;
	char base[MODEL_NAME], other[MODEL_NAME];

	for (size_t i = 0; i < model_vms(m); i++) {
		unsigned int before = 1;
		struct diff_vm *vm;
		size_t len;

		if ((of->vm && strcmp(of->vm, model_vm(m, i)->name)) ||
		    (of->pid && of->pid != model_vm(m, i)->pid))
			continue;
		base_name(model_vm(m, i), base);
		for (size_t k = 0; k < i; k++) {
			base_name(model_vm(m, k), other);
			before += !strcmp(base, other);
		}
		len = strlen(base) < MODEL_NAME - 12 ? strlen(base) : MODEL_NAME - 12;
		if (before > 1)
			snprintf(base + len, sizeof(base) - len, "#%u", before);
		vm = vm_get(vms, base);
		if (!vm)
			return -ENOMEM;
		vm->in[run] = model_vm(m, i);
		vm->sides |= run < d->nr_a ? 1 : 2;
	}
	return 0;
}

/* Where each side has one VM these are meant, whatever they are called. */
static void match_the_only_ones(struct diff_vms *vms, const struct diff *d)
{
	struct diff_vm *a = &vms->list[0], *b = &vms->list[1];

	if (vms->nr != 2 || (a->sides | b->sides) != 3 || a->sides == 3 || b->sides == 3)
		return;
	for (size_t i = 0; i < d->nr; i++)
		if (b->in[i])
			a->in[i] = b->in[i];
	a->sides = 3;
	vms->nr = 1;
}

int diff_match(struct diff_vms *vms, const struct diff *d)
{
	int err = 0;

	*vms = (struct diff_vms){ NULL, 0 };
	for (size_t i = 0; !err && i < d->nr; i++)
		err = run_match(vms, d, i);
	if (!err)
		match_the_only_ones(vms, d);
	return err;
}

void diff_vms_free(struct diff_vms *vms, const struct diff *d)
{
	for (size_t i = 0; i < vms->nr; i++) {
		for (size_t t = 0; t < d->nr_specs; t++) {
			struct diff_table *table = &vms->list[i].tables[t];

			for (size_t k = 0; k < table->nr; k++) {
				free(table->rows[k].hist[0]);
				free(table->rows[k].hist[1]);
			}
			free(table->rows);
		}
	}
	free(vms->list);
}
