// SPDX-License-Identifier: GPL-2.0
/* Which vCPU, which task, for which VM: what nearly every probe asks first. */
#include "state.h"

#include <linux/hardirq.h>
#include <linux/vmalloc.h>
#include <asm/svm.h>

#include "life.h"

#define CONTEXTS_MAX	4096

/* The vCPU that this CPU served last: spares a search on nearly every event. */
struct cpu_cache {
	struct task_struct *task;
	struct kvm_vcpu *vcpu;
	struct vcpu_state *state;
};

static DEFINE_PER_CPU(struct cpu_cache, caches);

/* Contexts of tasks that are no vCPU, by task_id(), and those that nobody has. */
static struct table contexts;
static struct task_ctx *pool;
static struct table_node *pool_free;
static DEFINE_RAW_SPINLOCK(pool_lock);

int state_alloc(struct mmuscope_kmod_vcpu *exits)
{
	unsigned int i, cpu;
	int err;

	pool = vzalloc(CONTEXTS_MAX * sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	err = life_alloc(exits);
	if (err) {
		vfree(pool);
		return err;
	}
	table_init(&contexts);
	pool_free = NULL;
	for (i = 0; i < CONTEXTS_MAX; i++) {
		pool[i].node.next = pool_free;
		pool_free = &pool[i].node;
	}
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(&caches, cpu), 0, sizeof(struct cpu_cache));
	return 0;
}

void state_free(void)
{
	life_free();
	vfree(pool);
	pool = NULL;
}

static void cache_fill(struct kvm_vcpu *vcpu, struct vcpu_state *v)
{
	struct cpu_cache *c = this_cpu_ptr(&caches);

	c->task = current;
	c->vcpu = vcpu;
	c->state = v;
}

struct vcpu_state *vcpu_of(struct kvm_vcpu *vcpu)
{
	struct cpu_cache *c = this_cpu_ptr(&caches);
	struct vcpu_state *v = c->state;

	/* The address may have been given to another vCPU since. */
	if (likely(c->vcpu == vcpu && c->task == current && (!v || v->vcpu == vcpu)))
		return v;
	v = vcpu_find(vcpu);
	cache_fill(vcpu, v);
	return v;
}

static noinline struct vcpu_state *vcpu_by_task(void)
{
	struct vcpu_state *v = vcpu_find_task(task_id(current));

	if (v)
		cache_fill(v->vcpu, v);
	return v;
}

struct vcpu_state *vcpu_current(void)
{
	struct cpu_cache *c = this_cpu_ptr(&caches);
	struct vcpu_state *v = c->state;

	/* A dead task's address may be another one's by now, its number is not so soon. */
	if (likely(c->task == current && v && v->vcpu && v->tid == task_id(current)))
		return v;
	return vcpu_by_task();
}

struct task_ctx *ctx_current(void)
{
	struct vcpu_state *v = vcpu_current();
	struct table_node *node;

	if (v)
		return &v->ctx;
	node = table_find(&contexts, task_id(current));
	return node ? container_of(node, struct task_ctx, node) : NULL;
}

static struct task_ctx *ctx_new(u64 id)
{
	struct table_node *node;
	struct task_ctx *c;
	unsigned long flags;

	if (in_nmi())
		return NULL;
	raw_spin_lock_irqsave(&pool_lock, flags);
	node = pool_free;
	if (node)
		pool_free = node->next;
	raw_spin_unlock_irqrestore(&pool_lock, flags);
	if (!node)
		return NULL;
	c = container_of(node, struct task_ctx, node);
	memset(c, 0, sizeof(*c));
	table_add(&contexts, &c->node, id);
	return c;
}

struct task_ctx *ctx_begin(u32 kind, u16 vm, u8 origin)
{
	struct task_ctx *c = ctx_current();

	if (!c)
		c = ctx_new(task_id(current));
	if (!c) {
		count_lost(MMUSCOPE_stage_context);
		return NULL;
	}
	if (!c->begin[kind])
		c->depth++;
	c->begin[kind] = now_ns();
	c->vm = vm;
	if (origin)
		c->origin = origin;
	return c;
}

u64 ctx_end(struct task_ctx *c, u32 kind)
{
	u64 begin = c->begin[kind];

	if (begin) {
		c->begin[kind] = 0;
		c->depth--;
	}
	return begin;
}

bool ctx_begin_for(u64 id, u32 kind, u16 vm, u8 origin)
{
	struct task_ctx *c = table_find(&contexts, id) ? NULL : ctx_new(id);

	if (!c)
		return false;
	c->begin[kind] = 1;
	c->depth = 1;
	c->vm = vm;
	c->origin = origin;
	return true;
}

void ctx_end_for(u64 id)
{
	struct table_node *node = table_remove(&contexts, id);
	unsigned long flags;

	if (!node)
		return;
	raw_spin_lock_irqsave(&pool_lock, flags);
	node->next = pool_free;
	pool_free = node;
	raw_spin_unlock_irqrestore(&pool_lock, flags);
}

/* The one thing that others happen within is a request of the VMM. */
void ctx_leave(struct task_ctx *c)
{
	if (c->depth) {
		if (c->depth == 1 && c->begin[CTX_IOCTL])
			c->origin = MMUSCOPE_origin_ioctl;
		return;
	}
	c->origin = 0;
	c->cause = 0;
	c->vm = 0;
	/* A vCPU keeps its own. */
	if (c < pool || c >= pool + CONTEXTS_MAX)
		return;
	ctx_end_for(c->node.key);
}

void ctx_open(struct kvm *kvm, u32 kind, u8 origin)
{
	u16 vm = vm_id(kvm);

	if (vm)
		ctx_begin(kind, vm, origin);
}

void ctx_close(u32 kind)
{
	struct task_ctx *c = ctx_current();

	if (!c || !ctx_end(c, kind))
		return;
	c->origin = 0;
	c->cause = 0;
	ctx_leave(c);
}

u32 reason_of(const struct vcpu_state *v)
{
	const struct vmcb *vmcb;

	if (v->reason != ~0U)
		return v->reason;
	if (v->span.isa != MMUSCOPE_isa_svm)
		return member(u32, v->vcpu, vmx_exit_reason, ~0U) & 0xffff;
	vmcb = member(struct vmcb *, v->vcpu, svm_vmcb, NULL);
	return vmcb ? vmcb->control.exit_code : ~0U;
}

u8 origin_of(const struct vcpu_state *v)
{
	if (v->ctx.origin)
		return v->ctx.origin;
	return span_origin(&v->span);
}

/* The cause of the activity, or else what the origin says. */
static void whereabouts_cause(struct whereabouts *w, const struct task_ctx *c)
{
	w->cause = c->cause ? c->cause : cause_of_origin(w->origin);
	w->flags = c->cause ? c->cause_flags : 0;
}

void whereabouts(struct whereabouts *w)
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
		w->origin = c->origin;
		/*
		 * What recovers NX huge pages is a thread of the VMM on newer kernels, and may be
		 * the last to leave its memory: what is zapped then is not recovered.
		 */
		if (w->origin == MMUSCOPE_origin_nx && current->flags & PF_EXITING)
			w->origin = MMUSCOPE_origin_destroy;
		whereabouts_cause(w, c);
	} else if (config.pid || config.root) {
		w->traced = 0;
	}
}
