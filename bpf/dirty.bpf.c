// SPDX-License-Identifier: GPL-2.0
/* Dirty logging, huge pages split for it, and memslots. */
#include "slot.bpf.h"

/* KVM's ioctl structs, linux/kvm.h; the kernel copies them in before the call. */
#include <linux/kvm.h>

static __always_inline int dirty_begin(struct kvm *kvm, u32 slot)
{
	u16 vm = vm_id(kvm);
	struct task_ctx *c;

	if (!vm)
		return 0;
	c = ctx_begin(CTX_DIRTY, vm, MMUSCOPE_origin_dirty);
	if (!c)
		return 0;
	c->counted = 0;
	c->args[0] = slot;
	return 0;
}

static __always_inline int dirty_end(u8 op)
{
	struct mmuscope_dirty rec = record(dirty, bpf_ktime_get_ns(), 0, MMUSCOPE_NO_VCPU);
	struct task_ctx *c = ctx_current();
	u64 begin;

	if (!c)
		return 0;
	begin = ctx_end(c, CTX_DIRTY);
	if (!begin)
		return 0;
	rec.hdr.vm = c->vm;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.slot = c->args[0];
	rec.pages = c->counted;
	rec.op = op;
	c->origin = 0;
	ctx_leave(c);
	emit(&rec);
	return 0;
}

static __always_inline u32 get_slot(struct kvm_dirty_log *log)
{
	u32 slot = 0;

	bpf_probe_read_kernel(&slot, sizeof(slot), &log->slot);
	return slot;
}

static __always_inline u32 clear_slot(struct kvm_clear_dirty_log *log)
{
	u32 slot = 0;

	bpf_probe_read_kernel(&slot, sizeof(slot), &log->slot);
	return slot;
}

ON_ENTRY(kvm_get_dirty_log_protect, dirty_get, dirty_begin(kvm, get_slot(log)),
	 struct kvm *kvm, struct kvm_dirty_log *log)
ON_RETURN(kvm_get_dirty_log_protect, dirty_get_end, dirty_end(MMUSCOPE_dirty_op_get))
ON_ENTRY(kvm_clear_dirty_log_protect, dirty_clear, dirty_begin(kvm, clear_slot(log)),
	 struct kvm *kvm, struct kvm_clear_dirty_log *log)
ON_RETURN(kvm_clear_dirty_log_protect, dirty_clear_end, dirty_end(MMUSCOPE_dirty_op_clear))

/* Bits of a word, by adding neighbours (BPF has no instruction for it). */
static __always_inline u32 popcount(u64 x)
{
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return x * 0x0101010101010101ULL >> 56;
}

static __always_inline int protect(u64 mask)
{
	struct task_ctx *c = ctx_current();

	if (c && c->begin[CTX_DIRTY])
		c->counted += popcount(mask);
	return 0;
}

ON_ENTRY(kvm_arch_mmu_enable_log_dirty_pt_masked, protect, protect(mask), void *kvm, void *slot,
	 u64 gfn_offset, u64 mask)

static __always_inline int dirty_point(u8 op, u32 slot, u64 pages)
{
	struct mmuscope_dirty rec = record(dirty, bpf_ktime_get_ns(), 0, 0);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return 0;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.op = op;
	rec.slot = slot;
	rec.pages = pages;
	emit(&rec);
	return 0;
}

SEC("raw_tp/kvm_dirty_ring_push")
int BPF_PROG(ring_push, void *ring, u32 slot)
{
	return dirty_point(MMUSCOPE_dirty_op_ring_push, slot, 1);
}

SEC("raw_tp/kvm_dirty_ring_reset")
int BPF_PROG(ring_reset)
{
	return dirty_point(MMUSCOPE_dirty_op_ring_reset, 0, 0);
}

SEC("raw_tp/kvm_pml_full")
int BPF_PROG(pml_full)
{
	return dirty_point(MMUSCOPE_dirty_op_pml_full, 0, 0);
}

SEC("raw_tp/kvm_mmu_split_huge_page")
int BPF_PROG(split, u64 gfn, u64 spte, int level, int error)
{
	struct mmuscope_split rec = record(split, bpf_ktime_get_ns(), 0, 0);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return 0;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.gfn = gfn;
	rec.level = level;
	rec.error = error;
	rec.reason = MMUSCOPE_split_reason_eager;
	rec.cause = MMUSCOPE_cause_dirty_log;
	rec.origin = w.origin;
	emit(&rec);
	return 0;
}

/* Dirty logging of a memslot ends: its small entries go, and faults may make huge ones. */
static __always_inline int collapse(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	struct mmuscope_collapse rec = record(collapse, bpf_ktime_get_ns(), vm_id(kvm),
					      MMUSCOPE_NO_VCPU);
	struct whereabouts w;

	if (!rec.hdr.vm)
		return 0;
	whereabouts(&w);
	rec.origin = w.origin;
	rec.cause = MMUSCOPE_cause_dirty_log;
	rec.gfn = BPF_CORE_READ(slot, base_gfn);
	rec.pages = BPF_CORE_READ(slot, npages);
	emit(&rec);
	return 0;
}

/* The function's name until 6.12, and since. */
ON_ENTRY(kvm_mmu_zap_collapsible_sptes, collapse_old, collapse(kvm, slot),
	 struct kvm *kvm, struct kvm_memory_slot *slot)
ON_ENTRY(kvm_mmu_recover_huge_pages, collapse, collapse(kvm, slot),
	 struct kvm *kvm, struct kvm_memory_slot *slot)

/* A memslot request, for the flushes and zaps on its way. */
ON_ENTRY(kvm_set_memslot, slot_begin, ctx_open(kvm, CTX_SLOT, MMUSCOPE_origin_slot),
	 struct kvm *kvm)
ON_RETURN(kvm_set_memslot, slot_end, ctx_close(CTX_SLOT))

static __always_inline int slot_changed(struct kvm *kvm, struct kvm_memory_slot *old,
					struct kvm_memory_slot *new, u32 change)
{
	u16 vm = vm_find(as_number(kvm), bpf_get_current_task(), life_met(),
			 MMUSCOPE_mode_unknown);

	if (vm)
		slot_emit(vm, as_number(change == MMUSCOPE_slot_op_delete ? old : new), change);
	return 0;
}

/* enum kvm_mr_change has the values of enum mmuscope_slot_op. */
SEC("fentry/kvm_arch_commit_memory_region")
int BPF_PROG(slot_f, struct kvm *kvm, struct kvm_memory_slot *old, struct kvm_memory_slot *new,
	     u32 change)
{
	return slot_changed(kvm, old, new, change);
}

/* 5.17 took the second argument, user space's request, away; with the same series came the tree. */
SEC("kprobe/kvm_arch_commit_memory_region")
int BPF_KPROBE(slot_k, struct kvm *kvm, void *a, void *b, void *c, u64 d)
{
	if (bpf_core_field_exists(((struct kvm_memory_slot___tree *)0)->hva_node))
		return slot_changed(kvm, a, b, (u64)c);
	return slot_changed(kvm, b, c, d);
}

char LICENSE[] SEC("license") __weak = "GPL";
