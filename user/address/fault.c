// SPDX-License-Identifier: GPL-2.0
/* What an access would lead to, judged from the entries that were read. */
#include "address/translate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/kvm.h>

#define PTE_A	(1ULL << 5)
#define PTE_D	(1ULL << 6)

#define NO_FAULT	"none"
#define GUEST_FAULT	"guest #PF"
#define TO_OWNER	"MMIO"
#define UNKNOWN		"not known"

__attribute__((format(printf, 3, 4)))
static void fault_set(struct fault *f, const char *what, const char *format, ...)
{
	va_list args;

	f->what = what;
	va_start(args, format);
	vsnprintf(f->why, sizeof(f->why), format, args);
	va_end(args);
}

static bool two_dimensions(const struct machine *m)
{
	return m->tables == TABLES_EPT || m->tables == TABLES_NPT;
}

/* What the CPU makes of an entry of KVM's that does not allow the access. */
static const char *kvm_fault(const struct machine *m)
{
	switch (m->tables) {
	case TABLES_EPT:
		return "EPT violation";
	case TABLES_NPT:
		return "NPF";
	default:
		return "#PF exit";
	}
}

static const char *page_words(const struct place *p)
{
	switch (p->state) {
	case PAGE_THERE:
		return "the host has the page, KVM only maps it";
	case PAGE_IN_SWAP:
		return "the host has the page in swap and reads it first";
	case PAGE_NOWHERE:
		return "the host has no page there yet and makes or reads one first";
	default:
		return "the host's page is not known";
	}
}

/* The guest's tables do not lead to memory: the guest's own business, whatever KVM maps. */
static bool judge_guest_end(struct fault *f, const struct translation *t)
{
	const struct walk *w = &t->guest;
	const char *entry = walk_level_name(w->level);

	switch (w->end) {
	case WALK_ABSENT:
		fault_set(f, GUEST_FAULT, "the guest's %s is not present", entry);
		return true;
	case WALK_INVALID:
		fault_set(f, GUEST_FAULT, "the guest's %s has a reserved bit set", entry);
		return true;
	case WALK_NONCANONICAL:
		fault_set(f, "guest #GP", "the address is not canonical");
		return true;
	case WALK_UNREADABLE:
		if (t->tables[w->nr].slot == SLOT_NOWHERE)
			fault_set(f, TO_OWNER, "the guest's table of the %s is at %#llx, where "
				  "there is no memslot", entry, (unsigned long long)w->at);
		else
			fault_set(f, UNKNOWN, "the guest's table of the %s cannot be read: %s",
				  entry, t->tables[w->nr].state == PAGE_THERE ? strerror(-w->err) :
				  page_words(&t->tables[w->nr]));
		return true;
	default:
		return false;
	}
}

/* The CPU reads the guest's tables through KVM's: with A and D bits, or NPT, it writes to them. */
static bool judge_table_walks(struct fault *f, const struct translation *t,
			      const struct machine *m)
{
	bool writes = m->tables == TABLES_NPT || m->accessed;

	for (size_t i = 0; two_dimensions(m) && m->kvm.levels && i < t->guest.nr; i++) {
		const struct walk *w = &t->table_walks[i];
		const char *why = w->end == WALK_ABSENT ? "KVM has not mapped that table" :
				  w->end == WALK_MAPPED && writes && !w->write ?
				  "it marks entries accessed there, and may not write" : NULL;

		if (!why)
			continue;
		fault_set(f, kvm_fault(m), "in the CPU's walk: the guest's %s is at %#llx; %s",
			  walk_level_name(t->guest.entries[i].level),
			  (unsigned long long)t->guest.entries[i].at, why);
		return true;
	}
	return false;
}

static bool judge_guest_rights(struct fault *f, const struct translation *t,
			       const struct machine *m, enum access_kind access)
{
	if (t->guest.end != WALK_MAPPED)
		return false;
	if (access == ACCESS_WRITE && !t->guest.write) {
		fault_set(f, GUEST_FAULT, "the guest's entries do not let %s write",
			  m->write_protect ? "anybody" : "user mode");
		return true;
	}
	if (access == ACCESS_FETCH && !t->guest.fetch) {
		fault_set(f, GUEST_FAULT, "the guest's entries say no-execute");
		return true;
	}
	return false;
}

static bool judge_slot(struct fault *f, const struct translation *t, const struct machine *m,
		       enum access_kind access)
{
	if (t->page.slot == SLOT_NOWHERE) {
		fault_set(f, TO_OWNER, "there is no memslot: the VM's owner answers each access%s",
			  t->kvm.end == WALK_MMIO ? "; KVM's entry says so" : "");
		return true;
	}
	if (access == ACCESS_WRITE && m->slots[t->page.slot].flags & KVM_MEM_READONLY) {
		fault_set(f, TO_OWNER, "the memslot is read-only: the VM's owner gets the write");
		return true;
	}
	return false;
}

