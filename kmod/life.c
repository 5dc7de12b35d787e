// SPDX-License-Identifier: GPL-2.0
/* Numbers for VMs and vCPUs. All of it is off the hot path. */
#include "life.h"

#include <linux/hardirq.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define PARENTS_MAX	32	/* how far up a filter looks for its process */

struct vm_flush vm_flushes[VMS_MAX];

struct vm_state {
	struct table_node node;
	u16 id;			/* 0: not traced */
	u8 mode;
	bool told;		/* its memslots were */
	u32 pid;
	u64 nx;			/* task_id() of its NX recovery task, 0: not known */
};

/* A vCPU that was seen, traced or not. */
struct vcpu_seen {
	struct table_node node;
	struct vcpu_state *state;	/* NULL: not traced */
};

/* Free numbers; the one given back longest ago comes first. */
struct numbers {
	u32 size;
	u32 first;
	u32 count;
	u16 number[];
};

/* All of this changes under the lock; tables are searched without. */
static DEFINE_RAW_SPINLOCK(life_lock);
static struct table vms, vcpus, tasks;
static struct vm_state *vm_pool;
static struct vcpu_seen *seen_pool;
static struct vcpu_state *vcpu_pool;
static struct mmuscope_kmod_vcpu *exit_pool;
static struct numbers *free_vm_ids, *free_vms, *free_seen, *free_vcpus;
static bool all_found;

static struct numbers *numbers_new(u32 from, u32 size)
{
	struct numbers *n = vzalloc(struct_size(n, number, size));
	u32 i;

	if (!n)
		return NULL;
	n->size = size;
	n->count = size - from;
	for (i = from; i < size; i++)
		n->number[i - from] = i;
	return n;
}

static int number_take(struct numbers *n)
{
	int number;

	if (!n->count)
		return -1;
	number = n->number[n->first];
	n->first = (n->first + 1) % n->size;
	n->count--;
	return number;
}

static void number_give(struct numbers *n, u32 number)
{
	n->number[(n->first + n->count) % n->size] = number;
	n->count++;
}

int life_alloc(struct mmuscope_kmod_vcpu *exits)
{
	exit_pool = exits;
	all_found = false;
	table_init(&vms);
	table_init(&vcpus);
	table_init(&tasks);
	vm_pool = vzalloc(VMS_MAX * sizeof(*vm_pool));
	vcpu_pool = vzalloc(MMUSCOPE_KMOD_VCPUS * sizeof(*vcpu_pool));
	seen_pool = vzalloc(2 * MMUSCOPE_KMOD_VCPUS * sizeof(*seen_pool));
	free_vm_ids = numbers_new(1, VMS_MAX);
	free_vms = numbers_new(0, VMS_MAX);
	free_vcpus = numbers_new(0, MMUSCOPE_KMOD_VCPUS);
	free_seen = numbers_new(0, 2 * MMUSCOPE_KMOD_VCPUS);
	if (vm_pool && vcpu_pool && seen_pool && free_vm_ids && free_vms && free_vcpus &&
	    free_seen)
		return 0;
	life_free();
	return -ENOMEM;
}

void life_free(void)
{
	vfree(vm_pool);
	vfree(vcpu_pool);
	vfree(seen_pool);
	vfree(free_vm_ids);
	vfree(free_vms);
	vfree(free_vcpus);
	vfree(free_seen);
	vm_pool = NULL;
	vcpu_pool = NULL;
	seen_pool = NULL;
	free_vm_ids = NULL;
	free_vms = NULL;
	free_vcpus = NULL;
	free_seen = NULL;
}

static bool task_wanted(const struct task_struct *task)
{
	const struct task_struct *t = task;
	bool wanted = false;
	int i;

	if (config.pid && task->tgid != config.pid)
		return false;
	if (!config.root)
		return true;
	rcu_read_lock();
	for (i = 0; i < PARENTS_MAX && !wanted && t->tgid > 1; i++) {
		wanted = t->tgid == config.root;
		t = rcu_dereference(t->real_parent);
	}
	rcu_read_unlock();
	return wanted;
}

