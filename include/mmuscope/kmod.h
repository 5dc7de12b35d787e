/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel module and user/source/kmod.c agree on, beside records: the
 * requests to /dev/mmuscope and what can be mapped from it.
 */
#ifndef MMUSCOPE_KMOD_ABI_H
#define MMUSCOPE_KMOD_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include <mmuscope/abi.h>
#include <mmuscope/decode.h>

/* Raised when anything in this file changes its meaning. */
#define MMUSCOPE_KMOD_ABI	2

#define MMUSCOPE_KMOD_DEVICE	"/dev/mmuscope"
#define MMUSCOPE_KMOD_RET_PF	8
#define MMUSCOPE_KMOD_VCPUS	1024
#define MMUSCOPE_KMOD_STAGES	8
#define MMUSCOPE_KMOD_RING_MIN	(4U << 10)
#define MMUSCOPE_KMOD_RING_MAX	(1U << 30)

/**
 * struct mmuscope_kmod_hello - who is there
 * @abi: MMUSCOPE_KMOD_ABI, from each side
 * @schema: MMUSCOPE_SCHEMA, from each side
 * @cpus: numbers of CPUs are below this
 * @pad: zero
 *
 * Must be the first request. Where the two sides differ it fails with EPROTO, and the struct
 * has the module's numbers.
 */
struct mmuscope_kmod_hello {
	__u32 abi;
	__u32 schema;
	__u32 cpus;
	__u32 pad;
};

/* Bytes from the begin of a struct to a member, -1 where BTF does not tell. */
struct mmuscope_kmod_offsets {
	__s32 fault_goal_level;		/* struct kvm_page_fault, u8 */
	__s32 fault_gfn;		/* struct kvm_page_fault, u64 */
	__s32 svm_vmcb;			/* struct vcpu_svm, struct vmcb * */
	__s32 vmx_exit_reason;		/* struct vcpu_vmx, u32 */
	__s32 page_gfn;			/* struct kvm_mmu_page, u64 */
	__s32 page_role;		/* struct kvm_mmu_page, u32 */
	__s32 nx_thread;		/* struct kvm_arch, a pointer: who recovers NX huge pages */
	__s32 nx_task;			/* struct vhost_task, its task; -1: the pointer is to one */
};

#define MMUSCOPE_KMOD_THIN	0x01	/* one entry per fault, whose level its struct tells */

/**
 * struct mmuscope_kmod_start - what to collect
 * @size: of this struct, must be the module's
 * @flags: MMUSCOPE_KMOD_THIN
 * @pid: VMs of this process only, 0: all
 * @root: VMs of this process and what it started, 0: all
 * @ring_bytes: of each CPU's ring, a power of two from MMUSCOPE_KMOD_RING_MIN to _MAX
 * @records: bit per enum mmuscope_type; 0: all. Exits and losses are counted in any case
 * @tdp: ept or npt parameter of the vendor module
 * @isa: of the vendor module, enum mmuscope_isa
 * @ret_pf: RET_PF_* of this kernel to enum mmuscope_verdict
 * @pad: zero
 * @offsets: of members that kernel headers do not have
 * @sites: address of CAUSE_SITES struct cause_site, see mmuscope/cause.h; 0: none
 */
struct mmuscope_kmod_start {
	__u32 size;
	__u32 flags;
	__u32 pid;
	__u32 root;
	__u32 ring_bytes;
	__u32 records;
	__u8 tdp;
	__u8 isa;
	__u8 ret_pf[MMUSCOPE_KMOD_RET_PF];
	__u8 pad[6];
	struct mmuscope_kmod_offsets offsets;
	__u64 sites;
};

/* How a hook is attached. */
enum mmuscope_kmod_how {
	MMUSCOPE_KMOD_TRACEPOINT,
	MMUSCOPE_KMOD_KPROBE,		/* a function */
	MMUSCOPE_KMOD_DETOUR,		/* a function, at less cost */
};

/**
 * struct mmuscope_kmod_hook - what became of one hook
 * @index: in: which, from 0 on; ENOENT behind the last
 * @how: enum mmuscope_kmod_how
 * @err: 0: attached, else errno that says why not
 * @args: of the tracepoint, where this is a variant for so many; else 0
 * @missed: calls that were not seen
 * @name: of the tracepoint or function
 */
struct mmuscope_kmod_hook {
	__u32 index;
	__u32 how;
	__u32 err;
	__u32 args;
	__u64 missed;
	char name[64];
};

/**
 * struct mmuscope_kmod_stats - the session so far
 * @records: written to rings
 * @missed: calls of hooked functions that were not seen
 */
struct mmuscope_kmod_stats {
	__u64 records;
	__u64 missed;
};

#define MMUSCOPE_KMOD_HELLO	_IOWR(0xb5, 0x40, struct mmuscope_kmod_hello)
#define MMUSCOPE_KMOD_START	_IOW(0xb5, 0x41, struct mmuscope_kmod_start)
#define MMUSCOPE_KMOD_STOP	_IO(0xb5, 0x42)
#define MMUSCOPE_KMOD_HOOK	_IOWR(0xb5, 0x43, struct mmuscope_kmod_hook)
#define MMUSCOPE_KMOD_STATS	_IOR(0xb5, 0x44, struct mmuscope_kmod_stats)

/* Exits of a vCPU by exit_index(); the counters only rise, whosever the slot is. */
struct mmuscope_kmod_exit {
	__u64 count;
	__u64 ns;
};

struct mmuscope_kmod_vcpu {
	__u16 vm;		/* 0: the slot was never used */
	__u16 vcpu;
	__u8 isa;
	__u8 pad[3];
	__u64 pad1;
	struct mmuscope_kmod_exit by[EXIT_INDEX_MAX];
};

/* What was not kept, by enum mmuscope_stage; of one CPU. */
struct mmuscope_kmod_lost {
	__u64 count[MMUSCOPE_KMOD_STAGES];
};

/*
 * In the second half of a record's header in a ring: a fault whose words are to be put in by
 * span_unpack(). The reader has the time.
 */
#define MMUSCOPE_KMOD_PACKED	0x01

/*
 * Offsets for mmap(), in bytes; after MMUSCOPE_KMOD_START. A ring is laid out as
 * user/source/ring.h says; of it the first page can be mapped writable, alone.
 */
#define MMUSCOPE_KMOD_MAP_RING(cpu)	((__u64)(cpu) << 32)
#define MMUSCOPE_KMOD_MAP_EXITS		(1ULL << 60)	/* struct mmuscope_kmod_vcpu, by slot */
#define MMUSCOPE_KMOD_MAP_LOST		(1ULL << 61)	/* struct mmuscope_kmod_lost, by CPU */

#endif /* MMUSCOPE_KMOD_ABI_H */
