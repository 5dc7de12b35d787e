// SPDX-License-Identifier: GPL-2.0
/* Every workload in every mode: flushes, shadow paging, and what the host did. */
#include "check.h"

#include <string.h>

static long long stat_of(const char *name, const char *key)
{
	return result_number(name, ".out", key);
}

static long long event_of(const char *name, const char *key)
{
	return result_number(name, ".tp", key);
}

static json_t *vm_of(const char *name)
{
	char mode[16];

	workload_mode(name, mode);
	if (workload_is(name, "ring") && !result_is_reference() &&
	    stat_of(name, "pid") == ABSENT)
		skip();
	return result_vm(result_report(mode), name);
}

static long long flushes(json_t *vm, const char *scope)
{
	return rows(vm, "flushes", "count", "scope", scope, NULL);
}

static void check_remote_flushes(const char *name)
{
	json_t *vm = vm_of(name);

	family_needs("kvm_flush_remote_tlbs");
	same("remote flushes", flushes(vm, "remote") + flushes(vm, "remote_range"),
	     "stat.remote_tlb_flush_requests", stat_of(name, "stat.remote_tlb_flush_requests"));
	same("kicked", rows(vm, "flushes", "kicked", NULL), "stat.remote_tlb_flush",
	     stat_of(name, "stat.remote_tlb_flush"));
}

/*
 * Flushes that interrupt a vCPU, which no other guest has for certain; and KVM's counters as
 * stat shows them beside its own. With one CPU no guest runs while another thread asks.
 */
static void check_race(const char *name)
{
	json_t *vm = vm_of(name);
	long long kicked = rows(vm, "flushes", "kicked", NULL);

	check_remote_flushes(name);
	if (result_number("machine", "", "cpus") > 1)
		holds(kicked > 0, "no vCPU was interrupted");
	same("kicked", kicked, "KVM's, as shown", fact(vm, "kvm_remote_tlb_flush"));
	if (stat_of(name, "stat.remote_tlb_flush_requests") != ABSENT)
		same("remote flushes", flushes(vm, "remote") + flushes(vm, "remote_range"),
		     "KVM's, as shown", fact(vm, "kvm_remote_tlb_flush_requests"));
}

/*
 * A root that is loaded is flushed as well, by kvm_mmu_load(), and KVM counts
 * that nowhere: a kprobe does. One address is counted as stat.invlpg only.
 */
static void check_local_flushes(const char *name)
{
	json_t *vm = vm_of(name);
	long long counted = stat_of(name, "stat.tlb_flush");
	long long loads = event_of(name, "lab:kvm_mmu_load");

	holds(loads != ABSENT, "the kprobe on kvm_mmu_load counted nothing");
	if (counted != ABSENT)
		counted += loads;
	same("local flushes", flushes(vm, "all") + flushes(vm, "current") + flushes(vm, "guest"),
	     "stat.tlb_flush and kvm_mmu_load", counted);
	/* For a fault on what is present, handed on, KVM flushes the address and counts nothing. */
	same("flushes of one address", flushes(vm, "address"), "stat.invlpg and denied",
	     stat_of(name, "stat.invlpg") +
	     (workload_is_shadow(name) ? stat_of(name, "own_denied") : 0));
}

/* What the vendor module was told to flush, by scope: INVEPT, INVVPID, or the ASID. */
static void check_vendor_flushes(const char *name)
{
	static const struct { const char *scope, *vmx, *svm; } by[] = {
		{ "all", "lab:vmx_flush_tlb_all", NULL },
		{ "current", "lab:vmx_flush_tlb_current", "lab:svm_flush_tlb_asid" },
		{ "guest", "lab:vmx_flush_tlb_guest", NULL },
		{ "address", "lab:vmx_flush_tlb_gva", "lab:svm_flush_tlb_gva" },
	};
	bool intel = !strcmp(result_tdp(), "ept");
	json_t *vm = vm_of(name);

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		const char *function = intel ? by[i].vmx : by[i].svm;
		long long calls = function ? event_of(name, function) : 0;

		/* Its older name. */
		if (calls == ABSENT && function == by[i].svm && i == 1)
			calls = event_of(name, "lab:svm_flush_tlb");
		if (result_is_reference())
			holds(calls != ABSENT, "no kprobe %s", function);
		same(by[i].scope, flushes(vm, by[i].scope), function ? function : "wanted", calls);
	}
	/* Else this checks nothing. */
	if (workload_is(name, "dirtylog"))
		holds(flushes(vm, "current") + flushes(vm, "all") > 0, "nothing was flushed");
	if (workload_is_shadow(name) && workload_is(name, "invlpg"))
		same("addresses", flushes(vm, "address"), "the guest's INVLPG",
		     stat_of(name, "invlpgs"));
}

static void check_flush_origins(const char *name)
{
	json_t *vm = vm_of(name);

	family_needs("kvm_vm_ioctl");
	same("flushes of unknown origin", rows(vm, "flushes", "count", "origin", "unknown", NULL),
	     "wanted", 0);
}

