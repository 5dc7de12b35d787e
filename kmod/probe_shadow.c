// SPDX-License-Identifier: GPL-2.0
/* Shadow-paging work, and page-table pages of every kind. */
#include "mmuscope.h"

struct kvm_mmu_page;

/* union kvm_mmu_page_role, the same bits on all kernels */
#define ROLE_LEVEL(role)	((role) & 0xf)
#define ROLE_DIRECT(role)	((role) >> 7 & 1)

static u64 page_gfn(const struct kvm_mmu_page *sp)
{
	return member(u64, sp, page_gfn, MMUSCOPE_UNKNOWN);
}

static u32 page_role(const struct kvm_mmu_page *sp)
{
	return member(u32, sp, page_role, 0);
}

static void page_event(const struct kvm_mmu_page *sp, u8 op, bool why)
{
	struct mmuscope_shadow_page rec = record(shadow_page, now_ns(), 0, 0);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.origin = w.origin;
	rec.gfn = page_gfn(sp);
	rec.op = op;
	rec.level = ROLE_LEVEL(page_role(sp));
	rec.direct = ROLE_DIRECT(page_role(sp));
	if (why) {
		rec.cause = w.cause ? w.cause : cause_of_stack();
		rec.hdr.flags = w.flags;
	}
	emit(&rec);
}

static void page_get(void *data, struct kvm_mmu_page *sp, bool created)
{
	PROBE_SCOPE;
	struct vcpu_state *v = vcpu_current();

	if (v && created)
		span_page_made(&v->span);
	page_event(sp, created ? MMUSCOPE_page_op_made : MMUSCOPE_page_op_reused, false);
}

static void page_zap(void *data, struct kvm_mmu_page *sp)
{
	PROBE_SCOPE;

	page_event(sp, MMUSCOPE_page_op_zapped, true);
}

/* All tables go, a page at a time: why is asked once. */
static void zap_all(void *data, struct kvm *kvm)
{
	PROBE_SCOPE;
	struct task_ctx *c = ctx_current();

	if (c && c->depth) {
		c->cause = cause_of_stack();
		c->cause_flags = 0;
	}
}

static void page_unsync(void *data, struct kvm_mmu_page *sp)
{
	PROBE_SCOPE;
	struct mmuscope_unsync rec = record(unsync, now_ns(), 0, 0);
	struct whereabouts w;

	whereabouts(&w);
	if (!w.traced)
		return;
	rec.hdr.vm = w.vm;
	rec.hdr.vcpu = w.vcpu;
	rec.gfn = page_gfn(sp);
	rec.level = ROLE_LEVEL(page_role(sp));
	emit(&rec);
}

/* Fires for each page that stops being unsynchronized, the zapped ones included. */
static void page_sync(void *data, struct kvm_mmu_page *sp)
{
	PROBE_SCOPE;
	struct task_ctx *c = ctx_current();

	if (c && c->begin[CTX_SYNC])
		c->counted++;
}

static struct vcpu_state *shadow_begin(u32 kind, u8 origin)
{
	struct vcpu_state *v = vcpu_current();
	struct task_ctx *c;

	if (!v)
		return NULL;
	c = ctx_begin(kind, v->span.rec.hdr.vm, origin);
	if (c)
		c->counted = 0;
	return v;
}

/* The state of the vCPU whose activity ends, NULL where its begin was not seen. */
static struct vcpu_state *shadow_end(u32 kind, u64 *begin)
{
	struct vcpu_state *v = vcpu_current();

	if (!v)
		return NULL;
	*begin = ctx_end(&v->ctx, kind);
	ctx_leave(&v->ctx);
	return *begin ? v : NULL;
}

static void sync_begin(const struct hook_call *c)
{
	shadow_begin(CTX_SYNC, MMUSCOPE_origin_sync);
}

static void sync_end(const struct hook_call *c)
{
	struct mmuscope_sync rec = record(sync, now_ns(), 0, 0);
	struct vcpu_state *v;
	u64 begin;

	v = shadow_end(CTX_SYNC, &begin);
	/* With TDP the function is called as well, and returns at once. */
	if (!v || (v->span.mode != MMUSCOPE_mode_shadow && !v->ctx.counted))
		return;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.pages = v->ctx.counted;
	emit(&rec);
}

