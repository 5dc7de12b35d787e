// SPDX-License-Identifier: GPL-2.0
/* What a vCPU waits for: the mmu_lock of its VM, and pages that are being read. */
#include "state.bpf.h"

/* LCB_F_READ and LCB_F_WRITE of trace/events/lock.h */
#define LCB_F_READ	(1U << 1)
#define LCB_F_WRITE	(1U << 2)

/*
 * The lock is the first member of struct kvm, so that its address says whose it
 * is. Every contended lock of the host comes by: the cheap test is first.
 */
SEC("raw_tp/contention_begin")
int BPF_PROG(contention_begin, u64 lock, u32 flags)
{
	struct task_ctx *c;
	u16 vm;

	if (!(flags & (LCB_F_READ | LCB_F_WRITE)))
		return 0;
	vm = vm_id((void *)lock);
	if (!vm)
		return 0;
	c = ctx_begin(CTX_LOCK, vm, 0);
	if (c)
		c->lock_op = flags & LCB_F_WRITE ? MMUSCOPE_lock_op_write : MMUSCOPE_lock_op_read;
	return 0;
}

SEC("raw_tp/contention_end")
int BPF_PROG(contention_end, u64 lock)
{
	struct mmuscope_lockwait rec = record(lockwait, 0, 0, MMUSCOPE_NO_VCPU);
	struct vcpu_state *v;
	struct whereabouts w;
	struct task_ctx *c;
	u64 begin;

	if (!vm_id((void *)lock))
		return 0;
	c = ctx_current();
	if (!c)
		return 0;
	whereabouts(&w);
	begin = ctx_end(c, CTX_LOCK);
	if (!begin)
		return 0;
	rec.hdr.ts = bpf_ktime_get_ns();
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.hdr.vm = c->vm;
	rec.hdr.vcpu = w.vcpu;
	rec.origin = w.origin;
	rec.op = c->lock_op;
	v = vcpu_current();
	if (v)
		span_locked(&v->span, rec.hdr.dur);
	ctx_leave(c);
	emit(&rec);
	return 0;
}

/* The page needs I/O; a worker fetches it. One at a time is timed per vCPU. */
SEC("raw_tp/kvm_try_async_get_page")
int BPF_PROG(apf_request, u64 addr, u64 gfn)
{
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return 0;
	span_saw(&v->span, SPAN_SEEN_ASYNC);
	v->apf_gva = addr;
	v->apf_gfn = gfn;
	v->apf_ts = bpf_ktime_get_ns();
	return 0;
}

SEC("raw_tp/kvm_async_pf_ready")
int BPF_PROG(apf_ready, u64 token, u64 addr)
{
	struct mmuscope_apf rec = record(apf, bpf_ktime_get_ns(), 0, 0);
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return 0;
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
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
