// SPDX-License-Identifier: GPL-2.0
/*
 * Made-up records for tests and benchmarks. All that takes time to compute is
 * computed at the opening, as a list of patterns per stream; a record is a
 * pattern with a time stamp.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "source/source.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PATTERNS	4096
#define CHUNK_RECORDS	1024
#define SECOND		1000000000ULL
#define START		(100 * SECOND)
#define EXITS_EVERY	(SECOND / 10)
#define MEAN_GAP	20000		/* ns between records of a stream */
#define MAX_INVERSION	2000		/* ns */
#define FIRST_PID	1000000000	/* larger than any real process id */
#define SLOT_PAGES	262144

union record {
	struct mmuscope_hdr hdr;
#define EVENT(id, name, size, doc)	struct mmuscope_##name name;
#include <mmuscope/events.def>
};

/* Whole records of VMs are twice as long as any of these, and would fill the CPU's cache. */
struct pattern {
	struct mmuscope_fault rec;	/* or another that is no longer */
	uint32_t gap;		/* ns since the record before */
	uint32_t inversion;	/* ns that its time stamp is too early */
};

/* Records that are no patterns, given since the last release; kept for the next time. */
struct chunk {
	struct chunk *next;
	union record rec[CHUNK_RECORDS];
};

/**
 * struct stream - one made-up CPU
 * @left: records still to give
 * @step: which of the fixed records at the begin is next
 * @now: its clock
 * @exits_at: when the vCPUs' exits are due next
 * @exits: how many records of them are due now
 * @lent: patterns given since the last release
 * @tells: it has something else to give than patterns
 */
struct stream {
	struct pattern *patterns;
	unsigned int at;
	uint64_t left;
	uint64_t step;
	uint64_t now;
	uint64_t exits_at;
	unsigned int exits;
	unsigned int lent;
	bool tells;
	struct chunk *first;
	struct chunk *chunk;
	unsigned int used;
};

struct synth {
	struct source src;
	struct synth_config cfg;
	uint64_t random;
	struct stream *streams;
};

