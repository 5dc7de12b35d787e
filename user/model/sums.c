// SPDX-License-Identifier: GPL-2.0
/*
 * Each function here goes both ways, so that what is read cannot differ from what is written.
 * Numbers are varints; most counts and histograms of a VM are empty, and take no room.
 */
#include "model/sums.h"

#include <errno.h>
#include <string.h>

#include "lib/clean.h"
#include "model/inside.h"

/* More than any host has: a file can be made up. */
#define VMS_MAX		1000000
#define SLOTS_MAX	1000000

/**
 * struct sums - the way between a model and its bytes
 * @out: where they go to; NULL where they come from @in
 * @failed: memory was short
 */
struct sums {
	struct bytes *out;
	struct cursor in;
	bool failed;
};

static bool is_bad(const struct sums *s)
{
	return s->out ? s->out->failed : s->in.bad || s->failed;
}

static uint64_t number(struct sums *s, uint64_t value)
{
	if (!s->out)
		return cursor_varint(&s->in);
	bytes_put_varint(s->out, value);
	return value;
}

/* A number in a variable of any width; what has no room there is no number of ours. */
#define NUMBER(s, place)					\
	do {							\
		uint64_t value_ = number(s, place);		\
								\
		(place) = value_;				\
		if ((place) != value_)				\
			(s)->in.bad = true;			\
	} while (0)

/* How many things follow: no more than @most, each of which takes a byte at least. */
static size_t length(struct sums *s, size_t nr, size_t most)
{
	size_t value = number(s, nr);

	if (s->out || (value <= most && value <= (size_t)(s->in.end - s->in.at)))
		return value;
	s->in.bad = true;
	return 0;
}

/* It goes to terminals. @text has room for @size, and ends with 0. */
static void text(struct sums *s, char *text, size_t size)
{
	size_t len = length(s, strnlen(text, size), size - 1);
	const uint8_t *from;

	if (s->out) {
		bytes_put(s->out, text, len);
		return;
	}
	from = cursor_take(&s->in, len);
	if (!from)
		return;
	memcpy(text, from, len);
	text[len] = '\0';
	clean(text, len);
}

/* @absent: what lies between things that are there, to be begun with NOT_READ when reading. */
#define NOT_READ	UINT64_MAX

static uint64_t row_begin(const struct sums *s)
{
	return s->out ? 0 : NOT_READ;
}

/* Return: whether the next thing of a row is there, which it is in the model if @there. */
static bool is_there(struct sums *s, uint64_t *absent, bool there)
{
	if (is_bad(s))
		return false;
	if (s->out && !there) {
		++*absent;
		return false;
	}
	if (s->out) {
		number(s, *absent);
		*absent = 0;
		return true;
	}
	if (*absent == NOT_READ)
		*absent = number(s, 0);
	if (*absent) {
		--*absent;
		return false;
	}
	*absent = NOT_READ;
	return !is_bad(s);
}

static void row_end(struct sums *s, uint64_t absent)
{
	if (s->out && absent)
		number(s, absent);
}

static void numbers(struct sums *s, uint64_t *list, size_t nr)
{
	uint64_t absent = row_begin(s);

	for (size_t i = 0; i < nr; i++)
		if (is_there(s, &absent, list[i]))
			NUMBER(s, list[i]);
	row_end(s, absent);
}

static void hist(struct sums *s, struct hist **place)
{
	struct hist *h = *place;

	if (!h)
		h = *place = hist_new();
	if (!h) {
		s->failed = true;
		return;
	}
	NUMBER(s, h->sum);
	NUMBER(s, h->min);
	NUMBER(s, h->max);
	numbers(s, h->bucket, MMUSCOPE_HIST_BUCKETS);
	if (s->out)
		return;
	for (size_t i = 0; i < MMUSCOPE_HIST_BUCKETS; i++)
		h->count += h->bucket[i];
	s->in.bad |= !h->count || h->min > h->max;
}

static void notify(struct sums *s, struct notify *n)
{
	n->nr = length(s, n->nr, NOTIFY_ROWS + 1);
	for (size_t i = 0; i < n->nr && !is_bad(s); i++) {
		struct notify_row *row = &n->rows[i];

		NUMBER(s, row->event);
		NUMBER(s, row->cause);
		for (size_t k = 0; k < NOTIFY_COMM; k++)
			NUMBER(s, *(uint8_t *)&row->comm[k]);
		clean(row->comm, NOTIFY_COMM);
		NUMBER(s, row->gfns);
		NUMBER(s, row->inferred);
		hist(s, &row->hist);
	}
}

static void stuck(struct sums *s, struct stuck *st)
{
	NUMBER(s, st->rows);
	NUMBER(s, st->faults);
	NUMBER(s, st->ns);
	NUMBER(s, st->worst.rip);
	NUMBER(s, st->worst.gfn);
	NUMBER(s, st->worst.count);
	NUMBER(s, st->worst.begin);
	NUMBER(s, st->worst.end);
	NUMBER(s, st->worst.vcpu);
}

/* Makes @list of @nr things, all 0, where they are to be read. Return: whether it is there. */
static bool list_make(struct sums *s, void **list, size_t nr, size_t size)
{
	if (s->out || !nr)
		return nr;
	*list = calloc(nr, size);
	s->failed |= !*list;
	return *list;
}

