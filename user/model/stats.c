// SPDX-License-Identifier: GPL-2.0
#include "model/stats.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int hist_first(struct hist **h)
{
	*h = hist_new();
	return *h ? 0 : -ENOMEM;
}

static inline int hist_count_at(struct hist **h, uint64_t ns, uint32_t index)
{
	if (__builtin_expect(!*h, 0) && hist_first(h))
		return -ENOMEM;
	hist_add_at(*h, ns, index);
	return 0;
}

static inline int hist_count(struct hist **h, uint64_t ns)
{
	return hist_count_at(h, ns, mmuscope_hist_index(ns));
}

static size_t word(uint8_t value, size_t words)
{
	return value < words ? value : 0;
}

struct fault_key stats_fault_key(size_t index)
{
	struct fault_key key;

	index -= HIST_FAULT;
	key.walk = index % STATS_WALKS;
	index /= STATS_WALKS;
	key.verdict = index % WORDS_verdict;
	index /= WORDS_verdict;
	key.access = index % WORDS_access;
	index /= WORDS_access;
	key.condition = index % WORDS_condition;
	key.mode = index / WORDS_condition;
	return key;
}

static void add_flags(uint64_t *count, unsigned int flags)
{
	count[COUNT_SLEPT] += !!(flags & MMUSCOPE_SLEPT);
	count[COUNT_PREEMPTED] += !!(flags & MMUSCOPE_PREEMPTED);
	count[COUNT_USER] += !!(flags & MMUSCOPE_USER);
	count[COUNT_NESTED] += !!(flags & MMUSCOPE_NESTED);
	count[COUNT_PARTIAL] += !!(flags & MMUSCOPE_PARTIAL);
}

static void add_times(uint64_t *ns, const struct mmuscope_fault *f)
{
	uint64_t handler = f->handler_ns < f->hdr.dur ? f->handler_ns : f->hdr.dur;
	bool user = f->hdr.flags & MMUSCOPE_USER, slept = f->hdr.flags & MMUSCOPE_SLEPT;
	/* What a vCPU sleeps for is the page, also where it has to try again before it has it. */
	uint64_t page = slept && !f->resolve_ns ? handler : f->resolve_ns;
	uint64_t host = page < handler ? page : handler;
	uint64_t lock = f->lock_ns < handler - host ? f->lock_ns : handler - host;
	enum stats_time rest = user ? TIME_USER : handler ? TIME_OUTSIDE :
			       slept ? TIME_ASLEEP : TIME_UNKNOWN;

	ns[slept ? TIME_ASLEEP : TIME_HOST] += host;
	ns[TIME_LOCK] += lock;
	ns[TIME_MAP] += handler - host - lock;
	ns[rest] += f->hdr.dur - handler;
}

/* A phase that was not measured is 0, as one that did not take place. */
static int add_phases(struct hist **phase, const struct mmuscope_fault *f)
{
	int err = 0;

	if (f->handler_ns)
		err |= hist_count(&phase[STATS_WALKS * PHASE_HANDLER], f->handler_ns);
	if (f->resolve_ns)
		err |= hist_count(&phase[STATS_WALKS * PHASE_RESOLVE], f->resolve_ns);
	if (f->lock_ns)
		err |= hist_count(&phase[STATS_WALKS * PHASE_LOCK], f->lock_ns);
	return err;
}

/* What it did to huge pages. */
static int add_change(struct vm_stats *st, const struct fault_cause *c)
{
	if (c->change == HISTORY_BROKEN) {
		st->count[COUNT_BROKEN + c->cause]++;
		return 0;
	}
	st->count[COUNT_REBUILT + c->cause]++;
	return hist_count(&st->hist[HIST_BROKEN], c->broken_ns);
}

