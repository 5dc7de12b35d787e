// SPDX-License-Identifier: GPL-2.0
/* Shadow-paging work, and page-table pages of every kind. */
#include "cause.bpf.h"

/*
 * The tracepoints hand out a struct kvm_mmu_page that older kernels have no BTF
 * for. Their records have not changed since 5.10 (KVM_MMU_PAGE_FIELDS of
 * mmutrace.h); user space compares these offsets with the event's format file.
 */
struct page_event {
	u64 common;
	u8 mmu_valid_gen;
	u8 pad[7];
	u64 gfn;
	u32 role;
	u32 root_count;
	u8 unsync;
	u8 created;
};

/* union kvm_mmu_page_role, the same bits on all of them */
#define ROLE_LEVEL(role)	((role) & 0xf)
#define ROLE_DIRECT(role)	((role) >> 7 & 1)

static __always_inline int page_event(struct page_event *e, u8 op, bool why)
{
	struct mmuscope_shadow_page rec = record(shadow_page, bpf_ktime_get_ns(), 0, 0);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return 0;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.origin = w.origin;
	rec.gfn = e->gfn;
	rec.op = op;
	rec.level = ROLE_LEVEL(e->role);
	rec.direct = ROLE_DIRECT(e->role);
	if (why) {
		rec.cause = w.cause ? w.cause : cause_of_stack(e);
		rec.hdr.flags = w.flags;
	}
	emit(&rec);
	return 0;
}

SEC("tp/kvmmmu/kvm_mmu_get_page")
int page_get(struct page_event *e)
{
	struct vcpu_state *v = vcpu_current();

	if (v && e->created)
		span_page_made(&v->span);
	return page_event(e, e->created ? MMUSCOPE_page_op_made : MMUSCOPE_page_op_reused,
			  false);
}

SEC("tp/kvmmmu/kvm_mmu_prepare_zap_page")
int page_zap(struct page_event *e)
{
	return page_event(e, MMUSCOPE_page_op_zapped, true);
}

/* All tables go, a page at a time: why is asked once. */
SEC("raw_tp/kvm_mmu_zap_all_fast")
int BPF_PROG(zap_all)
{
	struct task_ctx *c = ctx_current();

	if (c && c->depth) {
		c->cause = cause_of_stack(ctx);
		c->cause_flags = 0;
	}
	return 0;
}

SEC("tp/kvmmmu/kvm_mmu_unsync_page")
int page_unsync(struct page_event *e)
{
	struct mmuscope_unsync rec = record(unsync, bpf_ktime_get_ns(), 0, 0);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return 0;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.gfn = e->gfn;
	rec.level = ROLE_LEVEL(e->role);
	emit(&rec);
	return 0;
}

/* Fires for each page that stops being unsynchronized, the zapped ones included. */
SEC("tp/kvmmmu/kvm_mmu_sync_page")
int page_sync(struct page_event *e)
{
	struct task_ctx *c = ctx_current();

	if (c && c->begin[CTX_SYNC])
		c->counted++;
	return 0;
}

static __always_inline int shadow_begin(u32 kind, u8 origin)
{
	struct vcpu_state *v = vcpu_current();
	struct task_ctx *c;

	if (!v)
		return 0;
	c = ctx_begin(kind, v->span.rec.hdr.vm, origin);
	if (c)
		c->counted = 0;
	return 0;
}

/* The state of the vCPU whose activity ends, NULL where its begin was not seen. */
static __always_inline struct vcpu_state *shadow_end(u32 kind, u64 *begin)
{
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return NULL;
	*begin = ctx_end(&v->ctx, kind);
	ctx_leave(&v->ctx);
	return *begin ? v : NULL;
}

static __always_inline int sync_end(void)
{
	struct mmuscope_sync rec = record(sync, bpf_ktime_get_ns(), 0, 0);
	struct vcpu_state *v;
	u64 begin;

	v = shadow_end(CTX_SYNC, &begin);
	/* With TDP the function is called as well, and returns at once. */
	if (!v || (v->span.mode != MMUSCOPE_mode_shadow && !v->ctx.counted))
		return 0;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.pages = v->ctx.counted;
	emit(&rec);
	return 0;
}

ON_ENTRY(kvm_mmu_sync_roots, sync_begin, shadow_begin(CTX_SYNC, MMUSCOPE_origin_sync))
ON_RETURN(kvm_mmu_sync_roots, sync_end, sync_end())

static __always_inline int invlpg_begin(u64 gva)
{
	struct vcpu_state *v = vcpu_current();

	shadow_begin(CTX_INVLPG, MMUSCOPE_origin_invlpg);
	if (v)
		v->ctx.args[0] = gva;
	return 0;
}

static __always_inline int invlpg_end(void)
{
	struct mmuscope_invlpg rec = record(invlpg, bpf_ktime_get_ns(), 0, 0);
	struct vcpu_state *v;
	u64 begin;

	v = shadow_end(CTX_INVLPG, &begin);
	if (!v)
		return 0;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.gva = v->ctx.args[0];
	emit(&rec);
	return 0;
}

ON_ENTRY(kvm_mmu_invlpg, invlpg_begin, invlpg_begin(gva), void *vcpu, u64 gva)
ON_RETURN(kvm_mmu_invlpg, invlpg_end, invlpg_end())

/*
 * KVM calls it for every emulated write, and looks further only where guest
 * page tables are shadowed at all: those are its own mmu_pte_write.
 */
static __always_inline int ptwrite_begin(struct kvm_vcpu *vcpu, u64 gpa, u32 bytes)
{
	struct vcpu_state *v = vcpu_current();

	if (!v || !BPF_CORE_READ(vcpu, kvm, arch.indirect_shadow_pages))
		return 0;
	shadow_begin(CTX_PTWRITE, MMUSCOPE_origin_ptwrite);
	v->ctx.args[0] = gpa;
	v->ctx.args[1] = bytes;
	return 0;
}

static __always_inline int ptwrite_end(void)
{
	struct mmuscope_ptwrite rec = record(ptwrite, bpf_ktime_get_ns(), 0, 0);
	struct vcpu_state *v;
	u64 begin;

	v = shadow_end(CTX_PTWRITE, &begin);
	if (!v)
		return 0;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.gpa = v->ctx.args[0];
	rec.bytes = v->ctx.args[1];
	emit(&rec);
	return 0;
}

/* The function's name until 6.3, and since. */
ON_ENTRY(kvm_mmu_pte_write, kvm_mmu_pte_write, ptwrite_begin(vcpu, gpa, bytes),
	 struct kvm_vcpu *vcpu, u64 gpa, void *data, int bytes)
ON_RETURN(kvm_mmu_pte_write, kvm_mmu_pte_write_end, ptwrite_end())
ON_ENTRY(kvm_mmu_track_write, kvm_mmu_track_write, ptwrite_begin(vcpu, gpa, bytes),
	 struct kvm_vcpu *vcpu, u64 gpa, void *data, int bytes)
ON_RETURN(kvm_mmu_track_write, kvm_mmu_track_write_end, ptwrite_end())

SEC("raw_tp/kvm_cr")
int BPF_PROG(cr, u32 write, u32 cr, u64 value)
{
	struct mmuscope_cr3 rec = record(cr3, bpf_ktime_get_ns(), 0, 0);
	struct vcpu_state *v = vcpu_current();

	if (!v || !write)
		return 0;
	flush_asked(v, MMUSCOPE_cause_guest_tlb);
	if (cr != 3)
		return 0;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.value = value;
	emit(&rec);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
