// SPDX-License-Identifier: GPL-2.0
/* What can be found, a row each. Most are faults of one cause; the others look for themselves. */
#include "lib/format.h"
#include "view/explain.h"

#define CAUSE(name)	(1ULL << MMUSCOPE_cause_##name)

#define NR(n)		format_count((char [FORMAT_MAX]){ 0 }, n)
#define TIME(ns)	format_ns((char [FORMAT_MAX]){ 0 }, ns)

static bool look_shadow(const struct evidence *e, struct finding *f)
{
	const struct vm_stats *st = e->st;

	f->ns = e->shadow_ns;
	f->count = st->records[MMUSCOPE_TYPE_invlpg] + st->records[MMUSCOPE_TYPE_cr3] +
		   st->records[MMUSCOPE_TYPE_ptwrite] +
		   e->shadow_count;
	if (e->vm->mode != MMUSCOPE_mode_shadow || !f->count)
		return false;
	f->why = report_text(e->report, "The VM runs with shadow page tables. KVM handled %s "
			     "INVLPG, %s writes to CR3 and %s to page tables, and %s faults that "
			     "come from these.", NR(st->records[MMUSCOPE_TYPE_invlpg]),
			     NR(st->records[MMUSCOPE_TYPE_cr3]),
			     NR(st->records[MMUSCOPE_TYPE_ptwrite]),
			     NR(e->shadow_count));
	return true;
}

static bool look_storm(const struct evidence *e, struct finding *f)
{
	const struct storm *s = &e->st->storm;

	f->ns = e->remote_ns;
	f->count = s->flushes;
	f->always = true;
	if (!s->windows)
		return false;
	f->why = report_text(e->report, "%s flushes of all vCPUs within %s, up to %s per second; "
			     "waiting for them took %s.", NR(s->flushes),
			     TIME(s->windows * STORM_WINDOW_NS),
			     format_rate((char [FORMAT_MAX]){ 0 },
					 s->peak * 1e9 / STORM_WINDOW_NS), TIME(e->remote_ns));
	return true;
}

static bool look_stuck(const struct evidence *e, struct finding *f)
{
	const struct stuck *s = &e->st->stuck;

	f->ns = s->ns;
	f->count = s->faults;
	f->always = true;
	if (!s->rows)
		return false;
	f->why = report_text(e->report, "%s a vCPU faulted %d times or more in a row at one "
			     "instruction on one frame, and KVM said to try again. The longest: "
			     "vCPU %u, %s times in %s, %s.",
			     s->rows == 1 ? "Once" :
			     report_text(e->report, "%s times", NR(s->rows)),
			     STUCK_FAULTS, s->worst.vcpu, NR(s->worst.count),
			     TIME(s->worst.end - s->worst.begin),
			     view_stuck_where(e->report, &s->worst));
	if (e->progress)
		f->why = report_text(e->report, "%s %s", f->why,
				     progress_verdict(e->report, e->progress));
	return true;
}

/* The story of a hang that took months to find: the sequence was taken as an int. */
static bool look_wrap(const struct evidence *e, struct finding *f)
{
	if (!e->progress || !progress_near_wrap(e->progress))
		return false;
	f->count = e->progress->seq;
	f->always = true;
	f->why = progress_words(e->report, e->progress);
	return true;
}

static bool look_lock(const struct evidence *e, struct finding *f)
{
	f->ns = e->times[TIME_LOCK];
	f->count = e->st->records[MMUSCOPE_TYPE_lockwait];
	if (!f->ns)
		return false;
	f->why = report_text(e->report, "Faults waited %s for mmu_lock. It was waited for %s times "
			     "in all, %s together.", TIME(f->ns), NR(f->count), TIME(e->lock_ns));
	return true;
}

/*
 * One part of the faults, of those that @index counts, on an access and on a page walk. Return:
 * whether it took any time.
 */
static bool look_part(const struct evidence *e, struct finding *f, enum stats_time part,
		      size_t index)
{
	f->ns = e->times[part];
	f->count = e->st->count[index] + e->st->count[index + 1];
	return f->ns;
}