int stats_add_fault(struct vm_stats *st, const struct mmuscope_fault *f,
		    const struct fault_cause *c)
{
	struct fault_key key = { f->mode, f->condition, f->access, f->verdict, !!f->walk };
	size_t level = word(f->level, STATS_LEVELS);
	uint64_t ns = f->hdr.dur;
	uint32_t at = mmuscope_hist_index(ns);
	int err;

	st->records[MMUSCOPE_TYPE_fault]++;
	if (f->hdr.flags)
		add_flags(&st->count[key.walk], f->hdr.flags);
	err = hist_count_at(&st->hist[stats_fault_index(key)], ns, at);
	err |= hist_count_at(&st->hist[HIST_LEVEL + key.walk + STATS_WALKS * level], ns, at);
	err |= hist_count_at(&st->hist[HIST_CAUSE + c->cause], ns, at);
	err |= add_phases(&st->hist[HIST_PHASE + key.walk], f);
	add_times(&st->count[COUNT_TIME + c->cause * STATS_TIMES], f);
	if (c->aged)
		err |= hist_count(&st->hist[HIST_AGE + c->cause], c->age);
	if (level > 1)
		st->count[COUNT_HUGE + level * CAUSES + c->cause]++;
	if (c->change != HISTORY_SAME)
		err |= add_change(st, c);
	return err ? -ENOMEM : 0;
}

static int add_flush(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_flush *f = (const void *)rec;
	size_t at = (word(f->scope, WORDS_scope) * WORDS_origin + word(f->origin, WORDS_origin)) *
		    WORDS_cause + word(f->cause, WORDS_cause);

	st->count[COUNT_KICKED + at] += f->kicked;
	return hist_count(&st->hist[HIST_FLUSH + at], rec->dur);
}

/* Families of which only the number, the time and an amount count. */
static int add_work(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	uint64_t amount = 0;

	if (rec->type == MMUSCOPE_TYPE_sync)
		amount = ((const struct mmuscope_sync *)rec)->pages;
	else if (rec->type == MMUSCOPE_TYPE_age)
		amount = ((const struct mmuscope_age *)rec)->young;
	st->count[COUNT_AMOUNT + rec->type] += amount;
	return hist_count(&st->hist[HIST_WORK + rec->type], rec->dur);
}

static int add_shadow_page(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_shadow_page *p = (const void *)rec;

	st->count[COUNT_PAGES + 2 * word(p->op, WORDS_page_op) + !!p->direct]++;
	return 0;
}

static int add_invalidate(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	return notify_add(&st->notify, (const struct mmuscope_invalidate *)rec);
}

static int add_split(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_split *s = (const void *)rec;

	st->count[stats_split_index(word(s->level, STATS_LEVELS), word(s->cause, WORDS_cause),
				    s->error)]++;
	return 0;
}

static int add_collapse(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_collapse *c = (const void *)rec;

	st->count[COUNT_COLLAPSE + word(c->level, STATS_LEVELS) * WORDS_cause +
		  word(c->cause, WORDS_cause)]++;
	return 0;
}

static int add_dirty(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_dirty *d = (const void *)rec;
	size_t op = word(d->op, WORDS_dirty_op);

	st->count[COUNT_DIRTY_PAGES + op] += d->pages;
	return hist_count(&st->hist[HIST_DIRTY + op], rec->dur);
}

static int add_slot(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_slot *s = (const void *)rec;

	if (s->op < WORDS_slot_op)
		st->count[COUNT_SLOT + s->op]++;
	return 0;
}

static int add_lockwait(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_lockwait *l = (const void *)rec;
	size_t at = word(l->op, WORDS_lock_op) * WORDS_origin + word(l->origin, WORDS_origin);

	return hist_count(&st->hist[HIST_LOCK + at], rec->dur);
}

