/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the probes share: maps, the state of each vCPU and task, and how a
 * record reaches its ring. Maps and variables are weak because every family
 * of probes is an object of its own and the linker keeps one of each.
 */
#ifndef MMUSCOPE_STATE_BPF_H
#define MMUSCOPE_STATE_BPF_H

#include "core.bpf.h"
#include "shared.h"

#include <mmuscope/span.h>

/* Set before loading by user/source/bpf.c, constant afterwards. */
const volatile struct collector_config cfg __weak = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);		/* CPUs, set before loading */
	__type(key, u32);
	__type(value, u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 4096);
	});
} rings __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);		/* CPUs, set before loading */
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct fault_ring));	/* with slots, set before loading */
} fault_rings __weak SEC(".maps");

/*
 * By slot. Not a map of its own: the address of a global needs no look-up. It is
 * in life.bpf.c alone because of weak ones the linker keeps the room of each.
 */
extern struct vcpu_state vcpus[VCPUS_MAX];

/* By slot. A map of its own: older kernels limit one, and so all globals together, to 4 MiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VCPUS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct vcpu_exits);
} exits __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);		/* struct kvm_vcpu * */
	__type(value, u32);		/* index of vcpus, or SLOT_NONE */
} vcpu_slots __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);		/* bpf_get_current_pid_tgid() */
	__type(value, u32);
} task_slots __weak SEC(".maps");

struct vm_state {
	u16 id;
	u8 traced;
	u8 mode;
	u32 pid;
	u64 nx;			/* pid_tgid of its NX recovery task, 0: not known */
	u64 told;		/* its memslots were */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VMS_MAX);
	__type(key, u64);		/* struct kvm * */
	__type(value, struct vm_state);
} vms __weak SEC(".maps");

/* Numbers not in use; the one freed longest ago comes first. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, VMS_MAX);
	__uint(value_size, sizeof(u32));
} free_vms __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__uint(value_size, sizeof(u32));
} free_vcpus __weak SEC(".maps");

/* What a context begins as: too large for the stack. */
const volatile __u64 no_ctx[sizeof(struct task_ctx) / sizeof(u64)] __weak = {};

/* Tasks that are not vCPUs, while they do something for a VM. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONTEXTS_MAX);
	__type(key, u64);		/* bpf_get_current_pid_tgid() */
	__type(value, struct task_ctx);
} contexts __weak SEC(".maps");

extern struct cpu_cache cpus[CPUS_MAX];
extern __u64 births;	/* vCPUs that came, went or changed their task */
extern __u64 found_all;	/* set by user space: VMs that ran before are known */
extern struct cpu_lost lost[CPUS_MAX];
extern struct vm_flush vm_flushes[VMS_MAX];

static __always_inline u32 this_cpu(void)
{
	return bpf_get_smp_processor_id() & (CPUS_MAX - 1);
}

static __always_inline void count_lost(u32 stage)
{
	__sync_fetch_and_add(&lost[this_cpu()].count[stage & (STAGES_MAX - 1)], 1);
}

/*
 * The consumer looks at the rings by the clock. It is woken only where a
 * quarter of a ring was written since the last time.
 */