static bool look_asleep(const struct evidence *e, struct finding *f)
{
	if (!look_part(e, f, TIME_ASLEEP, COUNT_SLEPT))
		return false;
	f->why = report_text(e->report, "In %s faults the vCPU slept until the host had the page, "
			     "%s in all: it was read from swap or a file, or memory had to be "
			     "freed.", NR(f->count), TIME(f->ns));
	return true;
}

static bool look_user(const struct evidence *e, struct finding *f)
{
	if (!look_part(e, f, TIME_USER, COUNT_USER))
		return false;
	f->why = report_text(e->report, "%s accesses went to the VMM in user space, which took %s.",
			     NR(f->count), TIME(f->ns));
	return true;
}

/* Small pages where huge ones would have needed fewer faults. */
static bool look_small(const struct evidence *e, struct finding *f)
{
	uint64_t saved = e->small / 512 * 511;

	f->count = e->small;
	/* Of 512 faults one would remain, which costs more than it does now: half, at a guess. */
	f->ns = e->faults ? (double)e->fault_ns / e->faults * saved / 2 : 0;
	if (e->small < 512 || e->huge * 8 > e->small)
		return false;
	f->why = report_text(e->report, "%s faults mapped a page of 4K, %s a larger one. The time "
			     "is an estimate, half of what all but one of 512 took; other "
			     "findings may have the same faults.", NR(e->small), NR(e->huge));
	return true;
}

static bool look_broken(const struct evidence *e, struct finding *f)
{
	uint64_t broken = 0, split = 0;

	for (unsigned int i = 0; i < CAUSES; i++)
		broken += e->st->count[COUNT_BROKEN + i];
	for (unsigned int i = 0; i < WORDS_cause; i++)
		split += e->st->count[stats_split_index(2, i, false)];
	f->count = broken + split;
	f->ns = e->cause_ns[MMUSCOPE_cause_thp_split];
	f->always = f->count >= 64;
	if (!f->count)
		return false;
	f->why = report_text(e->report, "%s regions of 2M got small pages instead of a huge one; "
			     "%s huge pages were split by KVM.", NR(broken),
			     NR(split));
	return true;
}

static bool look_unknown(const struct evidence *e, struct finding *f)
{
	f->count = e->cause_count[MMUSCOPE_cause_unknown] + e->cause_count[CAUSE_UNTAKEN];
	f->ns = e->cause_ns[MMUSCOPE_cause_unknown] + e->cause_ns[CAUSE_UNTAKEN];
	if (!f->count)
		return false;
	f->why = report_text(e->report, "Of %s faults on pages that were mapped before it is not "
			     "known what took them away.", NR(f->count));
	return true;
}

