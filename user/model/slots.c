// SPDX-License-Identifier: GPL-2.0
#include "model/slots.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>


static size_t slot_find(const struct slots *s, uint16_t id)
{
	size_t i = 0;

	while (i < s->nr && s->list[i].id != id)
		i++;
	return i;
}

int slots_update(struct slots *s, const struct mmuscope_slot *rec)
{
	size_t at = slot_find(s, rec->slot);
	uint64_t protected = 0;
	struct slot *list;

	if (rec->op == MMUSCOPE_slot_op_delete) {
		if (at < s->nr)
			s->list[at] = s->list[--s->nr];
		return 0;
	}
	if (at == s->nr) {
		list = realloc(s->list, (at + 1) * sizeof(*list));
		if (!list)
			return -ENOMEM;
		s->list = list;
		s->nr++;
	} else {
		/* Pages stay protected when logging ends, until they are written to. */
		protected = s->list[at].protected;
	}
	if (rec->flags & KVM_MEM_LOG_DIRTY_PAGES)
		protected = rec->hdr.ts;
	s->list[at] = (struct slot){
		rec->slot, rec->flags, rec->gfn, rec->npages, rec->hva, protected,
	};
	return 0;
}

const struct slot *slots_find(const struct slots *s, uint64_t gfn)
{
	for (size_t i = 0; i < s->nr; i++)
		if (gfn >= s->list[i].gfn && gfn - s->list[i].gfn < s->list[i].npages)
			return &s->list[i];
	return NULL;
}

void slots_protect(struct slots *s, uint16_t id, uint64_t ts)
{
	size_t at = slot_find(s, id);

	if (at < s->nr)
		s->list[at].protected = ts;
}

bool slot_overlap(const struct slot *slot, uint64_t start, uint64_t end, struct slot_range *r)
{
	uint64_t first = slot->hva, last = slot->hva + slot->npages * SLOT_PAGE;

	if (last <= first || end <= first || start >= last || start >= end)
		return false;
	if (start > first)
		first = start;
	if (end < last)
		last = end;
	r->gfn = slot->gfn + (first - slot->hva) / SLOT_PAGE;
	r->pages = (last - slot->hva + SLOT_PAGE - 1) / SLOT_PAGE -
		   (first - slot->hva) / SLOT_PAGE;
	return true;
}

/* KVM repeats slots in the address space of system management mode, and QEMU maps aliases. */
static bool slot_repeats(const struct slots *s, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (s->list[i].hva == s->list[at].hva && s->list[i].npages == s->list[at].npages)
			return true;
	return false;
}

uint64_t slots_bytes(const struct slots *s)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < s->nr; i++)
		if (!slot_repeats(s, i))
			pages += s->list[i].npages;
	return pages * SLOT_PAGE;
}

void slots_clear(struct slots *s)
{
	free(s->list);
	*s = (struct slots){ 0 };
}
