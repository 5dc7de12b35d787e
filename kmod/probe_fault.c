// SPDX-License-Identifier: GPL-2.0
/* The vCPU's way out of the guest and back: faults and exits. */
#include "mmuscope.h"

#include <asm/svm.h>

static u8 verdict_of(u32 ret)
{
	return ret < MMUSCOPE_KMOD_RET_PF ? config.ret_pf[ret] : MMUSCOPE_verdict_unknown;
}

static bool misconfigured(u64 error)
{
	return error == PF_RESERVED || error & EPTQ_MISCONFIG;
}

/* Index of a fault's exit, for which the reason need not be read. */
static u32 fault_index(const struct vcpu_state *v)
{
	if (v->span.isa == MMUSCOPE_isa_vmx && misconfigured(v->span.rec.error))
		return 49;
	return exit_index(fault_reason(v->span.isa, v->span.mode));
}

/* Only the vCPU's own task counts, where it cannot be interrupted by itself. */
static void count_exit(struct vcpu_state *v, u64 ns, bool fault)
{
	u32 i = fault ? fault_index(v) : exit_index(reason_of(v));

	v->exits->by[i].count++;
	v->exits->by[i].ns += ns;
}

/* Writes the fault that is complete but for its times, and for its words where @packed. */
static __always_inline void fault_emit(struct vcpu_state *v, bool packed)
{
	struct mmuscope_fault *r = &v->span.rec, *room;

	r->hdr.ts = now_ns();
	r->hdr.dur = ticks_ns(r->hdr.dur);
	r->handler_ns = ticks_ns(r->handler_ns);
	r->resolve_ns = ticks_ns(r->resolve_ns);
	if (r->lock_ns)
		r->lock_ns = ticks_ns(r->lock_ns);
	if (!record_wanted(MMUSCOPE_TYPE_fault))
		return;
	room = ring_reserve(sizeof(*r));
	if (!room)
		return;
	record_copy(room, r, sizeof(*r));
	if (packed)
		ring_packed(room);
	ring_commit(false);
}

static void vcpu_exited(struct kvm_vcpu *vcpu, u32 reason)
{
	struct vcpu_state *v = vcpu_of(vcpu);

	if (!v)
		return;
	v->reason = reason;
	if (span_exit(&v->span, ticks()))
		fault_emit(v, false);
}

static void exit_3(void *data, unsigned int reason, struct kvm_vcpu *vcpu, u32 isa)
{
	PROBE_SCOPE;

	vcpu_exited(vcpu, reason & 0xffff);
}

static void exit_2(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	PROBE_SCOPE;

	vcpu_exited(vcpu, ~0U);
}

static __always_inline void vcpu_enters(struct kvm_vcpu *vcpu)
{
	struct vcpu_state *v = vcpu_of(vcpu);
	u64 now;

	if (!v)
		return;
	now = ticks();
	if (span_open(&v->span)) {
		span_close(&v->span, now);
		fault_emit(v, true);
		count_exit(v, v->span.rec.hdr.dur, true);
	} else if (span_outside(&v->span)) {
		count_exit(v, ticks_ns(now - v->span.exit_ts), false);
	}
	v->span.phase = SPAN_GUEST;
}

static void entry_1(void *data, struct kvm_vcpu *vcpu)
{
	PROBE_SCOPE;

	vcpu_enters(vcpu);
}

static void entry_2(void *data, struct kvm_vcpu *vcpu, bool force_immediate_exit)
{
	PROBE_SCOPE;

	vcpu_enters(vcpu);
}

/*
 * Guest RIP, MMUSCOPE_UNKNOWN where it is not known. With SVM it is saved at every
 * exit; with VMX only what something asked for has been read from the VMCS.
 */
static u64 rip_of(const struct kvm_vcpu *vcpu)
{
	if (config.isa != MMUSCOPE_isa_svm && !compat_rip_available(vcpu))
		return MMUSCOPE_UNKNOWN;
	return compat_rip(vcpu);
}

static void page_fault_3(void *data, struct kvm_vcpu *vcpu, u64 addr, u64 error)
{
	PROBE_SCOPE;
	struct vcpu_state *v = vcpu_of(vcpu);

	if (v)
		span_fault(&v->span, ticks(), addr, error, rip_of(vcpu));
}

static void page_fault_2(void *data, unsigned long addr, unsigned int error)
{
	PROBE_SCOPE;
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_fault(&v->span, ticks(), addr, error, rip_of(v->vcpu));
}

/*
 * Of the error code that tracepoint has the lower half. With NPT the upper one says
 * whether a walk of guest page tables faulted.
 */
static void whole_error(const struct hook_call *c)
{
	struct vcpu_state *v = vcpu_current();

	if (v && span_handling(&v->span))
		v->span.rec.error = c->arg[2];
}

