// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks on tracepoints and functions, by name. KVM may be loaded before or after
 * tracing begins, unloaded and loaded again: hooks in a module go with it and
 * come back with it.
 */
#include "hook.h"

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#define MODULES_MAX	4

static struct hook_family *const families[] = {
	&family_life,
	&family_fault,
};

/* Serializes all that follows, and the attaching and detaching of hooks. */
static DEFINE_MUTEX(hook_lock);
/* Modules with tracepoints of KVM, as their notifier told of them. */
static struct module *modules[MODULES_MAX];
static bool attached;

#define for_each_family(f, i)						\
	for ((i) = 0; (i) < ARRAY_SIZE(families) && ((f) = families[i]); (i)++)

static bool module_wanted(const struct module *mod)
{
	return !strncmp(mod->name, "kvm", 3);
}

static bool host_fits(enum hook_host host)
{
	switch (host) {
	case HOOK_HARDWARE:
		return config.isa != MMUSCOPE_isa_unknown;
	case HOOK_SOFTWARE:
		return config.isa == MMUSCOPE_isa_unknown;
	case HOOK_THICK:
		return config.isa != MMUSCOPE_isa_unknown && !(config.flags & MMUSCOPE_KMOD_THIN);
	case HOOK_ANY:
		break;
	}
	return true;
}

static bool family_wanted(const struct hook_family *f)
{
	return !config.records || (config.records & f->records);
}

/* Whether something of that name is hooked. */
static bool hooked(const char *name)
{
	struct hook_family *f;
	unsigned int i, j;

	for_each_family(f, i) {
		for (j = 0; j < f->nfunctions; j++) {
			if (!f->functions[j].err && !strcmp(f->functions[j].name, name))
				return true;
		}
		for (j = 0; j < f->nevents; j++) {
			if (!f->events[j].err && !strcmp(f->events[j].name, name))
				return true;
		}
	}
	return false;
}

static bool hook_wanted(const struct hook_family *f, enum hook_host host, const char *unless)
{
	return family_wanted(f) && host_fits(host) && !(unless && hooked(unless));
}

/* ------------------------------------------------------------ tracepoints */

static void event_attach(struct hook_event *e, struct tracepoint *tp, const struct module *mod)
{
	int args = compat_tracepoint_args(mod, tp);

	if (e->args && args >= 0 && e->args != args) {
		e->err = -EINVAL;
		return;
	}
	/* A variant that might read beyond the arguments is not tried. */
	if (e->args && args < 0) {
		e->err = -EOPNOTSUPP;
		return;
	}
	e->err = tracepoint_probe_register(tp, e->probe, NULL);
	if (!e->err)
		e->tp = tp;
}

static void event_detach(struct hook_event *e)
{
	if (!e->tp)
		return;
	tracepoint_probe_unregister(e->tp, e->probe, NULL);
	e->tp = NULL;
	e->err = -ENOENT;
}

static void events_attach(struct tracepoint *tp, const struct module *mod)
{
	struct hook_family *f;
	unsigned int i, j;

	for_each_family(f, i) {
		for (j = 0; j < f->nevents; j++) {
			struct hook_event *e = &f->events[j];

			if (!e->tp && !strcmp(e->name, tp->name) &&
			    hook_wanted(f, e->host, e->unless))
				event_attach(e, tp, mod);
		}
	}
}

static void events_attach_module(const struct module *mod)
{
	unsigned int i;

	for (i = 0; i < mod->num_tracepoints; i++)
		events_attach(tracepoint_ptr_deref(&mod->tracepoints_ptrs[i]), mod);
}

static void events_attach_builtin(struct tracepoint *tp, void *unused)
{
	events_attach(tp, NULL);
}

/* Those of @mod, or all of them where it is NULL. */
static void events_detach(const struct module *mod)
{
	struct hook_family *f;
	unsigned int i, j;

	for_each_family(f, i) {
		for (j = 0; j < f->nevents; j++) {
			struct hook_event *e = &f->events[j];

			if (!mod || (e->tp && within_module((unsigned long)e->tp, mod)))
				event_detach(e);
		}
	}
	tracepoint_synchronize_unregister();
}

/* -------------------------------------------------------------- functions */

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