static int exits_add(struct vm_stats *st, const struct exit_row *add)
{
	struct exit_row *rows;
	size_t i;

	for (i = 0; i < st->nr_exits; i++)
		if (st->exits[i].reason == add->reason && st->exits[i].isa == add->isa)
			break;
	if (i == st->nr_exits) {
		if (i == STATS_EXITS_MAX)
			return 0;
		rows = realloc(st->exits, (i + 1) * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		st->exits = rows;
		st->nr_exits++;
		rows[i] = (struct exit_row){ .isa = add->isa, .reason = add->reason };
	}
	st->exits[i].count += add->count;
	st->exits[i].ns += add->ns;
	return 0;
}

static int add_exits(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_exits *e = (const void *)rec;

	return exits_add(st, &(struct exit_row){ e->isa, e->reason, e->count, e->ns });
}

static int (*const adders[MMUSCOPE_TYPES])(struct vm_stats *, const struct mmuscope_hdr *) = {
	[MMUSCOPE_TYPE_flush] = add_flush,
	[MMUSCOPE_TYPE_sync] = add_work,
	[MMUSCOPE_TYPE_unsync] = add_work,
	[MMUSCOPE_TYPE_ptwrite] = add_work,
	[MMUSCOPE_TYPE_invlpg] = add_work,
	[MMUSCOPE_TYPE_cr3] = add_work,
	[MMUSCOPE_TYPE_shadow_page] = add_shadow_page,
	[MMUSCOPE_TYPE_invalidate] = add_invalidate,
	[MMUSCOPE_TYPE_age] = add_work,
	[MMUSCOPE_TYPE_split] = add_split,
	[MMUSCOPE_TYPE_collapse] = add_collapse,
	[MMUSCOPE_TYPE_dirty] = add_dirty,
	[MMUSCOPE_TYPE_slot] = add_slot,
	[MMUSCOPE_TYPE_lockwait] = add_lockwait,
	[MMUSCOPE_TYPE_apf] = add_work,
	[MMUSCOPE_TYPE_exits] = add_exits,
};

int stats_add(struct vm_stats *st, const struct mmuscope_hdr *rec)
{
	st->records[rec->type]++;
	return adders[rec->type] ? adders[rec->type](st, rec) : 0;
}

uint64_t stats_amount(const struct mmuscope_hdr *rec)
{
	switch (rec->type) {
	case MMUSCOPE_TYPE_exits:
		return rec->size < sizeof(struct mmuscope_exits) ? 0 :
		       ((const struct mmuscope_exits *)rec)->count;
	case MMUSCOPE_TYPE_dirty:
		return rec->size < sizeof(struct mmuscope_dirty) ? 0 :
		       ((const struct mmuscope_dirty *)rec)->pages;
	case MMUSCOPE_TYPE_slot:
		return rec->size >= sizeof(struct mmuscope_slot) &&
		       ((const struct mmuscope_slot *)rec)->op != MMUSCOPE_slot_op_found;
	case MMUSCOPE_TYPE_vm:
	case MMUSCOPE_TYPE_vcpu:
	case MMUSCOPE_TYPE_lost:
		return 0;
	default:
		return 1;
	}
}

static void hist_move(struct hist **to, struct hist **from)
{
	if (*to && *from) {
		hist_merge(*to, *from);
		free(*from);
	} else if (*from) {
		*to = *from;
	}
	*from = NULL;
}

int stats_fold(struct vm_stats *to, struct vm_stats *from)
{
	int err = notify_fold(&to->notify, &from->notify);

	storm_fold(&to->storm, &from->storm);
	stuck_fold(&to->stuck, &from->stuck);
	for (size_t i = 0; i < HISTS; i++)
		hist_move(&to->hist[i], &from->hist[i]);
	for (size_t i = 0; i < COUNTS; i++)
		to->count[i] += from->count[i];
	for (size_t i = 0; i < MMUSCOPE_TYPES; i++)
		to->records[i] += from->records[i];
	for (size_t i = 0; !err && i < from->nr_exits; i++)
		err = exits_add(to, &from->exits[i]);
	to->vcpu_ns += from->vcpu_ns;
	stats_clear(from);
	return err;
}

void stats_clear(struct vm_stats *st)
{
	for (size_t i = 0; i < HISTS; i++)
		free(st->hist[i]);
	free(st->exits);
	notify_clear(&st->notify);
	memset(st, 0, sizeof(*st));
}
