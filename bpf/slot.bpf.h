/* SPDX-License-Identifier: GPL-2.0 */
/* The record of a memslot, for those that change and those that are found. */
#ifndef MMUSCOPE_SLOT_BPF_H
#define MMUSCOPE_SLOT_BPF_H

#include "state.bpf.h"

__noinline __weak int slot_emit(u32 vm, u64 address, u32 op)
{
	struct mmuscope_slot rec = record(slot, bpf_ktime_get_ns(), vm, MMUSCOPE_NO_VCPU);
	struct kvm_memory_slot *slot = (void *)address;

	rec.gfn = BPF_CORE_READ(slot, base_gfn);
	rec.npages = BPF_CORE_READ(slot, npages);
	rec.hva = BPF_CORE_READ(slot, userspace_addr);
	rec.flags = BPF_CORE_READ(slot, flags);
	rec.slot = BPF_CORE_READ(slot, id);
	rec.op = op;
	emit(&rec);
	return 0;
}

#endif /* MMUSCOPE_SLOT_BPF_H */
