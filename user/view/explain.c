// SPDX-License-Identifier: GPL-2.0
#include "view/explain.h"

#include <stdlib.h>
#include <string.h>

#include "lib/format.h"

/* Causes of faults that the guest would not have with EPT or NPT. */
static const uint8_t of_shadow[] = {
	MMUSCOPE_cause_pt_write, MMUSCOPE_cause_guest_tlb, MMUSCOPE_cause_shadowing,
};

static void evidence_times(struct evidence *e)
{
	for (unsigned int i = 0; i < CAUSES; i++) {
		const struct hist *h = e->st->hist[HIST_CAUSE + i];

		if (!h)
			continue;
		e->cause_count[i] = h->count;
		e->cause_ns[i] = h->sum;
		e->faults += h->count;
		e->fault_ns += h->sum;
		for (unsigned int k = 0; k < STATS_TIMES; k++)
			e->times[k] += e->st->count[COUNT_TIME + i * STATS_TIMES + k];
	}
}

static uint64_t hist_sum(const struct vm_stats *st, size_t at)
{
	return st->hist[at] ? st->hist[at]->sum : 0;
}

void evidence_make(struct evidence *e, struct report *r, const struct vm *vm,
		   const struct vm_stats *st, uint64_t elapsed_ns)
{
	*e = (struct evidence){ .vm = vm, .st = st, .report = r };
	evidence_times(e);
	for (size_t i = 0; i < st->notify.nr; i++)
		if (st->notify.rows[i].cause < WORDS_cause)
			e->invalidations[st->notify.rows[i].cause] +=
				st->notify.rows[i].hist->count;
	for (size_t i = 0; i < STATS_FLUSHES; i++) {
		size_t scope = i / WORDS_cause / WORDS_origin;

		if (!st->hist[HIST_FLUSH + i] || (scope != MMUSCOPE_scope_remote &&
						  scope != MMUSCOPE_scope_remote_range))
			continue;
		e->remote += st->hist[HIST_FLUSH + i]->count;
		e->remote_ns += st->hist[HIST_FLUSH + i]->sum;
	}
	for (size_t i = 0; i < WORDS_lock_op * WORDS_origin; i++)
		e->lock_ns += hist_sum(st, HIST_LOCK + i);
	for (unsigned int walk = 0; walk < STATS_WALKS; walk++) {
		for (unsigned int level = 1; level < STATS_LEVELS; level++) {
			size_t at = HIST_LEVEL + level * STATS_WALKS + walk;

			if (st->hist[at])
				*(level == 1 ? &e->small : &e->huge) += st->hist[at]->count;
		}
	}
	e->shadow_ns = hist_sum(st, HIST_WORK + MMUSCOPE_TYPE_invlpg) +
		       hist_sum(st, HIST_WORK + MMUSCOPE_TYPE_cr3) +
		       hist_sum(st, HIST_WORK + MMUSCOPE_TYPE_ptwrite);
	for (size_t i = 0; i < ARRAY_SIZE(of_shadow); i++) {
		e->shadow_ns += e->cause_ns[of_shadow[i]];
		e->shadow_count += e->cause_count[of_shadow[i]];
	}
	/* Where no exits are seen there is only the time that went by. */
	e->vcpu_ns = st->vcpu_ns ?: elapsed_ns * vm->nr_vcpus;
	e->by_clock = !st->vcpu_ns;
}

/* Faults of some causes: how many, how long the pages were away, who did it. */
static bool causes_apply(const struct rule *rule, const struct evidence *e, struct finding *f)
{
	char count[FORMAT_MAX], time[FORMAT_MAX], away[FORMAT_MAX], asked[FORMAT_MAX];
	uint64_t invalidations = 0;
	struct hist ages;

	hist_init(&ages);
	for (unsigned int i = 0; i < WORDS_cause; i++) {
		if (!(rule->causes >> i & 1))
			continue;
		f->count += e->cause_count[i];
		f->ns += e->cause_ns[i];
		invalidations += e->invalidations[i];
		if (e->st->hist[HIST_AGE + i])
			hist_merge(&ages, e->st->hist[HIST_AGE + i]);
	}
	if (!f->count)
		return false;
	f->why = report_text(e->report, "%s of %s faults, which took %s, are of that cause.",
			     format_count(count, f->count), format_count(asked, e->faults),
			     format_ns(time, f->ns));
	if (ages.count)
		f->why = report_text(e->report, "%s Half of the pages were needed again within %s.",
				     f->why, format_ns(away, hist_percentile(&ages, 50)));
	if (invalidations)
		f->why = report_text(e->report, "%s %s invalidations were made for it.", f->why,
				     format_count(asked, invalidations));
	return true;
}

bool explain_apply(const struct rule *rule, const struct evidence *e, struct finding *f)
{
	*f = (struct finding){ 0 };
	if (rule->look ? !rule->look(e, f) : !causes_apply(rule, e, f))
		return false;
	return f->always || (e->vcpu_ns && f->ns * 100.0 / e->vcpu_ns >= EXPLAIN_LEAST);
}

/* A finding, and whose it is; @by_clock as struct evidence has it. */
struct found {
	const struct rule *rule;
	const struct vm *vm;
	uint64_t vcpu_ns;
	bool by_clock;
	struct finding f;
};

