// SPDX-License-Identifier: GPL-2.0
#include "function.h"

#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "detour.h"

static void call_fill(struct hook_call *c, struct pt_regs *regs)
{
	c->arg[0] = regs->di;
	c->arg[1] = regs->si;
	c->arg[2] = regs->dx;
	c->arg[3] = regs->cx;
	c->arg[4] = regs->r8;
	c->arg[5] = regs->r9;
}

static int function_entered(struct kprobe *kp, struct pt_regs *regs)
{
	struct hook_function *h = container_of(kp, struct hook_function, rp.kp);
	struct hook_call c = {};

	call_fill(&c, regs);
	h->enter(&c);
	return 0;
}
NOKPROBE_SYMBOL(function_entered);

/* The arguments are gone when the function returns: they are kept with the instance. */
static int function_begins(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_kretprobe(ri);
	struct hook_function *h = container_of(rp, struct hook_function, rp);
	struct hook_call *c = (void *)ri->data;

	if (!rp)
		return 1;
	call_fill(c, regs);
	c->ret = 0;
	if (h->enter)
		h->enter(c);
	return 0;
}
NOKPROBE_SYMBOL(function_begins);

static int function_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct kretprobe *rp = compat_kretprobe(ri);
	struct hook_function *h = container_of(rp, struct hook_function, rp);
	struct hook_call *c = (void *)ri->data;

	if (!rp)
		return 0;
	c->ret = regs_return_value(regs);
	h->leave(c);
	return 0;
}
NOKPROBE_SYMBOL(function_ends);

/* Handlers of page faults sleep: an instance is needed for each vCPU that is in one. */
static int instances(void)
{
	return max_t(int, 256, 4 * num_possible_cpus());
}

static void kprobe_attach(struct hook_function *h)
{
	memset(&h->rp, 0, sizeof(h->rp));
	h->rp.kp.symbol_name = h->name;
	h->how = MMUSCOPE_KMOD_KPROBE;
	if (h->leave) {
		h->rp.entry_handler = function_begins;
		h->rp.handler = function_ends;
		h->rp.data_size = sizeof(struct hook_call);
		h->rp.maxactive = instances();
		h->err = register_kretprobe(&h->rp);
	} else {
		h->rp.kp.pre_handler = function_entered;
		h->err = register_kprobe(&h->rp.kp);
	}
}

static void detour_refused(struct hook_function *h, int err)
{
	kprobe_attach(h);
}

/*
 * Modules may not ask for the address of a symbol; a kprobe, never armed, finds it.
 * Those that there is no symbol for have an error then, the others an address.
 */
static void functions_find(struct hook_function **h, unsigned int n)
{
	struct kprobe **found = kcalloc(n, sizeof(*found), GFP_KERNEL | __GFP_NOFAIL);
	unsigned int i, nfound = 0;

	for (i = 0; i < n; i++) {
		struct kprobe *kp = &h[i]->rp.kp;

		memset(&h[i]->rp, 0, sizeof(h[i]->rp));
		kp->symbol_name = h[i]->name;
		kp->flags = KPROBE_FLAG_DISABLED;
		h[i]->how = MMUSCOPE_KMOD_KPROBE;
		h[i]->err = register_kprobe(kp);
		if (h[i]->err)
			continue;
		h[i]->ip = (unsigned long)kp->addr;
		found[nfound++] = kp;
	}
	if (nfound)
		unregister_kprobes(found, nfound);
	kfree(found);
}

void functions_attach(struct hook_function **h, unsigned int n)
{
	bool any = false;
	unsigned int i;

	if (!n)
		return;
	functions_find(h, n);
	for (i = 0; i < n; i++) {
		if (h[i]->err)
			continue;
		if (detour_add(h[i], h[i]->ip)) {
			kprobe_attach(h[i]);
			continue;
		}
		h[i]->how = MMUSCOPE_KMOD_DETOUR;
		any = true;
	}
	if (any)
		detour_commit(detour_refused);
}

static bool is_kprobe(const struct hook_function *h)
{
	return h->how == MMUSCOPE_KMOD_KPROBE;
}

unsigned long function_missed(const struct hook_function *h)
{
	return h->missed + (!h->err && is_kprobe(h) ? h->rp.kp.nmissed + h->rp.nmissed : 0);
}

bool function_within(const struct hook_function *h, const struct module *mod)
{
	return !h->err && (!mod || within_module(h->ip, mod));
}

void functions_detach(struct hook_function **h, unsigned int n)
{
	void **batch = kcalloc(2 * n + 1, sizeof(*batch), GFP_KERNEL | __GFP_NOFAIL);
	struct kretprobe **rp = (struct kretprobe **)batch;
	struct kprobe **kp = (struct kprobe **)(batch + n);
	unsigned int i, nkp = 0, nrp = 0;
	bool any = false;

	for (i = 0; i < n; i++) {
		h[i]->missed = function_missed(h[i]);
		h[i]->err = -ENOENT;
		if (!is_kprobe(h[i])) {
			detour_drop(h[i]);
			any = true;
		} else if (h[i]->leave) {
			rp[nrp++] = &h[i]->rp;
		} else {
			kp[nkp++] = &h[i]->rp.kp;
		}
	}
	if (any)
		detour_commit(detour_refused);
	if (nkp)
		unregister_kprobes(kp, nkp);
	if (nrp)
		unregister_kretprobes(rp, nrp);
	kfree(batch);
}