static long long pages(json_t *vm, const char *op)
{
	return rows(vm, "shadow_pages", "count", "op", op, NULL);
}

/* Zapped ones include those that a worker zaps after a memslot change (6.1). */
static void check_pages(const char *name)
{
	json_t *vm = vm_of(name);

	family_needs("kvm_mmu_get_page");
	same("made and reused", pages(vm, "made") + pages(vm, "reused"), "kvm_mmu_get_page",
	     event_of(name, "kvmmmu:kvm_mmu_get_page"));
	family_needs("kvm_mmu_prepare_zap_page");
	same("zapped", pages(vm, "zapped"), "kvm_mmu_prepare_zap_page",
	     event_of(name, "kvmmmu:kvm_mmu_prepare_zap_page"));
	/* KVM's own counters leave out the TDP MMU. */
	if (!workload_is_shadow(name))
		return;
	same("zapped", pages(vm, "zapped"), "stat.mmu_shadow_zapped",
	     stat_of(name, "stat.mmu_shadow_zapped"));
	family_needs("kvm_mmu_get_page");
	same("made", pages(vm, "made"), "stat.mmu_cache_miss",
	     stat_of(name, "stat.mmu_cache_miss"));
	same("direct", rows(vm, "shadow_pages", "count", "kind", "direct", NULL), "wanted", 0);
}

static long long work(json_t *vm, const char *what)
{
	return rows(vm, "shadow", "count", "work", what, NULL);
}

static void check_shadow(const char *name)
{
	json_t *vm = vm_of(name);
	bool shadow = workload_is_shadow(name);
	/* How many there are, and how many there are no more. */
	long long gauge = stat_of(name, "stat.mmu_unsync");
	long long synced = event_of(name, "kvmmmu:kvm_mmu_sync_page");

	family_of("invlpg");
	family_needs("kvm_mmu_invlpg");
	same("INVLPG", work(vm, "INVLPG"), "stat.invlpg", stat_of(name, "stat.invlpg"));
	same("INVLPG", work(vm, "INVLPG"), "the guest's",
	     shadow ? stat_of(name, "invlpgs") : 0);
	family_of("ptwrite");
	family_needs("kvm_mmu_track_write");
	same("page-table writes", work(vm, "page-table write"), "stat.mmu_pte_write",
	     stat_of(name, "stat.mmu_pte_write"));
	same("page-table writes", work(vm, "page-table write"), "the guest expects",
	     shadow ? stat_of(name, "expect_emulated_shadow") : 0);
	family_of("unsync");
	family_needs("kvm_mmu_unsync_page");
	same("unsync", work(vm, "unsync"), "kvm_mmu_unsync_page",
	     event_of(name, "kvmmmu:kvm_mmu_unsync_page"));
	same("unsync", work(vm, "unsync"), "stat.mmu_unsync and those in sync again",
	     gauge == ABSENT || synced == ABSENT ? ABSENT : gauge + synced);
	family_of("sync");
	family_needs("kvm_mmu_sync_roots");
	/* With TDP the function returns at once, and that is no sync. */
	same("sync", work(vm, "sync"), "kvm_mmu_sync_roots",
	     shadow ? event_of(name, "lab:kvm_mmu_sync_roots") : 0);
	family_of("cr3");
	family_needs("kvm_cr");
	/* SVM without decode assists, as emulated: a CR3 write exits, kvm_cr does not fire. */
	same("CR3 writes", work(vm, "CR3 write"), "kvm_cr", event_of(name, "kvm:kvm_cr"));
}

static void check_invalidations(const char *name)
{
	json_t *vm = vm_of(name);
	long long all = rows(vm, "invalidations", "count", NULL);
	long long frames = rows(vm, "invalidations", "gfns", NULL);

	family_needs("kvm_mmu_notifier_invalidate_range_start");
	same("invalidations", all, "kvm_unmap_hva_range",
	     event_of(name, "kvm:kvm_unmap_hva_range"));
	all -= own_invalidations(vm);
	same("by the VMM", rows(vm, "invalidations", "count", "task", name, NULL), "all of them",
	     strlen(name) < 16 ? all : ABSENT);
	if (workload_is(name, "mprotect")) {
		/* Away and back. */
		same("invalidations", all, "2 per round", 2 * stat_of(name, "rounds"));
		same("protection_vma", rows(vm, "invalidations", "count", "event", "protection_vma",
					    NULL), "all of them", all);
	}
	if (!workload_is(name, "retouch"))
		return;
	same("invalidations", all, "rounds", stat_of(name, "rounds"));
	family_needs("kvm_unmap_gfn_range");
	same("frames", frames, "pages in all rounds", stat_of(name, "pages") *
	     stat_of(name, "rounds"));
}

static long long dirty(json_t *vm, const char *op, const char *column)
{
	return rows(vm, "dirty", column, "op", op, NULL);
}

