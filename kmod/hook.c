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
#include <linux/string.h>

#include "detour.h"
#include "function.h"

#define MODULES_MAX	4
#define FUNCTIONS_MAX	96

static struct hook_family *const families[] = {
	&family_life,
	&family_fault,
	&family_shadow,
	&family_flush,
	&family_notify,
	&family_dirty,
	&family_slot,
	&family_wait,
};

/* Serializes all that follows, and the attaching and detaching of hooks. */
static DEFINE_MUTEX(hook_lock);
/* Modules with tracepoints of KVM, as their notifier told of them. */
static struct module *modules[MODULES_MAX];
static bool attached;
static struct hook_function *chosen[FUNCTIONS_MAX];

#define for_each_family(f, i)						\
	for ((i) = 0; (i) < ARRAY_SIZE(families) && ((f) = families[i]); (i)++)

static bool module_wanted(const struct module *mod)
{
	return !strncmp(mod->name, "kvm", 3);
}

/* Arguments of one of KVM's tracepoints, -ENOENT while there is none of that name. */
static int event_args(const char *name)
{
	unsigned int i, j;

	for (i = 0; i < MODULES_MAX; i++) {
		for (j = 0; modules[i] && j < modules[i]->num_tracepoints; j++) {
			struct tracepoint *tp;

			tp = tracepoint_ptr_deref(&modules[i]->tracepoints_ptrs[j]);
			if (!strcmp(tp->name, name))
				return compat_tracepoint_args(modules[i], tp);
		}
	}
	return -ENOENT;
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
	case HOOK_SHORT:
		return config.isa == MMUSCOPE_isa_svm && config.tdp &&
		       event_args("kvm_page_fault") == 2;
	case HOOK_ANY:
		break;
	}
	return true;
}

static bool family_wanted(const struct hook_family *f)
{
	return config.records & f->records;
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

/* Those not hooked yet: all, or those of a module that came. */
static void functions_attach_all(void)
{
	struct hook_family *f;
	unsigned int i, j, n = 0;

	for_each_family(f, i) {
		for (j = 0; j < f->nfunctions && n < FUNCTIONS_MAX; j++) {
			struct hook_function *h = &f->functions[j];

			if (h->err && hook_wanted(f, h->host, h->unless))
				chosen[n++] = h;
		}
	}
	functions_attach(chosen, n);
	for (i = 0; i < n; i++) {
		/* Whether its substitute is there is known only now. */
		if (chosen[i]->unless && hooked(chosen[i]->unless) && !chosen[i]->err)
			functions_detach(&chosen[i], 1);
	}
}

/* Those of @mod, or all of them where it is NULL. */
static void functions_detach_all(const struct module *mod)
{
	struct hook_family *f;
	unsigned int i, j, n = 0;

	for_each_family(f, i) {
		for (j = 0; j < f->nfunctions && n < FUNCTIONS_MAX; j++) {
			if (function_within(&f->functions[j], mod))
				chosen[n++] = &f->functions[j];
		}
	}
	functions_detach(chosen, n);
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
			functions_attach_all();
		else if (action == MODULE_STATE_LIVE)
			vendor_read(mod);
		else if (action == MODULE_STATE_GOING)
			functions_detach_all(mod);
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
	detour_start();
	/* Functions first: where one is hooked, an event that stands in for it is not needed. */
	functions_attach_all();
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
		detour_stop();
		events_detach(NULL);
		functions_detach_all(NULL);
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

	/* Behind the landing mark of an indirect call, if there is one. */
	return h && (h->ip == (unsigned long)address || h->ip == (unsigned long)address + 4);
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
			d->args = e->args;
			err = 0;
			break;
		}
		n -= f->nevents;
		if (n < f->nfunctions) {
			const struct hook_function *h = &f->functions[n];

			describe(d, h->name, h->err, hook_wanted(f, h->host, h->unless));
			d->how = h->how;
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
	detour_exit();
}
