// SPDX-License-Identifier: GPL-2.0
#include "model/inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clean.h"

struct model *model_new(model_name_fn name, void *ctx)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->history = history_new(HISTORY_BLOCKS_MAX, HISTORY_LEAVES_MAX);
	if (!m->history) {
		free(m);
		return NULL;
	}
	m->name = name;
	m->ctx = ctx;
	m->first = UINT64_MAX;
	return m;
}

void model_free(struct model *m)
{
	for (size_t i = 0; i < m->nr_vms; i++) {
		stats_clear(&m->vms[i]->now);
		stats_clear(&m->vms[i]->past);
		slots_clear(&m->vms[i]->slots);
		free(m->vms[i]->vcpus);
		free(m->vms[i]);
	}
	free(m->vms);
	free(m->by_id);
	history_free(m->history);
	free(m->now.lost_cpus);
	free(m->past.lost_cpus);
	free(m);
}

/* Makes @list long enough for index @at; new elements are 0. */
static void *list_grow(void *list, size_t *nr, size_t at, size_t size)
{
	size_t more = at + 1 > 2 * *nr ? at + 1 : 2 * *nr;
	char *grown = realloc(list, more * size);

	if (!grown)
		return NULL;
	memset(grown + *nr * size, 0, (more - *nr) * size);
	*nr = more;
	return grown;
}

struct vm *model_vm_new(struct model *m, uint16_t id, uint64_t ts)
{
	struct vm **list, *vm;

	if (id >= m->nr_ids) {
		list = list_grow(m->by_id, &m->nr_ids, id, sizeof(*list));
		if (!list)
			return NULL;
		m->by_id = list;
	}
	list = realloc(m->vms, (m->nr_vms + 1) * sizeof(*list));
	if (!list)
		return NULL;
	m->vms = list;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return NULL;
	vm->id = id;
	vm->unsync_gfn = MMUSCOPE_UNKNOWN;
	history_begin(m->history, &vm->history, false, ts);
	snprintf(vm->name, sizeof(vm->name), "vm-%u", id);
	m->vms[m->nr_vms++] = vm;
	m->by_id[id] = vm;
	return vm;
}

static struct vm *vm_get(struct model *m, uint16_t id, uint64_t ts)
{
	if (id < m->nr_ids && m->by_id[id])
		return m->by_id[id];
	return model_vm_new(m, id, ts);
}

/* One process may have several VMs, and two owners may use one name. */
static void name_make_unique(const struct model *m, struct vm *vm)
{
	char suffix[8];
	size_t len;

	for (size_t i = 0; i < m->nr_vms; i++) {
		const struct vm *other = m->vms[i];

		if (other == vm || strcmp(other->name, vm->name))
			continue;
		snprintf(suffix, sizeof(suffix), "#%u", vm->id);
		len = strlen(vm->name);
		if (len > sizeof(vm->name) - sizeof(suffix))
			len = sizeof(vm->name) - sizeof(suffix);
		memcpy(vm->name + len, suffix, sizeof(suffix));
		return;
	}
}

static int update_vm(struct model *m, struct vm *vm, const struct mmuscope_vm *rec)
{
	char comm[sizeof(vm->comm)] = "";

	/* Numbers are given anew once all were given. */
	if (vm->life == MMUSCOPE_life_destroyed && rec->op != MMUSCOPE_life_destroyed) {
		vm = model_vm_new(m, vm->id, rec->hdr.ts);
		if (!vm)
			return -ENOMEM;
	}
	if (rec->op == MMUSCOPE_life_created && !vm->history.mapped)
		history_begin(m->history, &vm->history, true, rec->hdr.ts);
	vm->life = rec->op;
	if (rec->mode)
		vm->mode = rec->mode;
	if (rec->isa)
		vm->isa = rec->isa;
	if (rec->kvm)
		vm->kvm = rec->kvm;
	/* A VM being destroyed may be so by whoever dropped the last reference. */
	if (!rec->pid || (vm->pid && rec->op == MMUSCOPE_life_destroyed))
		return 0;
	snprintf(comm, sizeof(comm), "%.*s", (int)sizeof(rec->comm), rec->comm);
	clean(comm, sizeof(comm));
	/* Firecracker's jailer and libvirt fork and exec: the name may change with the owner. */
	if (vm->pid == rec->pid && !strcmp(vm->comm, comm))
		return 0;
	vm->pid = rec->pid;
	memcpy(vm->comm, comm, sizeof(vm->comm));
	if (m->name)
		m->name(m->ctx, rec, vm->name, sizeof(vm->name));
	else
		snprintf(vm->name, sizeof(vm->name), "%s:%u", vm->comm, vm->pid);
	name_make_unique(m, vm);
	return 0;
}

