// SPDX-License-Identifier: GPL-2.0
/*
 * The table of hooks: what they are for, what is lost without them, and the
 * ways to have them, the best first. Program names are those of bpf/. Of two raw
 * tracepoints the one with more arguments comes first: where BTF does not tell
 * how many there are, the kernel refuses what reads beyond them.
 */
#include "source/probe_table.h"

#define RAW(target, prog, args)		{ target, { prog }, HOW_RAW_TP, args, false }
#define BTF(target, prog, args)		{ target, { prog }, HOW_TP_BTF, args, false }
#define EVENT(target, prog)		{ target, { prog }, HOW_EVENT, 0, false }
#define ENTRY(fn, prog)							\
	{ #fn, { prog "_k" }, HOW_MULTI, 0, false },				\
	{ #fn, { prog "_f" }, HOW_TRAMPOLINE, 0, false },			\
	{ #fn, { prog "_k" }, HOW_KPROBE, 0, false }
#define BOTH(fn, begin, end)						\
	{ #fn, { begin "_k", end "_k" }, HOW_MULTI, 0, false },			\
	{ #fn, { begin "_f", end "_f" }, HOW_TRAMPOLINE, 0, false },		\
	{ #fn, { begin "_k", end "_k" }, HOW_KPROBE, 0, false }
/* At every fault: the cheapest way comes first, although the kernel takes long to end it. */
#define ENTRY_OFTEN(fn, prog)						\
	{ #fn, { prog "_f" }, HOW_TRAMPOLINE, 0, false },			\
	{ #fn, { prog "_k" }, HOW_MULTI, 0, false },				\
	{ #fn, { prog "_k" }, HOW_KPROBE, 0, false }
/* The same, and its verdict is told by KVM's counters as well. */
#define HANDLER(fn)							\
	{ #fn, { #fn "_f" }, HOW_TRAMPOLINE, 2, true },				\
	{ #fn, { #fn "_k" }, HOW_MULTI, 0, false },				\
	{ #fn, { #fn "_k" }, HOW_KPROBE, 0, false }
#define PAGE_FAULT							\
	BTF("kvm_page_fault", "page_fault_b", 3), RAW("kvm_page_fault", "page_fault_3", 3), \
	RAW("kvm_page_fault", "page_fault_2", 2)
/* Of guests that are rare. */
#define HANDLER_SELDOM(fn)						\
	{ #fn, { #fn "_k" }, HOW_MULTI, 0, false },				\
	{ #fn, { #fn "_f" }, HOW_TRAMPOLINE, 2, true },				\
	{ #fn, { #fn "_k" }, HOW_KPROBE, 0, false }

const struct probe probe_table[] = {
	{ "running VMs", "vm vcpu", "VMs that run already are seen at their first event only",
	  PROBE_WANTED, HOST_ANY, { { "task_file", { "found" }, HOW_ITER, 0, false } } },
	{ "kvm_exit", "fault exits", "no faults, no exits",
	  PROBE_REQUIRED, HOST_HARDWARE,
	  { RAW("kvm_exit", "exit_3", 3), RAW("kvm_exit", "exit_2", 2) } },
	{ "kvm_entry", "fault exits", "no faults, no exits",
	  PROBE_REQUIRED, HOST_HARDWARE,
	  { BTF("kvm_entry", "entry_b", 0), RAW("kvm_entry", "entry_1", 0) } },
	/* Without a way: KVM in software has the tracepoints, and does not come by them. */
	{ "kvm_exit", "exits", "no exits, no vCPU time, and no time between exit and handler",
	  PROBE_WANTED, HOST_SOFTWARE, { { NULL } } },
	{ "kvm_page_fault", "fault",
	  "faults that map no page: MMIO, emulated, tried again, the guest's own",
	  PROBE_WANTED, HOST_SOFTWARE, { { NULL } } },
	{ "kvm_page_fault", "fault", "no faults",
	  PROBE_REQUIRED, HOST_SVM, { PAGE_FAULT } },
	/* Of a fault that is skipped the VMCB tells all, and the VMCS does not. */
	{ "kvm_page_fault", "fault", "no faults",
	  PROBE_REQUIRED, HOST_VMX, { PAGE_FAULT, EVENT("kvm_page_fault", "page_fault_e") } },
	{ "kvm_mmu_page_fault", "fault", "faults on walks of guest page tables are not told apart",
	  PROBE_WANTED, HOST_SVM, { ENTRY_OFTEN(kvm_mmu_page_fault, "whole_error") } },
	{ "kvm_mmu_pagetable_walk", "fault", "no faults",
	  PROBE_REQUIRED, HOST_SOFTWARE, { RAW("kvm_mmu_pagetable_walk", "soft_walk", 2) } },
	{ "kvm_mmu_spte_requested", "fault", "no time to resolve the host page",
	  PROBE_WANTED, HOST_ANY, { RAW("kvm_mmu_spte_requested", "requested", 0) } },
	{ "kvm_mmu_set_spte", "fault", "no page size, no GPA under shadow paging",
	  PROBE_WANTED, HOST_HARDWARE, { RAW("kvm_mmu_set_spte", "set_spte", 0) } },
	{ "kvm_mmu_set_spte", "fault", "no faults",
	  PROBE_REQUIRED, HOST_SOFTWARE, { RAW("kvm_mmu_set_spte", "soft_set_spte", 0) } },
	{ "kvm_tdp_page_fault", "fault", "verdict of TDP faults is inferred, no handler time",
	  PROBE_WANTED, HOST_HARDWARE, { HANDLER(kvm_tdp_page_fault) } },
	{ "paging64_page_fault", "fault", "verdict of shadow faults is inferred, no handler time",
	  PROBE_WANTED, HOST_HARDWARE, { HANDLER(paging64_page_fault) } },
	{ "paging32_page_fault", "fault", "the same for 32-bit guests",
	  PROBE_OPTIONAL, HOST_HARDWARE, { HANDLER_SELDOM(paging32_page_fault) } },
	{ "nonpaging_page_fault", "fault", "the same for guests without paging",
	  PROBE_OPTIONAL, HOST_HARDWARE, { HANDLER_SELDOM(nonpaging_page_fault) } },
	{ "ept_page_fault", "fault", "the same for nested EPT",
	  PROBE_OPTIONAL, HOST_VMX, { HANDLER(ept_page_fault) } },
	{ "fast_page_fault", "fault", "fast fixes are shown as fixed",
	  PROBE_WANTED, HOST_HARDWARE,
	  { RAW("fast_page_fault", "fast_6", 6), RAW("fast_page_fault", "fast_5", 5) } },
	{ "handle_mmio_page_fault", "fault", "MMIO is shown as emulated",
	  PROBE_WANTED, HOST_HARDWARE, { RAW("handle_mmio_page_fault", "mmio", 0) } },
	{ "kvm_fast_mmio", "fault", "ioeventfd MMIO is not shown",
	  PROBE_OPTIONAL, HOST_HARDWARE, { RAW("kvm_fast_mmio", "fast_mmio", 0) } },
	{ "mark_mmio_spte", "fault", "first MMIO access is shown as emulated",
	  PROBE_OPTIONAL, HOST_HARDWARE, { RAW("mark_mmio_spte", "mmio_new", 0) } },
	{ "kvm_emulate_insn", "fault",
	  "emulation is told by KVM's return value alone, repeated MMIO under EPT not at all",
	  PROBE_OPTIONAL, HOST_HARDWARE, { RAW("kvm_emulate_insn", "emulate", 0) } },
	{ "kvm_mmio", "fault", "MMIO under EPT does not say whether it read or wrote",
	  PROBE_OPTIONAL, HOST_VMX, { RAW("kvm_mmio", "mmio_access", 4) } },
	{ "kvm_inj_exception", "fault", "the guest's own faults are shown as retries",
	  PROBE_WANTED, HOST_HARDWARE,
	  { RAW("kvm_inj_exception", "inject_4", 4),
	    RAW("kvm_inj_exception", "inject_3", 3) } },
	{ "kvm_userspace_exit", "fault exits", "time in the VMM counts as fault time",
	  PROBE_WANTED, HOST_HARDWARE, { RAW("kvm_userspace_exit", "user_exit", 0) } },
	{ "kvm_nested_vmenter", "fault", "L2's faults are shown as L1's",
	  PROBE_OPTIONAL, HOST_HARDWARE,
	  { RAW("kvm_nested_vmenter", "nested_enter", 0),
	    RAW("kvm_nested_vmrun", "nested_run", 0) } },
	{ "kvm_nested_vmexit_inject", "fault", "L1's faults are shown as L2's",
	  PROBE_OPTIONAL, HOST_HARDWARE, { RAW("kvm_nested_vmexit_inject", "nested_exit", 0) } },
	{ "kvm_sched_out", "fault", "sleeping and preempted faults are not marked",
	  PROBE_WANTED, HOST_HARDWARE,
	  { { "kvm_sched_out", { "sched_out_k" }, HOW_MULTI, 0, false },
	    { "kvm_sched_out", { "sched_out_f" }, HOW_TRAMPOLINE, 0, true },
	    { "kvm_sched_out", { "sched_out_k" }, HOW_KPROBE, 0, false } } },
	{ "kvm_arch_async_page_ready", "fault",
	  "a fault tried again may be shown as fixed while another page arrives",
	  PROBE_OPTIONAL, HOST_HARDWARE, { ENTRY(kvm_arch_async_page_ready, "page_ready") } },
	{ "kvm_flush_remote_tlbs", "flush", "no remote flushes",
	  PROBE_WANTED, HOST_ANY, { BOTH(kvm_flush_remote_tlbs, "flush_begin", "flush_end") } },
	{ "kvm_flush_remote_tlbs_range", "flush", "ranges are shown as whole flushes",
	  PROBE_OPTIONAL, HOST_ANY,
	  { BOTH(kvm_flush_remote_tlbs_range, "range", "range_end"),
	    BOTH(kvm_flush_remote_tlbs_with_address, "range_old", "range_old_end") } },
	{ "vmx_flush_tlb_all", "flush", "no local flushes of all contexts",
	  PROBE_WANTED, HOST_VMX, { ENTRY(vmx_flush_tlb_all, "vmx_flush_tlb_all") } },
	{ "vmx_flush_tlb_current", "flush", "no local flushes of the current context",
	  PROBE_WANTED, HOST_VMX, { ENTRY(vmx_flush_tlb_current, "vmx_flush_tlb_current") } },
	{ "vmx_flush_tlb_guest", "flush", "no local flushes of guest translations",
	  PROBE_WANTED, HOST_VMX, { ENTRY(vmx_flush_tlb_guest, "vmx_flush_tlb_guest") } },
	{ "vmx_flush_tlb_gva", "flush", "no local flushes of one address",
	  PROBE_WANTED, HOST_VMX, { ENTRY(vmx_flush_tlb_gva, "vmx_flush_tlb_gva") } },
	{ "svm_flush_tlb_asid", "flush", "no local flushes",
	  PROBE_WANTED, HOST_SVM,
	  { ENTRY(svm_flush_tlb_asid, "svm_flush_tlb_asid"),
	    ENTRY(svm_flush_tlb, "svm_flush_tlb") } },
	{ "svm_flush_tlb_gva", "flush", "no local flushes of one address",
	  PROBE_WANTED, HOST_SVM, { ENTRY(svm_flush_tlb_gva, "svm_flush_tlb_gva") } },
	{ "kvm_mmu_get_page", "shadow_page", "no page-table pages made",
	  PROBE_WANTED, HOST_ANY, { EVENT("kvm_mmu_get_page", "page_get") } },
	{ "kvm_mmu_prepare_zap_page", "shadow_page", "no page-table pages zapped",
	  PROBE_WANTED, HOST_ANY, { EVENT("kvm_mmu_prepare_zap_page", "page_zap") } },
	{ "kvm_mmu_zap_all_fast", "shadow_page", "pages zapped all at once do not say why",
	  PROBE_OPTIONAL, HOST_ANY, { RAW("kvm_mmu_zap_all_fast", "zap_all", 0) } },
	{ "kvm_mmu_unsync_page", "unsync", "no unsync",
	  PROBE_WANTED, HOST_ANY, { EVENT("kvm_mmu_unsync_page", "page_unsync") } },
	{ "kvm_mmu_sync_page", "sync", "syncs do not say how many pages",
	  PROBE_WANTED, HOST_ANY, { EVENT("kvm_mmu_sync_page", "page_sync") } },
	{ "kvm_mmu_sync_roots", "sync", "no syncs",
	  PROBE_WANTED, HOST_ANY, { BOTH(kvm_mmu_sync_roots, "sync_begin", "sync_end") } },
	{ "kvm_mmu_invlpg", "invlpg", "no INVLPG",
	  PROBE_WANTED, HOST_ANY, { BOTH(kvm_mmu_invlpg, "invlpg_begin", "invlpg_end") } },
	{ "kvm_mmu_track_write", "ptwrite", "no guest page-table writes",
	  PROBE_WANTED, HOST_ANY,
	  { BOTH(kvm_mmu_track_write, "kvm_mmu_track_write", "kvm_mmu_track_write_end"),
	    BOTH(kvm_mmu_pte_write, "kvm_mmu_pte_write", "kvm_mmu_pte_write_end") } },
	{ "kvm_cr", "cr3", "no CR3 writes",
	  PROBE_WANTED, HOST_ANY, { RAW("kvm_cr", "cr", 0) } },
	{ "kvm_mmu_notifier_invalidate_range_start", "invalidate", "invalidations name no VM",
	  PROBE_WANTED, HOST_ANY,
	  { BOTH(kvm_mmu_notifier_invalidate_range_start, "invalidate_begin", "invalidate_end"),
	    RAW("kvm_unmap_hva_range", "unmap_hva", 2) } },
	{ "kvm_unmap_gfn_range", "invalidate", "invalidations do not say how many frames",
	  PROBE_WANTED, HOST_ANY, { ENTRY(kvm_unmap_gfn_range, "unmap") } },
	{ "call sites", "invalidate flush shadow_page",
	  "causes are guessed from event and task, most stay unknown",
	  PROBE_WANTED, HOST_ANY, { { "kallsyms", { NULL }, HOW_SITES, 0, false } } },
	{ "kvm_mmu_notifier_clear_flush_young", "age", "no scans of accessed bits by reclaim",
	  PROBE_OPTIONAL, HOST_ANY,
	  { BOTH(kvm_mmu_notifier_clear_flush_young, "kvm_mmu_notifier_clear_flush_young",
		 "kvm_mmu_notifier_clear_flush_young_end") } },
	{ "kvm_mmu_notifier_clear_young", "age", "no scans of accessed bits by idle tracking",
	  PROBE_OPTIONAL, HOST_ANY,
	  { BOTH(kvm_mmu_notifier_clear_young, "kvm_mmu_notifier_clear_young",
		 "kvm_mmu_notifier_clear_young_end") } },
	{ "kvm_mmu_notifier_release", "shadow_page", "tear-down of exiting VMs is not attributed",
	  PROBE_OPTIONAL, HOST_ANY, { BOTH(kvm_mmu_notifier_release, "release", "release_end") } },
	{ "kvm_get_dirty_log_protect", "dirty", "no reads of the dirty log",
	  PROBE_WANTED, HOST_ANY,
	  { BOTH(kvm_get_dirty_log_protect, "dirty_get", "dirty_get_end") } },
	{ "kvm_clear_dirty_log_protect", "dirty", "no clears of the dirty log",
	  PROBE_WANTED, HOST_ANY,
	  { BOTH(kvm_clear_dirty_log_protect, "dirty_clear", "dirty_clear_end") } },
	{ "kvm_arch_mmu_enable_log_dirty_pt_masked", "dirty",
	  "the dirty log does not say how many pages",
	  PROBE_WANTED, HOST_ANY, { ENTRY(kvm_arch_mmu_enable_log_dirty_pt_masked, "protect") } },
	{ "kvm_dirty_ring_push", "dirty", "no dirty-ring entries",
	  PROBE_OPTIONAL, HOST_ANY, { RAW("kvm_dirty_ring_push", "ring_push", 0) } },
	{ "kvm_dirty_ring_reset", "dirty", "no dirty-ring resets",
	  PROBE_OPTIONAL, HOST_ANY, { RAW("kvm_dirty_ring_reset", "ring_reset", 0) } },
	{ "kvm_pml_full", "dirty", "no PML events",
	  PROBE_OPTIONAL, HOST_VMX, { RAW("kvm_pml_full", "pml_full", 0) } },
	{ "kvm_mmu_split_huge_page", "split", "no eager splits",
	  PROBE_OPTIONAL, HOST_ANY, { RAW("kvm_mmu_split_huge_page", "split", 4) } },
	{ "kvm_mmu_recover_huge_pages", "collapse", "no huge pages rebuilt after dirty logging",
	  PROBE_OPTIONAL, HOST_ANY,
	  { ENTRY(kvm_mmu_recover_huge_pages, "collapse"),
	    ENTRY(kvm_mmu_zap_collapsible_sptes, "collapse_old") } },
	{ "kvm_arch_commit_memory_region", "slot", "no memslots",
	  PROBE_WANTED, HOST_ANY,
	  { { "kvm_arch_commit_memory_region", { "slot_k" }, HOW_MULTI, 4, false },
	    { "kvm_arch_commit_memory_region", { "slot_f" }, HOW_TRAMPOLINE, 4, false },
	    { "kvm_arch_commit_memory_region", { "slot_k" }, HOW_KPROBE, 0, false } } },
	{ "kvm_vm_ioctl", "flush dirty shadow_page",
	  "what the VMM asks for names no VM", PROBE_OPTIONAL, HOST_ANY,
	  { BOTH(kvm_vm_ioctl, "ioctl_begin", "ioctl_end") } },
	{ "kvm_mmu_load", "shadow_page", "the first page tables of a new vCPU name no VM",
	  PROBE_OPTIONAL, HOST_ANY, { ENTRY(kvm_mmu_load, "vcpu_load") } },
	{ "kvm_set_memslot", "flush shadow_page",
	  "what a memslot change causes names no VM or origin",
	  PROBE_OPTIONAL, HOST_ANY, { BOTH(kvm_set_memslot, "slot_begin", "slot_end") } },
	{ "contention_begin", "lockwait fault", "no waits for mmu_lock",
	  PROBE_OPTIONAL, HOST_ANY, { RAW("contention_begin", "contention_begin", 2) } },
	{ "contention_end", "lockwait fault", "no waits for mmu_lock",
	  PROBE_OPTIONAL, HOST_ANY, { RAW("contention_end", "contention_end", 2) } },
	{ "kvm_try_async_get_page", "apf", "no async page faults",
	  PROBE_OPTIONAL, HOST_ANY, { RAW("kvm_try_async_get_page", "apf_request", 0) } },
	{ "kvm_async_pf_ready", "apf", "no async page faults",
	  PROBE_OPTIONAL, HOST_ANY, { RAW("kvm_async_pf_ready", "apf_ready", 0) } },
	{ "kvm_destroy_vm", "vm", "the end of a VM is not seen",
	  PROBE_WANTED, HOST_ANY, { ENTRY(kvm_destroy_vm, "vm_destroy") } },
	{ "kvm_arch_destroy_vm", "vm", "the end of a VM is not seen",
	  PROBE_WANTED, HOST_ANY, { ENTRY(kvm_arch_destroy_vm, "vm_destroyed") } },
	{ "kvm_arch_vcpu_destroy", "vcpu", "the end of a vCPU is not seen",
	  PROBE_WANTED, HOST_ANY, { ENTRY(kvm_arch_vcpu_destroy, "vcpu_destroy") } },
};

const size_t probe_table_size = sizeof(probe_table) / sizeof(probe_table[0]);
