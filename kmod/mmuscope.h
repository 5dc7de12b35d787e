/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the kernel module share, and what a family of probes
 * (probe_*.c) is written against. The same names do the same as in bpf/, and
 * the records must come out the same: see bpf/NAME.bpf.c for probe_NAME.c.
 *
 * A family looks like this:
 *
 *	static void cr(void *data, unsigned int write, unsigned int nr, unsigned long value)
 *	{
 *		PROBE_SCOPE;
 *		struct vcpu_state *v = vcpu_current();
 *		struct mmuscope_cr3 rec = record(cr3, now_ns(), 0, 0);
 *		...
 *		emit(&rec);
 *	}
 *
 *	static void invlpg_begin(const struct hook_call *c)
 *	{
 *		... c->arg[1] ...
 *	}
 *
 *	static struct hook_event events[] = {
 *		HOOK_EVENT("kvm_cr", 3, cr),
 *	};
 *
 *	static struct hook_function functions[] = {
 *		HOOK_FUNCTION("kvm_mmu_invlpg", invlpg_begin, invlpg_end),
 *	};
 *
 *	struct hook_family family_shadow =
 *		HOOK_FAMILY(BIT(MMUSCOPE_TYPE_cr3) | BIT(MMUSCOPE_TYPE_invlpg));
 *
 * and is named in the table of hook.c. Probes never sleep, take no lock but
 * those inside the functions below, and touch user memory only with
 * copy_from_user_nofault(). None of them runs in an NMI.
 */
#ifndef MMUSCOPE_KMOD_H
#define MMUSCOPE_KMOD_H

#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>
#include <linux/types.h>
#include <asm/tsc.h>

#include <mmuscope/cause.h>
#include <mmuscope/kmod.h>
#include <mmuscope/span.h>

#include "compat.h"
#include "table.h"

/* ------------------------------------------------------------------ state */

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

/**
 * struct task_ctx - what a task does for a VM, and since when
 * @node: its place among the tasks that are no vCPU
 * @begin: by enum ctx_kind, 0 while that is not going on
 * @kvm: flush, destroy: the VM's struct
 * @gfn: range flush: first frame
 * @npages: range flush: frames
 * @flushes: flush: KVM's own counter at the begin
 * @start: invalidate, age: first address
 * @end: invalidate, age: address behind the last
 * @counted: pages met since the begin
 * @first: invalidate: the lowest frame of them
 * @args: of the function that was entered
 * @lock_ticks: when the wait for a lock began
 * @vm: number of the VM
 * @origin: enum mmuscope_origin
 * @event: notifier event
 * @lock_op: enum mmuscope_lock_op
 * @cause: enum mmuscope_cause of an invalidation or memslot change
 * @flush_cause: the same of a flush
 * @cause_flags: MMUSCOPE_INFERRED if the cause was guessed
 * @depth: kinds begun and not ended
 */
struct task_ctx {
	struct table_node node;
	u64 begin[CTX_KINDS];
	struct kvm *kvm;
	u64 gfn;
	u64 npages;
	u64 flushes;
	u64 start;
	u64 end;
	u64 counted;
	u64 first;
	u64 args[2];
	u64 lock_ticks;
	u16 vm;
	u8 origin;
	u8 event;
	u8 lock_op;
	u8 cause;
	u8 flush_cause;
	u8 cause_flags;
	u32 depth;
};

/**
 * struct vcpu_state - one vCPU that is traced
 * @span: the state machine and the fault that is being recorded
 * @ctx: what its task does beside running it
 * @node: its place among the tasks that are vCPUs
 * @vcpu: KVM's struct; NULL: destroyed
 * @tid: task_id() of the thread that runs it
 * @apf_ts: async page fault: when it was asked for, 0 if none is under way
 * @apf_gva: its address
 * @apf_gfn: its frame
 * @exits: the counters that user space reads
 * @flush_ts: of the last flush of its own
 * @asked_ts: exit in which it got a reason to flush
 * @cpu: where the last flush of its own was
 * @asked: that reason, enum mmuscope_cause
 * @slot: index of all this
 * @reason: of the last exit where the tracepoint tells, ~0 where not
 */