static struct vcpu *vcpu_new(struct vm *vm, uint16_t id)
{
	struct vcpu *list;

	if (id >= vm->room_vcpus) {
		list = list_grow(vm->vcpus, &vm->room_vcpus, id, sizeof(*list));
		if (!list)
			return NULL;
		vm->vcpus = list;
	}
	vm->vcpus[id].seen = true;
	vm->nr_vcpus++;
	return &vm->vcpus[id];
}

static inline struct vcpu *vcpu_get(struct vm *vm, uint16_t id)
{
	return id < vm->room_vcpus && vm->vcpus[id].seen ? &vm->vcpus[id] : vcpu_new(vm, id);
}

static int update_vcpu(struct vm *vm, const struct mmuscope_vcpu *rec)
{
	struct vcpu *vcpu = vcpu_get(vm, rec->hdr.vcpu);

	if (!vcpu)
		return -ENOMEM;
	vcpu->life = rec->op;
	if (rec->tid)
		vcpu->tid = rec->tid;
	if (!vm->mode)
		vm->mode = rec->mode;
	return 0;
}

/*
 * Adds the interval that @rec covers to the VM's vCPU time, once for all
 * reasons of the same vCPU and interval.
 */
static void count_vcpu_time(struct vm *vm, struct vcpu *vcpu, const struct mmuscope_exits *rec)
{
	uint64_t begin = rec->hdr.ts - rec->hdr.dur;

	if (!vm->isa)
		vm->isa = rec->isa;
	if (rec->hdr.dur > rec->hdr.ts || begin < vcpu->exits_until)
		begin = vcpu->exits_until;
	if (rec->hdr.ts > begin) {
		vm->now.vcpu_ns += rec->hdr.ts - begin;
		vcpu->exits_until = rec->hdr.ts;
	}
}

/* What the record tells of the VM, besides the sums. */
static int update_state(struct model *m, struct vm *vm, const struct mmuscope_hdr *rec)
{
	struct vcpu *vcpu = NULL;

	if (rec->vcpu != MMUSCOPE_NO_VCPU) {
		vcpu = vcpu_get(vm, rec->vcpu);
		if (!vcpu)
			return -ENOMEM;
	}
	switch (rec->type) {
	case MMUSCOPE_TYPE_vm:
		return update_vm(m, vm, (const struct mmuscope_vm *)rec);
	case MMUSCOPE_TYPE_vcpu:
		return vcpu ? update_vcpu(vm, (const struct mmuscope_vcpu *)rec) : 0;
	case MMUSCOPE_TYPE_slot:
		return slots_update(&vm->slots, (const struct mmuscope_slot *)rec);
	case MMUSCOPE_TYPE_exits:
		if (vcpu)
			count_vcpu_time(vm, vcpu, (const struct mmuscope_exits *)rec);
		return 0;
	}
	return 0;
}

static int count_lost_cpu(struct ledger *l, size_t cpu, uint64_t count)
{
	uint64_t *list;

	if (cpu >= MODEL_CPUS_MAX)
		return 0;
	if (cpu >= l->nr_cpus) {
		list = list_grow(l->lost_cpus, &l->nr_cpus, cpu, sizeof(*list));
		if (!list)
			return -ENOMEM;
		l->lost_cpus = list;
	}
	l->lost_cpus[cpu] += count;
	return 0;
}

