// SPDX-License-Identifier: GPL-2.0
#include "source/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/probe_table.h"

static bool host_fits(enum probe_host host, unsigned int isa)
{
	switch (host) {
	case HOST_VMX:
		return isa == MMUSCOPE_isa_vmx;
	case HOST_SVM:
		return isa == MMUSCOPE_isa_svm;
	case HOST_HARDWARE:
		return isa != MMUSCOPE_isa_unknown;
	case HOST_SOFTWARE:
		return isa == MMUSCOPE_isa_unknown;
	case HOST_ANY:
		break;
	}
	return true;
}

int probe_set_init(struct probe_set *set, unsigned int isa)
{
	memset(set, 0, sizeof(*set));
	set->choice = calloc(probe_table_size, sizeof(*set->choice));
	set->status = calloc(probe_table_size, sizeof(*set->status));
	if (!set->choice || !set->status) {
		probe_set_free(set);
		return -ENOMEM;
	}
	for (size_t i = 0; i < probe_table_size; i++) {
		if (host_fits(probe_table[i].host, isa))
			set->choice[set->total++].probe = &probe_table[i];
	}
	set->count = set->total;
	return 0;
}

void probe_set_free(struct probe_set *set)
{
	free(set->choice);
	free(set->status);
	memset(set, 0, sizeof(*set));
}

/*
 * The records of classic events as fault.bpf.c (struct page_fault_event) and shadow.bpf.c (struct
 * page_event) expect them: where they have what is read.
 */
static const struct {
	const char *system;
	const char *event;
	const char *field;
	int offset;
} layouts[] = {
	{ "kvm", "kvm_page_fault", "guest_rip", 16 },
	{ "kvm", "kvm_page_fault", "fault_address", 24 },
	{ "kvm", "kvm_page_fault", "error_code", 32 },
	{ "kvmmmu", "kvm_mmu_get_page", "gfn", 16 },
	{ "kvmmmu", "kvm_mmu_get_page", "role", 24 },
	{ "kvmmmu", "kvm_mmu_get_page", "created", 33 },
	{ "kvmmmu", "kvm_mmu_prepare_zap_page", "gfn", 16 },
	{ "kvmmmu", "kvm_mmu_prepare_zap_page", "role", 24 },
	{ "kvmmmu", "kvm_mmu_unsync_page", "gfn", 16 },
	{ "kvmmmu", "kvm_mmu_unsync_page", "role", 24 },
	{ "kvmmmu", "kvm_mmu_sync_page", "gfn", 16 },
	{ "kvmmmu", "kvm_mmu_sync_page", "role", 24 },
};

static bool event_fits(const struct kernel *k, const char *name)
{
	bool fits = false;

	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (strcmp(layouts[i].event, name))
			continue;
		fits = kernel_event_field(k, layouts[i].system, name, layouts[i].field) ==
		       layouts[i].offset;
		if (!fits)
			break;
	}
	return fits;
}

/* NULL when the way can be tried, else why not. */
static const char *way_obstacle(const struct probe_way *way, const struct kernel *k)
{
	int args;

	switch (way->how) {
	case HOW_TP_BTF:
	case HOW_RAW_TP:
		args = kernel_tracepoint_args(k, way->target);
		if (args < 0 && way->how == HOW_TP_BTF)
			return "no BTF for this tracepoint";
		if (!kernel_has_event(k, NULL, way->target))
			return "the kernel has no such tracepoint";
		if (args >= 0 && way->args && args != way->args)
			return "the tracepoint has other arguments";
		return NULL;
	case HOW_EVENT:
		if (!event_fits(k, way->target))
			return "tracefs is not mounted, or the event has another layout";
		return NULL;
	case HOW_TRAMPOLINE:
		args = kernel_func_args(k, way->target);
		if (args < 0)
			return kernel_has_kvm_btf(k) ? "the kernel has no such function" :
						       "no BTF for kvm";
		/* fallthrough */
	case HOW_MULTI:
		if (way->how == HOW_MULTI && !kernel_has_multi(k))
			return "the kernel has no kprobe.multi";
		if (way->how == HOW_MULTI && !kernel_symbol(k, way->target))
			return "the kernel has no such function, or hides its address";
		/* fallthrough */
	case HOW_KPROBE:
		if (way->how == HOW_KPROBE && !kernel_has_kprobes(k))
			return "the kernel has no kprobes";
		if (!kernel_has_symbol(k, way->target))
			return "the kernel has no such function";
		args = kernel_func_args(k, way->target);
		if (args >= 0 && way->args && args != way->args)
			return "the function has other arguments";
		return NULL;
	case HOW_ITER:
		return kernel_has_btf(k) ? NULL : "no BTF for the kernel";
	case HOW_SITES:
		return NULL;
	case HOWS:
		break;
	}
	return "unknown";
}

static const char *refusal(enum probe_how how)
{
	static const char *const text[HOWS] = {
		[HOW_TP_BTF] = "the kernel refuses tp_btf programs",
		[HOW_RAW_TP] = "the kernel refuses raw tracepoints",
		[HOW_TRAMPOLINE] = "the kernel refuses fentry and fexit",
		[HOW_MULTI] = "the kernel refuses kprobe.multi",
		[HOW_EVENT] = "the kernel refuses classic tracepoints",
		[HOW_KPROBE] = "the kernel refuses kprobes",
		[HOW_ITER] = "the kernel refuses iterators",
		[HOW_SITES] = "",
	};

	return text[how];
}

/* Kprobes of both kinds and classic tracepoints run with preemption disabled. */
static bool way_steady(const struct probe_way *way)
{
	return way->steady || way->how == HOW_MULTI || way->how == HOW_KPROBE ||
	       way->how == HOW_EVENT;
}

