// SPDX-License-Identifier: GPL-2.0
#include "address/translate.h"

#include <errno.h>
#include <string.h>

/* A guest that runs changes its tables while they are read. */
#define TRIES 4

struct reader {
	const struct machine *m;
	struct translation *t;
	size_t nr;
};

static int page_find(const struct machine *m, struct place *p)
{
	uint64_t entry;
	int err = m->ops->pages(m->ctx, p->hva, 1, &entry);

	if (err)
		return err;
	p->state = PAGE_NOWHERE;
	if (entry & PAGE_SWAPPED)
		p->state = PAGE_IN_SWAP;
	if (entry & PAGE_PRESENT) {
		p->state = PAGE_THERE;
		/* Hidden, and so 0, without privilege. */
		p->frame = (entry & PAGE_FRAME) * WALK_PAGE;
	}
	return 0;
}

/* Address space 0 is what a guest sees outside of system management mode. */
static void place_find(const struct machine *m, struct place *p, uint64_t gpa)
{
	uint64_t gfn = gpa / WALK_PAGE;

	memset(p, 0, sizeof(*p));
	p->gpa = gpa;
	p->slot = SLOT_NOWHERE;
	for (size_t i = 0; i < m->nr_slots; i++) {
		const struct peek_slot *s = &m->slots[i];

		if (s->as || gfn < s->gfn || gfn - s->gfn >= s->npages)
			continue;
		p->slot = i;
		p->hva = s->hva + (gpa - s->gfn * WALK_PAGE);
		page_find(m, p);
		return;
	}
}

static int read_physical(void *ctx, uint64_t address, size_t size, uint64_t *value)
{
	const struct machine *m = ctx;

	(void)size;
	return m->ops->physical(m->ctx, address, value);
}

/* Only what the host has present is read: to read anything else would change the host. */
static int read_guest(void *ctx, uint64_t gpa, size_t size, uint64_t *value)
{
	struct reader *r = ctx;
	struct place *p = &r->t->tables[r->nr];
	const struct machine *m = r->m;

	place_find(m, p, gpa);
	if ((m->tables == TABLES_EPT || m->tables == TABLES_NPT) && m->kvm.levels)
		walk_run(&r->t->table_walks[r->nr], &m->kvm, gpa, read_physical, (void *)m);
	r->nr++;
	if (p->slot == SLOT_NOWHERE)
		return -ENXIO;
	if (p->state != PAGE_THERE)
		return -ENODATA;
	*value = 0;
	return m->ops->owner(m->ctx, p->hva, value, size);
}

static void follow(struct translation *t, const struct machine *m)
{
	struct reader r = { m, t, 0 };
	uint64_t gpa = t->address, key;

	if (t->by_gva && m->has_guest && m->guest.levels) {
		walk_run(&t->guest, &m->guest, t->address, read_guest, &r);
		gpa = t->guest.address;
	}
	t->has_gpa = !t->by_gva || (m->has_guest && !m->guest.levels) ||
		     t->guest.end == WALK_MAPPED;
	if (t->has_gpa) {
		place_find(m, &t->page, gpa);
		if (t->page.slot != SLOT_NOWHERE && m->host.levels)
			walk_run(&t->host, &m->host, t->page.hva, read_physical, (void *)m);
		t->has_hpa = t->page.state == PAGE_THERE && t->page.frame;
		t->hpa = t->page.frame | (gpa & (WALK_PAGE - 1));
	}
	key = m->tables == TABLES_SHADOW && !m->kvm_by_gpa ? t->address : gpa;
	if (m->tables == TABLES_SHADOW && !m->kvm_by_gpa && !t->by_gva)
		return;
	if (m->kvm.levels && (t->has_gpa || m->tables == TABLES_SHADOW))
		walk_run(&t->kvm, &m->kvm, key, read_physical, (void *)m);
}

void translate(struct translation *t, const struct machine *m, uint64_t address, bool by_gva)
{
	struct translation before;

	memset(t, 0, sizeof(*t));
	for (int i = 0; i < TRIES && !t->stable; i++) {
		before = *t;
		memset(t, 0, sizeof(*t));
		t->address = address;
		t->by_gva = by_gva;
		follow(t, m);
		t->stable = i && !memcmp(t, &before, sizeof(*t));
	}
	translate_judge(t, m);
}