static int feed_lost(struct ledger *l, const struct mmuscope_lost *rec)
{
	l->lost[rec->stage < WORDS_stage ? rec->stage : 0] += rec->count;
	return count_lost_cpu(l, rec->cpu, rec->count);
}

static int feed_fault(struct model *m, struct vm *vm, const struct mmuscope_fault *f)
{
	struct vcpu *vcpu;

	if (f->hdr.vcpu != MMUSCOPE_NO_VCPU) {
		vcpu = vcpu_get(vm, f->hdr.vcpu);
		if (!vcpu)
			return -ENOMEM;
		if (f->verdict == MMUSCOPE_verdict_retry || vcpu->retries.count)
			stuck_add(&vm->now.stuck, &vcpu->retries, f);
	}
	cause_fault(m->history, vm, f, &m->cause);
	return stats_add_fault(&vm->now, f, &m->cause);
}

static int feed_other(struct model *m, struct vm *vm, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_flush *flush = (const void *)rec;
	int err = update_state(m, vm, rec);

	/* A record of a VM's begin may have given its number to another. */
	vm = m->by_id[rec->vm];
	if (rec->type == MMUSCOPE_TYPE_flush && (flush->scope == MMUSCOPE_scope_remote ||
						 flush->scope == MMUSCOPE_scope_remote_range))
		storm_add(&vm->now.storm, &vm->flushes, rec->ts);
	if (!err)
		err = stats_add(&vm->now, rec);
	cause_note(m->history, vm, rec);
	return err;
}

static void feed_time(struct model *m, const struct mmuscope_hdr *rec)
{
	if (rec->ts - rec->dur < m->first)
		m->first = rec->ts - rec->dur;
	if (rec->ts > m->last)
		m->last = rec->ts;
}

static int feed_known(struct model *m, const struct mmuscope_hdr *rec)
{
	struct vm *vm;

	m->now.records[rec->type]++;
	if (rec->type == MMUSCOPE_TYPE_lost) {
		history_gap(m->history);
		return feed_lost(&m->now, (const struct mmuscope_lost *)rec);
	}
	feed_time(m, rec);
	if (rec->vm == MMUSCOPE_NO_VM) {
		m->now.unattributed[rec->type]++;
		return 0;
	}
	vm = vm_get(m, rec->vm, rec->ts);
	if (!vm)
		return -ENOMEM;
	return rec->type == MMUSCOPE_TYPE_fault ?
		feed_fault(m, vm, (const struct mmuscope_fault *)rec) : feed_other(m, vm, rec);
}

static int note_known(struct model *m, const struct mmuscope_hdr *rec)
{
	struct vm *vm;

	if (rec->vm == MMUSCOPE_NO_VM || rec->type >= 64 || !(CAUSE_TYPES >> rec->type & 1))
		return 0;
	vm = vm_get(m, rec->vm, rec->ts);
	if (!vm)
		return -ENOMEM;
	if (rec->type == MMUSCOPE_TYPE_fault)
		cause_fault(m->history, vm, (const struct mmuscope_fault *)rec, &m->cause);
	else
		cause_note(m->history, vm, rec);
	return 0;
}

/* Hands @rec to @take, with zeroes for what it is short of. Return: as @take. */
static __attribute__((always_inline)) inline int
with_known(struct model *m, const struct mmuscope_hdr *rec,
	   int (*take)(struct model *, const struct mmuscope_hdr *))
{
	/* By a recording's header a record may be older and shorter than this version's. */
	union {
		struct mmuscope_hdr hdr;
#define EVENT(id, name, size, doc)	struct mmuscope_##name name;
#include <mmuscope/events.def>
	} padded;
	static const uint16_t sizes[MMUSCOPE_TYPES] = {
#define EVENT(id, name, size, doc)	[id] = size,
#include <mmuscope/events.def>
	};

	if (rec->type >= MMUSCOPE_TYPES || !sizes[rec->type]) {
		m->now.records[0]++;
		return 0;
	}
	if (__builtin_expect(rec->size >= sizes[rec->type], 1))
		return take(m, rec);
	memset(&padded, 0, sizeof(padded));
	memcpy(&padded, rec, rec->size);
	return take(m, &padded.hdr);
}

