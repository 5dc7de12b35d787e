// SPDX-License-Identifier: GPL-2.0
/* The vCPU's way out of the guest and back: faults and exits. */
#include "exit.bpf.h"

/* RET_PF_* of the running kernel, see collector_config. */
static __always_inline u8 verdict_of(u32 ret)
{
	u64 i = ret;

	if (i >= RET_PF_MAX)
		return MMUSCOPE_verdict_unknown;
	barrier_var(i);
	return cfg.ret_pf[i & (RET_PF_MAX - 1)];
}

static __always_inline bool misconfigured(u64 error)
{
	return error == PF_RESERVED || error & EPTQ_MISCONFIG;
}

/*
 * Functions of their own, here and below, are what the programs that every fault
 * runs do rarely: a register that is used anywhere in a program is saved each time.
 */
static __noinline int count_exit(struct vcpu_state *v, u64 ns)
{
	struct vcpu_exits *e = bpf_map_lookup_elem(&exits, &v->slot);
	u64 i = exit_index(reason_of(v));

	if (!e)
		return 0;
	/* Always true, and now the verifier knows as well. */
	barrier_var(i);
	i &= EXIT_INDEX_MAX - 1;
	e->by[i].count++;
	e->by[i].ns += ns;
	return 0;
}

/* The reason of a fault's exit follows from the mode: user/source/bpf.c knows it. */
static __always_inline void count_fault(struct vcpu_state *v)
{
	/* With one exception: an EPT misconfiguration. */
	if (cfg.isa == MMUSCOPE_isa_vmx && misconfigured(v->span.rec.error)) {
		count_exit(v, v->span.rec.hdr.dur);
		return;
	}
	v->faults.count++;
	v->faults.ns += v->span.rec.hdr.dur;
}

/* The others of these counters came in 5.19; without them this one says nothing. */
static __always_inline u64 pf_fixed(struct kvm_vcpu *vcpu)
{
	if (!bpf_core_field_exists(vcpu->stat.pf_emulate))
		return 0;
	return BPF_CORE_READ(vcpu, stat.pf_fixed);
}

/*
 * What became of a fault that was not fixed, where KVM's counters tell: each is
 * compared with its value when it was looked at last. One that none of them
 * counted is tried again.
 */
static __noinline u32 verdict_counted(struct vcpu_state *v)
{
	struct kvm_vcpu *vcpu = (void *)v->vcpu;
	u32 verdict = MMUSCOPE_verdict_retry;
	u64 emulate, spurious;

	if (!bpf_core_field_exists(vcpu->stat.pf_emulate))
		return MMUSCOPE_verdict_unknown;
	emulate = BPF_CORE_READ(vcpu, stat.pf_emulate);
	spurious = BPF_CORE_READ(vcpu, stat.pf_spurious);
	if (emulate != v->pf_emulate)
		verdict = MMUSCOPE_verdict_emulated;
	else if (spurious != v->pf_spurious)
		verdict = MMUSCOPE_verdict_spurious;
	v->pf_emulate = emulate;
	v->pf_spurious = spurious;
	return verdict;
}

/*
 * Where no hook on the handler's return told before: see probes_thin(). @fixed is
 * KVM's counter now, with its value at the last entry to compare.
 */
static __always_inline void vcpu_answered(struct vcpu_state *v, u64 fixed)
{
	if (!span_handling(&v->span) || v->span.rec.verdict)
		return;
	v->span.rec.verdict = fixed != v->pf_fixed ? MMUSCOPE_verdict_fixed : verdict_counted(v);
}

/* The entry was not seen. */
static __noinline int fault_cut(struct vcpu_state *v)
{
	emit(&v->span.rec);
	return 0;
}

/* The end of an exit that no fault is known of. Return: 1 if it was one all the same. */
static __noinline int exit_end(struct vcpu_state *v, u64 now)
{
	if (!span_outside(&v->span))
		return 0;
	if (fault_missed(v)) {
		v->span.rec.verdict = verdict_counted(v);
		return 1;
	}
	/* collector_skipped() counts the others. */
	if (is_fault(v))
		count_lost(MMUSCOPE_stage_probe);
	count_exit(v, now - v->span.exit_ts);
	return 0;
}

static __always_inline int vcpu_exited(struct vcpu_state *v)
{
	if (v && span_exit(&v->span, bpf_ktime_get_ns()))
		fault_cut(v);
	return 0;
}

/* Before 5.16: (u32 exit_reason, struct kvm_vcpu *vcpu, u32 isa) */
SEC("raw_tp/kvm_exit")
int BPF_PROG(exit_3, u32 reason, struct kvm_vcpu *vcpu)
{
	struct vcpu_state *v = vcpu_of(this_cpu(), vcpu);

	if (v)
		v->reason = reason & 0xffff;
	return vcpu_exited(v);
}