static void exits(struct sums *s, struct vm_stats *st)
{
	size_t nr = length(s, st->nr_exits, STATS_EXITS_MAX);

	if (!list_make(s, (void **)&st->exits, nr, sizeof(*st->exits)))
		return;
	st->nr_exits = nr;
	for (size_t i = 0; i < nr && !is_bad(s); i++) {
		NUMBER(s, st->exits[i].isa);
		NUMBER(s, st->exits[i].reason);
		NUMBER(s, st->exits[i].count);
		NUMBER(s, st->exits[i].ns);
	}
}

static void stats(struct sums *s, struct vm_stats *st)
{
	uint64_t absent = row_begin(s);

	for (size_t i = 0; i < HISTS; i++)
		if (is_there(s, &absent, st->hist[i]))
			hist(s, &st->hist[i]);
	row_end(s, absent);
	numbers(s, st->count, COUNTS);
	numbers(s, st->records, MMUSCOPE_TYPES);
	notify(s, &st->notify);
	NUMBER(s, st->storm.windows);
	NUMBER(s, st->storm.flushes);
	NUMBER(s, st->storm.peak);
	NUMBER(s, st->storm.begin);
	NUMBER(s, st->storm.end);
	stuck(s, &st->stuck);
	exits(s, st);
	NUMBER(s, st->vcpu_ns);
}

static void slots(struct sums *s, struct slots *slots)
{
	size_t nr = length(s, slots->nr, SLOTS_MAX);

	if (!list_make(s, (void **)&slots->list, nr, sizeof(*slots->list)))
		return;
	slots->nr = nr;
	for (size_t i = 0; i < nr && !is_bad(s); i++) {
		struct slot *slot = &slots->list[i];

		NUMBER(s, slot->id);
		NUMBER(s, slot->flags);
		NUMBER(s, slot->gfn);
		NUMBER(s, slot->npages);
		NUMBER(s, slot->hva);
		NUMBER(s, slot->protected);
	}
}

static void vm(struct sums *s, struct model *m, struct vm *vm)
{
	if (s->out)
		model_sizes(m, vm, &vm->sizes);
	text(s, vm->name, sizeof(vm->name));
	text(s, vm->comm, sizeof(vm->comm));
	NUMBER(s, vm->pid);
	NUMBER(s, vm->kvm);
	NUMBER(s, vm->mode);
	NUMBER(s, vm->isa);
	NUMBER(s, vm->life);
	NUMBER(s, vm->nr_vcpus);
	slots(s, &vm->slots);
	numbers(s, vm->sizes.pages, STATS_LEVELS);
	NUMBER(s, vm->sizes.broken);
	stats(s, &vm->past);
}

static void vms(struct sums *s, struct model *m)
{
	size_t nr = length(s, m->nr_vms, VMS_MAX);

	for (size_t i = 0; i < nr && !is_bad(s); i++) {
		uint16_t id = s->out ? m->vms[i]->id : 0;

		NUMBER(s, id);
		if (!s->out && !model_vm_new(m, id, 0))
			s->failed = true;
		else
			vm(s, m, m->vms[i]);
	}
}

static void ledger(struct sums *s, struct ledger *l)
{
	size_t nr = length(s, l->nr_cpus, MODEL_CPUS_MAX);

	numbers(s, l->records, MMUSCOPE_TYPES);
	numbers(s, l->unattributed, MMUSCOPE_TYPES);
	numbers(s, l->lost, WORDS_stage);
	if (!list_make(s, (void **)&l->lost_cpus, nr, sizeof(*l->lost_cpus)))
		return;
	l->nr_cpus = nr;
	for (size_t i = 0; i < nr && !is_bad(s); i++)
		NUMBER(s, l->lost_cpus[i]);
}

/* What the meaning of all else hangs on. Return: whether it is as here. */
static bool is_ours(struct sums *s)
{
	static const uint64_t sizes[] = {
		SUMS_VERSION, HISTS, COUNTS, MMUSCOPE_TYPES, MMUSCOPE_HIST_BUCKETS, NOTIFY_ROWS,
#define WORDS_END(set)	WORDS_##set,
#include <mmuscope/events.def>
	};
	char version[32] = MMUSCOPE_VERSION;
	bool same;

	text(s, version, sizeof(version));
	same = !strcmp(version, MMUSCOPE_VERSION);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		same &= number(s, sizes[i]) == sizes[i];
	return same && !is_bad(s);
}

static void model(struct sums *s, struct model *m)
{
	if (s->out)
		model_history(m, &m->use);
	NUMBER(s, m->use.bytes);
	NUMBER(s, m->use.max);
	NUMBER(s, m->use.evicted);
	NUMBER(s, m->first);
	NUMBER(s, m->last);
	ledger(s, &m->past);
	vms(s, m);
}

int sums_save(struct model *m, struct bytes *out)
{
	struct sums s = { .out = out };

	is_ours(&s);
	model(&s, m);
	return is_bad(&s) ? -ENOMEM : 0;
}

int sums_load(struct model *m, const uint8_t *from, size_t len)
{
	struct sums s = { .in = { from, from + len, false } };

	if (len > SUMS_BYTES_MAX || !is_ours(&s))
		return -EINVAL;
	m->from_sums = true;
	model(&s, m);
	if (s.failed)
		return -ENOMEM;
	return is_bad(&s) || s.in.at != s.in.end ? -EINVAL : 0;
}