static void function_attach(struct hook_function *h)
{
	memset(&h->rp, 0, sizeof(h->rp));
	h->rp.kp.symbol_name = h->name;
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

/* Those not hooked yet: all, or those of a module that came. */
static void functions_attach(void)
{
	struct hook_family *f;
	unsigned int i, j;

	for_each_family(f, i) {
		for (j = 0; j < f->nfunctions; j++) {
			struct hook_function *h = &f->functions[j];

			if (h->err && hook_wanted(f, h->host, h->unless))
				function_attach(h);
		}
	}
}

static unsigned long function_missed(const struct hook_function *h)
{
	return h->missed + (h->err ? 0 : h->rp.kp.nmissed + h->rp.nmissed);
}

static bool function_within(const struct hook_function *h, const struct module *mod)
{
	return !h->err && (!mod || within_module((unsigned long)h->rp.kp.addr, mod));
}

#define BATCH_MAX	32

/* The kernel waits once for a batch. */
struct batch {
	struct kprobe *kp[BATCH_MAX];
	struct kretprobe *rp[BATCH_MAX];
	unsigned int nkp;
	unsigned int nrp;
};

static void batch_flush(struct batch *b)
{
	if (b->nkp)
		unregister_kprobes(b->kp, b->nkp);
	if (b->nrp)
		unregister_kretprobes(b->rp, b->nrp);
	b->nkp = 0;
	b->nrp = 0;
}

static void batch_add(struct batch *b, struct hook_function *h)
{
	h->missed = function_missed(h);
	h->err = -ENOENT;
	if (h->leave)
		b->rp[b->nrp++] = &h->rp;
	else
		b->kp[b->nkp++] = &h->rp.kp;
	if (b->nkp == BATCH_MAX || b->nrp == BATCH_MAX)
		batch_flush(b);
}

/* Those of @mod, or all of them where it is NULL. */
static void functions_detach(const struct module *mod)
{
	struct batch *b = kzalloc(sizeof(*b), GFP_KERNEL | __GFP_NOFAIL);
	struct hook_family *f;
	unsigned int i, j;

	for_each_family(f, i) {
		for (j = 0; j < f->nfunctions; j++) {
			if (function_within(&f->functions[j], mod))
				batch_add(b, &f->functions[j]);
		}
	}
	batch_flush(b);
	kfree(b);
}

/* ---------------------------------------------------------------- modules */

static void module_remember(struct module *mod, bool known)
{
	unsigned int i;

	for (i = 0; i < MODULES_MAX; i++) {
		if (modules[i] == (known ? NULL : mod)) {
			modules[i] = known ? mod : NULL;
			return;
		}
	}
}

/* Also called for every module that is there when it is registered. */
static int tracepoints_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	struct module *mod = ((struct tp_module *)data)->mod;

	if (!module_wanted(mod))
		return NOTIFY_OK;
	mutex_lock(&hook_lock);
	if (action == MODULE_STATE_COMING) {
		module_remember(mod, true);
		if (attached)
			events_attach_module(mod);
	} else if (action == MODULE_STATE_GOING) {
		module_remember(mod, false);
		if (attached)
			events_detach(mod);
	}
	mutex_unlock(&hook_lock);
	return NOTIFY_OK;
}

static bool *module_parameter(const struct module *mod, const char *name)
{
	unsigned int i;

	for (i = 0; i < mod->num_kp; i++) {
		if (!strcmp(mod->kp[i].name, name))
			return mod->kp[i].arg;
	}
	return NULL;
}

/* A vendor module that came anew may have come with other parameters. */
static void vendor_read(const struct module *mod)
{
	bool *npt = strcmp(mod->name, "kvm_amd") ? NULL : module_parameter(mod, "npt");
	bool *ept = strcmp(mod->name, "kvm_intel") ? NULL : module_parameter(mod, "ept");

	if (npt) {
		config.isa = MMUSCOPE_isa_svm;
		config.tdp = *npt;
	} else if (ept) {
		config.isa = MMUSCOPE_isa_vmx;
		config.tdp = *ept;
	}
}