static uint64_t random_u64(struct synth *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static unsigned int random_below(struct synth *s, unsigned int n)
{
	return random_u64(s) % n;
}

/* Log-normal, as latencies are: @median ns, @spread the standard deviation of the logarithm. */
static uint64_t random_ns(struct synth *s, double median, double spread)
{
	double u = (random_below(s, 1 << 30) + 1.0) / ((1 << 30) + 1.0);
	double v = random_below(s, 1 << 30) / (double)(1 << 30);

	return median * exp(spread * sqrt(-2 * log(u)) * cos(2 * M_PI * v));
}

static uint8_t vm_mode(unsigned int vm)
{
	return vm % 2 ? MMUSCOPE_mode_ept : MMUSCOPE_mode_shadow;
}

/* One in @n. */
static bool one_in(struct synth *s, unsigned int n)
{
	return random_below(s, n) == 0;
}

static void make_fault(struct synth *s, union record *r)
{
	static const uint8_t conditions[] = {
		MMUSCOPE_condition_not_present, MMUSCOPE_condition_not_present,
		MMUSCOPE_condition_not_present, MMUSCOPE_condition_write_protected,
		MMUSCOPE_condition_reserved,
	};
	struct mmuscope_fault *f = &r->fault;

	f->mode = vm_mode(r->hdr.vm);
	f->condition = conditions[random_below(s, ARRAY_SIZE(conditions))];
	f->access = MMUSCOPE_access_read + random_below(s, 3);
	f->gpa = (uint64_t)random_below(s, SLOT_PAGES) << 12;
	f->gva = f->mode == MMUSCOPE_mode_shadow ? 0x7f0000000000ULL + f->gpa : MMUSCOPE_UNKNOWN;
	f->rip = 0xffffffff81000000ULL + random_below(s, 1 << 20);
	if (f->condition == MMUSCOPE_condition_reserved) {
		f->verdict = one_in(s, 4) ? MMUSCOPE_verdict_user : MMUSCOPE_verdict_mmio;
		f->hdr.flags = f->verdict == MMUSCOPE_verdict_user ? MMUSCOPE_USER : 0;
	} else if (f->condition == MMUSCOPE_condition_write_protected) {
		f->access = MMUSCOPE_access_write;
		f->verdict = one_in(s, 3) ? MMUSCOPE_verdict_fixed : MMUSCOPE_verdict_fast_fixed;
	} else {
		f->verdict = one_in(s, 20) ? MMUSCOPE_verdict_spurious : MMUSCOPE_verdict_fixed;
		f->level = one_in(s, 8) ? 2 : 1;
		f->sptes = one_in(s, 10) ? 8 : 1;
		f->walk = one_in(s, 10);
	}
	f->resolve_ns = f->level ? random_ns(s, f->level == 2 ? 40000 : 700, 0.5) : 0;
	f->lock_ns = one_in(s, 10) ? random_ns(s, 400, 1.0) : 0;
	f->handler_ns = f->resolve_ns + f->lock_ns + random_ns(s, 600, 0.4);
	f->hdr.dur = f->handler_ns + random_ns(s, 900, 0.3);
	if (one_in(s, 500)) {
		f->hdr.flags |= MMUSCOPE_SLEPT;
		f->hdr.dur += random_ns(s, 2e6, 1.0);
	}
}

static void make_flush(struct synth *s, union record *r)
{
	static const uint8_t origins[] = {
		MMUSCOPE_origin_invalidate, MMUSCOPE_origin_fault, MMUSCOPE_origin_dirty,
	};

	r->flush.gfn = MMUSCOPE_UNKNOWN;
	r->flush.scope = one_in(s, 2) ? MMUSCOPE_scope_remote : MMUSCOPE_scope_current;
	r->flush.origin = origins[random_below(s, ARRAY_SIZE(origins))];
	r->flush.kicked = r->flush.scope == MMUSCOPE_scope_remote && one_in(s, 2);
	r->flush.vcpus = s->cfg.vcpus;
	if (r->flush.scope == MMUSCOPE_scope_remote)
		r->hdr.vcpu = MMUSCOPE_NO_VCPU;
	r->hdr.dur = random_ns(s, r->flush.kicked ? 4000 : 300, 0.6);
	/* As a collector's where it could not tell whose the flush was. */
	if (one_in(s, 50))
		r->hdr.vm = MMUSCOPE_NO_VM;
}

static void make_invalidate(struct synth *s, union record *r)
{
	static const struct { uint8_t event, cause; const char *comm; } who[] = {
		{ MMUSCOPE_notifier_clear, MMUSCOPE_cause_ksm_merge, "ksmd" },
		{ MMUSCOPE_notifier_clear, MMUSCOPE_cause_thp_collapse, "khugepaged" },
		{ MMUSCOPE_notifier_clear, MMUSCOPE_cause_reclaim, "kswapd0" },
		{ MMUSCOPE_notifier_protection_vma, MMUSCOPE_cause_numa, "CPU 1/KVM" },
		{ MMUSCOPE_notifier_clear, MMUSCOPE_cause_madvise, "synth-vmm" },
	};
	unsigned int i = random_below(s, ARRAY_SIZE(who));

	r->invalidate.start = 0x7f8000000000ULL + ((uint64_t)random_below(s, SLOT_PAGES) << 12);
	/* In the long run no more is taken away than was mapped. */
	r->invalidate.gfns = one_in(s, 50) ? 512 : 1;
	r->invalidate.end = r->invalidate.start + (r->invalidate.gfns << 12);
	r->invalidate.event = who[i].event;
	r->invalidate.cause = who[i].cause;
	r->invalidate.tid = 100 + i;
	snprintf(r->invalidate.comm, sizeof(r->invalidate.comm), "%s", who[i].comm);
	r->hdr.vcpu = MMUSCOPE_NO_VCPU;
	r->hdr.dur = random_ns(s, 1500, 0.7);
}

static void make_age(struct synth *s, union record *r)
{
	r->age.start = 0x7f8000000000ULL + ((uint64_t)random_below(s, SLOT_PAGES) << 12);
	r->age.end = r->age.start + 4096;
	r->age.young = one_in(s, 3);
	r->hdr.dur = random_ns(s, 400, 0.5);
}

static void make_dirty(struct synth *s, union record *r)
{
	r->dirty.op = MMUSCOPE_dirty_op_get + random_below(s, 5);
	r->dirty.pages = r->dirty.op == MMUSCOPE_dirty_op_ring_push ? 1 : random_below(s, 512);
	r->hdr.dur = random_ns(s, 20000, 0.5);
}

static void make_lockwait(struct synth *s, union record *r)
{
	r->lockwait.op = one_in(s, 4) ? MMUSCOPE_lock_op_write : MMUSCOPE_lock_op_read;
	r->lockwait.origin = one_in(s, 3) ? MMUSCOPE_origin_invalidate : MMUSCOPE_origin_fault;
	r->hdr.dur = random_ns(s, 800, 1.0);
}

static void make_split(struct synth *s, union record *r)
{
	r->split.gfn = random_below(s, SLOT_PAGES) & ~511U;
	r->split.level = 2;
	r->split.reason = MMUSCOPE_split_reason_eager;
	r->split.origin = MMUSCOPE_origin_dirty;
	r->split.error = one_in(s, 20) ? -ENOMEM : 0;
}

static void make_collapse(struct synth *s, union record *r)
{
	r->collapse.gfn = random_below(s, SLOT_PAGES) & ~511U;
	r->collapse.level = 2;
	r->collapse.origin = MMUSCOPE_origin_slot;
}

static void make_apf(struct synth *s, union record *r)
{
	r->apf.gfn = random_below(s, SLOT_PAGES);
	r->apf.gva = r->apf.gfn << 12;
	r->hdr.dur = random_ns(s, 150000, 0.8);
}

static void make_sync(struct synth *s, union record *r)
{
	r->sync.pages = 1 + random_below(s, 8);
	r->hdr.dur = random_ns(s, 2500, 0.5);
}

static void make_unsync(struct synth *s, union record *r)
{
	r->unsync.gfn = random_below(s, SLOT_PAGES);
	r->unsync.level = 1;
}

static void make_ptwrite(struct synth *s, union record *r)
{
	r->ptwrite.gpa = (uint64_t)random_below(s, SLOT_PAGES) << 12;
	r->ptwrite.bytes = 8;
	r->hdr.dur = random_ns(s, 1200, 0.4);
}

static void make_invlpg(struct synth *s, union record *r)
{
	r->invlpg.gva = (uint64_t)random_below(s, SLOT_PAGES) << 12;
	r->hdr.dur = random_ns(s, 700, 0.4);
}

static void make_cr3(struct synth *s, union record *r)
{
	r->cr3.value = (uint64_t)(1 + random_below(s, 8)) << 12;
	r->hdr.dur = random_ns(s, 1100, 0.4);
}

static void make_shadow_page(struct synth *s, union record *r)
{
	r->shadow_page.gfn = random_below(s, SLOT_PAGES);
	r->shadow_page.op = MMUSCOPE_page_op_made + random_below(s, 3);
	r->shadow_page.origin = MMUSCOPE_origin_fault;
	r->shadow_page.level = 1 + random_below(s, 2);
	r->shadow_page.direct = vm_mode(r->hdr.vm) != MMUSCOPE_mode_shadow;
}

/* @weight: of 1000 records of a VM; where its mode has no such work, a fault comes instead */
static const struct family {
	unsigned int weight;
	uint8_t type;
	uint8_t size;
	bool shadow_only;
	void (*make)(struct synth *s, union record *r);
} families[] = {
#define FAMILY(weight, name, shadow) \
	{ weight, MMUSCOPE_TYPE_##name, sizeof(struct mmuscope_##name), shadow, make_##name }
	FAMILY(560, fault, false),
	FAMILY(120, flush, false),
	FAMILY(50, invalidate, false),
	FAMILY(20, age, false),
	FAMILY(20, dirty, false),
	FAMILY(30, lockwait, false),
	FAMILY(10, split, false),
	FAMILY(5, collapse, false),
	FAMILY(5, apf, false),
	FAMILY(30, shadow_page, false),
	FAMILY(40, sync, true),
	FAMILY(20, unsync, true),
	FAMILY(40, ptwrite, true),
	FAMILY(30, invlpg, true),
	FAMILY(20, cr3, true),
};

static const struct family *family_choose(struct synth *s, unsigned int vm)
{
	unsigned int dice = random_below(s, 1000);
	const struct family *f = families;

	while (dice >= f->weight)
		dice -= f++->weight;
	return f->shadow_only && vm_mode(vm) != MMUSCOPE_mode_shadow ? families : f;
}

static void pattern_make(struct synth *s, struct pattern *p)
{
	unsigned int vm = 1 + random_below(s, s->cfg.vms);
	const struct family *f = family_choose(s, vm);
	union record rec = {
		.hdr = { .vm = vm, .vcpu = random_below(s, s->cfg.vcpus), .type = f->type,
			 .size = f->size },
	};

	_Static_assert(sizeof(rec.invalidate) <= sizeof(p->rec), "the longest fits");
	f->make(s, &rec);
	memcpy(&p->rec, &rec, sizeof(p->rec));
	p->gap = random_ns(s, MEAN_GAP, 0.7);
	p->inversion = one_in(s, 64) ? random_below(s, MAX_INVERSION) : 0;
}

static void fill_vm(struct synth *s, union record *r, unsigned int vm)
{
	r->vm = (struct mmuscope_vm){
		.hdr = { .vm = vm, .vcpu = MMUSCOPE_NO_VCPU, .type = MMUSCOPE_TYPE_vm,
			 .size = sizeof(r->vm) },
		.pid = FIRST_PID + vm, .tid = FIRST_PID + vm, .vcpus = s->cfg.vcpus,
		.op = MMUSCOPE_life_found, .mode = vm_mode(vm), .isa = MMUSCOPE_isa_vmx,
		.kvm = 0xffff888000000000ULL + vm * 4096ULL,
	};
	snprintf(r->vm.comm, sizeof(r->vm.comm), "synth-%u", vm);
}

static void fill_slot(union record *r, unsigned int vm)
{
	r->slot = (struct mmuscope_slot){
		.hdr = { .vm = vm, .vcpu = MMUSCOPE_NO_VCPU, .type = MMUSCOPE_TYPE_slot,
			 .size = sizeof(r->slot) },
		.npages = SLOT_PAGES, .hva = 0x7f8000000000ULL, .op = MMUSCOPE_slot_op_found,
	};
}

static void fill_vcpu(union record *r, unsigned int vm, unsigned int vcpu)
{
	r->vcpu = (struct mmuscope_vcpu){
		.hdr = { .vm = vm, .vcpu = vcpu, .type = MMUSCOPE_TYPE_vcpu,
			 .size = sizeof(r->vcpu) },
		.tid = FIRST_PID + vm * 1000 + vcpu, .op = MMUSCOPE_life_found,
		.mode = vm_mode(vm),
	};
	snprintf(r->vcpu.comm, sizeof(r->vcpu.comm), "CPU %u/KVM", vcpu % 1000);
}

static void fill_lost(struct synth *s, union record *r)
{
	r->lost = (struct mmuscope_lost){
		.hdr = { .vcpu = MMUSCOPE_NO_VCPU, .type = MMUSCOPE_TYPE_lost,
			 .size = sizeof(r->lost) },
		.count = s->cfg.lost, .stage = MMUSCOPE_stage_ring,
	};
}

/* What is told before all else: each VM, its memory, its vCPUs; then what was lost. */
static uint64_t begin_steps(const struct synth *s)
{
	return s->cfg.vms * (2ULL + s->cfg.vcpus) + !!s->cfg.lost;
}

static void fill_begin(struct synth *s, uint64_t step, union record *r)
{
	uint64_t per_vm = 2 + s->cfg.vcpus;
	unsigned int vm = 1 + step / per_vm;

	if (vm > s->cfg.vms)
		fill_lost(s, r);
	else if (step % per_vm == 0)
		fill_vm(s, r, vm);
	else if (step % per_vm == 1)
		fill_slot(r, vm);
	else
		fill_vcpu(r, vm, step % per_vm - 2);
}

static const struct { uint32_t reason, count, ns; } exit_mix[] = {
	{ 48, 900, 3200 },	/* EPT violation */
	{ 49, 120, 1900 },	/* EPT misconfiguration */
	{ 1, 200, 1100 },	/* external interrupt */
	{ 12, 300, 90000 },	/* HLT */
	{ 32, 500, 800 },	/* MSR write */
};

static void fill_exits(struct synth *s, unsigned int i, union record *r)
{
	unsigned int vcpu = i / ARRAY_SIZE(exit_mix), reason = i % ARRAY_SIZE(exit_mix);

	r->exits = (struct mmuscope_exits){
		.hdr = { .dur = EXITS_EVERY, .vm = 1 + vcpu / s->cfg.vcpus,
			 .vcpu = vcpu % s->cfg.vcpus, .type = MMUSCOPE_TYPE_exits,
			 .size = sizeof(r->exits) },
		.count = exit_mix[reason].count,
		.ns = (uint64_t)exit_mix[reason].count * exit_mix[reason].ns,
		.reason = exit_mix[reason].reason, .isa = MMUSCOPE_isa_vmx,
	};
}

/* Room for one more record; memory that was given back is used again. */
static union record *record_new(struct stream *st)
{
	struct chunk **next = &st->chunk->next;

	if (st->used == CHUNK_RECORDS) {
		if (!*next)
			*next = calloc(1, sizeof(**next));
		if (!*next)
			return NULL;
		st->chunk = *next;
		st->used = 0;
	}
	return &st->chunk->rec[st->used++];
}

/* Puts @rec, which is made of @p, into its place in time. */
static inline int pattern_give(struct stream *st, const struct pattern *p,
			       struct mmuscope_hdr *rec, const struct mmuscope_hdr **given)
{
	st->now += p->gap;
	rec->ts = st->now - p->inversion;
	st->tells |= st->now >= st->exits_at;
	st->at++;
	st->left--;
	*given = rec;
	return 1;
}

/* A copy of the next pattern, which is lent already. */
static __attribute__((noinline))
int pattern_again(struct stream *st, const struct mmuscope_hdr **rec)
{
	const struct pattern *p = &st->patterns[st->at % PATTERNS];
	union record *r = record_new(st);

	if (!r)
		return -ENOMEM;
	memcpy(r, &p->rec, sizeof(p->rec));
	return pattern_give(st, p, &r->hdr, rec);
}

/* The next of the patterns, over and over; as it stands, unless it has been lent already. */
static inline int pattern_next(struct stream *st, const struct mmuscope_hdr **rec)
{
	struct pattern *p = &st->patterns[st->at % PATTERNS];

	if (__builtin_expect(st->lent == PATTERNS, 0))
		return pattern_again(st, rec);
	st->lent++;
	return pattern_give(st, p, &p->rec.hdr, rec);
}

/* The first stream has what is told once for all of them. */
static __attribute__((noinline))
int told_next(struct synth *s, struct stream *st, const struct mmuscope_hdr **rec)
{
	union record *r;

	if (st->now >= st->exits_at) {
		st->exits_at += EXITS_EVERY;
		st->exits = s->cfg.vms * s->cfg.vcpus * ARRAY_SIZE(exit_mix);
	}
	if (st != s->streams || (st->step == begin_steps(s) && !st->exits)) {
		st->tells = false;
		return pattern_next(st, rec);
	}
	r = record_new(st);
	if (!r)
		return -ENOMEM;
	if (st->step < begin_steps(s))
		fill_begin(s, st->step++, r);
	else
		fill_exits(s, --st->exits, r);
	r->hdr.ts = st->now;
	st->left--;
	*rec = &r->hdr;
	return 1;
}

static int synth_next(struct source *src, unsigned int index, const struct mmuscope_hdr **rec)
{
	struct synth *s = (struct synth *)src;
	struct stream *st = &s->streams[index];

	if (!st->left)
		return -ENODATA;
	return __builtin_expect(st->tells, 0) ? told_next(s, st, rec) : pattern_next(st, rec);
}

static void synth_release(struct source *src, unsigned int index)
{
	struct stream *st = &((struct synth *)src)->streams[index];

	st->chunk = st->first;
	st->used = 0;
	st->lent = 0;
}

static unsigned int synth_streams(const struct source *src)
{
	return ((const struct synth *)src)->cfg.streams;
}

static int synth_wait(struct source *src, int timeout_ms)
{
	struct timespec t = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
	struct synth *s = (struct synth *)src;

	for (unsigned int i = 0; i < s->cfg.streams; i++)
		if (s->streams[i].left)
			return 0;
	return nanosleep(&t, NULL) ? -errno : 0;
}

static void synth_cost(const struct source *src, struct source_cost *cost)
{
	const struct synth *s = (const struct synth *)src;

	*cost = (struct source_cost){ .records = s->cfg.records };
	for (unsigned int i = 0; i < s->cfg.streams; i++)
		cost->records -= s->streams[i].left;
}

static void synth_close(struct source *src)
{
	struct synth *s = (struct synth *)src;

	for (unsigned int i = 0; s->streams && i < s->cfg.streams; i++) {
		struct chunk *c = s->streams[i].first, *next;

		for (; c; c = next) {
			next = c->next;
			free(c);
		}
		free(s->streams[i].patterns);
	}
	free(s->streams);
	free(s);
}

static const struct source_ops synth_ops = {
	.name = "synth",
	.close = synth_close,
	.streams = synth_streams,
	.next = synth_next,
	.release = synth_release,
	.wait = synth_wait,
	.cost = synth_cost,
};

static int stream_init(struct synth *s, struct stream *st, unsigned int index)
{
	st->patterns = calloc(PATTERNS, sizeof(*st->patterns));
	st->first = st->chunk = calloc(1, sizeof(*st->first));
	if (!st->patterns || !st->first)
		return -ENOMEM;
	for (unsigned int i = 0; i < PATTERNS; i++)
		pattern_make(s, &st->patterns[i]);
	st->now = START;
	st->exits_at = START + EXITS_EVERY;
	st->tells = index == 0;
	st->left = s->cfg.records / s->cfg.streams + (index < s->cfg.records % s->cfg.streams);
	return 0;
}

struct source *source_synth_open(const struct synth_config *cfg)
{
	struct synth *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->src.ops = &synth_ops;
	s->cfg = *cfg;
	s->random = cfg->seed;
	s->streams = calloc(cfg->streams, sizeof(*s->streams));
	if (!s->streams)
		goto err;
	for (unsigned int i = 0; i < cfg->streams; i++)
		if (stream_init(s, &s->streams[i], i))
			goto err;
	return &s->src;
err:
	synth_close(&s->src);
	return NULL;
}
