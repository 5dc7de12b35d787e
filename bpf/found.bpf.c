// SPDX-License-Identifier: GPL-2.0
/* What is there when tracing begins: VMs, vCPUs and memslots, through the files of all tasks. */
#include "memslots.bpf.h"
#include "slot.bpf.h"

__noinline int bucket_emit(u32 vm, u64 bucket, u64 links, u32 op)
{
	return memslots_bucket(bucket, links, slot_emit, vm, op);
}

SEC("iter/task_file")
int found(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct kvm_vcpu *vcpu;
	u64 key, tid, name;
	u32 vm;

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
		struct kvm *kvm = BPF_CORE_READ(file, private_data);

		vm = vm_found((u64)kvm, as_number(task));
		if (vm)
			memslots_each(kvm, 0, slot_emit, bucket_emit, vm,
				      MMUSCOPE_slot_op_found);
	}
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