struct vcpu_state {
	struct span span;
	struct task_ctx ctx;
	struct table_node node;
	struct kvm_vcpu *vcpu;
	u64 tid;
	u64 apf_ts;
	u64 apf_gva;
	u64 apf_gfn;
	struct mmuscope_kmod_vcpu *exits;
	u64 flush_ts;
	u64 asked_ts;
	u32 cpu;
	u8 asked;
	u32 slot;
	u32 reason;
};

/* VMs that can be traced at once; their numbers are below it. */
#define VMS_MAX	1024

/* The last flush that was asked of all vCPUs of a VM, by its number; @cause: mmuscope_cause. */
struct vm_flush {
	u64 ts;
	u8 cause;
};

extern struct vm_flush vm_flushes[VMS_MAX];

/* What user space asked for with MMUSCOPE_KMOD_START; constant while probes are attached. */
extern struct mmuscope_kmod_start config;

/* A clock of 1 GHz or more has a factor of so many bits, or less. */
#define SESSION_CLOCK_SHIFT	22

/* Ticks to ns; @mult is 0 where ticks are ns. Constant while probes are attached. */
struct session_clock {
	u32 mult;
};

extern struct session_clock session_clock;

/**
 * struct whereabouts - who does what for which VM right now
 * @vm: number, MMUSCOPE_NO_VM where no context is known
 * @vcpu: KVM's number, or MMUSCOPE_NO_VCPU
 * @origin: enum mmuscope_origin
 * @traced: 0: known, and filtered out: no record must be made
 * @cause: enum mmuscope_cause, where the context alone tells
 * @flags: MMUSCOPE_INFERRED if that was guessed
 */
struct whereabouts {
	u16 vm;
	u16 vcpu;
	u8 origin;
	u8 traced;
	u8 cause;
	u8 flags;
};

/* Thread group in the upper half, thread in the lower, as bpf_get_current_pid_tgid() gives it. */
static inline u64 task_id(const struct task_struct *task)
{
	return (u64)task->tgid << 32 | (u32)task->pid;
}

/* CLOCK_MONOTONIC, from any context: the clock of bpf_ktime_get_ns(). */
static inline u64 now_ns(void)
{
	return ktime_get_mono_fast_ns();
}

/**
 * ticks() - a clock for what begins and ends within a fault
 *
 * The CPU's counter where it can be relied on, which costs a tenth of now_ns(), else the same as
 * that. All of struct span is in ticks until its record is complete.
 */
static __always_inline u64 ticks(void)
{
	return likely(session_clock.mult) ? rdtsc_ordered() : now_ns();
}

/* A number of ticks in ns. */
static __always_inline u64 ticks_ns(u64 n)
{
	return likely(session_clock.mult) ?
	       mul_u64_u32_shr(n, session_clock.mult, SESSION_CLOCK_SHIFT) : n;
}

/* The state of the vCPU that @vcpu names, given one at first sight; NULL: not to be traced. */
struct vcpu_state *vcpu_of(struct kvm_vcpu *vcpu);

/* The state of the vCPU that the running task is, NULL where it is none that is traced. */
struct vcpu_state *vcpu_current(void);

/* Number of a VM that something happens to; 0 where it is not traced or was never seen. */
u16 vm_id(struct kvm *kvm);

/* The same, and gives it a number at first sight. @life and @mode are the schema's words. */
u16 vm_find(struct kvm *kvm, struct task_struct *task, u8 life, u8 mode);

/* Writes the record of a memslot; @op is enum mmuscope_slot_op. */
void slot_emit(u16 vm, const struct kvm_memory_slot *slot, u8 op);

/* The running task's context: the vCPU's if it is one, else its own; NULL: has none. */
struct task_ctx *ctx_current(void);

/**
 * ctx_begin() - begin of one kind of activity for a VM
 * @kind: enum ctx_kind
 * @vm: number of the VM, not 0
 * @origin: enum mmuscope_origin; 0 keeps that of the outer activity
 *
 * Return: the context, NULL where there was no room; that is counted as lost.
 */
struct task_ctx *ctx_begin(u32 kind, u16 vm, u8 origin);

