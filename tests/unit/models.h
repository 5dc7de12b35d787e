/* SPDX-License-Identifier: GPL-2.0 */
/* Models of made-up records, and whether two hold the same. */
#ifndef MODELS_H
#define MODELS_H

#include <string.h>

#include "model/model.h"
#include "source/source.h"

/* Return: what records as in @cfg, which has one stream, add up to. */
static inline struct model *model_made_up(const struct synth_config *cfg)
{
	struct source *src = source_synth_open(cfg);
	struct model *m = model_new(NULL, NULL);
	const struct mmuscope_hdr *rec;

	while (src->ops->next(src, 0, &rec) == 1) {
		assert_int_equal(model_feed(m, rec), 0);
		src->ops->release(src, 0);
	}
	src->ops->close(src);
	assert_int_equal(model_fold(m), 0);
	return m;
}

static inline void same_hist(const struct hist *a, const struct hist *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_memory_equal(a, b, sizeof(*a));
}

static inline void same_notify(const struct notify *a, const struct notify *b)
{
	assert_int_equal(a->nr, b->nr);
	for (size_t i = 0; i < a->nr; i++) {
		const struct notify_row *x = &a->rows[i], *y = &b->rows[i];

		assert_int_equal(x->event, y->event);
		assert_int_equal(x->cause, y->cause);
		assert_memory_equal(x->comm, y->comm, sizeof(x->comm));
		assert_int_equal(x->gfns, y->gfns);
		assert_int_equal(x->inferred, y->inferred);
		same_hist(x->hist, y->hist);
	}
}

static inline void same_stats(const struct vm_stats *a, const struct vm_stats *b)
{
	for (size_t i = 0; i < HISTS; i++)
		same_hist(a->hist[i], b->hist[i]);
	assert_memory_equal(a->count, b->count, sizeof(a->count));
	assert_memory_equal(a->records, b->records, sizeof(a->records));
	same_notify(&a->notify, &b->notify);
	assert_memory_equal(&a->storm, &b->storm, sizeof(a->storm));
	assert_memory_equal(&a->stuck, &b->stuck, sizeof(a->stuck));
	assert_int_equal(a->vcpu_ns, b->vcpu_ns);
	assert_int_equal(a->nr_exits, b->nr_exits);
	for (size_t i = 0; i < a->nr_exits; i++) {
		assert_int_equal(a->exits[i].isa, b->exits[i].isa);
		assert_int_equal(a->exits[i].reason, b->exits[i].reason);
		assert_int_equal(a->exits[i].count, b->exits[i].count);
		assert_int_equal(a->exits[i].ns, b->exits[i].ns);
	}
}

static inline void same_slots(const struct slots *a, const struct slots *b)
{
	assert_int_equal(a->nr, b->nr);
	for (size_t i = 0; i < a->nr; i++) {
		assert_int_equal(a->list[i].id, b->list[i].id);
		assert_int_equal(a->list[i].flags, b->list[i].flags);
		assert_int_equal(a->list[i].gfn, b->list[i].gfn);
		assert_int_equal(a->list[i].npages, b->list[i].npages);
		assert_int_equal(a->list[i].hva, b->list[i].hva);
		assert_int_equal(a->list[i].protected, b->list[i].protected);
	}
}

static inline void same_ledger(const struct ledger *a, const struct ledger *b)
{
	assert_memory_equal(a->records, b->records, sizeof(a->records));
	assert_memory_equal(a->unattributed, b->unattributed, sizeof(a->unattributed));
	assert_memory_equal(a->lost, b->lost, sizeof(a->lost));
	assert_int_equal(a->nr_cpus, b->nr_cpus);
	if (a->nr_cpus)
		assert_memory_equal(a->lost_cpus, b->lost_cpus,
				    a->nr_cpus * sizeof(*a->lost_cpus));
}

static inline void same_history(const struct model *a, const struct model *b)
{
	struct history_use x, y;
	struct history_sizes s, t;

	model_history(a, &x);
	model_history(b, &y);
	assert_memory_equal(&x, &y, sizeof(x));
	for (size_t i = 0; i < model_vms(a); i++) {
		model_sizes(a, model_vm(a, i), &s);
		model_sizes(b, model_vm(b, i), &t);
		assert_memory_equal(&s, &t, sizeof(s));
	}
}

/* All that a view can look at. */
static inline void same_models(const struct model *a, const struct model *b)
{
	same_ledger(model_now(a), model_now(b));
	same_ledger(model_past(a), model_past(b));
	assert_int_equal(model_span(a), model_span(b));
	assert_int_equal(model_vms(a), model_vms(b));
	for (size_t i = 0; i < model_vms(a); i++) {
		const struct vm *x = model_vm(a, i), *y = model_vm(b, i);

		assert_string_equal(x->name, y->name);
		assert_string_equal(x->comm, y->comm);
		assert_int_equal(x->id, y->id);
		assert_int_equal(x->pid, y->pid);
		assert_int_equal(x->kvm, y->kvm);
		assert_int_equal(x->mode, y->mode);
		assert_int_equal(x->isa, y->isa);
		assert_int_equal(x->life, y->life);
		assert_int_equal(x->nr_vcpus, y->nr_vcpus);
		assert_int_equal(model_vm_of(a, x->id)->pid, model_vm_of(b, x->id)->pid);
		same_slots(&x->slots, &y->slots);
		same_stats(&x->now, &y->now);
		same_stats(&x->past, &y->past);
	}
	same_history(a, b);
}

#endif /* MODELS_H */
