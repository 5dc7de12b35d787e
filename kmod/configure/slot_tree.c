// SPDX-License-Identifier: GPL-2.0
/* Memslots in trees and a hash, no longer in an array. */
#include <linux/kvm_host.h>

unsigned long test(struct kvm_memory_slot *slot, struct kvm_memslots *slots);
unsigned long test(struct kvm_memory_slot *slot, struct kvm_memslots *slots)
{
	return slot->hva_node[slots->node_idx].start;
}