static int modules_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	struct module *mod = data;

	if (!module_wanted(mod))
		return NOTIFY_OK;
	mutex_lock(&hook_lock);
	if (attached) {
		if (action == MODULE_STATE_COMING)
			functions_attach();
		else if (action == MODULE_STATE_LIVE)
			vendor_read(mod);
		else if (action == MODULE_STATE_GOING)
			functions_detach(mod);
	}
	mutex_unlock(&hook_lock);
	return NOTIFY_OK;
}

static struct notifier_block tracepoint_notifier = { .notifier_call = tracepoints_changed };
static struct notifier_block module_notifier = { .notifier_call = modules_changed };

/* ------------------------------------------------------------- the inside */

static void hooks_reset(void)
{
	struct hook_family *f;
	unsigned int i, j;

	for_each_family(f, i) {
		for (j = 0; j < f->nevents; j++)
			f->events[j].err = -ENOENT;
		for (j = 0; j < f->nfunctions; j++) {
			f->functions[j].err = -ENOENT;
			f->functions[j].missed = 0;
		}
	}
}

void hook_start(void)
{
	unsigned int i;

	mutex_lock(&hook_lock);
	hooks_reset();
	attached = true;
	/* Functions first: where one is hooked, an event that stands in for it is not needed. */
	functions_attach();
	for (i = 0; i < MODULES_MAX; i++) {
		if (modules[i])
			events_attach_module(modules[i]);
	}
	for_each_kernel_tracepoint(events_attach_builtin, NULL);
	mutex_unlock(&hook_lock);
}

void hook_stop(void)
{
	mutex_lock(&hook_lock);
	if (attached) {
		attached = false;
		events_detach(NULL);
		functions_detach(NULL);
	}
	mutex_unlock(&hook_lock);
}

static const struct hook_function *function_of(const char *name)
{
	struct hook_family *f;
	unsigned int i, j;

	for_each_family(f, i) {
		for (j = 0; j < f->nfunctions; j++) {
			if (!f->functions[j].err && !strcmp(f->functions[j].name, name))
				return &f->functions[j];
		}
	}
	return NULL;
}

bool hook_known(const char *function)
{
	return function_of(function);
}

bool hook_is(const char *function, const void *address)
{
	const struct hook_function *h = function_of(function);
	unsigned long at = h ? (unsigned long)h->rp.kp.addr : 0;

	/* A kprobe lies behind the landing mark of an indirect call, if there is one. */
	return h && (at == (unsigned long)address || at == (unsigned long)address + 4);
}

unsigned long hook_missed(void)
{
	unsigned long missed = 0;
	struct hook_family *f;
	unsigned int i, j;

	mutex_lock(&hook_lock);
	for_each_family(f, i) {
		for (j = 0; j < f->nfunctions; j++)
			missed += function_missed(&f->functions[j]);
	}
	mutex_unlock(&hook_lock);
	return missed;
}

static void describe(struct mmuscope_kmod_hook *d, const char *name, int err, bool wanted)
{
	strscpy(d->name, name, sizeof(d->name));
	d->err = err && !wanted ? ECANCELED : -err;
}

int hook_describe(struct mmuscope_kmod_hook *d)
{
	unsigned int i, n = d->index;
	struct hook_family *f;
	int err = -ENOENT;

	mutex_lock(&hook_lock);
	for_each_family(f, i) {
		if (n < f->nevents) {
			const struct hook_event *e = &f->events[n];

			describe(d, e->name, e->err, hook_wanted(f, e->host, e->unless));
			err = 0;
			break;
		}
		n -= f->nevents;
		if (n < f->nfunctions) {
			const struct hook_function *h = &f->functions[n];

			describe(d, h->name, h->err, hook_wanted(f, h->host, h->unless));
			d->function = 1;
			d->missed = function_missed(h);
			err = 0;
			break;
		}
		n -= f->nfunctions;
	}
	mutex_unlock(&hook_lock);
	return err;
}

int hook_init(void)
{
	int err;

	err = register_module_notifier(&module_notifier);
	if (err)
		return err;
	err = register_tracepoint_module_notifier(&tracepoint_notifier);
	if (err)
		unregister_module_notifier(&module_notifier);
	return err;
}

void hook_exit(void)
{
	unregister_tracepoint_module_notifier(&tracepoint_notifier);
	unregister_module_notifier(&module_notifier);
}