SEC("raw_tp/kvm_exit")
int BPF_PROG(exit_2, struct kvm_vcpu *vcpu)
{
	return vcpu_exited(vcpu_of(this_cpu(), vcpu));
}

static __noinline int fault_lost(void)
{
	count_lost(MMUSCOPE_stage_ring);
	return 0;
}

static __noinline int consumer_wake(void)
{
	u32 cpu = this_cpu();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);

	if (ring)
		ring = bpf_ringbuf_reserve(ring, sizeof(u64), 0);
	if (ring)
		bpf_ringbuf_discard(ring, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* Interrupts are off here: see struct fault_ring. */
static __always_inline void fault_emit(struct vcpu_state *v, u32 cpu)
{
	struct fault_ring *f = bpf_map_lookup_elem(&fault_rings, &cpu);
	u64 head;

	/* No ring: a CPU that was plugged in since. */
	head = f ? f->head : 0;
	if (!f || head - *(volatile u64 *)&f->tail > cfg.slots_mask) {
		fault_lost();
		return;
	}
	f->slot[head & cfg.slots_mask] = v->span.rec;
	/* The record is there before its number: x86 keeps the order of stores. */
	barrier();
	*(volatile u64 *)&f->head = head + 1;
	if (!(head & cfg.wake_mask))
		consumer_wake();
}

static __always_inline void vcpu_entered(struct vcpu_state *v, u32 cpu)
{
	u64 now = bpf_ktime_get_ns();

	if (span_open(&v->span) || exit_end(v, now)) {
		span_close(&v->span, now);
		count_fault(v);
		fault_emit(v, cpu);
	}
	v->span.phase = SPAN_GUEST;
}

/*
 * The programs that every fault runs take their arguments from @ctx where they
 * need them: kept from the start they would take registers, which are saved first.
 */
SEC("tp_btf/kvm_entry")
int entry_b(u64 *ctx)
{
	u32 cpu = this_cpu();
	struct vcpu_state *v = vcpu_of(cpu, (void *)ctx[0]);
	struct kvm_vcpu *vcpu;

	if (!v)
		return 0;
	/* Another thread of the VMM runs it by now. */
	if (bpf_get_current_task() != v->task)
		vcpu_find(v->vcpu);
	vcpu = (void *)ctx[0];
	/* Some kernels, 6.12 for one, want to see that it is not NULL. */
	if (bpf_core_field_exists(vcpu->stat.pf_emulate) && vcpu) {
		u64 fixed = vcpu->stat.pf_fixed;

		vcpu_answered(v, fixed);
		v->pf_fixed = fixed;
	}
	vcpu_entered(v, cpu);
	return 0;
}

SEC("raw_tp/kvm_entry")
int entry_1(u64 *ctx)
{
	u32 cpu = this_cpu();
	struct vcpu_state *v = vcpu_of(cpu, (void *)ctx[0]);

	if (!v)
		return 0;
	if (bpf_get_current_task() != v->task)
		vcpu_find(v->vcpu);
	vcpu_answered(v, pf_fixed((void *)v->vcpu));
	vcpu_entered(v, cpu);
	return 0;
}

SEC("tp_btf/kvm_page_fault")
int page_fault_b(u64 *ctx)
{
	struct vcpu_state *v = vcpu_of(this_cpu(), (void *)ctx[0]);

	if (v)
		span_fault(&v->span, bpf_ktime_get_ns(), ctx[1], ctx[2],
			   rip_direct((void *)ctx[0]));
	return 0;
}

SEC("raw_tp/kvm_page_fault")
int BPF_PROG(page_fault_3, struct kvm_vcpu *vcpu, u64 addr, u64 error)
{
	struct vcpu_state *v = vcpu_of(this_cpu(), vcpu);

	if (v)
		span_fault(&v->span, bpf_ktime_get_ns(), addr, error, rip_of(vcpu));
	return 0;
}

/* Before 6.1: (unsigned long addr, u32 error) */
SEC("raw_tp/kvm_page_fault")
int BPF_PROG(page_fault_2, u64 addr, u32 error)
{
	struct vcpu_state *v = vcpu_running();

	if (v)
		span_fault(&v->span, bpf_ktime_get_ns(), addr, error, rip_of((void *)v->vcpu));
	return 0;
}

/*
 * The event's record of 6.1 and later, whose layout user space checks. Where the kernel preempts
 * programs: none of them makes the kernel skip this one.
 */
struct page_fault_event {
	u64 common;
	u32 vcpu_id;
	u32 pad;
	u64 rip;
	u64 addr;
	u64 error;
};

SEC("tp/kvm/kvm_page_fault")
int page_fault_e(struct page_fault_event *e)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_fault(&v->span, bpf_ktime_get_ns(), e->addr, e->error, e->rip);
	return 0;
}