static u8 mode_of(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu *mmu = READ_ONCE(vcpu->arch.mmu);
	const void *handler = mmu ? READ_ONCE(mmu->page_fault) : NULL;
	bool tdp = config.tdp;

	/* A vCPU that is being made has no handler yet. */
	if (handler && hook_known("kvm_tdp_page_fault"))
		tdp = hook_is("kvm_tdp_page_fault", handler);
	if (!tdp)
		return MMUSCOPE_mode_shadow;
	return config.isa == MMUSCOPE_isa_vmx ? MMUSCOPE_mode_ept : MMUSCOPE_mode_npt;
}

/*
 * A VMM that lives for milliseconds is gone before user space can ask /proc for
 * its command line, so that the record has a piece of it. A VM that is found is
 * there to be asked.
 */
static void args_fill(struct mmuscope_vm *rec, const struct task_struct *task)
{
	struct mm_struct *mm = current->mm;
	unsigned long len;

	if (task != current || !mm)
		return;
	len = min_t(unsigned long, mm->arg_end - mm->arg_start, sizeof(rec->args) - 1);
	if (copy_from_user_nofault(rec->args, (const void __user *)mm->arg_start, len))
		memset(rec->args, 0, sizeof(rec->args));
}

static void vm_emit(struct kvm *kvm, struct task_struct *task, const struct vm_state *vm, u8 life)
{
	struct mmuscope_vm *rec;

	if (!record_wanted(MMUSCOPE_TYPE_vm))
		return;
	rec = ring_reserve(sizeof(*rec));
	if (!rec)
		return;
	memset(rec, 0, sizeof(*rec));
	rec->hdr.ts = now_ns();
	rec->hdr.vm = vm->id;
	rec->hdr.vcpu = MMUSCOPE_NO_VCPU;
	rec->hdr.type = MMUSCOPE_TYPE_vm;
	rec->hdr.size = sizeof(*rec);
	rec->pid = vm->pid;
	rec->tid = kvm->userspace_pid ? kvm->userspace_pid : task->pid;
	rec->vcpus = atomic_read(&kvm->online_vcpus);
	rec->op = life;
	rec->mode = vm->mode;
	rec->isa = config.isa;
	rec->kvm = (unsigned long)kvm;
	strscpy(rec->comm, task->group_leader->comm, sizeof(rec->comm));
	args_fill(rec, task);
	/* The rest of the owner's command line must be read while it is there. */
	ring_commit(true);
}

static struct vm_state *vm_of(struct kvm *kvm)
{
	struct table_node *node = table_find(&vms, (unsigned long)kvm);

	return node ? container_of(node, struct vm_state, node) : NULL;
}

u16 vm_id(struct kvm *kvm)
{
	struct vm_state *vm = vm_of(kvm);

	return vm ? vm->id : 0;
}

static void vm_drop(struct kvm *kvm, struct task_struct *task)
{
	struct vm_state *vm = vm_of(kvm);

	if (!vm)
		return;
	if (vm->id)
		vm_emit(kvm, task, vm, MMUSCOPE_life_destroyed);
	table_remove(&vms, (unsigned long)kvm);
	if (vm->nx)
		ctx_end_for(vm->nx);
	if (vm->id)
		number_give(free_vm_ids, vm->id);
	number_give(free_vms, vm - vm_pool);
}

void vm_forget(struct kvm *kvm, struct task_struct *task)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&life_lock, flags);
	vm_drop(kvm, task);
	raw_spin_unlock_irqrestore(&life_lock, flags);
}

