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

#define DIRTY(name, op, log_type, slot_of)				\
SEC("fentry/" #name)							\
int BPF_PROG(name##_f, struct kvm *kvm, struct log_type *log)		\
{									\
	return dirty_begin(kvm, slot_of(log));				\
}									\
									\
SEC("kprobe/" #name)							\
int BPF_KPROBE(name##_k, struct kvm *kvm, struct log_type *log)		\
{									\
	return dirty_begin(kvm, slot_of(log));				\
}									\
									\
SEC("fexit/" #name)							\
int BPF_PROG(name##_end_f)						\
{									\
	return dirty_end(MMUSCOPE_dirty_op_##op);			\
}									\
									\
SEC("kretprobe/" #name)							\
int BPF_KRETPROBE(name##_end_k)						\
{									\
	return dirty_end(MMUSCOPE_dirty_op_##op);			\
}

DIRTY(kvm_get_dirty_log_protect, get, kvm_dirty_log, get_slot)
DIRTY(kvm_clear_dirty_log_protect, clear, kvm_clear_dirty_log, clear_slot)

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

SEC("fentry/kvm_arch_mmu_enable_log_dirty_pt_masked")
int BPF_PROG(protect_f, void *kvm, void *slot, u64 gfn_offset, u64 mask)
{
	return protect(mask);
}

SEC("kprobe/kvm_arch_mmu_enable_log_dirty_pt_masked")
int BPF_KPROBE(protect_k, void *kvm, void *slot, u64 gfn_offset, u64 mask)
{
	return protect(mask);
}

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
	rec.origin = w.origin;
	emit(&rec);
	return 0;
}

/* A memslot request, for the flushes and zaps on its way. */
static __always_inline int slot_begin(struct kvm *kvm)
{
	u16 vm = vm_id(kvm);

	if (vm)
		ctx_begin(CTX_SLOT, vm, MMUSCOPE_origin_slot);
	return 0;
}

static __always_inline int slot_end(void)
{
	struct task_ctx *c = ctx_current();

	if (!c || !ctx_end(c, CTX_SLOT))
		return 0;
	c->origin = 0;
	ctx_leave(c);
	return 0;
}

SEC("fentry/kvm_set_memslot")
int BPF_PROG(slot_begin_f, struct kvm *kvm)
{
	return slot_begin(kvm);
}

SEC("kprobe/kvm_set_memslot")
int BPF_KPROBE(slot_begin_k, struct kvm *kvm)
{
	return slot_begin(kvm);
}

SEC("fexit/kvm_set_memslot")
int BPF_PROG(slot_end_f)
{
	return slot_end();
}

SEC("kretprobe/kvm_set_memslot")
int BPF_KRETPROBE(slot_end_k)
{
	return slot_end();
}

static __always_inline int slot_changed(struct kvm *kvm, struct kvm_memory_slot *old,
					struct kvm_memory_slot *new, u32 change)
{
	u16 vm = vm_find(as_number(kvm), bpf_get_current_task(), MMUSCOPE_life_created,
			 MMUSCOPE_mode_unknown);

	if (vm)
		slot_emit(vm, change == MMUSCOPE_slot_op_delete ? old : new, change);
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
