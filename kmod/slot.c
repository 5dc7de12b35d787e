// SPDX-License-Identifier: GPL-2.0
/* The record of a memslot, for those that change and those that are found. */
#include "life.h"

void slot_emit(u16 vm, const struct kvm_memory_slot *slot, u8 op)
{
	struct mmuscope_slot rec = record(slot, now_ns(), vm, MMUSCOPE_NO_VCPU);

	rec.gfn = slot->base_gfn;
	rec.npages = slot->npages;
	rec.hva = slot->userspace_addr;
	rec.flags = slot->flags;
	rec.slot = slot->id;
	rec.op = op;
	emit(&rec);
}

/*
 * The caller holds the VM's file, which keeps the VM. A set of slots is freed only
 * when nobody can be in the VM's SRCU section, and that may be any task of the VMM.
 */
void slots_found(u16 vm, struct kvm *kvm)
{
	const struct kvm_memory_slot *slot;
	struct kvm_memslots *slots;
	int index;

	index = srcu_read_lock(&kvm->srcu);
	slots = rcu_dereference_check(kvm->memslots[0], srcu_read_lock_held(&kvm->srcu));
	compat_for_each_memslot(slot, slots)
		slot_emit(vm, slot, MMUSCOPE_slot_op_found);
	srcu_read_unlock(&kvm->srcu, index);
}