static u16 vm_make(struct kvm *kvm, struct task_struct *task, u8 life, u8 mode)
{
	bool traced = task_wanted(task);
	struct vm_state *vm;
	int number, id = 0;

	number = number_take(free_vms);
	if (number >= 0 && traced)
		id = number_take(free_vm_ids);
	if (number < 0 || id < 0) {
		if (number >= 0)
			number_give(free_vms, number);
		count_lost(MMUSCOPE_stage_vms);
		return 0;
	}
	vm = &vm_pool[number];
	vm->id = id;
	vm->mode = mode;
	vm->pid = task->tgid;
	vm->told = false;
	vm->nx = 0;
	vm_flushes[id].ts = 0;
	table_add(&vms, &vm->node, (unsigned long)kvm);
	if (traced)
		vm_emit(kvm, task, vm, life);
	return id;
}

/* Without a hook on its end a VM is known to be another one by its owner. */
static u16 vm_see(struct kvm *kvm, struct task_struct *task, u8 life, u8 mode)
{
	struct vm_state *vm = vm_of(kvm);

	if (vm && vm->pid == task->tgid) {
		if (!vm->mode)
			vm->mode = mode;
		return vm->id;
	}
	if (vm)
		vm_drop(kvm, task);
	return vm_make(kvm, task, life, mode);
}

u16 vm_find(struct kvm *kvm, struct task_struct *task, u8 life, u8 mode)
{
	unsigned long flags;
	u16 id;

	raw_spin_lock_irqsave(&life_lock, flags);
	id = vm_see(kvm, task, life, mode);
	raw_spin_unlock_irqrestore(&life_lock, flags);
	return id;
}

u16 vm_found(struct kvm *kvm, struct task_struct *task)
{
	struct vm_state *vm;
	unsigned long flags;
	u16 id = 0;

	raw_spin_lock_irqsave(&life_lock, flags);
	vm = vm_of(kvm);
	if (!vm || !vm->id) {
		vm_see(kvm, task, MMUSCOPE_life_found, MMUSCOPE_mode_unknown);
		vm = vm_of(kvm);
	}
	if (vm && !vm->told) {
		vm->told = true;
		id = vm->id;
	}
	raw_spin_unlock_irqrestore(&life_lock, flags);
	return id;
}

void life_all_found(void)
{
	WRITE_ONCE(all_found, true);
}

u8 life_met(void)
{
	return READ_ONCE(all_found) ? MMUSCOPE_life_created : MMUSCOPE_life_found;
}

static void vcpu_emit(const struct vcpu_state *v, const struct task_struct *task, u8 life)
{
	struct mmuscope_vcpu rec = record(vcpu, now_ns(), v->span.rec.hdr.vm,
					  v->span.rec.hdr.vcpu);

	rec.tid = v->tid;
	rec.op = life;
	rec.mode = v->span.mode;
	strscpy(rec.comm, task->comm, sizeof(rec.comm));
	emit(&rec);
}

static struct vcpu_seen *seen_of(struct kvm_vcpu *vcpu)
{
	struct table_node *node = table_find(&vcpus, (unsigned long)vcpu);

	return node ? container_of(node, struct vcpu_seen, node) : NULL;
}

static void task_drop(struct vcpu_state *v)
{
	struct vcpu_state *other = v->tid ? vcpu_find_task(v->tid) : NULL;

	/* The task may run another vCPU by now. */
	if (other == v)
		table_remove(&tasks, v->tid);
}

static void vcpu_drop(struct kvm_vcpu *vcpu)
{
	struct vcpu_seen *seen = seen_of(vcpu);
	struct vcpu_state *v;

	if (!seen)
		return;
	table_remove(&vcpus, (unsigned long)vcpu);
	v = seen->state;
	number_give(free_seen, seen - seen_pool);
	if (!v)
		return;
	vcpu_emit(v, current, MMUSCOPE_life_destroyed);
	task_drop(v);
	v->vcpu = NULL;
	number_give(free_vcpus, v->slot);
}

void vcpu_forget(struct kvm_vcpu *vcpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&life_lock, flags);
	vcpu_drop(vcpu);
	raw_spin_unlock_irqrestore(&life_lock, flags);
}

void vcpu_leave(struct vcpu_state *v)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&life_lock, flags);
	task_drop(v);
	v->tid = 0;
	raw_spin_unlock_irqrestore(&life_lock, flags);
}

