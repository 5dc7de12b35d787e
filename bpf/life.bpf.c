// SPDX-License-Identifier: GPL-2.0
/* VMs and vCPUs: found at attach time, seen first, destroyed. */
#include "state.bpf.h"

SEC("iter/task_file")
int found(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct kvm_vcpu *vcpu;
	u64 key, tid, name;

	if (!task || !file)
		return 0;
	name = file_name(file);
	if (name == NAME_VCPU) {
		vcpu = BPF_CORE_READ(file, private_data);
		key = (u64)vcpu;
		if (bpf_map_lookup_elem(&vcpu_slots, &key))
			return 0;
		tid = (u64)BPF_CORE_READ(task, tgid) << 32;
		tid |= (u32)BPF_CORE_READ(vcpu, pid, numbers[0].nr);
		vcpu_register(key, as_number(task), tid, MMUSCOPE_life_found);
	} else if ((name & NAME_VM_MASK) == NAME_VM) {
		vm_find((u64)BPF_CORE_READ(file, private_data), as_number(task),
			MMUSCOPE_life_found, MMUSCOPE_mode_unknown);
	}
	return 0;
}

static __always_inline int vcpu_destroy(struct kvm_vcpu *vcpu)
{
	vcpu_forget(as_number(vcpu));
	return 0;
}

SEC("fentry/kvm_arch_vcpu_destroy")
int BPF_PROG(vcpu_destroy_f, struct kvm_vcpu *vcpu)
{
	return vcpu_destroy(vcpu);
}

SEC("kprobe/kvm_arch_vcpu_destroy")
int BPF_KPROBE(vcpu_destroy_k, struct kvm_vcpu *vcpu)
{
	return vcpu_destroy(vcpu);
}

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

SEC("fentry/kvm_destroy_vm")
int BPF_PROG(vm_destroy_f, struct kvm *kvm)
{
	return vm_destroy_begin(kvm);
}

SEC("kprobe/kvm_destroy_vm")
int BPF_KPROBE(vm_destroy_k, struct kvm *kvm)
{
	return vm_destroy_begin(kvm);
}

SEC("fexit/kvm_arch_destroy_vm")
int BPF_PROG(vm_destroyed_f)
{
	return vm_destroy_end();
}

SEC("kretprobe/kvm_arch_destroy_vm")
int BPF_KRETPROBE(vm_destroyed_k)
{
	return vm_destroy_end();
}

char LICENSE[] SEC("license") __weak = "GPL";