static __always_inline void page_requested(void)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_requested(&v->span, ticks());
}

struct kvm_page_fault;

static void requested_1(void *data, struct kvm_page_fault *fault)
{
	PROBE_SCOPE;

	page_requested();
}

static void requested_2(void *data, struct kvm_page_fault *fault, u8 access)
{
	PROBE_SCOPE;

	page_requested();
}

static void requested_3(void *data, gpa_t addr, int level, kvm_pfn_t pfn)
{
	PROBE_SCOPE;

	page_requested();
}

static void set_spte(void *data, int level, gfn_t gfn, u64 *sptep)
{
	PROBE_SCOPE;
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_mapped(&v->span, level, gfn);
}

/* The handlers take (vcpu, fault) where BTF knows that struct, and four arguments before. */
static void handled(const struct hook_call *c)
{
	const void *fault = (const void *)c->arg[1];
	struct vcpu_state *v = vcpu_current();
	u8 verdict = verdict_of(c->ret);

	if (!v)
		return;
	/* Where kvm_mmu_set_spte is not asked, see MMUSCOPE_KMOD_THIN. A fast fix maps nothing. */
	if (verdict == MMUSCOPE_verdict_fixed && member_known(fault_goal_level) &&
	    !(v->span.rec.access & (SPAN_SEEN_MAPPED | SPAN_SEEN_FAST)))
		span_mapped(&v->span, member(u8, fault, fault_goal_level, 0),
			    member(u64, fault, fault_gfn, 0));
	span_handled(&v->span, ticks(), verdict);
}

static void fast_fixed(int ret)
{
	struct vcpu_state *v = vcpu_current();
	u8 verdict = verdict_of(ret);

	if (!v)
		return;
	if (verdict == MMUSCOPE_verdict_fixed)
		span_saw(&v->span, SPAN_SEEN_FAST);
	else if (verdict == MMUSCOPE_verdict_spurious)
		span_saw(&v->span, SPAN_SEEN_FAST | SPAN_SEEN_SPURIOUS);
}

static void fast_6(void *data, struct kvm_vcpu *vcpu, gpa_t gpa, u32 error, u64 *sptep, u64 old,
		   int ret)
{
	PROBE_SCOPE;

	fast_fixed(ret);
}

static void fast_5(void *data, struct kvm_vcpu *vcpu, struct kvm_page_fault *fault, u64 *sptep,
		   u64 old, int ret)
{
	PROBE_SCOPE;

	fast_fixed(ret);
}

static void saw(u8 what)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_saw(&v->span, what);
}

static void mmio_at(u64 addr)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_mmio(&v->span, ticks(), addr);
}

static void mmio(void *data, u64 addr, gfn_t gfn, unsigned int access)
{
	PROBE_SCOPE;

	mmio_at(addr);
}

static void fast_mmio(void *data, u64 gpa)
{
	PROBE_SCOPE;

	mmio_at(gpa);
}

static void mmio_new(void *data, u64 *sptep, gfn_t gfn, u64 spte)
{
	PROBE_SCOPE;

	saw(SPAN_SEEN_MMIO);
}

static void emulate(void *data, struct kvm_vcpu *vcpu, u8 failed)
{
	PROBE_SCOPE;
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return;
	/* A misconfiguration that KVM's cache of MMIO addresses answers fires nothing else. */
	if (v->span.isa == MMUSCOPE_isa_vmx && span_outside(&v->span) && reason_of(v) == 49)
		span_mmio(&v->span, ticks(), MMUSCOPE_UNKNOWN);
	span_saw(&v->span, SPAN_SEEN_EMULATE);
}

/* What the emulated instruction wanted, which a misconfiguration does not tell: 2 is a write. */
static void mmio_access(void *data, int type, int len, u64 gpa, void *value)
{
	PROBE_SCOPE;
	struct vcpu_state *v = vcpu_current();

	if (!v || !span_handling(&v->span) || v->span.rec.error != PF_RESERVED ||
	    v->span.isa != MMUSCOPE_isa_vmx)
		return;
	v->span.rec.error |= EPTQ_MISCONFIG | (type == 2 ? EPTQ_WRITE : EPTQ_READ);
	/* Where the address is until span_unpack(). */
	if (v->span.rec.gva == MMUSCOPE_UNKNOWN)
		v->span.rec.gva = gpa;
}

/*
 * Exception 14 is #PF (SDM volume 3, table 6-1). One that is injected again had
 * been delivered before: the fault at hand interrupted it.
 */
static void injected(unsigned int vector, bool again)
{
	if (vector == 14 && !again)
		saw(SPAN_SEEN_REFLECT);
}

