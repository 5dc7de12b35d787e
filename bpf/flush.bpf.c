// SPDX-License-Identifier: GPL-2.0
/* TLB flushes: asked of every vCPU of a VM, or done by one. */
#include "state.bpf.h"

static __always_inline int flush_begin(struct kvm *kvm)
{
	u16 vm = vm_id(kvm);
	struct task_ctx *c;

	if (!vm)
		return 0;
	c = ctx_begin(CTX_FLUSH, vm, 0);
	if (!c)
		return 0;
	c->kvm = (u64)kvm;
	c->flushes = kvm_flushes(kvm);
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

SEC("fentry/kvm_flush_remote_tlbs")
int BPF_PROG(flush_begin_f, struct kvm *kvm)
{
	return flush_begin(kvm);
}

SEC("kprobe/kvm_flush_remote_tlbs")
int BPF_KPROBE(flush_begin_k, struct kvm *kvm)
{
	return flush_begin(kvm);
}

SEC("fexit/kvm_flush_remote_tlbs")
int BPF_PROG(flush_end_f)
{
	return flush_end();
}

SEC("kretprobe/kvm_flush_remote_tlbs")
int BPF_KRETPROBE(flush_end_k)
{
	return flush_end();
}

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

#define RANGE(name)							\
SEC("fentry/" #name)							\
int BPF_PROG(name##_f, struct kvm *kvm, u64 gfn, u64 pages)		\
{									\
	return range_begin(kvm, gfn, pages);				\
}									\
									\
SEC("kprobe/" #name)							\
int BPF_KPROBE(name##_k, struct kvm *kvm, u64 gfn, u64 pages)		\
{									\
	return range_begin(kvm, gfn, pages);				\
}									\
									\
SEC("fexit/" #name)							\
int BPF_PROG(name##_end_f)						\
{									\
	return range_end();						\
}									\
									\
SEC("kretprobe/" #name)							\
int BPF_KRETPROBE(name##_end_k)						\
{									\
	return range_end();						\
}

RANGE(kvm_flush_remote_tlbs_with_address)
RANGE(kvm_flush_remote_tlbs_range)

/*
 * What the vendor module does to this vCPU's TLB. Under SVM it notes the wish in
 * the VMCB, and the flush is part of the next VMRUN.
 */
static __always_inline int local(struct kvm_vcpu *vcpu, u8 scope, u64 gfn)
{
	struct mmuscope_flush rec = record(flush, bpf_ktime_get_ns(), 0, 0);
	struct vcpu_state *v = vcpu_of(vcpu);

	if (!v)
		return 0;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.scope = scope;
	rec.origin = origin_of(v);
	rec.gfn = gfn;
	rec.vcpus = 1;
	emit(&rec);
	return 0;
}

#define LOCAL(name, scope)						\
SEC("fentry/" #name)							\
int BPF_PROG(name##_f, struct kvm_vcpu *vcpu)				\
{									\
	return local(vcpu, MMUSCOPE_scope_##scope, MMUSCOPE_UNKNOWN);	\
}									\
									\
SEC("kprobe/" #name)							\
int BPF_KPROBE(name##_k, struct kvm_vcpu *vcpu)				\
{									\
	return local(vcpu, MMUSCOPE_scope_##scope, MMUSCOPE_UNKNOWN);	\
}

#define LOCAL_ADDRESS(name)						\
SEC("fentry/" #name)							\
int BPF_PROG(name##_f, struct kvm_vcpu *vcpu, u64 gva)			\
{									\
	return local(vcpu, MMUSCOPE_scope_address, gva >> 12);		\
}									\
									\
SEC("kprobe/" #name)							\
int BPF_KPROBE(name##_k, struct kvm_vcpu *vcpu, u64 gva)		\
{									\
	return local(vcpu, MMUSCOPE_scope_address, gva >> 12);		\
}

LOCAL(vmx_flush_tlb_all, all)
LOCAL(vmx_flush_tlb_current, current)
LOCAL(vmx_flush_tlb_guest, guest)
LOCAL_ADDRESS(vmx_flush_tlb_gva)
LOCAL(svm_flush_tlb, current)
LOCAL(svm_flush_tlb_asid, current)
LOCAL_ADDRESS(svm_flush_tlb_gva)

char LICENSE[] SEC("license") __weak = "GPL";
