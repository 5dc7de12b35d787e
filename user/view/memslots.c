// SPDX-License-Identifier: GPL-2.0
#include "view/memslots.h"

#include <string.h>

#include "view/translate.h"
#include "view/view.h"

/* Part of a memslot that is in mappings of one kind. */
struct part {
	uint64_t hva;
	uint64_t end;
	const struct mapping *first;
	uint64_t node[NODES_MAX];
};

/* KVM repeats slots in the address space of system management mode. */
static bool slot_repeats(const struct memslots *m, const struct peek_slot *slot)
{
	if (!slot->as)
		return false;
	for (size_t i = 0; i < m->nr; i++)
		if (!m->slots[i].as && m->slots[i].gfn == slot->gfn &&
		    m->slots[i].npages == slot->npages && m->slots[i].hva == slot->hva)
			return true;
	return false;
}

/* On Intel without unrestricted guest KVM needs memory for real mode. */
static const char *flags_of(struct report *r, const struct memslots *m,
			    const struct peek_slot *slot)
{
	const char *flags = view_slot_flags(r, slot->flags);

	if (!m->own || slot->id < m->own)
		return flags;
	return flags ? report_text(r, "kvm-own %s", flags) : "kvm-own";
}

static void slots_table(struct section *s, const struct memslots *m)
{
	static const struct column columns[] = {
		{ "slot", "slot", false, 0 },
		{ "space", "space", true, 1 },
		{ "first_gfn", "first gfn", true, 0 },
		{ "last_gfn", "last gfn", true, 0 },
		{ "bytes", "size", false, 0 },
		{ "hva", "HVA", true, 0 },
		{ "flags", "flags", true, 0 },
	};
	struct table *t = section_table(s, "memslots", NULL, columns, ARRAY_SIZE(columns));
	unsigned int repeated = 0;

	for (size_t i = 0; i < m->nr; i++) {
		const struct peek_slot *slot = &m->slots[i];
		struct cell *row;

		if (slot_repeats(m, slot)) {
			repeated++;
			continue;
		}
		row = table_row(t);
		row[0] = cell_id(slot->id);
		row[1] = cell_text(slot->as ? "SMM" : "normal");
		row[2] = cell_text(view_address(s->report, slot->gfn));
		row[3] = cell_text(view_address(s->report, slot->gfn + slot->npages - 1));
		row[4] = cell_bytes(slot->npages * WALK_PAGE);
		row[5] = cell_text(view_address(s->report, slot->hva));
		row[6] = cell_text(flags_of(s->report, m, slot));
	}
	if (repeated)
		section_caption(s, "%u of them are repeated in the address space of system "
				"management mode.", repeated);
}

static bool same_kind(const struct mapping *a, const struct mapping *b)
{
	return a->page == b->page && !strcmp(a->name, b->name);
}

/* Neighbours of one kind are one: the owner's advice on a range splits its mapping. */
static const struct mapping *part_find(struct part *p, const struct mapping *m,
				       const struct mapping *end, uint64_t last)
{
	*p = (struct part){ .hva = m->start, .end = m->end, .first = m };
	for (; m < end && m->start < last && m->start <= p->end && same_kind(m, p->first); m++) {
		p->end = m->end;
		for (size_t i = 0; i < NODES_MAX; i++)
			p->node[i] += m->node[i];
	}
	return m;
}

static const char *backing_name(struct report *r, const struct mapping *m)
{
	return *m->name ? report_text(r, "%s", m->name) : "anonymous";
}

static int part_row(struct section *s, struct table *t, const struct memslots *m,
		    const struct peek_slot *slot, const struct part *p)
{
	uint64_t size = p->end - p->hva;
	struct backing b;
	struct cell *row;
	char nodes[64];
	int err = backing_scan(&b, &m->host, m->ops, m->ctx, p->hva, size);

	if (err)
		return err;
	row = table_row(t);
	row[0] = cell_id(slot->id);
	row[1] = cell_text(view_address(s->report, p->hva));
	row[2] = cell_bytes(size);
	row[3] = cell_bytes(b.resident);
	if (m->host.levels) {
		row[4] = cell_percent(b.huge_2m, b.resident);
		row[5] = cell_percent(b.huge_1g, b.resident);
	}
	row[6] = cell_bytes(b.swapped);
	row[7] = cell_bytes(p->first->page);
	mapping_nodes(p->node, nodes, sizeof(nodes));
	row[8] = cell_text(*nodes ? report_text(s->report, "%s", nodes) : NULL);
	row[9] = cell_text(backing_name(s->report, p->first));
	return 0;
}

static int slot_rows(struct section *s, struct table *t, const struct memslots *m,
		     const struct peek_slot *slot)
{
	uint64_t last = slot->hva + slot->npages * WALK_PAGE, covered = slot->hva;
	const struct mapping *one = m->mappings->list, *end = one + m->mappings->nr;
	struct part p;
	int err = 0;

	while (!err && one < end) {
		if (one->end <= slot->hva || one->start >= last) {
			one++;
			continue;
		}
		one = part_find(&p, one, end, last);
		if (p.hva < slot->hva)
			p.hva = slot->hva;
		if (p.end > last)
			p.end = last;
		covered += p.end - p.hva;
		err = part_row(s, t, m, slot, &p);
	}
	if (!err && covered < last)
		section_note(s, "Slot %u: nothing is mapped at %llu of its bytes.", slot->id,
			     (unsigned long long)(last - covered));
	return err;
}

int view_memslots(struct section *s, const struct memslots *m)
{
	static const struct column columns[] = {
		{ "slot", "slot", false, 0 },
		{ "hva", "HVA", true, 2 },
		{ "bytes", "size", false, 0 },
		{ "resident", "resident", false, 0 },
		{ "share_2m", "by 2M", false, 0 },
		{ "share_1g", "by 1G", false, 1 },
		{ "swapped", "swapped", false, 0 },
		{ "page", "page", false, 0 },
		{ "nodes", "nodes", true, 0 },
		{ "backing", "backed by", true, 0 },
	};
	struct table *t;
	int err = 0;

	slots_table(s, m);
	t = section_table(s, "backing", "What backs them", columns, ARRAY_SIZE(columns));
	for (size_t i = 0; !err && i < m->nr; i++)
		if (!slot_repeats(m, &m->slots[i]))
			err = slot_rows(s, t, m, &m->slots[i]);
	return err;
}
