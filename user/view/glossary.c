// SPDX-License-Identifier: GPL-2.0
/* What every word that is shown means: from the schema, and what it does not have. */
#include <strings.h>

#include "view/explain.h"

/* Headings of columns and tables, and terms of the field. */
static const struct {
	const char *term;
	const char *text;
} terms[] = {
	{ "%exits", "share of all exits of the VM" },
	{ "%faults", "share of all faults of the VM" },
	{ "%time", "share of the time of all rows" },
	{ "%vCPU", "share of the time that the VM's vCPUs had" },
	{ "%vCPU time", "the time of all faults as a share of the time that the VM's vCPUs had" },
	{ "/s", "per second of the time that was traced" },
	{ "A", "of the first recording, or of the first group of them" },
	{ "accessed-bit scan",
	  "the host asks which pages were used of late, to decide what to reclaim" },
	{ "asleep",
	  "share of the time in which the host's page was looked for in faults that slept" },
	{ "async page fault",
	  "the guest is told to run something else until the host has the page" },
	{ "at", "where the entry is: the table's address, or what stands for it" },
	{ "available", "memory that the guest's kernel has, as the balloon driver tells libvirt" },
	{ "B", "of the second recording, or of the second group of them" },
	{ "backed by", "the file that the memory is mapped from, or that it is anonymous" },
	{ "balloon",
	  "a driver in the guest that gives memory back to the host, and takes it again" },
	{ "begin not seen", "what was done had begun before it was traced" },
	{ "by 1G", "memory that the host maps by pages of 1G" },
	{ "by 2M", "memory that the host maps by pages of 2M" },
	{ "bytes", "amount of memory" },
	{ "bytes per record", "of the file, with all that it has besides records" },
	{ "change", "by how much B is more or less than A" },
	{ "collapsed", "small pages given up so that a huge one can map the region" },
	{ "collector", "what hooks KVM: eBPF programs, or the kernel module" },
	{ "command", "name of the process that owns the VM" },
	{ "count A", "of the first recording" },
	{ "count B", "of the second recording" },
	{ "differs", "what else is not the same in the two recordings" },
	{ "Dirty logging", "KVM notes which pages the guest writes: for migration and snapshots" },
	{ "dirty/s", "pages marked dirty, read or cleared, per second" },
	{ "domain", "libvirt's word for a VM, and its name there" },
	{ "entry", "an entry of a page table, and the level that it is of" },
	{ "EPT",
	  "Intel's second set of page tables, from guest physical to host physical addresses" },
	{ "exit",
	  "the CPU leaves the guest and runs KVM; in 'Faults, part by part': from the exit to "
		  "the fault handler and from there to the entry" },
	{ "exit to entry", "a whole fault, from the exit to the next entry of the guest" },
	{ "exits by reason", "why the CPU left the guest" },
	{ "exits/s", "exits of all vCPUs of the VM, per second" },
	{ "fact", "what is known of the host" },
	{ "fault handler",
	  "KVM's function that resolves a fault, at least until the entry was set" },
	{ "Fault latency", "how many faults took how long" },
	{ "Fault latency, exit to entry", "how many faults took how long" },
	{ "fault/s", "faults per second" },
	{ "Faults", "exits because an address has no translation, or one that does not allow the "
		    "access" },
	{ "Faults by cause", "what took the page away, or else made the fault necessary" },
	{ "Faults, part by part",
	  "where the time of faults went, by cause; the letters of a bar share "
				  "it out" },
	{ "faults/s", "faults per second" },
	{ "first gfn", "the first frame of the memslot" },
	{ "flush/s", "TLB flushes per second" },
	{ "flushes", "TLB flushes, of all vCPUs and of one" },
	{ "for", "the records that need a probe" },
	{ "frames", "guest page frames of 4K" },
	{ "guest frame", "a page of 4K of the guest's physical memory; gfn is its number" },
	{ "host", "share of the time in which the host's page was looked for" },
	{ "host page",
	  "finding the page of the host behind a guest's frame, and making it if need be" },
	{ "How long regions had small pages",
	  "of regions of 2M that a huge page maps again" },
	{ "HPA", "host physical address" },
	{ "Huge pages", "of 2M or 1G: one entry instead of 512 or 262,144" },
	{ "HVA", "host virtual address: where the VMM has the guest's memory" },
	{ "inferred", "causes that follow from what was seen, and were not told by name" },
	{ "inv/s", "invalidations by the host, per second" },
	{ "Invalidations by the host (MMU notifier)",
	  "the host changes a mapping of the VMM, and KVM "
						     "has to drop its own" },
	{ "kernel", "the release of the kernel that ran" },
	{ "kicked", "flushes that interrupted a running vCPU" },
	{ "kind",
	  "direct pages map guest frames by themselves, shadow pages follow a guest's table" },
	{ "KSM", "kernel same-page merging: equal pages share memory until one is written" },
	{ "KSM-merged", "memory of the owner that shares its pages with others" },
	{ "L2", "a guest that runs in a guest" },
	{ "last gfn", "the last frame of the memslot" },
	{ "leads to", "what the entry holds: the next table, the page, or nothing" },
	{ "lock", "share of the time in which mmu_lock was waited for" },
	{ "Lost at", "where records were lost" },
	{ "Lost by CPU", "how many, by CPU" },
	{ "machine", "emulated, or this host" },
	{ "map", "share of the time in the rest of the handler: the page tables themselves" },
	{ "mapped", "page size of the entry that was set" },
	{ "mapped huge again",
	  "a region of 2M that had been broken into small pages got a huge one" },
	{ "mapped small again", "a region of 2M that a huge page had mapped got a small page" },
	{ "maps", "whose page table it is, and from which addresses to which it translates" },
	{ "max", "the largest value" },
	{ "mean", "the sum divided by the count" },
	{ "memory", "of the guest, as its memslots say" },
	{ "memory mapped by", "memory that faults were seen to map, by the page size" },
	{ "Memory on the host", "where the guest's memory is: resident, swapped, on which nodes" },
	{ "memslot", "a piece of the guest's memory, and where the VMM has it" },
	{ "Memslot changes", "the VMM changed the guest's memory map" },
	{ "memslots", "pieces of the guest's memory, and where the VMM has them" },
	{ "Missing probes", "hooks that this kernel does not have" },
	{ "mmu_lock", "KVM's lock of a VM's page tables" },
	{ "name", "what the owner calls the VM" },
	{ "nodes", "of NUMA, that have pages of it" },
	{ "NPT",
	  "AMD's second set of page tables, from guest physical to host physical addresses" },
	{ "NUMA nodes", "of the host, that have pages of the guest" },
	{ "of these faults", "how many of them had something in common" },
	{ "on", "a fault of the access itself, or of the CPU's walk of the guest's page tables" },
	{ "operation", "what was done with the dirty log" },
	{ "operations", "what the guest was asked to do, so many times" },
	{ "Other work", "what fits nowhere else" },
	{ "other/s", "records of all other kinds, per second" },
	{ "p", "how likely a difference like this one is by chance alone" },
	{ "p(time)", "the same for how long it took" },
	{ "p50", "half of the values are not above it" },
	{ "p50 A", "half of A's values are not above it" },
	{ "p50 B", "half of B's values are not above it" },
	{ "p90", "90% of the values are not above it" },
	{ "p99", "99% of the values are not above it" },
	{ "p99 A", "99% of A's values are not above it" },
	{ "p99 B", "99% of B's values are not above it" },
	{ "p99.9", "999 of 1,000 values are not above it" },
	{ "page", "size of the page that an entry maps" },
	{ "page history", "what is remembered of each guest page, to know why it faults again" },
	{ "Page sizes mapped", "faults by the size of the page that they mapped" },
	{ "page walk", "the CPU reads the guest's page tables" },
	{ "page-table pages", "pages of KVM's page tables" },
	{ "page-table write",
	  "the guest wrote to a page table that KVM shadows, and KVM emulated it" },
	{ "partial",
	  "only a part of it was seen, because the tracing began or ended in its middle" },
	{ "parts",
	  "the time of faults as a bar of letters: x exit and entry, h host page, s host page "
		   "in faults that slept, l mmu_lock, m page tables, u user space, ? not "
		   "measured" },
	{ "PF excp", "the exit of SVM for a #PF of the guest, which shadow paging intercepts" },
	{ "phase", "a part of a fault" },
	{ "re-fault", "a fault on a page that had been mapped before" },
	{ "record", "kind of record" },
	{ "recorded", "when the recording was made" },
	{ "recording", "the file" },
	{ "Records", "what the collector wrote, by kind" },
	{ "refresh", "what making and showing one screen took" },
	{ "resident", "memory of the VM's process that is in the host's memory" },
	{ "shadow", "page tables that KVM derives from the guest's, where there is no EPT or NPT" },
	{ "Shadow paging", "what following the guest's page tables takes" },
	{ "share", "part of the whole" },
	{ "side", "A or B" },
	{ "size", "of a huge page" },
	{ "space", "the address space of the memslot; 1 is that of system-management mode" },
	{ "split", "a huge page was broken into small ones by KVM; the cause is what for" },
	{ "split failed", "a huge page could not be broken" },
	{ "SPTE", "an entry of KVM's page tables" },
	{ "storm", "1,000 or more flushes of all vCPUs within 100 ms" },
	{ "swapped", "memory of the guest that the host has in its swap space" },
	{ "taken for",
	  "half of the pages were away for less, from when they were taken to the fault" },
	{ "task", "who made the invalidation" },
	{ "TDP", "two-dimensional paging: EPT or NPT" },
	{ "time", "sum of the durations" },
	{ "times", "how many times it was seen" },
	{ "TLB", "the CPU's memory of translations, flushed when they change" },
	{ "TLB flushes", "translations thrown away: asked of all vCPUs, or done by one" },
	{ "unused",
	  "memory that the guest's kernel does not use, as the balloon driver tells libvirt" },
	{ "user", "share of the time in faults that went to the VMM in user space" },
	{ "vCPU time", "the time that all vCPUs of the VM existed while it was traced" },
	{ "vCPUs", "virtual CPUs of the VM" },
	{ "Waiting for mmu_lock", "waits of vCPUs and others, by what they were about to do" },
	{ "what", "what happened to huge pages" },
	{ "what is known", "the cause in more words" },
	{ "what is not seen", "what a missing probe hides" },
	{ "what it is", "what backs the memory" },
	{ "What libvirt says", "the balloon driver's figures of the domain" },
	{ "Where the time goes", "durations of the parts of faults" },
	{ "whole fault", "all of a fault where exits are not seen: from its handler's begin to the "
			 "last entry that is set" },
	{ "why", "why a probe is missing" },
	{ "Without a VM", "records that could not be given to a VM" },
	{ "work", "kind of work" },
	{ "young", "scans that found something accessed" },
	{ "?", "share of the time in faults whose handler was not measured" },
};

