/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the eBPF objects and user/source/bpf.c share beside records: sizes,
 * configuration and counters that user space reads in place.
 */
#ifndef MMUSCOPE_BPF_SHARED_H
#define MMUSCOPE_BPF_SHARED_H

#include <linux/types.h>
#include <mmuscope/decode.h>

#define CPUS_MAX	1024		/* power of two; a larger host shares entries */
#define STAGES_MAX	8		/* power of two, more than the largest stage */
#define VMS_MAX		4096
#define CONTEXTS_MAX	4096
#define SLOT_NONE	0xffffffffU	/* known and not traced */
#define RET_PF_MAX	8

/* Kinds of activity that have a begin and an end of their own, per task. */
enum ctx_kind {
	CTX_INVALIDATE,
	CTX_AGE,
	CTX_FLUSH,
	CTX_FLUSH_RANGE,
	CTX_SYNC,
	CTX_INVLPG,
	CTX_PTWRITE,
	CTX_DIRTY,
	CTX_LOCK,
	CTX_RELEASE,
	CTX_DESTROY,
	CTX_KINDS
};

struct collector_config {
	__u64 tdp_page_fault;	/* address of the kernel's function, 0: not known */
	__u32 pid;		/* trace VMs of this process only, 0: all */
	__u32 root;		/* trace VMs of this process and what it started, 0: all */
	__u32 wake_bytes;	/* wake the consumer after so many bytes */
	__u8 tdp;		/* where the address is not known: ept or npt parameter */
	__u8 filtered;		/* pid or root is set */
	__u8 isa;		/* of the loaded vendor module, enum mmuscope_isa */
	__u8 ret_pf[RET_PF_MAX];	/* RET_PF_* to enum mmuscope_verdict */
};

/* The vCPU that this CPU served last: spares the hash on nearly every event. */
struct cpu_cache {
	__u64 vcpu;
	__u64 task;
	__u64 tid;
	__u32 slot;
	__u32 bytes;		/* written since the consumer was last woken */
	__u64 pad[4];		/* a cache line each */
};

/* What was not kept, by enum mmuscope_stage. */
struct cpu_lost {
	__u64 count[STAGES_MAX];
};

/*
 * Exits by exit_index(). The counters only rise: who reads takes the difference
 * to the last time, also when the slot was given to another vCPU in between.
 */
struct vcpu_exits {
	__u16 vm;
	__u16 vcpu;
	__u8 isa;
	__u8 pad[3];
	struct {
		__u64 count;
		__u64 ns;
	} by[EXIT_INDEX_MAX];
};

#endif /* MMUSCOPE_BPF_SHARED_H */