/* End of it: when it began, 0 if that was not seen. ctx_leave() must follow. */
u64 ctx_end(struct task_ctx *c, u32 kind);

/*
 * The context of a task that does one thing for one VM all its life, and of which no hook tells;
 * ctx_end_for() ends it.
 */
bool ctx_begin_for(u64 id, u32 kind, u16 vm, u8 origin);
void ctx_end_for(u64 id);

/* Forgets the context when nothing is going on any more; @c must not be used afterwards. */
void ctx_leave(struct task_ctx *c);

/* A stretch of time in which all that the task does is for @kvm, and why. */
void ctx_open(struct kvm *kvm, u32 kind, u8 origin);
void ctx_close(u32 kind);

/* Something happens in this exit for which the vCPU has to flush before it enters again. */
static inline void flush_asked(struct vcpu_state *v, u8 cause)
{
	v->asked = cause;
	v->asked_ts = v->span.exit_ts;
}

/* Where functions are that name a cause; constant while probes are attached. */
extern struct cause_site cause_sites[CAUSE_SITES];

/* The cause by the functions that are under way in the running task, unknown if none tells. */
u8 cause_of_stack(void);

/* What the stack says, else a guess: then @flags gets MMUSCOPE_INFERRED. */
u8 cause_find(u8 event, u8 *flags);

/* Why it left the guest, in the hardware's numbers; they stay until the next entry. ~0: unknown. */
u32 reason_of(const struct vcpu_state *v);

u8 origin_of(const struct vcpu_state *v);
void whereabouts(struct whereabouts *w);

/* ---------------------------------------------------------------- records */

/**
 * ring_reserve() - room for a record in this CPU's ring
 * @size: its bytes, a multiple of 8
 *
 * From any context, with preemption disabled until ring_commit(), which must follow at once.
 *
 * Return: where to write the record, every byte of it; NULL where the ring is full or the CPU has
 * none: that is counted as lost, and ring_commit() must not follow.
 */
void *ring_reserve(u32 size);

/* The record in a room is a fault that the reader has to complete, see span_unpack(). */
static inline void ring_packed(void *room)
{
	((u32 *)room)[-1] = MMUSCOPE_KMOD_PACKED;
}

/* The record is written. With @wake it should be read soon. */
void ring_commit(bool wake);

/* Something of @stage (enum mmuscope_stage) was not kept. */
void count_lost(u32 stage);

/* Writes a record that was made elsewhere, every byte of it set. */
#define emit(rec) ring_emit((rec), sizeof(*(rec)), false)

/* The size is known where it is called: no loop is left. */
static __always_inline void record_copy(void *room, const void *rec, size_t size)
{
	const u64 *from = rec;
	u64 *to = room;
	size_t i;

#pragma GCC unroll 32
	for (i = 0; i < size / sizeof(u64); i++)
		to[i] = from[i];
}

/* Whether user space wants records of that kind; a hook may serve several. */
static __always_inline bool record_wanted(u32 type)
{
	return config.records & BIT(type);
}

static __always_inline void ring_emit(const void *rec, size_t size, bool wake)
{
	void *room;

	if (!record_wanted(((const struct mmuscope_hdr *)rec)->type))
		return;
	room = ring_reserve(size);
	if (!room)
		return;
	record_copy(room, rec, size);
	ring_commit(wake);
}