int model_feed(struct model *m, const struct mmuscope_hdr *rec)
{
	/* Most are faults of VMs that are known. */
	if (rec->type == MMUSCOPE_TYPE_fault && rec->size >= sizeof(struct mmuscope_fault) &&
	    rec->vm < m->nr_ids && m->by_id[rec->vm]) {
		m->now.records[MMUSCOPE_TYPE_fault]++;
		feed_time(m, rec);
		return feed_fault(m, m->by_id[rec->vm], (const struct mmuscope_fault *)rec);
	}
	return with_known(m, rec, feed_known);
}

void model_expect(const struct model *m, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_fault *f = (const struct mmuscope_fault *)rec;
	const struct vm *vm = model_vm_of(m, rec->vm);

	/*
	 * Most are faults. The others are hard to guess, and their page is none, as a rule: to take
	 * all for one is cheaper than to ask.
	 */
	if (vm && rec->size >= offsetof(struct mmuscope_fault, gva))
		history_expect(m->history, &vm->history, f->gpa >> 12);
}

void model_expect_invalidate(const struct model *m, const struct mmuscope_invalidate *rec)
{
	const struct vm *vm = model_vm_of(m, rec->hdr.vm);
	struct slot_range r;

	if (!vm || rec->hdr.size < offsetof(struct mmuscope_invalidate, gfns))
		return;
	for (size_t i = 0; i < vm->slots.nr; i++)
		if (slot_overlap(&vm->slots.list[i], rec->start, rec->end, &r))
			history_expect(m->history, &vm->history, r.gfn);
}

int model_note(struct model *m, const struct mmuscope_hdr *rec)
{
	return with_known(m, rec, note_known);
}

void model_partial(struct model *m)
{
	history_partial(m->history);
}

static int ledger_fold(struct ledger *to, struct ledger *from)
{
	int err = 0;

	for (size_t i = 0; i < MMUSCOPE_TYPES; i++) {
		to->records[i] += from->records[i];
		to->unattributed[i] += from->unattributed[i];
	}
	for (size_t i = 0; i < WORDS_stage; i++)
		to->lost[i] += from->lost[i];
	for (size_t i = 0; !err && i < from->nr_cpus; i++)
		if (from->lost_cpus[i])
			err = count_lost_cpu(to, i, from->lost_cpus[i]);
	free(from->lost_cpus);
	*from = (struct ledger){ 0 };
	return err;
}

int model_fold(struct model *m)
{
	int err = ledger_fold(&m->past, &m->now);

	for (size_t i = 0; !err && i < m->nr_vms; i++)
		err = stats_fold(&m->vms[i]->past, &m->vms[i]->now);
	return err;
}

size_t model_vms(const struct model *m)
{
	return m->nr_vms;
}

const struct vm *model_vm(const struct model *m, size_t index)
{
	return m->vms[index];
}

const struct vm *model_vm_of(const struct model *m, uint16_t id)
{
	return id < m->nr_ids ? m->by_id[id] : NULL;
}

const struct ledger *model_now(const struct model *m)
{
	return &m->now;
}

const struct ledger *model_past(const struct model *m)
{
	return &m->past;
}

const struct fault_cause *model_cause(const struct model *m)
{
	return &m->cause;
}

void model_history(const struct model *m, struct history_use *use)
{
	if (m->from_sums)
		*use = m->use;
	else
		history_usage(m->history, use);
}

void model_sizes(const struct model *m, const struct vm *vm, struct history_sizes *sizes)
{
	if (m->from_sums)
		*sizes = vm->sizes;
	else
		history_measure(m->history, &vm->history, sizes);
}

uint64_t model_span(const struct model *m)
{
	return m->last > m->first ? m->last - m->first : 0;
}
