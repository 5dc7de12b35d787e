// SPDX-License-Identifier: GPL-2.0
#include "lab/catalogue.h"

#include <string.h>

#include "lib/parse.h"

const struct lab_workload lab_workloads[LAB_WORKLOADS] = {
	{
		"cold-touch", "memory that a guest touches for the first time",
		"touch --pages 2048", "pages_touched", NULL, "page touched", "pages touched once",
		"One fault per page in every mode: that is what new memory costs, and most of it "
		"is the host's work to find a page. Shadow paging pays a little more per fault, "
		"for it also walks the guest's own tables in software.", false,
	}, {
		"warm-touch", "memory that is in use",
		"warm --pages 2048 --rounds 4", "pages_touched", NULL, "page touched",
		"pages touched that KVM has mapped",
		"No exits in any mode: what is mapped is the hardware's affair. The price of "
		"nested paging is hidden here, in TLB misses that walk two tables instead of one.",
		false,
	}, {
		"huge-pages", "cold-touch on a host with transparent huge pages",
		"touch --backing thp --pages 2048", "pages_touched", NULL, "page touched",
		"pages touched once, on huge pages of the host",
		"Compare with cold-touch: EPT and NPT map 2 MiB with one fault. Shadow paging "
		"cannot, where the guest's own tables have 4 KiB pages, but it maps the neighbours "
		"along.",
		false,
	}, {
		"sparse-touch", "new memory through new page tables",
		"walk --pages 32", "pages_touched", NULL, "page touched",
		"pages touched, each through a page table of its own",
		"Under EPT and NPT the guest's page tables are guest memory as well: half of the "
		"faults are taken on the walk to the page. Shadow paging makes a table of its own "
		"for each of the guest's.", false,
	}, {
		"vcpus", "four vCPUs that fault together",
		"touch --vcpus 4 --pages 2048", "pages_touched", NULL, "page touched",
		"pages touched once by four vCPUs",
		"Four vCPUs share the pages of cold-touch and the number of faults stays. Two that "
		"meet in the same table may take one twice.", false,
	}, {
		"fork-storm", "processes that fork, write and exit",
		"fork --pages 256 --rounds 8", "loops", NULL, "process",
		"processes forked and ended",
		"Address spaces are made, write-protected, copied on write and taken down: "
		"page-table writes, INVLPG and CR3. EPT and NPT do not notice; shadow paging has "
		"to follow.",
		false,
	}, {
		"context-switch", "processes that take turns",
		"switch --pages 128 --rounds 25", "cr3_writes", NULL, "address-space switch",
		"address-space switches, some pages touched after each",
		"A write to CR3 is the guest's own affair under EPT and NPT. Under shadow paging "
		"it is an exit, and KVM has to find the tables of the next process.", false,
	}, {
		"munmap", "pages that are unmapped and mapped elsewhere",
		"ptchurn --pages 256 --rounds 4", "invlpgs", NULL, "page remapped",
		"pages remapped: page-table write, INVLPG, read",
		"The guest changes an entry of its own tables and tells the CPU by INVLPG. Under "
		"shadow paging that is an exit, and the next access one more, to copy the new "
		"entry.",
		false,
	}, {
		"tlb-flush", "INVLPG on tables that did not change",
		"invlpg --pages 256 --rounds 4", "invlpgs", NULL, "INVLPG", "INVLPG and read",
		"Compare with munmap: the same instruction, but the tables stay. Shadow paging "
		"exits all the same, and takes no fault afterwards.", false,
	}, {
		"mmio", "a device that is emulated",
		"mmio", "mmio_reads", "mmio_writes", "access", "accesses to a device",
		"Each access goes to the VMM and back, in every mode. KVM marks the page, so that "
		"later accesses are known at once: by a misconfigured entry under EPT, by a "
		"reserved bit under NPT and shadow paging.", false,
	}, {
		"migration", "a guest that writes while it is migrated",
		"dirtylog --pages 1024 --rounds 4", "pages_touched", NULL, "page written",
		"pages written under dirty logging",
		"Each round of a migration must learn which pages were written. With PML (Intel) "
		"the CPU writes them down and exits when its list is full; elsewhere each page is "
		"write-protected and faults again.", false,
	}, {
		"balloon", "memory that the host takes back",
		"retouch --pages 512 --rounds 4", "pages_touched", NULL, "page touched",
		"pages touched, taken away by the host in between",
		"madvise(MADV_DONTNEED), as a balloon or reclaim does: KVM drops what it mapped "
		"and flushes, and each page faults again when the guest comes back.", false,
	}, {
		"ksm", "pages that the host merges",
		"ksm --pages 256", "pages_touched", NULL, "page written",
		"pages written after KSM merged them all",
		"Merging unmaps pages behind the guest's back, and its next write to each takes "
		"them apart again: exits that the guest did nothing for. Look at the flushes, too.",
		true,
	},
};

const struct lab_machine lab_machines[LAB_MACHINES] = {
	[LAB_AMD] = { "amd", "AMD", "SVM with nested paging (NPT), emulated by QEMU", "npt" },
	[LAB_INTEL] = { "intel", "Intel", "VMX with EPT, VPID and PML, emulated by Bochs", "ept" },
	[LAB_HOST] = { "host", "Host", "this machine's /dev/kvm, in the mode it was loaded with",
		       NULL },
};

const struct lab_workload *lab_workload_find(const char *name)
{
	for (size_t i = 0; i < LAB_WORKLOADS; i++)
		if (!strcmp(lab_workloads[i].name, name))
			return &lab_workloads[i];
	return NULL;
}

const char *lab_workload_like(const char *name)
{
	unsigned int best = 4, distance;
	const char *like = NULL;

	for (size_t i = 0; i < LAB_WORKLOADS; i++) {
		distance = parse_distance(name, lab_workloads[i].name);
		if (distance < best) {
			best = distance;
			like = lab_workloads[i].name;
		}
	}
	return like;
}