static void invlpg_begin(const struct hook_call *c)
{
	struct vcpu_state *v = shadow_begin(CTX_INVLPG, MMUSCOPE_origin_invlpg);

	if (v)
		v->ctx.args[0] = c->arg[1];
}

static void invlpg_end(const struct hook_call *c)
{
	struct mmuscope_invlpg rec = record(invlpg, now_ns(), 0, 0);
	struct vcpu_state *v;
	u64 begin;

	v = shadow_end(CTX_INVLPG, &begin);
	if (!v)
		return;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.gva = v->ctx.args[0];
	emit(&rec);
}

/*
 * KVM calls it for every emulated write, and looks further only where guest
 * page tables are shadowed at all: those are its own mmu_pte_write.
 */
static void ptwrite_begin(const struct hook_call *c)
{
	const struct kvm_vcpu *vcpu = (const struct kvm_vcpu *)c->arg[0];
	struct vcpu_state *v;

	if (!READ_ONCE(vcpu->kvm->arch.indirect_shadow_pages))
		return;
	v = shadow_begin(CTX_PTWRITE, MMUSCOPE_origin_ptwrite);
	if (!v)
		return;
	v->ctx.args[0] = c->arg[1];
	v->ctx.args[1] = (u32)c->arg[3];
}

static void ptwrite_end(const struct hook_call *c)
{
	struct mmuscope_ptwrite rec = record(ptwrite, now_ns(), 0, 0);
	struct vcpu_state *v;
	u64 begin;

	v = shadow_end(CTX_PTWRITE, &begin);
	if (!v)
		return;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.hdr.dur = rec.hdr.ts - begin;
	rec.gpa = v->ctx.args[0];
	rec.bytes = v->ctx.args[1];
	emit(&rec);
}

static void cr(void *data, unsigned int write, unsigned int nr, unsigned long value)
{
	PROBE_SCOPE;
	struct mmuscope_cr3 rec = record(cr3, now_ns(), 0, 0);
	struct vcpu_state *v = vcpu_current();

	if (!v || !write)
		return;
	flush_asked(v, MMUSCOPE_cause_guest_tlb);
	if (nr != 3)
		return;
	rec.hdr.vm = v->span.rec.hdr.vm;
	rec.hdr.vcpu = v->span.rec.hdr.vcpu;
	rec.value = value;
	emit(&rec);
}

static struct hook_event events[] = {
	HOOK_EVENT("kvm_mmu_get_page", 2, page_get),
	HOOK_EVENT("kvm_mmu_prepare_zap_page", 1, page_zap),
	HOOK_EVENT("kvm_mmu_zap_all_fast", 1, zap_all),
	HOOK_EVENT("kvm_mmu_unsync_page", 1, page_unsync),
	HOOK_EVENT("kvm_mmu_sync_page", 1, page_sync),
	HOOK_EVENT("kvm_cr", 3, cr),
};

static struct hook_function functions[] = {
	HOOK_FUNCTION("kvm_mmu_sync_roots", sync_begin, sync_end),
	HOOK_FUNCTION("kvm_mmu_invlpg", invlpg_begin, invlpg_end),
	/* The function's name since 6.3, and until then. */
	HOOK_FUNCTION("kvm_mmu_track_write", ptwrite_begin, ptwrite_end),
	HOOK_FUNCTION("kvm_mmu_pte_write", ptwrite_begin, ptwrite_end),
};

/* Pages made are also a field of faults, and what is done sets the origin of flushes. */
struct hook_family family_shadow =
	HOOK_FAMILY(BIT(MMUSCOPE_TYPE_fault) | BIT(MMUSCOPE_TYPE_flush) |
		    BIT(MMUSCOPE_TYPE_shadow_page) | BIT(MMUSCOPE_TYPE_unsync) |
		    BIT(MMUSCOPE_TYPE_sync) | BIT(MMUSCOPE_TYPE_invlpg) |
		    BIT(MMUSCOPE_TYPE_ptwrite) | BIT(MMUSCOPE_TYPE_cr3));
