// SPDX-License-Identifier: GPL-2.0
/* The vCPU's way out of the guest and back: faults and exits. */
#include "state.bpf.h"

#define FDS_MAX		256	/* how many files of a task are looked through */

/* RET_PF_* of the running kernel, see collector_config. */
static __always_inline u8 verdict_of(u32 ret)
{
	u64 i = ret;

	if (i >= RET_PF_MAX)
		return MMUSCOPE_verdict_unknown;
	barrier_var(i);
	return cfg.ret_pf[i & (RET_PF_MAX - 1)];
}

static __always_inline u32 vmx_reason(u64 vcpu)
{
	struct vcpu_vmx___plain *plain = (void *)vcpu;
	struct vcpu_vmx___vt *shared = (void *)vcpu;
	struct vcpu_vmx *vmx = (void *)vcpu;

	if (bpf_core_field_exists(vmx->exit_reason.full))
		return BPF_CORE_READ(vmx, exit_reason.full);
	if (bpf_core_field_exists(shared->vt))
		return BPF_CORE_READ(shared, vt.exit_reason.full);
	if (bpf_core_field_exists(plain->exit_reason))
		return BPF_CORE_READ(plain, exit_reason);
	return ~0U;
}

static __always_inline u32 svm_reason(u64 vcpu)
{
	struct vcpu_svm *svm = (void *)vcpu;

	if (bpf_core_field_exists(svm->vmcb))
		return BPF_CORE_READ(svm, vmcb, control.exit_code);
	return ~0U;
}

/* The hardware's reason stays where it is until the next entry. */
static __always_inline u32 reason_of(struct vcpu_state *v)
{
	if (v->reason != ~0U)
		return v->reason;
	if (cfg.isa == MMUSCOPE_isa_svm)
		return svm_reason(v->vcpu);
	return vmx_reason(v->vcpu) & 0xffff;
}

static __always_inline bool misconfigured(u64 error)
{
	return error == PF_RESERVED || error & EPTQ_MISCONFIG;
}

/* Index of a fault's exit, for which the reason need not be read: asm/svm.h, asm/vmx.h. */
static __always_inline u32 fault_index(struct vcpu_state *v)
{
	bool shadow = v->span.mode == MMUSCOPE_mode_shadow;

	if (cfg.isa == MMUSCOPE_isa_svm)
		return shadow ? 0x4e : EXIT_SVM_HIGH;
	return shadow ? 0 : misconfigured(v->span.rec.error) ? 49 : 48;
}

static __always_inline void count_exit(struct vcpu_state *v, u64 ns, bool fault)
{
	struct vcpu_exits *e = bpf_map_lookup_elem(&exits, &v->slot);
	u64 i = fault ? fault_index(v) : exit_index(reason_of(v));

	if (!e)
		return;
	/* Always true, and now the verifier knows as well. */
	barrier_var(i);
	i &= EXIT_INDEX_MAX - 1;
	e->by[i].count++;
	e->by[i].ns += ns;
}

static __always_inline int vcpu_exited(struct kvm_vcpu *vcpu, u32 isa, u32 reason)
{
	struct vcpu_state *v = vcpu_of(vcpu);

	if (!v)
		return 0;
	v->reason = reason;
	v->span.isa = isa;
	if (span_exit(&v->span, bpf_ktime_get_ns()))
		emit(&v->span.rec);
	return 0;
}

/* Before 5.16: (u32 exit_reason, struct kvm_vcpu *vcpu, u32 isa) */
SEC("raw_tp/kvm_exit")
int BPF_PROG(exit_3, u32 reason, struct kvm_vcpu *vcpu, u32 isa)
{
	return vcpu_exited(vcpu, isa, reason & 0xffff);
}

SEC("raw_tp/kvm_exit")
int BPF_PROG(exit_2, struct kvm_vcpu *vcpu, u32 isa)
{
	return vcpu_exited(vcpu, isa, ~0U);
}

/* Interrupts are off here: see struct fault_ring. */
static __always_inline void fault_emit(struct vcpu_state *v)
{
	u32 cpu = this_cpu();
	struct fault_ring *f = bpf_map_lookup_elem(&fault_rings, &cpu);
	void *ring;
	u64 head;

	/* No ring: a CPU that was plugged in since. */
	head = f ? f->head : 0;
	if (!f || head - *(volatile u64 *)&f->tail > cfg.slots_mask) {
		count_lost(MMUSCOPE_stage_ring);
		return;
	}
	f->slot[head & cfg.slots_mask] = v->span.rec;
	/* The record is there before its number: x86 keeps the order of stores. */
	barrier();
	*(volatile u64 *)&f->head = head + 1;
	if (head & cfg.wake_mask)
		return;
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (!ring)
		return;
	ring = bpf_ringbuf_reserve(ring, sizeof(u64), 0);
	if (ring)
		bpf_ringbuf_discard(ring, BPF_RB_FORCE_WAKEUP);
}