/*
 * What recovers NX huge pages is a task of its own, which names no VM in what it does: it
 * gets a context that stays as long as the VM.
 */
static void nx_find(struct kvm *kvm)
{
	unsigned long thread = member(unsigned long, &kvm->arch, nx_thread, 0);
	unsigned long task = thread;
	struct vm_state *vm = vm_of(kvm);
	u64 id;

	if (!thread || !vm || !vm->id || vm->nx)
		return;
	if (member_known(nx_task))
		task = member(unsigned long, thread, nx_task, 0);
	if (!task)
		return;
	id = task_id((const struct task_struct *)task);
	if (ctx_begin_for(id, CTX_NX, vm->id, MMUSCOPE_origin_nx))
		vm->nx = id;
}

/* A free slot made into the vCPU's, NULL where it is not traced or none is free. */
static struct vcpu_state *vcpu_make(struct kvm_vcpu *vcpu, struct task_struct *task, u64 tid,
				    u8 life)
{
	u8 mode = mode_of(vcpu);
	struct vcpu_state *v = NULL;
	int number, slot = -1;
	u16 vm;

	vm = vm_see(vcpu->kvm, task, life, mode);
	nx_find(vcpu->kvm);
	number = number_take(free_seen);
	if (number >= 0 && vm)
		slot = number_take(free_vcpus);
	if (number < 0 || (vm && slot < 0)) {
		if (number >= 0)
			number_give(free_seen, number);
		count_lost(MMUSCOPE_stage_vcpus);
		return NULL;
	}
	if (vm) {
		v = &vcpu_pool[slot];
		memset(v, 0, sizeof(*v));
		v->slot = slot;
		span_init(&v->span, vm, vcpu->vcpu_id, config.isa, mode);
		v->vcpu = vcpu;
		v->tid = tid;
		v->exits = &exit_pool[slot];
		v->exits->vcpu = vcpu->vcpu_id;
		v->exits->isa = config.isa;
		WRITE_ONCE(v->exits->vm, vm);
	}
	seen_pool[number].state = v;
	table_add(&vcpus, &seen_pool[number].node, (unsigned long)vcpu);
	if (v)
		vcpu_emit(v, task, life);
	return v;
}

/* The vCPU is run by the task with that number from now on. */
static void vcpu_run_by(struct vcpu_state *v, u64 tid)
{
	if (v->tid == tid && vcpu_find_task(tid) == v)
		return;
	task_drop(v);
	table_remove(&tasks, tid);
	v->tid = tid;
	table_add(&tasks, &v->node, tid);
}

struct vcpu_state *vcpu_find(struct kvm_vcpu *vcpu)
{
	u64 tid = task_id(current);
	struct vcpu_state *v;
	struct vcpu_seen *seen;
	unsigned long flags;

	if (in_nmi())
		return NULL;
	raw_spin_lock_irqsave(&life_lock, flags);
	seen = seen_of(vcpu);
	v = seen ? seen->state : NULL;
	/* Same address in another process: the old one ended unseen. */
	if (v && v->tid && v->tid >> 32 != tid >> 32) {
		vcpu_drop(vcpu);
		seen = NULL;
	}
	if (!seen)
		v = vcpu_make(vcpu, current, tid, life_met());
	if (v)
		vcpu_run_by(v, tid);
	raw_spin_unlock_irqrestore(&life_lock, flags);
	return v;
}

struct vcpu_state *vcpu_find_task(u64 tid)
{
	struct table_node *node = table_find(&tasks, tid);

	return node ? container_of(node, struct vcpu_state, node) : NULL;
}

void vcpu_found(struct kvm_vcpu *vcpu, struct task_struct *task, u64 tid)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&life_lock, flags);
	if (!seen_of(vcpu))
		vcpu_make(vcpu, task, tid, MMUSCOPE_life_found);
	raw_spin_unlock_irqrestore(&life_lock, flags);
}
