// SPDX-License-Identifier: GPL-2.0
/* Dirty logging, and huge pages split for it. */
#include "mmuscope.h"

#include <linux/bitops.h>
#include <linux/kvm.h>

static void dirty_begin(struct kvm *kvm, u32 slot)
{
	u16 vm = vm_id(kvm);
	struct task_ctx *c;

	if (!vm)
		return;
	c = ctx_begin(CTX_DIRTY, vm, MMUSCOPE_origin_dirty);
	if (!c)
		return;
	c->counted = 0;
	c->args[0] = slot;
}

static void dirty_end(u8 op)
{
	struct mmuscope_dirty rec = record(dirty, now_ns(), 0, MMUSCOPE_NO_VCPU);
	struct task_ctx *c = ctx_current();
	u64 begin;

	if (!c)
		return;
	begin = ctx_end(c, CTX_DIRTY);
	if (!begin)
		return;
	rec.hdr.vm = c->vm;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.slot = c->args[0];
	rec.pages = c->counted;
	rec.op = op;
	c->origin = 0;
	ctx_leave(c);
	emit(&rec);
}

/* The structs are KVM's copies of what user space gave. */
static void get_begin(const struct hook_call *c)
{
	const struct kvm_dirty_log *log = (const struct kvm_dirty_log *)c->arg[1];

	dirty_begin((struct kvm *)c->arg[0], log->slot);
}

static void get_end(const struct hook_call *c)
{
	dirty_end(MMUSCOPE_dirty_op_get);
}

static void clear_begin(const struct hook_call *c)
{
	const struct kvm_clear_dirty_log *log = (const struct kvm_clear_dirty_log *)c->arg[1];

	dirty_begin((struct kvm *)c->arg[0], log->slot);
}

static void clear_end(const struct hook_call *c)
{
	dirty_end(MMUSCOPE_dirty_op_clear);
}

/* (kvm, slot, first frame, mask) */
static void protect(const struct hook_call *call)
{
	struct task_ctx *c = ctx_current();

	if (c && c->begin[CTX_DIRTY])
		c->counted += hweight64(call->arg[3]);
}

static void dirty_point(u8 op, u32 slot, u64 pages)
{
	struct mmuscope_dirty rec = record(dirty, now_ns(), 0, 0);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.op = op;
	rec.slot = slot;
	rec.pages = pages;
	emit(&rec);
}

struct kvm_dirty_ring;

static void ring_push(void *data, struct kvm_dirty_ring *ring, u32 slot, u64 offset)
{
	PROBE_SCOPE;

	dirty_point(MMUSCOPE_dirty_op_ring_push, slot, 1);
}

static void ring_reset(void *data, struct kvm_dirty_ring *ring)
{
	PROBE_SCOPE;

	dirty_point(MMUSCOPE_dirty_op_ring_reset, 0, 0);
}

static void pml_full(void *data, unsigned int vcpu_id)
{
	PROBE_SCOPE;

	dirty_point(MMUSCOPE_dirty_op_pml_full, 0, 0);
}

static void split(void *data, u64 gfn, u64 spte, int level, int error)
{
	PROBE_SCOPE;
	struct mmuscope_split rec = record(split, now_ns(), 0, 0);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.gfn = gfn;
	rec.level = level;
	rec.error = error;
	rec.reason = MMUSCOPE_split_reason_eager;
	rec.cause = MMUSCOPE_cause_dirty_log;
	rec.origin = w.origin;
	emit(&rec);
}

/* Dirty logging of a memslot ends: its small entries go, and faults may make huge ones. */
static void collapse(const struct hook_call *c)
{
	const struct kvm_memory_slot *slot = (const struct kvm_memory_slot *)c->arg[1];
	struct mmuscope_collapse rec = record(collapse, now_ns(), vm_id((struct kvm *)c->arg[0]),
					      MMUSCOPE_NO_VCPU);
	struct whereabouts w;

	if (!rec.hdr.vm)
		return;
	whereabouts(&w);
	rec.origin = w.origin;
	rec.cause = MMUSCOPE_cause_dirty_log;
	rec.gfn = slot->base_gfn;
	rec.pages = slot->npages;
	emit(&rec);
}

static struct hook_event events[] = {
	HOOK_EVENT("kvm_dirty_ring_push", 3, ring_push),
	HOOK_EVENT("kvm_dirty_ring_reset", 1, ring_reset),
	HOOK_EVENT("kvm_pml_full", 1, pml_full),
	HOOK_EVENT("kvm_mmu_split_huge_page", 4, split),
};

static struct hook_function functions[] = {
	HOOK_FUNCTION("kvm_get_dirty_log_protect", get_begin, get_end),
	HOOK_FUNCTION("kvm_clear_dirty_log_protect", clear_begin, clear_end),
	HOOK_FUNCTION("kvm_arch_mmu_enable_log_dirty_pt_masked", protect, NULL),
	/* The function's name since 6.13, and until then. */
	HOOK_FUNCTION("kvm_mmu_recover_huge_pages", collapse, NULL),
	HOOK_FUNCTION("kvm_mmu_zap_collapsible_sptes", collapse, NULL),
};

struct hook_family family_dirty =
	HOOK_FAMILY(BIT(MMUSCOPE_TYPE_dirty) | BIT(MMUSCOPE_TYPE_split) |
		    BIT(MMUSCOPE_TYPE_collapse) |
		    BIT(MMUSCOPE_TYPE_flush));
