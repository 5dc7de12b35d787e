// SPDX-License-Identifier: GPL-2.0
/* What a vCPU waits for: the mmu_lock of its VM, and pages that are being read. */
#include "mmuscope.h"

/* LCB_F_READ and LCB_F_WRITE of trace/events/lock.h */
#define CONTENDED_READ	BIT(1)
#define CONTENDED_WRITE	BIT(2)

/*
 * The lock is the first member of struct kvm, so that its address says whose it
 * is. Every contended lock of the host comes by, ours too: the cheap test is first.
 */
static_assert(offsetof(struct kvm, mmu_lock) == 0);

static void contention_begin(void *data, void *lock, unsigned int flags)
{
	PROBE_SCOPE;
	struct task_ctx *c;
	u16 vm;

	if (!(flags & (CONTENDED_READ | CONTENDED_WRITE)))
		return;
	vm = vm_id(lock);
	if (!vm)
		return;
	c = ctx_begin(CTX_LOCK, vm, 0);
	if (!c)
		return;
	c->lock_ticks = ticks();
	c->lock_op = flags & CONTENDED_WRITE ? MMUSCOPE_lock_op_write : MMUSCOPE_lock_op_read;
}

static void contention_end(void *data, void *lock, int ret)
{
	PROBE_SCOPE;
	struct mmuscope_lockwait rec = record(lockwait, 0, 0, MMUSCOPE_NO_VCPU);
	struct vcpu_state *v;
	struct whereabouts w;
	struct task_ctx *c;
	u64 begin;

	if (!vm_id(lock))
		return;
	c = ctx_current();
	if (!c)
		return;
	whereabouts(&w);
	begin = ctx_end(c, CTX_LOCK);
	if (!begin)
		return;
	rec.hdr.ts = now_ns();
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.hdr.vm = c->vm;
	rec.hdr.vcpu = w.vcpu;
	rec.origin = w.origin;
	rec.op = c->lock_op;
	v = vcpu_current();
	if (v)
		span_locked(&v->span, ticks() - c->lock_ticks);
	ctx_leave(c);
	emit(&rec);
}

/* The page needs I/O; a worker fetches it. One at a time is timed per vCPU. */
static void apf_request(void *data, u64 addr, u64 gfn)
{
	PROBE_SCOPE;
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return;
	span_saw(&v->span, SPAN_SEEN_ASYNC);
	v->apf_gva = addr;
	v->apf_gfn = gfn;
	v->apf_ts = now_ns();
}

static void apf_ready(void *data, u64 token, u64 addr)
{
	PROBE_SCOPE;
	struct mmuscope_apf rec = record(apf, now_ns(), 0, 0);
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.gva = addr;
	rec.gfn = MMUSCOPE_UNKNOWN;
	if (v->apf_ts && v->apf_gva == addr) {
		rec.hdr.dur = rec.hdr.ts - v->apf_ts;
		rec.gfn = v->apf_gfn;
		v->apf_ts = 0;
	} else {
		rec.hdr.flags = MMUSCOPE_PARTIAL;
	}
	emit(&rec);
}

static struct hook_event events[] = {
	HOOK_EVENT("contention_begin", 0, contention_begin),
	HOOK_EVENT("contention_end", 0, contention_end),
	HOOK_EVENT("kvm_try_async_get_page", 2, apf_request),
	HOOK_EVENT("kvm_async_pf_ready", 2, apf_ready),
};

static struct hook_function functions[] = {};

struct hook_family family_wait =
	HOOK_FAMILY(BIT(MMUSCOPE_TYPE_lockwait) | BIT(MMUSCOPE_TYPE_apf) |
		    BIT(MMUSCOPE_TYPE_fault));
