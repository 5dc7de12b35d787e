// SPDX-License-Identifier: GPL-2.0
/* TLB flushes: asked of every vCPU of a VM, or done by one. */
#include "cause.bpf.h"
#include "reason.bpf.h"

/* What the context says; a memslot change, for one, has more than one reason to flush. */
static __always_inline u8 flush_cause(void *ctx, struct task_ctx *c, u8 origin)
{
	u8 cause;

	if (c->begin[CTX_INVALIDATE])
		return c->cause;
	cause = cause_of_origin(origin);
	return cause ? cause : cause_of_stack(ctx);
}

static __always_inline int flush_begin(void *ctx, struct kvm *kvm)
{
	u16 vm = vm_id(kvm);
	struct whereabouts w;
	struct task_ctx *c;

	if (!vm)
		return 0;
	c = ctx_begin(CTX_FLUSH, vm, 0);
	if (!c)
		return 0;
	c->kvm = (u64)kvm;
	c->flushes = kvm_flushes(kvm);
	whereabouts(&w);
	c->flush_cause = flush_cause(ctx, c, w.origin);
	/* Now: a vCPU can have done its part before the end of this is seen. */
	vm_flushes[vm & (VMS_MAX - 1)].cause = c->flush_cause;
	vm_flushes[vm & (VMS_MAX - 1)].ts = c->begin[CTX_FLUSH];
	return 0;
}

static __always_inline int flush_end(void)
{
	struct mmuscope_flush rec = record(flush, bpf_ktime_get_ns(), 0, MMUSCOPE_NO_VCPU);
	struct task_ctx *c = ctx_current();
	struct whereabouts w;
	struct kvm *kvm;
	u64 begin;

	if (!c)
		return 0;
	whereabouts(&w);
	begin = ctx_end(c, CTX_FLUSH);
	if (!begin)
		return 0;
	kvm = (void *)c->kvm;
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
	rec.vcpus = BPF_CORE_READ(kvm, online_vcpus.counter);
	rec.kicked = kvm_flushes(kvm) != c->flushes;
	ctx_leave(c);
	emit(&rec);
	return 0;
}

ON_ENTRY(kvm_flush_remote_tlbs, flush_begin, flush_begin(ctx, kvm), struct kvm *kvm)
ON_RETURN(kvm_flush_remote_tlbs, flush_end, flush_end())

/* On bare metal the range form ends up in the function above. */
static __always_inline int range_begin(struct kvm *kvm, u64 gfn, u64 pages)
{
	u16 vm = vm_id(kvm);
	struct task_ctx *c;

	if (!vm)
		return 0;
	c = ctx_begin(CTX_FLUSH_RANGE, vm, 0);
	if (!c)
		return 0;
	c->gfn = gfn;
	c->npages = pages;
	return 0;
}

static __always_inline int range_end(void)
{
	struct task_ctx *c = ctx_current();

	if (!c)
		return 0;
	ctx_end(c, CTX_FLUSH_RANGE);
	ctx_leave(c);
	return 0;
}

/* The function's name before 6.6, and since. */
ON_ENTRY(kvm_flush_remote_tlbs_with_address, range_old, range_begin(kvm, gfn, pages),
	 struct kvm *kvm, u64 gfn, u64 pages)
ON_RETURN(kvm_flush_remote_tlbs_with_address, range_old_end, range_end())
ON_ENTRY(kvm_flush_remote_tlbs_range, range, range_begin(kvm, gfn, pages),
	 struct kvm *kvm, u64 gfn, u64 pages)
ON_RETURN(kvm_flush_remote_tlbs_range, range_end, range_end())

/*
 * A vCPU flushes by itself what it was asked to, or what the guest or its move to
 * another CPU made stale: KVM does not say which, the order of events does.
 */
static __always_inline u8 local_cause(struct vcpu_state *v, const struct vm_flush *remote)
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
	if (v->span.isa == MMUSCOPE_isa_vmx && v->flush_ts && v->cpu != bpf_get_smp_processor_id())
		return MMUSCOPE_cause_cpu_change;
	return MMUSCOPE_cause_unknown;
}

/*
 * What the vendor module does to this vCPU's TLB. Under SVM it notes the wish in
 * the VMCB, and the flush is part of the next VMRUN.
 */
static __always_inline int local(struct kvm_vcpu *vcpu, u8 scope, u64 gfn)
{
	struct mmuscope_flush rec = record(flush, bpf_ktime_get_ns(), 0, 0);
	struct vcpu_state *v = vcpu_of(this_cpu(), vcpu);

	if (!v)
		return 0;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.scope = scope;
	rec.origin = origin_of(v);
	rec.cause = cause_of_origin(rec.origin);
	if (!rec.cause) {
		rec.cause = local_cause(v, &vm_flushes[rec.hdr.vm & (VMS_MAX - 1)]);
		rec.hdr.flags = rec.cause ? MMUSCOPE_INFERRED : 0;
	}
	v->flush_ts = rec.hdr.ts;
	v->cpu = bpf_get_smp_processor_id();
	rec.gfn = gfn;
	rec.vcpus = 1;
	emit(&rec);
	return 0;
}

#define LOCAL(fn, scope)							\
	ON_ENTRY(fn, fn, local(vcpu, MMUSCOPE_scope_##scope, MMUSCOPE_UNKNOWN),	\
		 struct kvm_vcpu *vcpu)
#define LOCAL_ADDRESS(fn)							\
	ON_ENTRY(fn, fn, local(vcpu, MMUSCOPE_scope_address, gva >> 12),	\
		 struct kvm_vcpu *vcpu, u64 gva)

LOCAL(vmx_flush_tlb_all, all)
LOCAL(vmx_flush_tlb_current, current)
LOCAL(vmx_flush_tlb_guest, guest)
LOCAL_ADDRESS(vmx_flush_tlb_gva)
LOCAL(svm_flush_tlb, current)
LOCAL(svm_flush_tlb_asid, current)
LOCAL_ADDRESS(svm_flush_tlb_gva)

char LICENSE[] SEC("license") __weak = "GPL";