/*
 * Of the error code that tracepoint has the lower half. With NPT the upper one says
 * whether a walk of guest page tables faulted.
 */
static __always_inline int whole_error(u64 error)
{
	struct vcpu_state *v = vcpu_running();

	if (v && span_handling(&v->span))
		v->span.rec.error = error;
	return 0;
}

ON_ENTRY(kvm_mmu_page_fault, whole_error, whole_error(error), void *vcpu, u64 addr, u64 error)

SEC("raw_tp/kvm_mmu_spte_requested")
int BPF_PROG(requested)
{
	struct vcpu_state *v = vcpu_faulting();

	if (v)
		span_requested(&v->span, bpf_ktime_get_ns());
	return 0;
}

/* An entry is set: the nearest thing to the handler's return where that is not hooked. */
static __always_inline void vcpu_mapped(struct vcpu_state *v)
{
	if (cfg.counted && span_handling(&v->span))
		v->span.rec.handler_ns = bpf_ktime_get_ns() - v->span.fault_ts;
}

SEC("raw_tp/kvm_mmu_set_spte")
int set_spte(u64 *ctx)
{
	struct vcpu_state *v = vcpu_running();

	if (!v)
		return 0;
	span_mapped(&v->span, ctx[0], ctx[1]);
	vcpu_mapped(v);
	return 0;
}

static __always_inline int handled(u32 ret)
{
	struct vcpu_state *v = vcpu_faulting();

	if (v)
		span_handled(&v->span, bpf_ktime_get_ns(), verdict_of(ret));
	return 0;
}

/*
 * The handlers take (vcpu, fault) by 5.17 and four arguments before, where only
 * kretprobes are used.
 */
