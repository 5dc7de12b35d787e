// SPDX-License-Identifier: GPL-2.0
/* MMU notifiers: the host changes memory that a VM maps, or looks at its accessed bits. */
#include "cause.bpf.h"

static __always_inline struct task_ctx *notify_begin(u32 kind, struct mmu_notifier *mn, u8 origin,
						     u64 start, u64 end, u8 event)
{
	u16 vm = vm_id(kvm_of_notifier(mn));
	struct task_ctx *c;

	if (!vm)
		return NULL;
	c = ctx_begin(kind, vm, origin);
	if (!c)
		return NULL;
	c->start = start;
	c->end = end;
	c->event = event;
	c->counted = 0;
	c->first = MMUSCOPE_UNKNOWN;
	return c;
}

static __always_inline int invalidate_begin(void *ctx, struct mmu_notifier *mn,
					    struct mmu_notifier_range *range)
{
	u32 event = BPF_CORE_READ(range, event);
	struct task_ctx *c;

	if (event > MMUSCOPE_notifier_exclusive)
		event = MMUSCOPE_notifier_unknown;
	c = notify_begin(CTX_INVALIDATE, mn, MMUSCOPE_origin_invalidate,
			 BPF_CORE_READ(range, start), BPF_CORE_READ(range, end), event);
	if (c)
		c->cause = cause_find(ctx, event, &c->cause_flags);
	return 0;
}

static __always_inline int invalidate_end(void)
{
	struct mmuscope_invalidate rec = record(invalidate, bpf_ktime_get_ns(), 0,
						MMUSCOPE_NO_VCPU);
	struct task_ctx *c = ctx_current();
	struct whereabouts w;
	u64 begin;

	if (!c)
		return 0;
	whereabouts(&w);
	begin = ctx_end(c, CTX_INVALIDATE);
	if (!begin)
		return 0;
	rec.hdr.vm = c->vm;
	rec.hdr.vcpu = w.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.start = c->start;
	rec.end = c->end;
	rec.hdr.flags = c->cause_flags;
	rec.gfns = c->counted;
	rec.gfn = c->first;
	rec.event = c->event;
	rec.cause = c->cause;
	rec.tid = bpf_get_current_pid_tgid();
	bpf_get_current_comm(rec.comm, sizeof(rec.comm));
	c->origin = 0;
	c->cause = 0;
	c->cause_flags = 0;
	ctx_leave(c);
	emit(&rec);
	return 0;
}

ON_ENTRY(kvm_mmu_notifier_invalidate_range_start, invalidate_begin,
	 invalidate_begin(ctx, mn, range),
	 struct mmu_notifier *mn, struct mmu_notifier_range *range)
ON_RETURN(kvm_mmu_notifier_invalidate_range_start, invalidate_end, invalidate_end())

static __always_inline int unmap(u64 start, u64 end)
{
	struct task_ctx *c = ctx_current();

	if (!c || !c->begin[CTX_INVALIDATE])
		return 0;
	c->counted += end - start;
	if (start < c->first)
		c->first = start;
	return 0;
}

ON_ENTRY(kvm_unmap_gfn_range, unmap,
	 unmap(BPF_CORE_READ(range, start), BPF_CORE_READ(range, end)), void *kvm,
	 struct kvm_gfn_range *range)

/*
 * Without function probes nothing names the VM. The event is kept for what it
 * says: how often, by whom, and which addresses.
 */
SEC("raw_tp/kvm_unmap_hva_range")
int BPF_PROG(unmap_hva, u64 start, u64 end)
{
	struct mmuscope_invalidate rec = record(invalidate, bpf_ktime_get_ns(), 0,
						MMUSCOPE_NO_VCPU);
	struct whereabouts w;

	whereabouts(&w);
	/* Of a VM that is asked for, its owner's threads are known to be. */
	if (!w.traced && !(cfg.filtered && task_wanted(bpf_get_current_task())))
		return 0;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.start = start;
	rec.end = end;
	rec.gfn = MMUSCOPE_UNKNOWN;
	rec.event = MMUSCOPE_notifier_unknown;
	rec.cause = cause_find(ctx, rec.event, &rec.hdr.flags);
	rec.hdr.flags |= MMUSCOPE_PARTIAL;
	rec.tid = bpf_get_current_pid_tgid();
	bpf_get_current_comm(rec.comm, sizeof(rec.comm));
	emit(&rec);
	return 0;
}

static __always_inline int age_begin(struct mmu_notifier *mn, u64 start, u64 end)
{
	notify_begin(CTX_AGE, mn, MMUSCOPE_origin_age, start, end, 0);
	/* The verifier takes nothing else from fentry. */
	return 0;
}

static __always_inline int age_end(u32 young)
{
	struct mmuscope_age rec = record(age, bpf_ktime_get_ns(), 0, MMUSCOPE_NO_VCPU);
	struct task_ctx *c = ctx_current();
	u64 begin;

	if (!c)
		return 0;
	begin = ctx_end(c, CTX_AGE);
	if (!begin)
		return 0;
	rec.hdr.vm = c->vm;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.start = c->start;
	rec.end = c->end;
	rec.tid = bpf_get_current_pid_tgid();
	rec.young = !!young;
	c->origin = 0;
	ctx_leave(c);
	emit(&rec);
	return 0;
}

/* (mn, mm, start, end); what it returns is behind the arguments, or in a register. */
#define AGE(fn)									\
ON_ENTRY(fn, fn, age_begin(mn, start, end),					\
	 struct mmu_notifier *mn, void *mm, u64 start, u64 end)			\
										\
SEC("fexit/" #fn)								\
int BPF_PROG(fn##_end_f, void *mn, void *mm, u64 start, u64 end, u32 young)	\
{										\
	return age_end(young);							\
}										\
										\
SEC("kretprobe/" #fn)								\
int BPF_KRETPROBE(fn##_end_k, u32 young)					\
{										\
	return age_end(young);							\
}

AGE(kvm_mmu_notifier_clear_flush_young)
AGE(kvm_mmu_notifier_clear_young)

/* The owner's address space goes away, and all mappings with it. */
ON_ENTRY(kvm_mmu_notifier_release, release,
	 ctx_open(kvm_of_notifier(mn), CTX_RELEASE, MMUSCOPE_origin_destroy),
	 struct mmu_notifier *mn)
ON_RETURN(kvm_mmu_notifier_release, release_end, ctx_close(CTX_RELEASE))

char LICENSE[] SEC("license") __weak = "GPL";