SEC("raw_tp/kvm_entry")
int BPF_PROG(entry_1, struct kvm_vcpu *vcpu)
{
	struct vcpu_state *v = vcpu_of(vcpu);
	u64 now, begin;
	bool fault;

	if (!v)
		return 0;
	now = bpf_ktime_get_ns();
	begin = v->span.exit_ts;
	fault = span_entry_packed(&v->span, now);
	if (begin)
		count_exit(v, now - begin, fault);
	if (fault)
		fault_emit(v);
	return 0;
}

static __always_inline int page_fault(struct vcpu_state *v, u64 addr, u64 error, u64 rip)
{
	if (v)
		span_fault(&v->span, bpf_ktime_get_ns(), addr, error, rip);
	return 0;
}

/*
 * Guest RIP, MMUSCOPE_UNKNOWN where it is not known. With SVM it is saved at
 * every exit; with VMX only what something asked for has been read from the
 * VMCS, and regs_avail tells.
 */
static __always_inline u64 rip_of(struct kvm_vcpu *vcpu)
{
	if (!bpf_core_field_exists(vcpu->arch.regs[VCPU_REGS_RIP])) {
		if (cfg.isa != MMUSCOPE_isa_svm)
			return MMUSCOPE_UNKNOWN;
		return BPF_CORE_READ((struct kvm_vcpu___rip *)vcpu, arch.rip);
	}
	if (cfg.isa != MMUSCOPE_isa_svm &&
	    !(BPF_CORE_READ(vcpu, arch.regs_avail) & (1U << VCPU_REGS_RIP)))
		return MMUSCOPE_UNKNOWN;
	return BPF_CORE_READ(vcpu, arch.regs[VCPU_REGS_RIP]);
}

/* The same where the pointer is typed and can be followed without a call. */
static __always_inline u64 rip_direct(struct kvm_vcpu *vcpu)
{
	if (bpf_core_field_exists(vcpu->arch.regs[VCPU_REGS_RIP]) &&
	    cfg.isa == MMUSCOPE_isa_svm)
		return vcpu->arch.regs[VCPU_REGS_RIP];
	return rip_of(vcpu);
}

SEC("tp_btf/kvm_page_fault")
int BPF_PROG(page_fault_b, struct kvm_vcpu *vcpu, u64 addr, u64 error)
{
	return page_fault(vcpu_of(vcpu), addr, error, rip_direct(vcpu));
}

SEC("raw_tp/kvm_page_fault")
int BPF_PROG(page_fault_3, struct kvm_vcpu *vcpu, u64 addr, u64 error)
{
	return page_fault(vcpu_of(vcpu), addr, error, rip_of(vcpu));
}

/* Before 6.1: (unsigned long addr, u32 error) */
SEC("raw_tp/kvm_page_fault")
int BPF_PROG(page_fault_2, u64 addr, u32 error)
{
	struct vcpu_state *v = vcpu_running();

	return page_fault(v, addr, error, v ? rip_of((void *)v->vcpu) : MMUSCOPE_UNKNOWN);
}

SEC("raw_tp/kvm_mmu_spte_requested")
int BPF_PROG(requested)
{
	struct vcpu_state *v = vcpu_running();

	if (v)
		span_requested(&v->span, bpf_ktime_get_ns());
	return 0;
}

SEC("raw_tp/kvm_mmu_set_spte")
int BPF_PROG(set_spte, int level, u64 gfn)
{
	struct vcpu_state *v = vcpu_running();

	if (v)
		span_mapped(&v->span, level, gfn);
	return 0;
}

/*
 * The vCPU that the running task is, by its open files: KVM notes in the vCPU
 * which thread called KVM_RUN last. 0 where it is none.
 */
__noinline __weak u64 vcpu_by_fd(u32 pid)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	u32 max = BPF_CORE_READ(fdt, max_fds);
	struct file **fds = BPF_CORE_READ(fdt, fd);

	for (u32 i = 0; i < FDS_MAX; i++) {
		struct kvm_vcpu *vcpu;
		struct file *file = NULL;

		if (i >= max)
			break;
		bpf_probe_read_kernel(&file, sizeof(file), fds + i);
		if (!file || file_name(file) != NAME_VCPU)
			continue;
		vcpu = BPF_CORE_READ(file, private_data);
		if ((u32)BPF_CORE_READ(vcpu, pid, numbers[0].nr) == pid)
			return (u64)vcpu;
	}
	return 0;
}

/*
 * KVM with software virtualization (no VMX, no SVM) fires neither exit nor
 * entry. There a fault is what lies between the walk of the guest's tables and
 * the entry that is set.
 */
SEC("raw_tp/kvm_mmu_pagetable_walk")
int BPF_PROG(soft_walk, u64 addr, u32 access)
{
	struct vcpu_state *v = vcpu_current();

	if (!v) {
		u64 vcpu = vcpu_by_fd(bpf_get_current_pid_tgid());

		if (!vcpu)
			return 0;
		vcpu_find(vcpu);
		v = vcpu_current();
		if (!v)
			return 0;
	}
	v->span.phase = SPAN_GUEST;
	span_fault(&v->span, bpf_ktime_get_ns(), addr, access, MMUSCOPE_UNKNOWN);
	return 0;
}

