// SPDX-License-Identifier: GPL-2.0
#include "model/pictures.h"

#include <errno.h>
#include <stdlib.h>

/* @by_id: positions in @list plus one, of who had the number last. */
struct pictures {
	uint64_t begin;
	const struct group *by;
	struct vm_pictures **list;
	size_t nr;
	size_t by_id[UINT16_MAX + 1];
};

struct pictures *pictures_new(uint64_t begin, const struct group *by)
{
	struct pictures *p = calloc(1, sizeof(*p));

	if (p) {
		p->begin = begin;
		p->by = by;
	}
	return p;
}

void pictures_free(struct pictures *p)
{
	for (size_t i = 0; p && i < p->nr; i++) {
		heat_clear(&p->list[i]->heat);
		free(p->list[i]);
	}
	if (p)
		free(p->list);
	free(p);
}

static struct vm_pictures *add(struct pictures *p, const struct vm *vm)
{
	struct vm_pictures **list = realloc(p->list, (p->nr + 1) * sizeof(*list)), *new;

	if (!list)
		return NULL;
	p->list = list;
	new = malloc(sizeof(*new));
	if (!new)
		return NULL;
	new->vm = vm;
	timeline_init(&new->timeline, p->begin);
	heat_init(&new->heat, p->begin, p->by);
	p->list[p->nr++] = new;
	p->by_id[vm->id] = p->nr;
	return new;
}

int pictures_feed(struct pictures *p, const struct model *m, const struct mmuscope_hdr *rec)
{
	const struct vm *vm;
	struct vm_pictures *of = NULL;

	if (rec->type != MMUSCOPE_TYPE_fault && rec->type != MMUSCOPE_TYPE_flush &&
	    rec->type != MMUSCOPE_TYPE_slot)
		return 0;
	vm = rec->vm ? model_vm_of(m, rec->vm) : NULL;
	if (!vm)
		return 0;
	if (p->by_id[rec->vm])
		of = p->list[p->by_id[rec->vm] - 1];
	if (!of || of->vm != vm)
		of = add(p, vm);
	if (!of)
		return -ENOMEM;
	if (rec->type != MMUSCOPE_TYPE_slot)
		timeline_feed(&of->timeline, rec);
	return heat_feed(&of->heat, m, rec);
}

const struct vm_pictures *pictures_of(const struct pictures *p, const struct vm *vm)
{
	for (size_t i = 0; i < p->nr; i++)
		if (p->list[i]->vm == vm)
			return p->list[i];
	return NULL;
}
