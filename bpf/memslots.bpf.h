/* SPDX-License-Identifier: GPL-2.0 */
/* All memslots of a VM, in whichever way the kernel keeps them. */
#ifndef MMUSCOPE_MEMSLOTS_BPF_H
#define MMUSCOPE_MEMSLOTS_BPF_H

#include "core.bpf.h"

#define ID_BUCKETS	128	/* 1 << 7, kvm_memslots.id_hash */
#define BUCKET_MAX	8	/* KVM has at most 32764 slots, a VM some dozens */
#define FLAT_MAX	512	/* KVM_MEM_SLOTS_NUM when they were an array */

/* A global function of a program, called with what memslots_each() was given. */
typedef int (*memslot_fn)(u32 who, u64 address, u32 what);

/*
 * The same for a bucket, and made of memslots_bucket() with such a memslot_fn: as part of the
 * loop the verifier would go through it once per bucket, which takes 0.1 s.
 */
typedef int (*bucket_fn)(u32 who, u64 bucket, u64 links, u32 what);

static __always_inline int memslots_bucket(u64 bucket, u64 links, memslot_fn each, u32 who,
					   u32 what)
{
	struct hlist_node *node = NULL;

	bpf_probe_read_kernel(&node, sizeof(node), (void *)bucket);
	for (u32 i = 0; i < BUCKET_MAX && node; i++) {
		each(who, (u64)node - links, what);
		node = BPF_CORE_READ(node, next);
	}
	return 0;
}

/* By 5.17: found through the hash of their numbers; two sets of links, of which one is in use. */
static __always_inline void memslots_hash(struct kvm_memslots___hash *slots, bucket_fn each,
					  u32 who, u32 what)
{
	u64 links = BPF_CORE_READ(slots, node_idx) * sizeof(struct hlist_node) +
		    bpf_core_field_offset(struct kvm_memory_slot___tree, id_node);
	u64 bucket = (u64)slots + bpf_core_field_offset(struct kvm_memslots___hash, id_hash);

	for (u32 i = 0; i < ID_BUCKETS; i++)
		each(who, bucket + i * sizeof(struct hlist_head), links, what);
}

static __always_inline void memslots_flat(struct kvm_memslots___flat *slots, memslot_fn each,
					  u32 who, u32 what)
{
	u64 size = bpf_core_type_size(struct kvm_memory_slot);
	u64 first = (u64)slots + bpf_core_field_offset(struct kvm_memslots___flat, memslots);
	u32 used = BPF_CORE_READ(slots, used_slots);

	for (u32 i = 0; i < FLAT_MAX; i++) {
		if (i >= used)
			break;
		each(who, first + i * size, what);
	}
}

/* Calls @each for every memslot of the address space @as: 0, or 1 for system management mode. */
static __always_inline void memslots_each(struct kvm *kvm, u32 as, memslot_fn each,
					  bucket_fn bucket, u32 who, u32 what)
{
	struct kvm_memslots *slots = NULL;

	bpf_probe_read_kernel(&slots, sizeof(slots), (void *)kvm +
			      bpf_core_field_offset(struct kvm, memslots) + as * sizeof(slots));
	if (bpf_core_field_exists(((struct kvm_memslots___hash *)0)->id_hash))
		memslots_hash((void *)slots, bucket, who, what);
	else if (bpf_core_field_exists(((struct kvm_memslots___flat *)0)->used_slots))
		memslots_flat((void *)slots, each, who, what);
}

#endif /* MMUSCOPE_MEMSLOTS_BPF_H */
