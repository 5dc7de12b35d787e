/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the eBPF objects and user/source/bpf.c share beside records: sizes,
 * configuration and counters that user space reads in place.
 */
#ifndef MMUSCOPE_BPF_SHARED_H
#define MMUSCOPE_BPF_SHARED_H

#include <linux/types.h>
#include <mmuscope/cause.h>
#include <mmuscope/span.h>

#define CPUS_MAX	1024		/* power of two; a larger host shares entries */
#define STAGES_MAX	8		/* power of two, more than the largest stage */
#define VMS_MAX		1024
#define VCPUS_MAX	1024		/* power of two; slot 0 is nobody's */
#define CONTEXTS_MAX	4096
#define SLOT_NONE	0		/* known and not traced */
#define RET_PF_MAX	8
#define MULTI_MAX	64		/* programs of kprobe.multi */

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
	CTX_SLOT,
	CTX_IOCTL,
	CTX_RELEASE,
	CTX_DESTROY,
	CTX_NX,
	CTX_KINDS
};

struct collector_config {
	__u64 tdp_page_fault;	/* address of the kernel's function, 0: not known */
	__u32 pid;		/* trace VMs of this process only, 0: all */
	__u32 root;		/* trace VMs of this process and what it started, 0: all */
	__u32 wake_bytes;	/* wake the consumer after so many bytes */
	__u32 slots_mask;	/* slots of a fault ring less one */
	__u32 wake_mask;	/* wake the consumer after so many faults, less one */
	__u8 tdp;		/* where the address is not known: ept or npt parameter */
	__u8 filtered;		/* pid or root is set */
	__u8 isa;		/* of the loaded vendor module, enum mmuscope_isa */
	__u8 counted;		/* KVM's counters tell what became of a TDP fault */
	__u8 leaves;		/* kvm_sched_out is hooked: a CPU's cache goes with the vCPU */
	__u8 ret_pf[RET_PF_MAX];	/* RET_PF_* to enum mmuscope_verdict */
};

/*
 * The vCPU that this CPU served last: spares the hash on nearly every event. Programs can be
 * preempted by others of the same CPU, on newer kernels all of them: each field stands for
 * itself, and what is found by one is asked whether it is the right one.
 */
struct cpu_cache {
	__u64 no_vcpu;		/* cache_sign() of a vCPU that is not traced, and its task */
	__u64 no_task;		/* the same of the task_struct of one that is no traced vCPU */
	__u64 no_tid;		/* and of its bpf_get_current_pid_tgid() */
	__u32 slot;		/* the vCPU, or SLOT_NONE */
	__u32 here;		/* slot of the vCPU while it is known not to have left the CPU */
	__u32 bytes;		/* written since the consumer was last woken */
	__u32 pad[7];		/* a cache line each */
};

/* What was not kept, by enum mmuscope_stage. */
struct cpu_lost {
	__u64 count[STAGES_MAX];
};

/*
 * The ring of fault records, one per CPU, in mapped memory. Only kvm_entry
 * writes to it: there interrupts are off, so that there is one producer per CPU
 * and no lock is needed. All other records take the kernel's ring buffer, which
 * costs about 250 instructions more.
 */
struct fault_ring {
	__u64 head;		/* faults written, by the collector */
	__u64 pad0[7];		/* a cache line for each side */
	__u64 tail;		/* faults read, by user space */
	__u64 pad1[7];
	struct mmuscope_fault slot[];
};

/* The task that does something for a VM, and since when. */
struct task_ctx {
	__u64 begin[CTX_KINDS];
	__u64 kvm;		/* address of KVM's struct */
	__u64 gfn;		/* range flush: first frame */
	__u64 npages;		/* range flush: frames */
	__u64 flushes;		/* flush: KVM's own counter at the begin */
	__u64 start;		/* invalidate, age: the range */
	__u64 end;
	__u64 counted;		/* pages met since the begin */
	__u64 first;		/* invalidate: the lowest frame of them */
	__u64 args[2];		/* of the function that was entered */
	__u16 vm;
	__u8 origin;
	__u8 event;		/* notifier event */
	__u32 depth;		/* kinds begun and not ended */
	__u8 lock_op;		/* enum mmuscope_lock_op of the lock that is waited for */
	__u8 cause;		/* enum mmuscope_cause of an invalidation or memslot change */
	__u8 flush_cause;	/* the same of a flush */
	__u8 cause_flags;	/* MMUSCOPE_INFERRED if the cause was guessed */
	__u32 pad;
};

/* The last flush that was asked of all vCPUs of a VM, by its number. */
struct vm_flush {
	__u64 ts;
	__u64 cause;		/* enum mmuscope_cause */
};

/*
 * Exits of a vCPU by exit_index(). The counters only rise: who reads takes the
 * difference to the last time, also when the slot went to another vCPU since.
 */
struct exit_count {
	__u64 count;
	__u64 ns;
};

struct vcpu_exits {
	struct exit_count by[EXIT_INDEX_MAX];
};

struct vcpu_state {
	struct span span;
	__u64 vcpu;		/* address of KVM's struct; 0: destroyed */
	__u64 task;		/* address of the task_struct that runs it */
	__u64 tid;		/* its bpf_get_current_pid_tgid() */
	struct exit_count faults;	/* exits that were faults; like vcpu_exits */
	__u64 pf_fixed;		/* KVM's counters as of the last look */
	__u64 pf_emulate;
	__u64 pf_spurious;
	struct task_ctx ctx;
	__u64 apf_ts;
	__u64 apf_gva;
	__u64 apf_gfn;
	__u64 flush_ts;		/* of the last flush of its own */
	__u64 asked_ts;		/* exit in which it got a reason to flush */
	__u32 cpu;		/* where the last flush of its own was */
	__u8 asked;		/* that reason, enum mmuscope_cause */
	__u32 slot;
	__u32 reason;		/* of the last exit, where the tracepoint tells */
} __attribute__((aligned(512)));	/* found by a shift */

#endif /* MMUSCOPE_BPF_SHARED_H */