static const struct rule rules[] = {
	{
		.key = "numa_balancing",
		.title = "NUMA balancing takes pages away from the guest",
		.causes = CAUSE(numa), .sure = SURE_CERTAIN,
		.knob = "sysctl kernel.numa_balancing=0, or bind the VM's memory and vCPUs to one "
			"node (numactl, virsh numatune), so that there is nothing to balance",
		.confirm = "with numa_balancing=0 for a minute the faults are gone",
	}, {
		.key = "ksm",
		.title = "KSM merges pages that the guest then writes or needs again",
		.causes = CAUSE(ksm_merge) | CAUSE(ksm_break), .sure = SURE_LIKELY,
		.knob = "echo 0 > /sys/kernel/mm/ksm/run (2 also unmerges), pages_to_scan and "
			"sleep_millisecs there; mem-merge=off for one VM of QEMU",
		.confirm = "pages_sharing in /sys/kernel/mm/ksm goes down as the guest writes",
	}, {
		.key = "compaction",
		.title = "compaction or migration moves the guest's pages",
		.causes = CAUSE(migration), .sure = SURE_CERTAIN,
		.knob = "vm.compaction_proactiveness=0, hugetlbfs for the VM's memory, or no "
			"migrate_pages() and cpuset changes while it runs",
		.confirm = "compact_* and pgmigrate_* in /proc/vmstat rise together with the "
			   "faults",
	}, {
		.key = "reclaim",
		.title = "the host reclaims memory that the guest uses",
		.causes = CAUSE(reclaim), .sure = SURE_CERTAIN,
		.knob = "a higher memory.high or memory.max of the VM's cgroup, memory.swap.max=0, "
			"fewer VMs, or locked memory (QEMU: -overcommit mem-lock=on)",
		.confirm = "pgsteal and pswpout in /proc/vmstat, memory.events of the cgroup",
	}, {
		.key = "khugepaged",
		.title = "khugepaged rebuilds huge pages under the guest",
		.causes = CAUSE(thp_collapse), .sure = SURE_CERTAIN,
		.knob = "hugetlbfs for the VM's memory; or scan_sleep_millisecs and defrag in "
			"/sys/kernel/mm/transparent_hugepage/khugepaged; it ends when all is huge",
		.confirm = "thp_collapse_alloc in /proc/vmstat",
	}, {
		.key = "huge_pages_broken",
		.title = "huge pages are broken into small ones",
		.look = look_broken, .sure = SURE_CERTAIN,
		.knob = "what broke them is in the table of huge pages: less ballooning and "
			"reclaim, hugetlbfs, or eager_page_split of kvm for dirty logging",
		.confirm = "AnonHugePages of the VMM in /proc/PID/smaps goes down",
	}, {
		.key = "balloon",
		.title = "the VMM gives memory back that the guest uses again",
		.causes = CAUSE(madvise) | CAUSE(hole), .sure = SURE_CERTAIN,
		.knob = "a larger balloon target, free page reporting off, or fewer snapshots that "
			"discard memory",
		.confirm = "the balloon's actual size moves up and down (virsh dommemstat)",
	}, {
		.key = "vmm_mappings",
		.title = "the VMM changes its own mappings of guest memory",
		.causes = CAUSE(munmap) | CAUSE(fork) | CAUSE(soft_dirty) | CAUSE(uffd),
		.sure = SURE_CERTAIN,
		.knob = "whatever maps, protects or forks in the VMM: snapshots, post-copy, "
			"checkpoints by fork or CRIU",
		.confirm = "strace -f -e trace=%memory,fork on the VMM",
	}, {
		.key = "dirty_logging",
		.title = "dirty logging makes the guest's writes fault",
		.causes = CAUSE(dirty_log), .sure = SURE_LIKELY,
		.knob = "migration: a dirty ring instead of the log, fewer and shorter rounds, "
			"eager_page_split of kvm; Intel: pml=1 of kvm_intel",
		.confirm = "ends with the migration or snapshot (query-migrate of QEMU)",
	}, {
		.key = "memslots",
		.title = "memslot changes drop all of the VM's mappings",
		.causes = CAUSE(slot_change) | CAUSE(mmio_generation), .sure = SURE_LIKELY,
		.knob = "fewer changes of the memory map: a PCI device whose BARs move, a frame "
			"buffer, memory hot-plug in small pieces",
		.confirm = "the table of memslot changes has as many as there were bursts of "
			   "faults",
	}, {
		.key = "nx_huge_pages",
		.title = "executing in huge pages is prevented, and breaks them",
		.causes = CAUSE(nx_huge_page), .sure = SURE_CERTAIN,
		.knob = "nx_huge_pages=off of kvm where the CPU has no iTLB multihit bug or guests "
			"are trusted; nx_huge_pages_recovery_ratio and _period_ms there",
		.confirm = "/sys/devices/system/cpu/vulnerabilities/itlb_multihit",
	}, {
		.key = "access_tracking",
		.title = "the host looks which pages the guest uses",
		.causes = CAUSE(aging), .sure = SURE_LIKELY,
		.knob = "less memory pressure, lru_gen's min_ttl_ms, no DAMON or idle page "
			"tracking on the VMM; EPT with accessed bits (eptad of kvm_intel) needs "
			"no fault",
		.confirm = "accessed-bit scans in the same time",
	}, {
		.key = "shadow_recycling",
		.title = "shadow page tables are thrown away to make room for others",
		.causes = CAUSE(recycling), .sure = SURE_CERTAIN,
		.knob = "a higher KVM_SET_NR_MMU_PAGES of the VMM, or EPT or NPT",
		.confirm = "mmu_recycled of the VM in /sys/kernel/debug/kvm",
	}, {
		.key = "shadow_paging",
		.title = "shadow paging: KVM follows the guest's page tables",
		.look = look_shadow, .sure = SURE_CERTAIN,
		.knob = "ept=1 of kvm_intel or npt=1 of kvm_amd; 'mmuscope doctor' says whether "
			"this host has it and how to switch it on",
		.confirm = "with EPT or NPT the same guest has none of these exits",
	}, {
		.key = "first_touch",
		.title = "the guest touches memory for the first time",
		.causes = CAUSE(first_touch), .sure = SURE_CERTAIN,
		.knob = "prealloc=on of QEMU's memory backend, or huge pages: one fault for 512; "
			"it ends when all memory was touched",
		.confirm = "the resident memory of the VMM grows by 4K or 2M for each fault",
	}, {
		.key = "small_pages",
		.title = "memory is mapped in small pages",
		.look = look_small, .sure = SURE_POSSIBLE,
		.knob = "echo always or madvise > /sys/kernel/mm/transparent_hugepage/enabled, "
			"memory aligned to 2M, hugetlbfs; with shadow paging the guest's own "
			"page tables must have huge pages too",
		.confirm = "AnonHugePages of the VMM in /proc/PID/smaps; not while dirty logging",
	}, {
		.key = "flush_storm",
		.title = "a storm of TLB flushes",
		.look = look_storm, .sure = SURE_CERTAIN,
		.knob = "who asked and why is in the table of TLB flushes",
		.confirm = "remote_tlb_flush of the VM in /sys/kernel/debug/kvm",
	}, {
		.key = "no_progress",
		.title = "a vCPU faults again and again without progress",
		.look = look_stuck, .sure = SURE_LIKELY,
		.knob = "what invalidates that page all the time, in the table of invalidations; "
			"if nothing does, it is a fault of KVM: report it with a recording",
		.confirm = "'mmuscope slots' shows KVM's sequence of invalidations: it does not "
			   "move while the vCPU faults, or one stays under way",
	}, {
		.key = "sequence_wrap",
		.title = "KVM's sequence of invalidations comes to 2^31",
		.look = look_wrap, .sure = SURE_POSSIBLE,
		.knob = "fewer invalidations: the table of them says who makes them; a VM that is "
			"started anew or migrated begins at 0; or a kernel whose "
			"is_page_fault_stale() takes the sequence as unsigned long",
		.confirm = "'mmuscope slots' shows the sequence; beyond 2^31 vCPUs hang in faults "
			   "that are tried again",
	}, {
		.key = "mmu_lock",
		.title = "vCPUs wait for mmu_lock",
		.look = look_lock, .sure = SURE_CERTAIN,
		.knob = "what holds it is in the table of waits, by origin; huge pages and the TDP "
			"MMU (tdp_mmu=Y of kvm) take it less",
		.confirm = "perf lock contention shows the same lock",
	}, {
		.key = "host_page_slow",
		.title = "the host has to fetch pages that the guest asks for",
		.look = look_asleep, .sure = SURE_CERTAIN,
		.knob = "more memory for the VM's cgroup (memory.high), no swap for it, or its "
			"memory filled before it runs (prealloc, no lazy restore)",
		.confirm = "pswpin and pgmajfault in /proc/vmstat; memory.pressure of the cgroup",
	}, {
		.key = "user_exits",
		.title = "accesses go to the VMM in user space",
		.look = look_user, .sure = SURE_CERTAIN,
		.knob = "virtio or vhost instead of an emulated device, ioeventfd, passthrough",
		.confirm = "'mmuscope report --by gpa --filter user' names the addresses",
	}, {
		.key = "unknown",
		.title = "what took pages away is not known",
		.look = look_unknown, .sure = SURE_CERTAIN,
		.knob = "'mmuscope doctor' says which probes are missing here",
		.confirm = "a recording with more probes, or on a newer kernel",
	},
};

const struct rule *explain_rules(size_t *nr)
{
	*nr = ARRAY_SIZE(rules);
	return rules;
}
