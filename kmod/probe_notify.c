// SPDX-License-Identifier: GPL-2.0
/* MMU notifiers: the host changes memory that a VM maps, or looks at its accessed bits. */
#include "mmuscope.h"

#include <linux/mmu_notifier.h>
#include <linux/string.h>

static struct kvm *kvm_of_notifier(unsigned long mn)
{
	return container_of((struct mmu_notifier *)mn, struct kvm, mmu_notifier);
}

static struct task_ctx *notify_begin(u32 kind, unsigned long mn, u8 origin, u64 start, u64 end,
				     u8 event)
{
	u16 vm = vm_id(kvm_of_notifier(mn));
	struct task_ctx *c;

	if (!vm)
		return NULL;
	c = ctx_begin(kind, vm, origin);
	if (!c)
		return NULL;
	c->start = start;
	c->end = end;
	c->event = event;
	c->counted = 0;
	c->first = MMUSCOPE_UNKNOWN;
	return c;
}

static void invalidate_begin(const struct hook_call *call)
{
	const struct mmu_notifier_range *range = (const struct mmu_notifier_range *)call->arg[1];
	u32 event = range->event;
	struct task_ctx *c;

	if (event > MMUSCOPE_notifier_exclusive)
		event = MMUSCOPE_notifier_unknown;
	c = notify_begin(CTX_INVALIDATE, call->arg[0], MMUSCOPE_origin_invalidate, range->start,
			 range->end, event);
	if (c)
		c->cause = cause_find(event, &c->cause_flags);
}

static void invalidate_end(const struct hook_call *call)
{
	struct mmuscope_invalidate rec = record(invalidate, now_ns(), 0, MMUSCOPE_NO_VCPU);
	struct task_ctx *c = ctx_current();
	struct whereabouts w;
	u64 begin;

	if (!c)
		return;
	whereabouts(&w);
	begin = ctx_end(c, CTX_INVALIDATE);
	if (!begin)
		return;
	rec.hdr.vm = c->vm;
	rec.hdr.vcpu = w.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.start = c->start;
	rec.end = c->end;
	rec.hdr.flags = c->cause_flags;
	rec.gfns = c->counted;
	rec.gfn = c->first;
	rec.event = c->event;
	rec.cause = c->cause;
	rec.tid = current->pid;
	strscpy(rec.comm, current->comm, sizeof(rec.comm));
	c->origin = 0;
	c->cause = 0;
	c->cause_flags = 0;
	ctx_leave(c);
	emit(&rec);
}

static void unmap(const struct hook_call *call)
{
	const struct kvm_gfn_range *range = (const struct kvm_gfn_range *)call->arg[1];
	struct task_ctx *c = ctx_current();

	if (!c || !c->begin[CTX_INVALIDATE])
		return;
	c->counted += range->end - range->start;
	if (range->start < c->first)
		c->first = range->start;
}

/*
 * Without the function nothing names the VM. The event is kept for what it says:
 * how often, by whom, and which addresses.
 */
static void unmap_hva(void *data, unsigned long start, unsigned long end)
{
	PROBE_SCOPE;
	struct mmuscope_invalidate rec = record(invalidate, now_ns(), 0, MMUSCOPE_NO_VCPU);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.start = start;
	rec.end = end;
	rec.gfn = MMUSCOPE_UNKNOWN;
	rec.event = MMUSCOPE_notifier_unknown;
	rec.cause = cause_find(rec.event, &rec.hdr.flags);
	rec.hdr.flags |= MMUSCOPE_PARTIAL;
	rec.tid = current->pid;
	strscpy(rec.comm, current->comm, sizeof(rec.comm));
	emit(&rec);
}

/* (mn, mm, start, end) */
static void age_begin(const struct hook_call *c)
{
	notify_begin(CTX_AGE, c->arg[0], MMUSCOPE_origin_age, c->arg[2], c->arg[3], 0);
}

static void age_end(const struct hook_call *call)
{
	struct mmuscope_age rec = record(age, now_ns(), 0, MMUSCOPE_NO_VCPU);
	struct task_ctx *c = ctx_current();
	u64 begin;

	if (!c)
		return;
	begin = ctx_end(c, CTX_AGE);
	if (!begin)
		return;
	rec.hdr.vm = c->vm;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.start = c->start;
	rec.end = c->end;
	rec.tid = current->pid;
	/* An int until 7.x, a bool since: its lowest byte tells either way. */
	rec.young = !!(u8)call->ret;
	c->origin = 0;
	ctx_leave(c);
	emit(&rec);
}

/* The owner's address space goes away, and all mappings with it. */
static void release_begin(const struct hook_call *c)
{
	ctx_open(kvm_of_notifier(c->arg[0]), CTX_RELEASE, MMUSCOPE_origin_destroy);
}

static void release_end(const struct hook_call *c)
{
	ctx_close(CTX_RELEASE);
}

static struct hook_event events[] = {
	HOOK_EVENT("kvm_unmap_hva_range", 2, unmap_hva,
		   .unless = "kvm_mmu_notifier_invalidate_range_start"),
};

static struct hook_function functions[] = {
	HOOK_FUNCTION("kvm_mmu_notifier_invalidate_range_start", invalidate_begin,
		      invalidate_end),
	HOOK_FUNCTION("kvm_unmap_gfn_range", unmap, NULL),
	HOOK_FUNCTION("kvm_mmu_notifier_clear_flush_young", age_begin, age_end),
	HOOK_FUNCTION("kvm_mmu_notifier_clear_young", age_begin, age_end),
	HOOK_FUNCTION("kvm_mmu_notifier_release", release_begin, release_end),
};

/* All of them say for which VM other things are done. */
struct hook_family family_notify =
	HOOK_FAMILY(BIT(MMUSCOPE_TYPE_invalidate) | BIT(MMUSCOPE_TYPE_age) |
		    BIT(MMUSCOPE_TYPE_flush) | BIT(MMUSCOPE_TYPE_shadow_page));
