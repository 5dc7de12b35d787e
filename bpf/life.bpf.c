// SPDX-License-Identifier: GPL-2.0
/* The end of VMs and vCPUs. */
#include "cause.bpf.h"

struct vcpu_state vcpus[VCPUS_MAX] = {};
struct cpu_cache cpus[CPUS_MAX] = {};
__u64 births = 0;
__u64 found_all = 0;
struct cpu_lost lost[CPUS_MAX] = {};
struct vm_flush vm_flushes[VMS_MAX] = {};
const volatile struct cause_site cause_sites[CAUSE_SITES] = {};

/*
 * A new vCPU makes its page tables' root before it enters for the first time:
 * this is where it is seen first.
 */
static __always_inline int vcpu_load(struct kvm_vcpu *vcpu)
{
	struct vcpu_state *v = vcpu_of(this_cpu(), vcpu);

	if (v)
		flush_asked(v, MMUSCOPE_cause_new_root);
	return 0;
}

ON_ENTRY(kvm_mmu_load, vcpu_load, vcpu_load(vcpu), struct kvm_vcpu *vcpu)

/* Any request of the VMM to a VM; what is done for it belongs to that VM. */
ON_ENTRY(kvm_vm_ioctl, ioctl_begin,
	 ctx_open(BPF_CORE_READ(file, private_data), CTX_IOCTL, MMUSCOPE_origin_ioctl),
	 struct file *file)
ON_RETURN(kvm_vm_ioctl, ioctl_end, ctx_close(CTX_IOCTL))

static __always_inline int vcpu_destroy(struct kvm_vcpu *vcpu)
{
	vcpu_forget(as_number(vcpu));
	return 0;
}

ON_ENTRY(kvm_arch_vcpu_destroy, vcpu_destroy, vcpu_destroy(vcpu), struct kvm_vcpu *vcpu)

static __always_inline int vm_destroy_begin(struct kvm *kvm)
{
	struct vcpu_state *v = vcpu_current();
	u64 tid = bpf_get_current_pid_tgid();
	u16 id = vm_id(kvm);
	struct task_ctx *c;

	/* The task may be a vCPU of this VM: its state goes before the VM does. */
	if (v) {
		v->tid = 0;
		bpf_map_delete_elem(&task_slots, &tid);
	}
	if (!id)
		return 0;
	c = ctx_begin(CTX_DESTROY, id, MMUSCOPE_origin_destroy);
	if (c)
		c->kvm = (u64)kvm;
	return 0;
}

/*
 * kvm_destroy_vm() ends after the VM's memory was freed and perhaps used again.
 * It is forgotten at the end of kvm_arch_destroy_vm(), when its vCPUs and page
 * tables are gone.
 */
static __always_inline int vm_destroy_end(void)
{
	struct task_ctx *c = ctx_current();

	if (!c || !ctx_end(c, CTX_DESTROY))
		return 0;
	vm_forget(c->kvm, bpf_get_current_task());
	ctx_leave(c);
	return 0;
}

ON_ENTRY(kvm_destroy_vm, vm_destroy, vm_destroy_begin(kvm), struct kvm *kvm)
ON_RETURN(kvm_arch_destroy_vm, vm_destroyed, vm_destroy_end())

char LICENSE[] SEC("license") __weak = "GPL";