static void tell(struct report *r, const char *term, const char *kind, const char *text)
{
	struct section *s = report_section(r, "glossary", NULL, true);

	section_fact(s, "term", NULL, cell_text(term));
	section_fact(s, "kind", NULL, cell_text(kind));
	section_fact(s, "meaning", NULL, cell_text(text));
	section_note(s, "%s (%s): %s", term, kind, text);
}

/**
 * struct search - what is looked for
 * @report: where it is told, or NULL to count only
 * @term: NULL for all
 */
struct search {
	struct report *report;
	const char *term;
	size_t found;
};

static void match(struct search *s, const char *term, const char *kind, const char *text)
{
	if (s->term && strcasecmp(s->term, term))
		return;
	s->found++;
	if (s->report)
		tell(s->report, term, kind, text);
}

static void match_record(struct search *s, const struct schema_event *e)
{
	match(s, e->name, "record", e->doc);
	for (size_t i = 0; i < e->nr; i++)
		if (e->fields[i].unit != UNIT_PAD)
			match(s, e->fields[i].key, e->id ? e->name : "every record",
			      e->fields[i].doc);
}

static size_t search_all(struct search *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(terms); i++)
		match(s, terms[i].term, "term", terms[i].text);
	for (unsigned int set = 0; set < SET_COUNT; set++) {
		const struct schema_vocabulary *v = schema_vocabulary(set);

		for (size_t i = 0; i < v->nr; i++)
			match(s, v->words[i].name, v->name, v->words[i].doc);
	}
	for (unsigned int id = 0; id < MMUSCOPE_TYPES; id++)
		if (schema_event(id))
			match_record(s, schema_event(id));
	return s->found;
}

size_t view_glossary(struct report *r, const char *term)
{
	struct search s = { .report = r, .term = term };

	return search_all(&s);
}

bool glossary_has(const char *term)
{
	struct search s = { .term = term };

	return search_all(&s);
}
