// SPDX-License-Identifier: GPL-2.0
/* TLB flushes: asked of every vCPU of a VM, or done by one. */
#include "mmuscope.h"

/* What the context says; a memslot change, for one, has more than one reason to flush. */
static u8 flush_cause(const struct task_ctx *c, u8 origin)
{
	u8 cause;

	if (c->begin[CTX_INVALIDATE])
		return c->cause;
	cause = cause_of_origin(origin);
	return cause ? cause : cause_of_stack();
}

static void flush_begin(const struct hook_call *call)
{
	struct kvm *kvm = (struct kvm *)call->arg[0];
	u16 vm = vm_id(kvm);
	struct whereabouts w;
	struct task_ctx *c;

	if (!vm)
		return;
	c = ctx_begin(CTX_FLUSH, vm, 0);
	if (!c)
		return;
	c->kvm = kvm;
	c->flushes = compat_kvm_flushes(kvm);
	whereabouts(&w);
	c->flush_cause = flush_cause(c, w.origin);
	/* Now: a vCPU can have done its part before the end of this is seen. */
	vm_flushes[vm % VMS_MAX].cause = c->flush_cause;
	vm_flushes[vm % VMS_MAX].ts = c->begin[CTX_FLUSH];
}

static void flush_end(const struct hook_call *call)
{
	struct mmuscope_flush rec = record(flush, now_ns(), 0, MMUSCOPE_NO_VCPU);
	struct task_ctx *c = ctx_current();
	struct whereabouts w;
	u64 begin;

	if (!c)
		return;
	whereabouts(&w);
	begin = ctx_end(c, CTX_FLUSH);
	if (!begin)
		return;
	rec.hdr.vm = c->vm;
	rec.hdr.vcpu = w.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.origin = w.origin;
	rec.cause = c->flush_cause;
	if (c->begin[CTX_INVALIDATE])
		rec.hdr.flags = c->cause_flags;
	rec.scope = MMUSCOPE_scope_remote;
	rec.gfn = MMUSCOPE_UNKNOWN;
	if (c->begin[CTX_FLUSH_RANGE]) {
		rec.scope = MMUSCOPE_scope_remote_range;
		rec.gfn = c->gfn;
		rec.pages = c->npages;
	}
	rec.vcpus = atomic_read(&c->kvm->online_vcpus);
	rec.kicked = compat_kvm_flushes(c->kvm) != c->flushes;
	ctx_leave(c);
	emit(&rec);
}

/* On bare metal the range form ends up in the function above. */
static void range_begin(const struct hook_call *call)
{
	u16 vm = vm_id((struct kvm *)call->arg[0]);
	struct task_ctx *c;

	if (!vm)
		return;
	c = ctx_begin(CTX_FLUSH_RANGE, vm, 0);
	if (!c)
		return;
	c->gfn = call->arg[1];
	c->npages = call->arg[2];
}

static void range_end(const struct hook_call *call)
{
	struct task_ctx *c = ctx_current();

	if (!c)
		return;
	ctx_end(c, CTX_FLUSH_RANGE);
	ctx_leave(c);
}

/*
 * A vCPU flushes by itself what it was asked to, or what the guest or its move to
 * another CPU made stale: KVM does not say which, the order of events does.
 */
static u8 local_cause(const struct vcpu_state *v, const struct vm_flush *remote)
{
	u8 guest = MMUSCOPE_cause_unknown;

	if (span_outside(&v->span))
		guest = cause_of_exit(v->span.isa, reason_of(v));
	if (v->asked && v->asked_ts == v->span.exit_ts)
		return v->asked;
	if (guest != MMUSCOPE_cause_unknown)
		return guest;
	if (remote->ts > v->flush_ts)
		return remote->cause;
	/* SVM gives the vCPU another ASID there, without a flush. */
	if (v->span.isa == MMUSCOPE_isa_vmx && v->flush_ts && v->cpu != smp_processor_id())
		return MMUSCOPE_cause_cpu_change;
	return MMUSCOPE_cause_unknown;
}

/*
 * What the vendor module does to this vCPU's TLB. Under SVM it notes the wish in
 * the VMCB, and the flush is part of the next VMRUN.
 */
static void local(struct kvm_vcpu *vcpu, u8 scope, u64 gfn)
{
	struct mmuscope_flush rec = record(flush, now_ns(), 0, 0);
	struct vcpu_state *v = vcpu_of(vcpu);

	if (!v)
		return;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.scope = scope;
	rec.origin = origin_of(v);
	rec.cause = cause_of_origin(rec.origin);
	if (!rec.cause) {
		rec.cause = local_cause(v, &vm_flushes[rec.hdr.vm % VMS_MAX]);
		rec.hdr.flags = rec.cause ? MMUSCOPE_INFERRED : 0;
	}
	v->flush_ts = rec.hdr.ts;
	v->cpu = smp_processor_id();
	rec.gfn = gfn;
	rec.vcpus = 1;
	emit(&rec);
}

static void local_all(const struct hook_call *c)
{
	local((struct kvm_vcpu *)c->arg[0], MMUSCOPE_scope_all, MMUSCOPE_UNKNOWN);
}

static void local_current(const struct hook_call *c)
{
	local((struct kvm_vcpu *)c->arg[0], MMUSCOPE_scope_current, MMUSCOPE_UNKNOWN);
}

static void local_guest(const struct hook_call *c)
{
	local((struct kvm_vcpu *)c->arg[0], MMUSCOPE_scope_guest, MMUSCOPE_UNKNOWN);
}

static void local_address(const struct hook_call *c)
{
	local((struct kvm_vcpu *)c->arg[0], MMUSCOPE_scope_address, c->arg[1] >> 12);
}

static struct hook_event events[] = {};

static struct hook_function functions[] = {
	HOOK_FUNCTION("kvm_flush_remote_tlbs", flush_begin, flush_end),
	/* The function's name since 6.6, and before. */
	HOOK_FUNCTION("kvm_flush_remote_tlbs_range", range_begin, range_end),
	HOOK_FUNCTION("kvm_flush_remote_tlbs_with_address", range_begin, range_end),
	HOOK_FUNCTION("vmx_flush_tlb_all", local_all, NULL),
	HOOK_FUNCTION("vmx_flush_tlb_current", local_current, NULL),
	HOOK_FUNCTION("vmx_flush_tlb_guest", local_guest, NULL),
	HOOK_FUNCTION("vmx_flush_tlb_gva", local_address, NULL),
	HOOK_FUNCTION("svm_flush_tlb_asid", local_current, NULL),
	HOOK_FUNCTION("svm_flush_tlb", local_current, NULL, .unless = "svm_flush_tlb_asid"),
	HOOK_FUNCTION("svm_flush_tlb_gva", local_address, NULL),
};

struct hook_family family_flush = HOOK_FAMILY(BIT(MMUSCOPE_TYPE_flush));
