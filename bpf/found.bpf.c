// SPDX-License-Identifier: GPL-2.0
/* What is there when tracing begins: VMs, vCPUs and memslots, through the files of all tasks. */
#include "slot.bpf.h"

#define ID_BUCKETS	128	/* 1 << 7, kvm_memslots.id_hash */
#define BUCKET_MAX	8	/* KVM has at most 32764 slots, a VM some dozens */
#define FLAT_MAX	512	/* KVM_MEM_SLOTS_NUM when they were an array */

/* By 5.17: found through the hash of their numbers; two sets of links, of which one is in use. */
static __always_inline void slots_found_hash(u16 vm, struct kvm_memslots___hash *slots)
{
	u64 links = BPF_CORE_READ(slots, node_idx) * sizeof(struct hlist_node) +
		    bpf_core_field_offset(struct kvm_memory_slot___tree, id_node);
	struct hlist_head *buckets = (void *)slots +
		bpf_core_field_offset(struct kvm_memslots___hash, id_hash);

	for (u32 i = 0; i < ID_BUCKETS; i++) {
		struct hlist_node *node = NULL;

		bpf_probe_read_kernel(&node, sizeof(node), &buckets[i]);
		for (u32 j = 0; j < BUCKET_MAX && node; j++) {
			slot_emit(vm, (u64)node - links, MMUSCOPE_slot_op_found);
			node = BPF_CORE_READ(node, next);
		}
	}
}

static __always_inline void slots_found_flat(u16 vm, struct kvm_memslots___flat *slots)
{
	u64 size = bpf_core_type_size(struct kvm_memory_slot);
	u64 first = (u64)slots + bpf_core_field_offset(struct kvm_memslots___flat, memslots);
	u32 used = BPF_CORE_READ(slots, used_slots);

	for (u32 i = 0; i < FLAT_MAX; i++) {
		if (i >= used)
			break;
		slot_emit(vm, first + i * size, MMUSCOPE_slot_op_found);
	}
}

static __always_inline void slots_found(u16 vm, struct kvm *kvm)
{
	struct kvm_memslots *slots = BPF_CORE_READ(kvm, memslots[0]);

	if (bpf_core_field_exists(((struct kvm_memslots___hash *)0)->id_hash))
		slots_found_hash(vm, (void *)slots);
	else if (bpf_core_field_exists(((struct kvm_memslots___flat *)0)->used_slots))
		slots_found_flat(vm, (void *)slots);
}

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
		struct kvm *kvm = BPF_CORE_READ(file, private_data);

		if (vm_id(kvm))
			return 0;
		key = vm_find((u64)kvm, as_number(task), MMUSCOPE_life_found,
			      MMUSCOPE_mode_unknown);
		if (key)
			slots_found(key, kvm);
	}
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