SEC("raw_tp/kvm_mmu_set_spte")
int BPF_PROG(soft_set_spte, int level, u64 gfn)
{
	struct vcpu_state *v = vcpu_current();
	u64 now;

	if (!v || !(v->span.seen & SPAN_SEEN_REQUESTED))
		return 0;
	now = bpf_ktime_get_ns();
	span_mapped(&v->span, level, gfn);
	span_handled(&v->span, now, MMUSCOPE_verdict_unknown);
	if (span_entry(&v->span, now))
		emit(&v->span.rec);
	return 0;
}

static __always_inline int handled(u32 ret, u8 level, u64 gfn)
{
	struct vcpu_state *v = vcpu_running();
	u8 verdict = verdict_of(ret);

	if (!v)
		return 0;
	/* Where kvm_mmu_set_spte is not asked, see probes_thin(). A fast fix maps nothing. */
	if (verdict == MMUSCOPE_verdict_fixed && level &&
	    !(v->span.seen & (SPAN_SEEN_MAPPED | SPAN_SEEN_FAST)))
		span_mapped(&v->span, level, gfn);
	span_handled(&v->span, bpf_ktime_get_ns(), verdict);
	return 0;
}

/*
 * The handlers take (vcpu, fault) by 5.17 and four arguments before, where only
 * kretprobes are used.
 */
#define HANDLER(name)								\
SEC("fexit/" #name)								\
int BPF_PROG(name##_f, void *vcpu, struct kvm_page_fault *fault, u32 ret)	\
{										\
	return handled(ret, fault->goal_level, fault->gfn);			\
}										\
										\
SEC("kretprobe/" #name)								\
int BPF_KRETPROBE(name##_k, u32 ret)						\
{										\
	return handled(ret, 0, 0);						\
}

HANDLER(kvm_tdp_page_fault)
HANDLER(paging64_page_fault)
HANDLER(paging32_page_fault)
HANDLER(nonpaging_page_fault)
HANDLER(ept_page_fault)

static __always_inline int fast_fixed(u32 ret)
{
	struct vcpu_state *v = vcpu_running();
	u8 verdict = verdict_of(ret);

	if (!v)
		return 0;
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
	struct vcpu_state *v = vcpu_running();

	if (v)
		span_saw(&v->span, what);
}

SEC("raw_tp/handle_mmio_page_fault")
int BPF_PROG(mmio, u64 addr)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_mmio(&v->span, bpf_ktime_get_ns(), addr);
	return 0;
}

SEC("raw_tp/kvm_fast_mmio")
int BPF_PROG(fast_mmio, u64 gpa)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_mmio(&v->span, bpf_ktime_get_ns(), gpa);
	return 0;
}

SEC("raw_tp/mark_mmio_spte")
int BPF_PROG(mmio_new)
{
	saw(SPAN_SEEN_MMIO);
	return 0;
}

/*
 * An EPT misconfiguration that KVM's cache of MMIO addresses has the answer for
 * goes straight to emulation: this is the first that is seen of it.
 */
SEC("raw_tp/kvm_emulate_insn")
int BPF_PROG(emulate)
{
	struct vcpu_state *v = vcpu_running();

	if (!v)
		return 0;
	if (cfg.isa == MMUSCOPE_isa_vmx && v->span.phase == SPAN_EXITED && reason_of(v) == 49)
		span_mmio(&v->span, bpf_ktime_get_ns(), MMUSCOPE_UNKNOWN);
	span_saw(&v->span, SPAN_SEEN_EMULATE);
	return 0;
}

/* What the emulated instruction wanted, which a misconfiguration does not tell: 2 is a write. */
SEC("raw_tp/kvm_mmio")
int BPF_PROG(mmio_access, u32 type, u32 len, u64 gpa)
{
	struct vcpu_state *v = vcpu_running();

	if (!v || v->span.phase != SPAN_FAULT || v->span.rec.error != PF_RESERVED)
		return 0;
	v->span.rec.error |= EPTQ_MISCONFIG | (type == 2 ? EPTQ_WRITE : EPTQ_READ);
	if (v->span.rec.gpa == MMUSCOPE_UNKNOWN)
		v->span.rec.gpa = gpa;
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
	u64 now, begin;
	bool fault;

	if (!v)
		return 0;
	now = bpf_ktime_get_ns();
	begin = v->span.exit_ts;
	fault = span_user(&v->span, now);
	if (begin)
		count_exit(v, now - begin, fault);
	if (fault)
		emit(&v->span.rec);
	return 0;
}

static __always_inline int nested(u8 running)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		v->span.nested = running;
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

static __always_inline int sched_out(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct vcpu_state *v = vcpu_running();

	if (v)
		span_sched(&v->span, task_sleeps(task) ? MMUSCOPE_SLEPT : MMUSCOPE_PREEMPTED);
	return 0;
}

ON_ENTRY(kvm_sched_out, sched_out, sched_out())

char LICENSE[] SEC("license") __weak = "GPL";
