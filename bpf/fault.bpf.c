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

/*
 * The hardware's reason stays where it is until the next entry. Only exits that
 * were no fault need to look.
 */
static __always_inline u32 reason_of(struct vcpu_state *v, bool fault)
{
	const struct mmuscope_fault *r = &v->span.rec;

	if (v->reason != ~0U)
		return v->reason;
	if (v->span.isa == MMUSCOPE_isa_svm) {
		if (fault)
			return v->span.mode == MMUSCOPE_mode_shadow ? 0x4e : 0x400;
		return svm_reason(v->vcpu);
	}
	if (fault)
		return v->span.mode == MMUSCOPE_mode_shadow ? 0 :
		       r->error == PF_RESERVED ? 49 : 48;
	return vmx_reason(v->vcpu) & 0xffff;
}

static __always_inline void count_exit(struct vcpu_state *v, u64 ns, bool fault)
{
	struct vcpu_exits *e = bpf_map_lookup_elem(&exits, &v->slot);
	u64 i = exit_index(reason_of(v, fault));

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
	fault = span_entry(&v->span, now);
	if (begin)
		count_exit(v, now - begin, fault);
	if (fault)
		emit(&v->span.rec);
	return 0;
}

static __always_inline int page_fault(struct vcpu_state *v, u64 addr, u64 error, u64 rip)
{
	if (v)
		span_fault(&v->span, bpf_ktime_get_ns(), addr, error, rip);
	return 0;
}

/* With VMX the register is only read from the VMCS when something needs it. */
static __always_inline u64 rip_of(u64 rip, u32 avail)
{
	return avail & (1U << VCPU_REGS_RIP) ? rip : MMUSCOPE_UNKNOWN;
}

SEC("tp_btf/kvm_page_fault")
int BPF_PROG(page_fault_b, struct kvm_vcpu *vcpu, u64 addr, u64 error)
{
	return page_fault(vcpu_of(vcpu), addr, error,
			  rip_of(vcpu->arch.regs[VCPU_REGS_RIP], vcpu->arch.regs_avail));
}

SEC("raw_tp/kvm_page_fault")
int BPF_PROG(page_fault_3, struct kvm_vcpu *vcpu, u64 addr, u64 error)
{
	u64 rip = BPF_CORE_READ(vcpu, arch.regs[VCPU_REGS_RIP]);

	return page_fault(vcpu_of(vcpu), addr, error,
			  rip_of(rip, BPF_CORE_READ(vcpu, arch.regs_avail)));
}

/* Before 6.1: (unsigned long addr, u32 error) */
SEC("raw_tp/kvm_page_fault")
int BPF_PROG(page_fault_2, u64 addr, u32 error)
{
	struct vcpu_state *v = vcpu_current();
	u64 rip = MMUSCOPE_UNKNOWN;

	if (v) {
		struct kvm_vcpu *vcpu = (void *)v->vcpu;

		rip = rip_of(BPF_CORE_READ(vcpu, arch.regs[VCPU_REGS_RIP]),
			     BPF_CORE_READ(vcpu, arch.regs_avail));
	}
	return page_fault(v, addr, error, rip);
}

SEC("raw_tp/kvm_mmu_spte_requested")
int BPF_PROG(requested)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_requested(&v->span, bpf_ktime_get_ns());
	return 0;
}

SEC("raw_tp/kvm_mmu_set_spte")
int BPF_PROG(set_spte, int level, u64 gfn)
{
	struct vcpu_state *v = vcpu_current();

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

static __always_inline int handled(u32 ret)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_handled(&v->span, bpf_ktime_get_ns(), verdict_of(ret));
	return 0;
}

/*
 * The handlers take (vcpu, fault) by 5.19 and four arguments before, where only
 * kretprobes are used: no fexit without BTF of kvm.
 */
#define HANDLER(name)							\
SEC("fexit/" #name)							\
int BPF_PROG(name##_f, void *vcpu, void *fault, u32 ret)		\
{									\
	return handled(ret);						\
}									\
									\
SEC("kretprobe/" #name)							\
int BPF_KRETPROBE(name##_k, u32 ret)					\
{									\
	return handled(ret);						\
}

HANDLER(kvm_tdp_page_fault)
HANDLER(paging64_page_fault)
HANDLER(paging32_page_fault)
HANDLER(nonpaging_page_fault)
HANDLER(ept_page_fault)

static __always_inline int fast_fixed(u32 ret)
{
	struct vcpu_state *v = vcpu_current();
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
	struct vcpu_state *v = vcpu_current();

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

SEC("raw_tp/kvm_emulate_insn")
int BPF_PROG(emulate)
{
	saw(SPAN_SEEN_EMULATE);
	return 0;
}

/* Exception 14 is #PF (SDM volume 3, table 6-1). */
SEC("raw_tp/kvm_inj_exception")
int BPF_PROG(inject, u32 vector)
{
	if (vector == 14)
		saw(SPAN_SEEN_REFLECT);
	return 0;
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

SEC("raw_tp/kvm_nested_vmexit_inject")
int BPF_PROG(nested_exit)
{
	return nested(0);
}

static __always_inline int sched_out(struct preempt_notifier *pn)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct vcpu_state *v = vcpu_of(vcpu_of_preempt(pn));

	if (v)
		span_sched(&v->span, task_sleeps(task) ? MMUSCOPE_SLEPT : MMUSCOPE_PREEMPTED);
	return 0;
}

SEC("fentry/kvm_sched_out")
int BPF_PROG(sched_out_f, struct preempt_notifier *pn)
{
	return sched_out(pn);
}

SEC("kprobe/kvm_sched_out")
int BPF_KPROBE(sched_out_k, struct preempt_notifier *pn)
{
	return sched_out(pn);
}

char LICENSE[] SEC("license") __weak = "GPL";