/* The first way that can be had. */
static void choose_first(struct probe_set *set, struct probe_choice *c, const struct kernel *k)
{
	for (size_t i = 0; i < PROBE_WAYS && c->probe->way[i].target; i++) {
		const struct probe_way *way = &c->probe->way[i];
		const char *why = set->refused[way->how] ? refusal(way->how) :
							   way_obstacle(way, k);

		if (c->steady && !way_steady(way))
			continue;
		if (!why && !(c->banned & 1U << i)) {
			c->way = way;
			return;
		}
		/* That a function cannot share its hook with others is nobody's loss. */
		if (why && way->how != HOW_MULTI && !c->why[0])
			snprintf(c->why, sizeof(c->why), "%s", why);
	}
}

/* Better a dear way than one that the kernel skips now and then. */
static void choose_one(struct probe_set *set, struct probe_choice *c, const struct kernel *k)
{
	c->way = NULL;
	c->steady = kernel_preempts(k);
	choose_first(set, c, k);
	if (c->steady && !c->way) {
		c->steady = false;
		choose_first(set, c, k);
	}
}

void probe_choose(struct probe_set *set, const struct kernel *k)
{
	set->count = set->total;
	for (size_t i = 0; i < set->count; i++)
		choose_one(set, &set->choice[i], k);
}

void probe_refuse(struct probe_set *set, enum probe_how how)
{
	set->refused[how] = true;
}

void probe_ban(struct probe_set *set, struct probe_choice *choice, int err)
{
	if (!choice->way)
		return;
	/* Policy, or a kernel built without: the others of the kind fare no better. */
	if (err == EPERM || err == EOPNOTSUPP || err == ENOTSUP)
		set->refused[choice->way->how] = true;
	/* Another tracer has the function, and then most likely more: our own module does. */
	if (err == EBUSY && choice->way->how == HOW_TRAMPOLINE)
		set->refused[choice->way->how] = true;
	choice->banned |= 1U << (choice->way - choice->probe->way);
	if (err == ENXIO)
		snprintf(choice->why, sizeof(choice->why), "the hook on %s is none",
			 choice->way->target);
	else
		snprintf(choice->why, sizeof(choice->why), "%s of %s was refused: %s",
			 choice->way->how == HOW_KPROBE ? "a kprobe" :
			 choice->way->how == HOW_MULTI ? "kprobe.multi" :
			 choice->way->how == HOW_TRAMPOLINE ? "fentry" : "the tracepoint",
			 choice->way->target, strerror(err));
}

struct probe_choice *probe_by_program(struct probe_set *set, const char *prog)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct probe_way *way = set->choice[i].way;

		for (int j = 0; way && j < PROBE_PROGRAMS && way->prog[j]; j++) {
			if (!strcmp(way->prog[j], prog))
				return &set->choice[i];
		}
	}
	return NULL;
}

void probe_drop(struct probe_set *set, const char *prog)
{
	struct probe_choice *c = probe_by_program(set, prog);

	struct probe_choice drop;

	if (!c)
		return;
	drop = *c;
	*c = set->choice[--set->count];
	set->choice[set->count] = drop;
}

/* A tracepoint in the place of a function. */
static bool carries_less(const struct probe_choice *c)
{
	return c->probe->way[0].how == HOW_MULTI && c->way->how == HOW_RAW_TP;
}

/*
 * Another way to the same data is the tool's business and no news. A fallback
 * is one that costs more, a kprobe, or carries less.
 */
static bool is_fallback(const struct probe_choice *c)
{
	return (c->way->how == HOW_KPROBE && !c->steady) || carries_less(c);
}

void probe_report_sites(struct probe_choice *choice, struct probe_status *status,
			const struct cause_site *sites)
{
	char text[sizeof(choice->why) / 2];

	status->how = "kallsyms";
	status->why = choice->why;
	status->state = PROBE_FOUND;
	status->lost = "";
	choice->why[0] = '\0';
	if (!sites[0].size) {
		status->state = PROBE_MISSING;
		status->how = "";
		status->lost = choice->probe->lost;
		snprintf(choice->why, sizeof(choice->why),
			 "the kernel hides addresses (kernel.kptr_restrict)");
	} else if (sites_missing(sites, text, sizeof(text))) {
		status->state = PROBE_FALLBACK;
		status->lost = "these causes, should the kernel do it at all, are unknown";
		snprintf(choice->why, sizeof(choice->why), "no function found for: %s", text);
	}
}

void probe_report(struct probe_set *set, const struct cause_site *sites)
{
	static const char *const how[HOWS] = {
		[HOW_TP_BTF] = "tp_btf", [HOW_RAW_TP] = "raw_tp", [HOW_TRAMPOLINE] = "fentry",
		[HOW_MULTI] = "multi", [HOW_EVENT] = "tp", [HOW_KPROBE] = "kprobe",
		[HOW_ITER] = "iter", [HOW_SITES] = "kallsyms",
	};

	for (size_t i = 0; i < set->count; i++) {
		struct probe_choice *c = &set->choice[i];
		struct probe_status *s = &set->status[i];

		s->name = c->probe->name;
		s->records = c->probe->records;
		s->need = c->probe->need;
		s->lost = c->way && !carries_less(c) ? "" : c->probe->lost;
		s->why = "";
		s->how = "";
		s->state = PROBE_MISSING;
		if (c->way) {
			s->state = is_fallback(c) ? PROBE_FALLBACK : PROBE_FOUND;
			s->how = how[c->way->how];
		}
		if (s->state != PROBE_FOUND)
			s->why = c->why;
		if (!c->probe->way[0].target)
			s->why = "KVM in software does not come by it";
		if (c->probe->way[0].how == HOW_SITES)
			probe_report_sites(c, s, sites);
	}
}