static __always_inline void emit_sized(const void *rec, u32 size)
{
	u64 flags = BPF_RB_NO_WAKEUP;
	u32 cpu = this_cpu();
	struct cpu_cache *c = &cpus[cpu];
	void *ring = bpf_map_lookup_elem(&rings, &cpu);

	c->bytes += size;
	if (c->bytes > cfg.wake_bytes) {
		c->bytes = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	if (!ring || bpf_ringbuf_output(ring, (void *)rec, size, flags))
		count_lost(MMUSCOPE_stage_ring);
}

#define emit(rec) emit_sized((rec), sizeof(*(rec)))

/* A record's header; the rest of the record is zero. */
#define record(name, when, vmid, vcpuid)				\
	{ .hdr = { .ts = (when), .vm = (vmid), .vcpu = (vcpuid),	\
		   .type = MMUSCOPE_TYPE_##name,			\
		   .size = sizeof(struct mmuscope_##name) } }

/* Also where the slot is SLOT_NONE: that state belongs to nobody. */
static __always_inline struct vcpu_state *vcpu_at(u64 slot)
{
	return &vcpus[slot & (VCPUS_MAX - 1)];
}

#include "life.bpf.h"

/* NULL for a vCPU that is not traced. */
static __always_inline struct vcpu_state *vcpu_traced(u32 slot)
{
	return slot == SLOT_NONE ? NULL : vcpu_at(slot);
}

/* Not inline: a register that is used anywhere in a program is saved at each run. */
static __noinline struct vcpu_state *vcpu_other(struct kvm_vcpu *vcpu)
{
	u64 key = as_number(vcpu), task = bpf_get_current_task();

	if (cpus[this_cpu()].no_vcpu == cache_sign(key, task))
		return NULL;
	return vcpu_traced(vcpu_find(key));
}

/*
 * The state of the vCPU that @vcpu names; NULL where it is not to be traced.
 * The cache may be older than the vCPU, at whose address another one was: so
 * the state itself is asked.
 */
static __always_inline struct vcpu_state *vcpu_of(u32 cpu, struct kvm_vcpu *vcpu)
{
	struct vcpu_state *v = vcpu_at(cpus[cpu].slot);

	/* Keeps clang from computing the address again at each use. */
	barrier_var(v);
	return v->vcpu == (u64)vcpu ? v : vcpu_other(vcpu);
}

static __noinline struct vcpu_state *vcpu_of_task(void)
{
	struct cpu_cache *c = &cpus[this_cpu()];
	struct vcpu_state *v = vcpu_at(c->slot);
	u64 task = bpf_get_current_task();

	barrier_var(v);
	if (v->task == task)
		return v;
	if (c->no_task == cache_sign(task, 0))
		return NULL;
	return vcpu_traced(vcpu_find_task(bpf_get_current_pid_tgid()));
}

/*
 * The same for the running task, by the address of its task_struct. That can be
 * a dead vCPU's, given to another task: good where the vCPU must be in the
 * middle of an exit to count, which no dead one is.
 */
static __always_inline struct vcpu_state *vcpu_running(void)
{
	struct vcpu_state *v = vcpu_at(cpus[this_cpu()].here);

	barrier_var(v);
	return span_handling(&v->span) ? v : vcpu_of_task();
}

/* The state of the vCPU that the running task is. */
static __always_inline struct vcpu_state *vcpu_current(void)
{
	struct cpu_cache *c = &cpus[this_cpu()];
	struct vcpu_state *v = vcpu_at(c->slot);
	u64 tid = bpf_get_current_pid_tgid();

	barrier_var(v);
	if (v->tid == tid && v->vcpu)
		return v;
	if (c->no_tid == cache_sign(tid, 0))
		return NULL;
	return vcpu_traced(vcpu_find_task(tid));
}

static __always_inline struct task_ctx *ctx_current(void)
{
	struct vcpu_state *v = vcpu_current();
	u64 tid;

	if (v)
		return &v->ctx;
	tid = bpf_get_current_pid_tgid();
	return bpf_map_lookup_elem(&contexts, &tid);
}

/*
 * Begin of one kind of activity for a VM. An inner one keeps the origin of the
 * outer one unless it has its own.
 */
static __always_inline struct task_ctx *ctx_begin(u32 kind, u16 vm, u8 origin)
{
	struct task_ctx *c = ctx_current();

	if (!c) {
		u64 tid = bpf_get_current_pid_tgid();

		bpf_map_update_elem(&contexts, &tid, (const void *)no_ctx, BPF_ANY);
		c = bpf_map_lookup_elem(&contexts, &tid);
		if (!c) {
			count_lost(MMUSCOPE_stage_context);
			return NULL;
		}
	}
	if (!c->begin[kind])
		c->depth++;
	c->begin[kind] = bpf_ktime_get_ns();
	c->vm = vm;
	if (origin)
		c->origin = origin;
	return c;
}

/* End of it: when it began, 0 if that was not seen. */
static __always_inline u64 ctx_end(struct task_ctx *c, u32 kind)
{
	u64 begin = c->begin[kind];

	if (begin) {
		c->begin[kind] = 0;
		c->depth--;
	}
	return begin;
}

/*
 * When nothing is going on any more a task that is no vCPU is forgotten. The
 * one thing that others happen within is a request of the VMM.
 */
static __always_inline void ctx_leave(struct task_ctx *c)
{
	u64 tid = bpf_get_current_pid_tgid();

	if (c->depth) {
		if (c->depth == 1 && c->begin[CTX_IOCTL])
			c->origin = MMUSCOPE_origin_ioctl;
		return;
	}
	c->origin = 0;
	c->cause = 0;
	c->vm = 0;
	bpf_map_delete_elem(&contexts, &tid);
}

/* A stretch of time in which all that the task does is for @kvm, and why. */
static __always_inline int ctx_open(struct kvm *kvm, u32 kind, u8 origin)
{
	u16 vm = vm_id(kvm);

	if (vm)
		ctx_begin(kind, vm, origin);
	return 0;
}

static __always_inline int ctx_close(u32 kind)
{
	struct task_ctx *c = ctx_current();

	if (!c || !ctx_end(c, kind))
		return 0;
	c->origin = 0;
	c->cause = 0;
	ctx_leave(c);
	return 0;
}

/* Something happens in this exit for which the vCPU has to flush before it enters again. */
static __always_inline void flush_asked(struct vcpu_state *v, u8 cause)
{
	v->asked = cause;
	v->asked_ts = v->span.exit_ts;
}

static __always_inline u8 origin_of(struct vcpu_state *v)
{
	if (v->ctx.origin)
		return v->ctx.origin;
	return span_origin(&v->span);
}

/* Who does what for which VM right now; without a context all is unknown. */
struct whereabouts {
	u16 vm;
	u16 vcpu;
	u8 origin;
	u8 traced;		/* 0: known, and filtered out */
	u8 cause;		/* enum mmuscope_cause, where the context alone tells */
	u8 flags;		/* MMUSCOPE_INFERRED if that was guessed */
};

/* The cause of the activity, or else what the origin says. */
static __always_inline void whereabouts_cause(struct whereabouts *w, struct task_ctx *c)
{
	w->cause = c->cause ? c->cause : cause_of_origin(w->origin);
	w->flags = c->cause ? c->cause_flags : 0;
}

#define PF_EXITING	0x4	/* include/linux/sched.h */

/*
 * What recovers NX huge pages is a thread of the VMM on newer kernels, and may be the last to leave
 * its memory: what is zapped then is not recovered.
 */
static __always_inline u8 origin_nx(u8 origin)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return origin == MMUSCOPE_origin_nx && BPF_CORE_READ(task, flags) & PF_EXITING ?
		MMUSCOPE_origin_destroy : origin;
}

static __always_inline void whereabouts(struct whereabouts *w)
{
	struct vcpu_state *v = vcpu_current();
	struct task_ctx *c;

	w->vm = MMUSCOPE_NO_VM;
	w->vcpu = MMUSCOPE_NO_VCPU;
	w->origin = MMUSCOPE_origin_unknown;
	w->traced = 1;
	w->cause = MMUSCOPE_cause_unknown;
	w->flags = 0;
	if (v) {
		w->vm = v->ctx.depth && v->ctx.vm ? v->ctx.vm : v->span.rec.hdr.vm;
		w->vcpu = v->span.rec.hdr.vcpu;
		w->origin = origin_of(v);
		whereabouts_cause(w, &v->ctx);
		return;
	}
	c = ctx_current();
	if (c) {
		w->vm = c->vm;
		w->origin = origin_nx(c->origin);
		whereabouts_cause(w, c);
	} else if (cfg.filtered) {
		w->traced = 0;
	}
}

#endif /* MMUSCOPE_STATE_BPF_H */