/* A record's header; the rest of the record is zero. */
#define record(name, when, vmid, vcpuid)				\
	{ .hdr = { .ts = (when), .vm = (vmid), .vcpu = (vcpuid),	\
		   .type = MMUSCOPE_TYPE_##name,			\
		   .size = sizeof(struct mmuscope_##name) } }

/* ------------------------------------------------------------------ hooks */

/*
 * First line of every tracepoint's probe: since 7.1 the kernel calls them
 * preemptibly. Handlers of functions are called with preemption disabled.
 */
#define PROBE_SCOPE							\
	int probe_scope __always_unused __attribute__((__cleanup__(probe_scope_end))) = \
		probe_scope_begin()

static __always_inline int probe_scope_begin(void)
{
	preempt_disable_notrace();
	return 0;
}

static __always_inline void probe_scope_end(int *scope)
{
	preempt_enable_notrace();
}

/* Hosts on which a hook makes sense. */
enum hook_host {
	HOOK_ANY,
	HOOK_HARDWARE,		/* VMX or SVM */
	HOOK_SOFTWARE,
	HOOK_THICK,		/* not where MMUSCOPE_KMOD_THIN is set */
	HOOK_SHORT,		/* NPT, and kvm_page_fault has half of the error code */
};

/**
 * struct hook_event - a probe on a tracepoint
 * @name: of the tracepoint
 * @args: number of its arguments that the probe is written for, 0 for any. Several entries with
 *	the same name are variants, of which the fitting one is taken
 * @probe: void (*)(void *data, ARGS...), exactly the tracepoint's arguments
 * @unless: not where this function or tracepoint was hooked; an entry before this one
 * @host: enum hook_host
 * @tp: hook.c's
 * @err: hook.c's: 0 while attached, else why not
 */
struct hook_event {
	const char *name;
	unsigned int args;
	void *probe;
	const char *unless;
	enum hook_host host;
	struct tracepoint *tp;
	int err;
};

/**
 * struct hook_call - a call of a function
 * @arg: its arguments as they were at its entry; numbers narrower than a register have
 *	undefined upper bits: cast them
 * @ret: what it returned, in leave() only; the same goes for it
 * @session: detour.c's
 */
struct hook_call {
	unsigned long arg[6];
	unsigned long ret;
	unsigned long session;
};

/**
 * struct hook_function - handlers on a function's entry and return
 * @name: of the function
 * @enter: called at its entry, or NULL
 * @leave: called at its return, or NULL
 * @unless: not where this function or tracepoint was hooked; an entry before this one
 * @host: enum hook_host
 * @rp: function.c's, like all that follows: its kprobe, where it has one
 * @ip: its first instruction, while it is hooked
 * @how: how, enum mmuscope_kmod_how
 * @err: 0 while attached, else why not
 * @missed: calls not seen that @rp does not tell of any more
 */
struct hook_function {
	const char *name;
	void (*enter)(const struct hook_call *c);
	void (*leave)(const struct hook_call *c);
	const char *unless;
	enum hook_host host;
	struct kretprobe rp;
	unsigned long ip;
	u32 how;
	int err;
	unsigned long missed;
};

/**
 * struct hook_family - hooks that serve the same records
 * @records: bit per enum mmuscope_type; attached where user space wants one of them
 * @events: the tracepoints
 * @functions: the functions
 * @nevents: number of @events
 * @nfunctions: number of @functions
 */
struct hook_family {
	u32 records;
	struct hook_event *events;
	struct hook_function *functions;
	unsigned int nevents;
	unsigned int nfunctions;
};

#define HOOK_EVENT(tracepoint, nargs, fn, ...)				\
	{ .name = (tracepoint), .args = (nargs), .probe = (fn), ##__VA_ARGS__ }
#define HOOK_FUNCTION(function, begin, end, ...)			\
	{ .name = (function), .enter = (begin), .leave = (end), ##__VA_ARGS__ }

/* Of a file's arrays "events" and "functions". */
#define HOOK_FAMILY(types)						\
	{ .records = (types), .events = events, .nevents = ARRAY_SIZE(events), \
	  .functions = functions, .nfunctions = ARRAY_SIZE(functions) }

/* One per file; hook.c has the list. */
extern struct hook_family family_life, family_fault, family_shadow, family_flush,
	family_notify, family_dirty, family_slot, family_wait;

/* Whether the function is hooked; and whether a pointer of KVM's is to it. From any context. */
bool hook_known(const char *function);
bool hook_is(const char *function, const void *address);

/* ----------------------------------------------- structs without a header */

/**
 * member() - read a member of a struct that kernel headers do not have
 * @type: of the member
 * @object: address of the struct
 * @which: member of struct mmuscope_kmod_offsets, where user space put what BTF says
 * @otherwise: value where BTF does not tell
 */
#define member(type, object, which, otherwise)				\
	(member_known(which) ?						\
	 *(const type *)((const char *)(object) + config.offsets.which) : (type)(otherwise))
#define member_known(which) (config.offsets.which >= 0)

#endif /* MMUSCOPE_KMOD_H */