struct list {
	struct found *list;
	size_t nr;
	bool failed;
};

static void list_add(struct list *l, const struct found *found)
{
	struct found *grown = realloc(l->list, (l->nr + 1) * sizeof(*grown));

	if (!grown) {
		l->failed = true;
		return;
	}
	l->list = grown;
	l->list[l->nr++] = *found;
}

static double share_of(const struct found *f)
{
	return f->vcpu_ns ? 100.0 * f->f.ns / f->vcpu_ns : 0;
}

/* What hangs a vCPU comes first, then what costs most. */
static int found_compare(const void *a, const void *b)
{
	double x = share_of(a), y = share_of(b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static void explain_vm(struct list *l, struct report *r, const struct vm *vm,
		       const struct view_window *w)
{
	struct view_progress progress;
	struct evidence e;
	const struct rule *rules;
	size_t nr;

	evidence_make(&e, r, vm, w->past ? &vm->past : &vm->now, w->elapsed_ns);
	if (w->progress && vm->life != MMUSCOPE_life_destroyed &&
	    w->progress(w->progress_ctx, vm->pid, e.st->stuck.rows, &progress))
		e.progress = &progress;
	rules = explain_rules(&nr);
	for (size_t i = 0; i < nr; i++) {
		struct found found = {
			.rule = &rules[i], .vm = vm, .vcpu_ns = e.vcpu_ns, .by_clock = e.by_clock,
		};

		if (explain_apply(&rules[i], &e, &found.f))
			list_add(l, &found);
	}
}

static void print_finding(struct report *r, const struct found *f, size_t number, bool lost)
{
	static const char *const sure[] = {
		[SURE_CERTAIN] = "certain", [SURE_LIKELY] = "likely", [SURE_POSSIBLE] = "possible",
	};
	struct section *s = report_section(r, "findings", report_text(r, "%zu. VM %s: %s", number,
								     f->vm->name, f->rule->title),
					   true);

	section_fact(s, "rule", NULL, cell_text(f->rule->key));
	section_fact(s, "vm", NULL, cell_text(f->vm->name));
	section_fact(s, "title", NULL, cell_text(f->rule->title));
	/* What was not recorded comes on top; and a VM need not have run all the time. */
	section_fact(s, "share", f->by_clock ? "of the time or more" :
		     lost ? "of vCPU time or more" : "of vCPU time",
		     f->f.ns ? cell_percent(f->f.ns, f->vcpu_ns) : (struct cell){ 0 });
	section_fact(s, "ns", "", f->f.ns ? cell_ns(f->f.ns) : (struct cell){ 0 });
	section_fact(s, "count", "times", cell_count(f->f.count));
	section_fact(s, "sure", "", cell_text(sure[f->rule->sure]));
	section_fact(s, "evidence", NULL, cell_text(f->f.why));
	section_fact(s, "knob", NULL, cell_text(f->rule->knob));
	section_fact(s, "confirm", NULL, cell_text(f->rule->confirm));
	section_note(s, "%s", f->f.why);
	section_note(s, "What changes it: %s.", f->rule->knob);
	section_note(s, "What would confirm it: %s.", f->rule->confirm);
}

/* Return: hooks that are missing and are no luxury. */
static size_t probes_missing(const struct source *source)
{
	const struct probe_status *list = NULL;
	size_t nr = source && source->ops->probes ? source->ops->probes(source, &list) : 0;
	size_t missing = 0;

	for (size_t i = 0; i < nr; i++)
		missing += list[i].state == PROBE_MISSING && list[i].need != PROBE_OPTIONAL;
	return missing;
}

static void print_nothing(struct report *r, size_t vms, const struct source *source)
{
	struct section *s = report_section(r, "nothing", NULL, false);
	size_t missing = probes_missing(source);

	report_section(r, "findings", NULL, true);

	if (!vms) {
		section_note(s, "No VM was seen.");
		return;
	}
	section_note(s, "Nothing significant was found%s: no kind of work that memory "
		     "virtualization makes took %.0f%% of a VM's %s.",
		     missing ? " in what can be seen" : "", EXPLAIN_LEAST,
		     view_seen(source, "kvm_exit") ? "vCPU time" : "time");
	if (missing)
		section_note(s, "%zu probes are missing here: what they would have told may be "
			     "just what is significant. 'mmuscope doctor' says what that is.",
			     missing);
}

size_t view_explain(struct report *r, const struct model *m, const struct view_window *w)
{
	bool lost = view_lost_much(w->past ? model_past(m) : model_now(m));
	struct list l = { 0 };
	size_t vms = 0;

	for (size_t i = 0; i < model_vms(m); i++) {
		const struct vm *vm = model_vm(m, i);

		if (!view_wants(w, vm))
			continue;
		explain_vm(&l, r, vm, w);
		vms++;
	}
	if (l.nr)
		qsort(l.list, l.nr, sizeof(*l.list), found_compare);
	for (size_t i = 0; i < l.nr; i++)
		print_finding(r, &l.list[i], i + 1, lost);
	if (!l.nr)
		print_nothing(r, vms, w->source);
	if (l.failed)
		r->failed = true;
	free(l.list);
	return vms;
}
