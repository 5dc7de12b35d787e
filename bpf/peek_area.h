/* SPDX-License-Identifier: GPL-2.0 */
/* What peek.bpf.c finds of one process' VMs, and user space reads in place. */
#ifndef MMUSCOPE_BPF_PEEK_AREA_H
#define MMUSCOPE_BPF_PEEK_AREA_H

#include <linux/types.h>

#define PEEK_VMS	16
#define PEEK_VCPUS	1024
#define PEEK_SLOTS	2048
#define PEEK_ROOTS	4	/* the one in use, and KVM_MMU_NUM_PREV_ROOTS */

/**
 * struct peek_vm - a VM
 * @kvm: its struct kvm
 * @pgd: kernel address of the host's page table that its owner has
 * @seq: its sequence of invalidations, and @in_progress how many are under way
 * @counts: struct kvm has these two
 */
struct peek_vm {
	__u64 kvm;
	__u64 pgd;
	__u64 seq;
	__s64 in_progress;
	__u64 counts;
};

/**
 * struct peek_slot - a memslot, as struct kvm_memory_slot has it
 * @vm: index of its VM
 * @as: address space: 1 is that of system management mode
 */
struct peek_slot {
	__u64 gfn;
	__u64 npages;
	__u64 hva;
	__u32 flags;
	__u16 id;
	__u8 vm;
	__u8 as;
};

struct peek_root {
	__u64 pgd;	/* the guest's CR3 under shadow paging */
	__u64 hpa;	/* ~0: none */
};

/**
 * struct peek_vcpu - a vCPU's registers, and the tables that KVM has for it
 * @roots: the first is in use
 * @known: struct kvm_mmu has the fields that @roots, @level and @nested come from
 * @level: levels of the first root, 0: none
 * @nested: it runs a guest of its guest
 * @cr3_read: KVM has read CR3 since the guest last ran; without, @cr3 may be older
 * @in_guest: the guest runs now, and all is as of its last exit
 */
struct peek_vcpu {
	__u64 kvm;
	__u64 vcpu;
	__u64 cr0;
	__u64 cr3;
	__u64 cr4;
	__u64 efer;
	struct peek_root roots[PEEK_ROOTS];
	__u32 id;
	__u8 known;
	__u8 level;
	__u8 nested;
	__u8 cr3_read;
	__u8 in_guest;
	__u8 direct;
	__u8 pad[2];
};

/**
 * struct peek_area - what user space asks for, and what it gets
 * @pid: whose VMs are looked for
 * @missed: VMs, vCPUs and memslots beyond what there is room for
 * @address: kernel address of @word, for read_word()
 * @err: of the last read_word()
 */
struct peek_area {
	__u32 pid;
	__u32 nr_vms;
	__u32 nr_vcpus;
	__u32 nr_slots;
	__u32 missed;
	__s32 err;
	__u64 address;
	__u64 word;
	struct peek_vm vms[PEEK_VMS];
	struct peek_vcpu vcpus[PEEK_VCPUS];
	struct peek_slot slots[PEEK_SLOTS];
};

#endif /* MMUSCOPE_BPF_PEEK_AREA_H */
