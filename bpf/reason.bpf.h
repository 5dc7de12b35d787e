/* SPDX-License-Identifier: GPL-2.0 */
/* Why a vCPU left the guest, in the hardware's numbers. */
#ifndef MMUSCOPE_REASON_BPF_H
#define MMUSCOPE_REASON_BPF_H

#include "state.bpf.h"

static __always_inline u32 vmx_reason(u64 vcpu)
{
	struct vcpu_vmx___plain *plain = (void *)vcpu;
	struct vcpu_vmx___vt *shared = (void *)vcpu;
	struct vcpu_vmx *vmx = (void *)vcpu;

	if (bpf_core_field_exists(vmx->exit_reason.full))
		return BPF_CORE_READ(vmx, exit_reason.full);
	if (bpf_core_field_exists(shared->vt))
		return BPF_CORE_READ(shared, vt.exit_reason.full);
	if (bpf_core_field_exists(plain->exit_reason))
		return BPF_CORE_READ(plain, exit_reason);
	return ~0U;
}

static __always_inline u32 svm_reason(u64 vcpu)
{
	struct vcpu_svm *svm = (void *)vcpu;

	if (bpf_core_field_exists(svm->vmcb))
		return BPF_CORE_READ(svm, vmcb, control.exit_code);
	return ~0U;
}

/* The hardware's reason stays where it is until the next entry. */
static __always_inline u32 reason_of(struct vcpu_state *v)
{
	if (v->reason != ~0U)
		return v->reason;
	if (cfg.isa == MMUSCOPE_isa_svm)
		return svm_reason(v->vcpu);
	return vmx_reason(v->vcpu) & 0xffff;
}

#endif /* MMUSCOPE_REASON_BPF_H */
