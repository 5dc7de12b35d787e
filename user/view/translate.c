// SPDX-License-Identifier: GPL-2.0
#include "view/translate.h"

#include <string.h>

#include <linux/kvm.h>

#include "view/view.h"

/* linux/kvm.h of a newer kernel than the one that this is built on. */
#define SLOT_GUEST_MEMFD	(1U << 2)

const char *view_address(struct report *r, uint64_t address)
{
	return report_text(r, "0x%llx", (unsigned long long)address);
}

const char *view_slot_flags(struct report *r, uint32_t flags)
{
	const struct {
		uint32_t flag;
		const char *word;
	} known[] = {
		{ KVM_MEM_READONLY, "read-only" }, { KVM_MEM_LOG_DIRTY_PAGES, "dirty-log" },
		{ SLOT_GUEST_MEMFD, "guest-memfd" },
	};
	const char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (flags & known[i].flag)
			text = text ? report_text(r, "%s %s", text, known[i].word) : known[i].word;
	return text;
}

static const char *entry_text(struct report *r, const struct walk_rules *rules, uint64_t value)
{
	return report_text(r, rules->format == WALK_32 ? "0x%08llx" : "0x%016llx",
			   (unsigned long long)value);
}

static const char *end_text(enum walk_end end)
{
	static const char *const words[] = {
		[WALK_NONE] = "none", [WALK_MAPPED] = "mapped", [WALK_ABSENT] = "not present",
		[WALK_MMIO] = "MMIO", [WALK_INVALID] = "reserved bit set",
		[WALK_UNREADABLE] = "table not readable", [WALK_NONCANONICAL] = "not canonical",
	};

	return words[end];
}

static void walk_table(struct section *s, const char *key, const char *title,
		       const struct walk_rules *rules, const struct walk *w,
		       const struct walk_words *words)
{
	static const struct column columns[] = {
		{ "entry", "entry", true, 0 },
		{ "at", "at", true, 0 },
		{ "value", "value", true, 0 },
		{ "to", "leads to", true, 1 },
		{ "size", "maps", false, 0 },
		{ "flags", "flags", true, 0 },
	};
	struct table *t;

	if (w->end == WALK_NONE)
		return;
	t = section_table(s, key, title, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < w->nr; i++) {
		const struct walk_entry *e = &w->entries[i];
		bool last = i + 1 == w->nr;
		struct cell *row = table_row(t);
		char flags[WALK_FLAGS_MAX];

		row[0] = cell_text(walk_level_name(e->level));
		row[1] = cell_text(view_address(s->report, e->at));
		row[2] = cell_text(entry_text(s->report, rules, e->value));
		if (!last)
			row[3] = cell_text(view_address(s->report, w->entries[i + 1].at &
							~(WALK_PAGE - 1)));
		if (last && w->end == WALK_MAPPED) {
			row[3] = cell_text(view_address(s->report, w->address));
			row[4] = cell_bytes(w->size);
		}
		walk_flags(rules, e, words, flags);
		row[5] = cell_text(last && w->end != WALK_MAPPED && w->end != WALK_UNREADABLE ?
				   end_text(w->end) : report_text(s->report, "%s", flags));
	}
	if (w->end == WALK_UNREADABLE) {
		struct cell *row = table_row(t);

		row[0] = cell_text(walk_level_name(w->level));
		row[1] = cell_text(view_address(s->report, w->at));
		row[5] = cell_text(end_text(w->end));
	}
}

static const char *state_text(enum page_state state)
{
	static const char *const words[] = {
		[PAGE_UNKNOWN] = NULL, [PAGE_THERE] = "resident", [PAGE_IN_SWAP] = "swapped out",
		[PAGE_NOWHERE] = "no page",
	};

	return words[state];
}

static void memslot_facts(struct section *s, const struct machine *m, const struct place *p)
{
	const struct peek_slot *slot = &m->slots[p->slot];

	section_fact(s, "slot", "memslot ", cell_id(slot->id));
	section_fact(s, "slot_gfn", "first gfn ", cell_text(view_address(s->report, slot->gfn)));
	section_fact(s, "slot_bytes", "", cell_bytes(slot->npages * WALK_PAGE));
	section_fact(s, "slot_flags", "",
		     cell_text(view_slot_flags(s->report, slot->flags)));
}