static void check_dirty(const char *name)
{
	json_t *vm = vm_of(name);
	bool log = workload_is(name, "dirtylog");

	family_needs("kvm_get_dirty_log_protect");
	same("gets", dirty(vm, "get", "count"), "rounds", log ? stat_of(name, "rounds") : 0);
	family_needs("kvm_arch_mmu_enable_log_dirty_pt_masked");
	same("dirty pages", dirty(vm, "get", "pages"), "what the guest dirtied",
	     log ? stat_of(name, "pages_touched") : 0);
	family_needs("kvm_dirty_ring_push");
	same("ring entries", dirty(vm, "ring_push", "count"), "kvm_dirty_ring_push",
	     event_of(name, "kvm:kvm_dirty_ring_push"));
	if (workload_is(name, "ring"))
		same("ring entries", dirty(vm, "ring_push", "count"), "the VMM's",
		     stat_of(name, "ring_entries"));
	family_needs("kvm_dirty_ring_reset");
	same("ring resets", dirty(vm, "ring_reset", "count"), "kvm_dirty_ring_reset",
	     event_of(name, "kvm:kvm_dirty_ring_reset"));
}

/*
 * The buffer of dirty pages that the CPU fills under EPT (PML) is emptied at every
 * exit as well: how often it is full hangs on timer interrupts.
 */
static void check_pml(const char *name)
{
	bool log = workload_is(name, "dirtylog") || workload_is(name, "ring");
	json_t *vm = vm_of(name);
	long long full = dirty(vm, "pml_full", "count");
	long long most = stat_of(name, "expect_pml_full_most");

	same("PML full", full, "kvm_pml_full", event_of(name, "kvm:kvm_pml_full"));
	same("PML full", full, "exits for it",
	     rows(vm, "exits", "count", "reason", "PML_FULL", NULL));
	if (workload_is_shadow(name) || strcmp(result_tdp(), "ept") || most == ABSENT) {
		same("PML full", full, "wanted", 0);
		return;
	}
	holds(full >= log && full <= most, "PML full %lld times, the guest expects %d to %lld",
	      full, log, most);
	/* What the CPU logs it need not be stopped for: one fault per page, ever. */
	if (log)
		same("faults", rows(vm, "faults", "count", NULL), "pages", stat_of(name, "pages"));
	if (workload_is(name, "dirtylog"))
		same("fast fixes", rows(vm, "faults", "count", "verdict", "fast_fixed", NULL),
		     "wanted", 0);
}

static void check_slots(const char *name)
{
	json_t *vm = vm_of(name);
	long long each = workload_is(name, "slots") ? stat_of(name, "rounds") : 0;
	bool mixed = workload_is(name, "mixed") || workload_is(name, "split");

	family_needs("kvm_arch_commit_memory_region");
	same("created", rows(vm, "slots", "count", "op", "create", NULL), "the VMM's", each);
	same("moved", rows(vm, "slots", "count", "op", "move", NULL), "the VMM's", each);
	same("deleted", rows(vm, "slots", "count", "op", "delete", NULL), "the VMM's", each);
	same("flagged", rows(vm, "slots", "count", "op", "flags", NULL), "on and off each round",
	     mixed ? 2 * stat_of(name, "rounds") : 0);
}

/* Eager splits, done when dirty logging is switched on. */
static void check_splits(const char *name)
{
	json_t *vm = vm_of(name);

	family_needs("kvm_mmu_split_huge_page");
	same("splits", rows(vm, "huge_pages", "count", "what", "split", NULL) +
	     rows(vm, "huge_pages", "count", "what", "split failed", NULL),
	     "kvm_mmu_split_huge_page", event_of(name, "kvmmmu:kvm_mmu_split_huge_page"));
	/* Else this checks nothing. */
	if (!workload_is_shadow(name) && workload_is(name, "split") && result_is_reference())
		holds(event_of(name, "kvmmmu:kvm_mmu_split_huge_page") > 0, "nothing was split");
}

const struct check work_checks[] = {
	{ "remote flushes", check_remote_flushes, workload_names, "flush" },
	{ "flushes beside KVM's count", check_race,
	  (const char *const[]){ "tdp-race", "shadow-race", NULL }, "flush" },
	{ "local flushes", check_local_flushes, workload_names, "flush" },
	{ "flushes by the vendor", check_vendor_flushes, workload_names, "flush" },
	{ "flush origins", check_flush_origins, workload_names, "flush" },
	{ "page-table pages", check_pages, workload_names, "shadow_page" },
	{ "shadow paging", check_shadow, workload_names, NULL },
	{ "invalidations", check_invalidations, workload_names, "invalidate" },
	{ "dirty logging", check_dirty, workload_names, "dirty" },
	{ "PML", check_pml, workload_names, "dirty" },
	{ "memslots", check_slots, workload_names, "slot" },
	{ "splits", check_splits, workload_names, "split" },
	{ 0 },
};