static void inject_4(void *data, unsigned int vector, bool has_error, unsigned int error,
		     bool again)
{
	PROBE_SCOPE;

	injected(vector, again);
}

static void inject_3(void *data, unsigned int vector, bool has_error, unsigned int error)
{
	PROBE_SCOPE;

	injected(vector, false);
}

static void exit_to_user(void *data, u32 reason, int error)
{
	PROBE_SCOPE;
	struct vcpu_state *v = vcpu_current();
	u64 now;

	if (!v)
		return;
	now = ticks();
	if (span_outside(&v->span))
		count_exit(v, ticks_ns(now - v->span.exit_ts), false);
	if (span_user(&v->span, now)) {
		fault_emit(v, false);
		count_exit(v, v->span.rec.hdr.dur, true);
	}
}

static void nested(u8 running)
{
	struct vcpu_state *v = vcpu_current();

	if (v) {
		span_nested(&v->span, running);
		flush_asked(v, MMUSCOPE_cause_nested);
	}
}

/* The event's name until 5.19. */
static void nested_run(void *data, u64 rip, u64 vmcb, u64 nested_rip, u32 int_ctl,
		       u32 event_inj, bool npt)
{
	PROBE_SCOPE;

	nested(1);
}

static void nested_enter(void *data, u64 rip, u64 vmcb, u64 nested_rip, u32 int_ctl,
			 u32 event_inj, bool tdp, u64 pgd, u64 cr3, u32 isa)
{
	PROBE_SCOPE;

	nested(1);
}

/* EPT violation and misconfiguration, nested page fault: L1's own to handle. */
static void nested_exit(void *data, u32 reason, u64 info1, u64 info2, u32 int_info,
			u32 int_info_error, u32 isa)
{
	PROBE_SCOPE;

	if (reason == 48 || reason == 49 || reason == 0x400)
		saw(SPAN_SEEN_REFLECT);
	nested(0);
}

static void sched_out(const struct hook_call *c)
{
	struct vcpu_state *v = vcpu_current();

	if (v)
		span_sched(&v->span, compat_task_sleeps(current) ? MMUSCOPE_SLEPT :
								   MMUSCOPE_PREEMPTED);
}

#define HARDWARE(name, args, fn) HOOK_EVENT(name, args, fn, .host = HOOK_HARDWARE)
#define HANDLER(name) HOOK_FUNCTION(name, NULL, handled, .host = HOOK_HARDWARE)

static struct hook_event events[] = {
	HARDWARE("kvm_exit", 3, exit_3),
	HARDWARE("kvm_exit", 2, exit_2),
	HARDWARE("kvm_entry", 1, entry_1),
	HARDWARE("kvm_entry", 2, entry_2),
	HARDWARE("kvm_page_fault", 3, page_fault_3),
	HARDWARE("kvm_page_fault", 2, page_fault_2),
	HARDWARE("kvm_mmu_spte_requested", 1, requested_1),
	HARDWARE("kvm_mmu_spte_requested", 2, requested_2),
	HARDWARE("kvm_mmu_spte_requested", 3, requested_3),
	HOOK_EVENT("kvm_mmu_set_spte", 3, set_spte, .host = HOOK_THICK),
	HARDWARE("fast_page_fault", 6, fast_6),
	HARDWARE("fast_page_fault", 5, fast_5),
	HARDWARE("handle_mmio_page_fault", 3, mmio),
	HARDWARE("kvm_fast_mmio", 1, fast_mmio),
	HARDWARE("mark_mmio_spte", 3, mmio_new),
	HARDWARE("kvm_emulate_insn", 2, emulate),
	HARDWARE("kvm_mmio", 4, mmio_access),
	HARDWARE("kvm_inj_exception", 4, inject_4),
	HARDWARE("kvm_inj_exception", 3, inject_3),
	HARDWARE("kvm_userspace_exit", 2, exit_to_user),
	HARDWARE("kvm_nested_vmenter", 9, nested_enter),
	HARDWARE("kvm_nested_vmrun", 6, nested_run),
	HARDWARE("kvm_nested_vmexit_inject", 6, nested_exit),
};

static struct hook_function functions[] = {
	HOOK_FUNCTION("kvm_mmu_page_fault", whole_error, NULL, .host = HOOK_SHORT),
	HANDLER("kvm_tdp_page_fault"),
	HANDLER("paging64_page_fault"),
	HANDLER("paging32_page_fault"),
	HANDLER("nonpaging_page_fault"),
	HANDLER("ept_page_fault"),
	HOOK_FUNCTION("kvm_sched_out", sched_out, NULL, .host = HOOK_HARDWARE),
};

struct hook_family family_fault = HOOK_FAMILY(BIT(MMUSCOPE_TYPE_fault) | BIT(MMUSCOPE_TYPE_exits));