static const char *write_why(const struct translation *t, const struct machine *m)
{
	const struct walk_entry *leaf = &t->kvm.entries[t->kvm.nr - 1];
	const struct walk_entry *pte = t->guest.nr ? &t->guest.entries[t->guest.nr - 1] : NULL;

	if (m->tables == TABLES_SHADOW && pte && !(pte->value & PTE_D))
		return "the guest's entry is not dirty: KVM waits for the first write to mark it";
	if (m->words.host_writable && !(leaf->value & m->words.host_writable))
		return "the host's page is read-only: shared, merged by KSM, or to be copied";
	if (t->host.end == WALK_MAPPED && !t->host.write)
		return "the host's page is read-only: shared, merged by KSM, or to be copied";
	if (m->words.mmu_writable && !(leaf->value & m->words.mmu_writable))
		return "KVM protects the page: it is one of the guest's page tables";
	if (m->slots[t->page.slot].flags & KVM_MEM_LOG_DIRTY_PAGES)
		return "the memslot's dirty log waits for the first write";
	return "KVM has taken the right to write";
}

static void judge_mapped(struct fault *f, const struct translation *t, const struct machine *m,
			 enum access_kind access)
{
	const char *entry = walk_level_name(t->kvm.level);
	const bool allowed[] = {
		[ACCESS_READ] = t->kvm.read, [ACCESS_WRITE] = t->kvm.write,
		[ACCESS_FETCH] = t->kvm.fetch,
	};

	if (t->has_hpa && (t->kvm.address ^ t->hpa) & ~(WALK_PAGE - 1))
		fault_set(f, UNKNOWN, "KVM's %s leads to %#llx, the host's to %#llx: one of them "
			  "is of an earlier moment", entry, (unsigned long long)t->kvm.address,
			  (unsigned long long)t->hpa);
	else if (allowed[access])
		fault_set(f, NO_FAULT, "%s", "");
	else if (access == ACCESS_WRITE)
		fault_set(f, kvm_fault(m), "KVM's %s may not be written: %s", entry,
			  write_why(t, m));
	else if (access == ACCESS_FETCH && t->kvm.level > 1)
		fault_set(f, kvm_fault(m), "KVM's %s is a huge page that is not executable: "
			  "nx_huge_pages splits it", entry);
	else
		fault_set(f, kvm_fault(m), "KVM's %s does not allow it", entry);
}

static void judge_kvm(struct fault *f, const struct translation *t, const struct machine *m,
		      enum access_kind access)
{
	const struct walk_entry *pte = t->guest.nr ? &t->guest.entries[t->guest.nr - 1] : NULL;
	const char *entry = walk_level_name(t->kvm.level);

	switch (t->kvm.end) {
	case WALK_MAPPED:
		judge_mapped(f, t, m, access);
		break;
	case WALK_ABSENT:
		if (m->tables == TABLES_SHADOW && pte && !(pte->value & PTE_A))
			fault_set(f, kvm_fault(m), "KVM's %s is not present: it waits for the "
				  "first access, to mark the guest's entry", entry);
		else
			fault_set(f, kvm_fault(m), "KVM's %s is not present: %s", entry,
				  page_words(&t->page));
		break;
	case WALK_MMIO:
		fault_set(f, kvm_fault(m), "KVM's entry is of a time without this memslot");
		break;
	case WALK_UNREADABLE:
		fault_set(f, UNKNOWN, "KVM's table of the %s cannot be read: %s", entry,
			  strerror(-t->kvm.err));
		break;
	case WALK_NONE:
		fault_set(f, UNKNOWN, "%s", m->tables == TABLES_SHADOW && !t->by_gva ?
			  "shadow tables are found by guest-virtual addresses" :
			  "KVM's table for this vCPU cannot be read or is not there now");
		break;
	default:
		fault_set(f, kvm_fault(m), "KVM's %s is none that the CPU takes", entry);
	}
}

void translate_judge(struct translation *t, const struct machine *m)
{
	for (enum access_kind access = 0; access < ACCESS_KINDS; access++) {
		struct fault *f = &t->faults[access];

		if (t->by_gva && !m->has_guest)
			fault_set(f, UNKNOWN, "the guest's registers are not known");
		else if (!judge_guest_end(f, t) && !judge_table_walks(f, t, m) &&
			 !judge_guest_rights(f, t, m, access) && !judge_slot(f, t, m, access))
			judge_kvm(f, t, m, access);
	}
}
