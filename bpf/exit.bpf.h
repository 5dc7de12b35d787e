/* SPDX-License-Identifier: GPL-2.0 */
/* What the hardware and KVM have kept of the exit that is under way. */
#ifndef MMUSCOPE_EXIT_BPF_H
#define MMUSCOPE_EXIT_BPF_H

#include "reason.bpf.h"

/*
 * Guest RIP, MMUSCOPE_UNKNOWN where it is not known. With SVM it is saved at
 * every exit; with VMX only what something asked for has been read from the
 * VMCS, and regs_avail tells.
 */
static __always_inline u64 rip_of(struct kvm_vcpu *vcpu)
{
	if (!bpf_core_field_exists(vcpu->arch.regs[VCPU_REGS_RIP])) {
		if (cfg.isa != MMUSCOPE_isa_svm)
			return MMUSCOPE_UNKNOWN;
		return BPF_CORE_READ((struct kvm_vcpu___rip *)vcpu, arch.rip);
	}
	if (cfg.isa != MMUSCOPE_isa_svm &&
	    !(BPF_CORE_READ(vcpu, arch.regs_avail) & (1U << VCPU_REGS_RIP)))
		return MMUSCOPE_UNKNOWN;
	return BPF_CORE_READ(vcpu, arch.regs[VCPU_REGS_RIP]);
}

/* The same where the pointer is typed and can be followed without a call. */
static __always_inline u64 rip_direct(struct kvm_vcpu *vcpu)
{
	if (!vcpu)
		return MMUSCOPE_UNKNOWN;
	if (cfg.isa != MMUSCOPE_isa_svm &&
	    (!bpf_core_field_exists(vcpu->arch.regs[VCPU_REGS_RIP]) ||
	     !(vcpu->arch.regs_avail & (1U << VCPU_REGS_RIP))))
		return MMUSCOPE_UNKNOWN;
	if (bpf_core_field_exists(vcpu->arch.regs[VCPU_REGS_RIP]))
		return vcpu->arch.regs[VCPU_REGS_RIP];
	return ((struct kvm_vcpu___rip *)vcpu)->arch.rip;
}

static __noinline u64 rip_read(struct vcpu_state *v)
{
	return rip_of((void *)v->vcpu);
}

/*
 * What the hardware said of an exit that is a fault, of which no hook has told. Return:
 * false where that is not known: an EPT violation's address is nowhere but in the
 * VMCS, and neither is the error code of a #PF.
 */
static __always_inline bool fault_read(struct vcpu_state *v, u64 *addr, u64 *error)
{
	struct vcpu_vmx___vt *shared = (void *)v->vcpu;
	struct vcpu_vmx *vmx = (void *)v->vcpu;
	struct vcpu_svm *svm = (void *)v->vcpu;

	if (v->span.nested)
		return false;
	if (cfg.isa == MMUSCOPE_isa_svm) {
		if (!bpf_core_field_exists(svm->vmcb->control.exit_info_2))
			return false;
		*error = BPF_CORE_READ(svm, vmcb, control.exit_info_1);
		*addr = BPF_CORE_READ(svm, vmcb, control.exit_info_2);
		return true;
	}
	*addr = MMUSCOPE_UNKNOWN;
	if (v->span.mode == MMUSCOPE_mode_shadow)
		return false;
	if (bpf_core_field_exists(shared->vt.exit_qualification))
		*error = BPF_CORE_READ(shared, vt.exit_qualification);
	else if (bpf_core_field_exists(vmx->exit_qualification))
		*error = BPF_CORE_READ(vmx, exit_qualification);
	else
		return false;
	return true;
}

/*
 * Whether the exit that is under way is one that KVM calls a fault. With shadow paging
 * on VMX faults share their reason with others, and L2's may be L1's alone.
 */
static __always_inline bool is_fault(struct vcpu_state *v)
{
	u32 reason = fault_reason(v->span.isa, v->span.mode);

	if (v->span.mode == MMUSCOPE_mode_shadow && v->span.nested)
		return false;
	return reason && reason_of(v) == reason;
}

/*
 * Where tracepoints can be preempted the kernel skips a program that is under way on
 * its CPU for another task: of this fault kvm_page_fault has not told. Entries and exits
 * cannot be skipped, interrupts are off there.
 */
static __noinline int fault_missed(struct vcpu_state *v)
{
	u64 addr, error;

	if (!is_fault(v) || !fault_read(v, &addr, &error))
		return 0;
	span_fault(&v->span, bpf_ktime_get_ns(), addr, error, rip_read(v));
	return 1;
}

/* The running vCPU, by a hook that fires in the middle of a fault. */
static __always_inline struct vcpu_state *vcpu_faulting(void)
{
	struct vcpu_state *v = vcpu_running();

	if (v && span_outside(&v->span))
		fault_missed(v);
	return v;
}

#endif /* MMUSCOPE_EXIT_BPF_H */