#define HANDLER(name)								\
SEC("fexit/" #name)								\
int BPF_PROG(name##_f, void *vcpu, void *fault, u32 ret)			\
{										\
	return handled(ret);							\
}										\
										\
SEC("kretprobe/" #name)								\
int BPF_KRETPROBE(name##_k, u32 ret)						\
{										\
	return handled(ret);							\
}

HANDLER(kvm_tdp_page_fault)
HANDLER(paging64_page_fault)
HANDLER(paging32_page_fault)
HANDLER(nonpaging_page_fault)
HANDLER(ept_page_fault)

static __always_inline int fast_fixed(u32 ret)
{
	struct vcpu_state *v = vcpu_faulting();
	u8 verdict = verdict_of(ret);

	if (!v)
		return 0;
	vcpu_mapped(v);
	if (verdict == MMUSCOPE_verdict_fixed)
		span_saw(&v->span, SPAN_SEEN_FAST);
	else if (verdict == MMUSCOPE_verdict_spurious)
		span_saw(&v->span, SPAN_SEEN_FAST | SPAN_SEEN_SPURIOUS);
	return 0;
}

/* Before 5.19: (vcpu, gpa, error, sptep, old, ret) */
SEC("raw_tp/fast_page_fault")
int BPF_PROG(fast_6, void *vcpu, u64 gpa, u32 error, u64 *sptep, u64 old, u32 ret)
{
	return fast_fixed(ret);
}

SEC("raw_tp/fast_page_fault")
int BPF_PROG(fast_5, void *vcpu, void *fault, u64 *sptep, u64 old, u32 ret)
{
	return fast_fixed(ret);
}

static __always_inline void saw(u8 what)
{
	struct vcpu_state *v = vcpu_faulting();

	if (v)
		span_saw(&v->span, what);
}

SEC("raw_tp/handle_mmio_page_fault")
int BPF_PROG(mmio, u64 addr)
{
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return 0;
	/* With EPT this is the first that is heard of it: a misconfiguration. */
	if (cfg.isa == MMUSCOPE_isa_svm && span_outside(&v->span))
		fault_missed(v);
	span_mmio(&v->span, bpf_ktime_get_ns(), addr);
	return 0;
}

SEC("raw_tp/kvm_fast_mmio")
int BPF_PROG(fast_mmio, u64 gpa)
{
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return 0;
	/* Before kvm_page_fault, which is not told. */
	if (cfg.isa == MMUSCOPE_isa_svm && span_outside(&v->span))
		fault_missed(v);
	span_mmio(&v->span, bpf_ktime_get_ns(), gpa);
	return 0;
}

SEC("raw_tp/mark_mmio_spte")
int BPF_PROG(mmio_new)
{
	struct vcpu_state *v = vcpu_running();

	if (!v)
		return 0;
	vcpu_mapped(v);
	span_saw(&v->span, SPAN_SEEN_MMIO);
	return 0;
}

/*
 * An EPT misconfiguration that KVM's cache of MMIO addresses has the answer for
 * goes straight to emulation: this is the first that is seen of it.
 */
SEC("raw_tp/kvm_emulate_insn")
int BPF_PROG(emulate)
{
	struct vcpu_state *v = vcpu_faulting();

	if (!v)
		return 0;
	if (cfg.isa == MMUSCOPE_isa_vmx && span_outside(&v->span) && reason_of(v) == 49)
		span_mmio(&v->span, bpf_ktime_get_ns(), MMUSCOPE_UNKNOWN);
	span_saw(&v->span, SPAN_SEEN_EMULATE);
	return 0;
}

/* What the emulated instruction wanted, which a misconfiguration does not tell: 2 is a write. */
SEC("raw_tp/kvm_mmio")
int BPF_PROG(mmio_access, u32 type, u32 len, u64 gpa)
{
	struct vcpu_state *v = vcpu_running();

	if (!v || !span_handling(&v->span) || v->span.rec.error != PF_RESERVED)
		return 0;
	v->span.rec.error |= EPTQ_MISCONFIG | (type == 2 ? EPTQ_WRITE : EPTQ_READ);
	/* Where the address is until span_unpack(). */
	if (v->span.rec.gva == MMUSCOPE_UNKNOWN)
		v->span.rec.gva = gpa;
	return 0;
}

/*
 * Exception 14 is #PF (SDM volume 3, table 6-1). One that is injected again had
 * been delivered before: the fault at hand interrupted it.
 */
static __always_inline int injected(u32 vector, bool again)
{
	if (vector == 14 && !again)
		saw(SPAN_SEEN_REFLECT);
	return 0;
}

SEC("raw_tp/kvm_inj_exception")
int BPF_PROG(inject_4, u32 vector, bool has_error, u32 error, bool again)
{
	return injected(vector, again);
}

SEC("raw_tp/kvm_inj_exception")
int BPF_PROG(inject_3, u32 vector)
{
	return injected(vector, false);
}

SEC("raw_tp/kvm_userspace_exit")
int BPF_PROG(user_exit)
{
	struct vcpu_state *v = vcpu_current();
	u64 now;

	if (!v)
		return 0;
	now = bpf_ktime_get_ns();
	vcpu_answered(v, pf_fixed((void *)v->vcpu));
	if (!span_open(&v->span))
		exit_end(v, now);
	if (span_user(&v->span, now)) {
		count_fault(v);
		emit(&v->span.rec);
	}
	return 0;
}

static __always_inline int nested(u8 running)
{
	struct vcpu_state *v = vcpu_current();

	if (v) {
		span_nested(&v->span, running);
		flush_asked(v, MMUSCOPE_cause_nested);
	}
	return 0;
}

/* The event's name until 5.19. */
SEC("raw_tp/kvm_nested_vmrun")
int BPF_PROG(nested_run)
{
	return nested(1);
}

SEC("raw_tp/kvm_nested_vmenter")
int BPF_PROG(nested_enter)
{
	return nested(1);
}

/* EPT violation and misconfiguration, nested page fault: L1's own to handle. */
SEC("raw_tp/kvm_nested_vmexit_inject")
int BPF_PROG(nested_exit, u32 reason)
{
	if (reason == 48 || reason == 49 || reason == 0x400)
		saw(SPAN_SEEN_REFLECT);
	return nested(0);
}

/*
 * A page that was read behind the guest's back is mapped now: through the same
 * functions as a fault, but whatever happens next is not of the fault at hand.
 */
static __always_inline int page_ready(void)
{
	struct vcpu_state *v = vcpu_current();

	if (v && span_handling(&v->span)) {
		vcpu_answered(v, pf_fixed((void *)v->vcpu));
		v->span.phase = SPAN_ANSWERED;
	}
	return 0;
}

ON_ENTRY(kvm_arch_async_page_ready, page_ready, page_ready())

static __always_inline int sched_out(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct vcpu_state *v = vcpu_running();

	if (v)
		span_sched(&v->span, task_sleeps(task) ? MMUSCOPE_SLEPT : MMUSCOPE_PREEMPTED);
	/* What comes next on this CPU may carry no vCPU to tell. */
	__builtin_memset(&cpus[this_cpu()], 0, offsetof(struct cpu_cache, bytes));
	return 0;
}

ON_ENTRY(kvm_sched_out, sched_out, sched_out())

char LICENSE[] SEC("license") __weak = "GPL";