static const char *tables_key(const struct machine *m)
{
	static const char *const keys[] = {
		[TABLES_NONE] = NULL, [TABLES_EPT] = "ept", [TABLES_NPT] = "npt",
		[TABLES_SHADOW] = "shadow",
	};

	return keys[m->tables];
}

static const char *guest_mode(const struct machine *m)
{
	if (!m->has_guest)
		return NULL;
	if (!m->guest.levels)
		return "no paging";
	switch (m->guest.format) {
	case WALK_32:
		return "32-bit paging";
	case WALK_PAE:
		return "PAE paging";
	default:
		return m->guest.levels == 5 ? "5-level paging" : "4-level paging";
	}
}

static void head_facts(struct section *s, const struct translate_head *head,
		       const struct machine *m)
{
	section_fact(s, "vm", NULL, cell_text(head->vm));
	section_fact(s, "pid", "pid ", cell_id(head->pid));
	section_fact(s, "vcpu", "vCPU ", cell_id(head->vcpu));
	section_fact(s, "tables", "", cell_text(tables_key(m)));
	section_fact(s, "paging", "", cell_text(guest_mode(m)));
	if (m->has_guest)
		section_fact(s, "cr3", "CR3 ", cell_text(view_address(s->report, m->guest.root)));
}

static void address_facts(struct section *s, const struct machine *m, const struct translation *t)
{
	struct report *r = s->report;

	if (t->by_gva)
		section_fact(s, "gva", "GVA ", cell_text(view_address(r, t->address)));
	section_fact(s, "gpa", "GPA ",
		     cell_text(t->has_gpa ? view_address(r, t->page.gpa) : NULL));
	if (t->has_gpa && t->page.slot != SLOT_NOWHERE) {
		section_fact(s, "hva", "HVA ", cell_text(view_address(r, t->page.hva)));
		section_fact(s, "hpa", "HPA ",
			     cell_text(t->has_hpa ? view_address(r, t->hpa) : NULL));
		section_fact(s, "page", "", cell_text(state_text(t->page.state)));
		memslot_facts(s, m, &t->page);
	} else if (t->has_gpa) {
		section_fact(s, "slot", NULL, (struct cell){ 0 });
		section_note(s, "No memslot has this GPA.");
	}
}

static void faults_table(struct section *s, const struct translation *t)
{
	static const struct column columns[] = {
		{ "access", "access", true, 0 },
		{ "fault", "fault", true, 0 },
		{ "why", "why", true, 0 },
	};
	static const char *const access[] = { "read", "write", "fetch" };
	struct table *table = section_table(s, "faults", "What an access leads to", columns,
					    ARRAY_SIZE(columns));

	if (table)
		table->wrap = true;
	for (size_t i = 0; i < ACCESS_KINDS; i++) {
		struct cell *row = table_row(table);

		row[0] = cell_text(access[i]);
		row[1] = cell_text(t->faults[i].what);
		row[2] = cell_text(*t->faults[i].why ?
				   report_text(s->report, "%s", t->faults[i].why) : NULL);
	}
}

struct section *view_translation(struct report *r, const struct translate_head *head,
				 const struct machine *m, const struct translation *t)
{
	static const char *const titles[] = {
		[TABLES_NONE] = "", [TABLES_EPT] = "EPT, by GPA", [TABLES_NPT] = "NPT, by GPA",
		[TABLES_SHADOW] = "Shadow table, by GVA",
	};
	struct section *s = report_section(r, "translation", report_text(r, "VM %s", head->vm),
					   false);

	if (!s)
		return NULL;
	head_facts(s, head, m);
	address_facts(s, m, t);
	walk_table(s, "guest", "Guest page table, by GVA", &m->guest, &t->guest, NULL);
	walk_table(s, "host", "Host page table, by HVA", &m->host, &t->host, NULL);
	walk_table(s, "kvm", m->kvm_by_gpa ? "Shadow table, by GPA" : titles[m->tables], &m->kvm,
		   &t->kvm, &m->words);
	faults_table(s, t);
	if (!t->stable)
		section_note(s, "The entries changed while they were read: this is one moment's "
			     "view of several.");
	return s;
}
