/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers for VMs and vCPUs: given at first sight, whichever event that is,
 * and taken back when they are destroyed. All of it is off the hot path.
 *
 * The functions are global and take numbers only, so that the verifier looks
 * at each of them once and not once for every way that leads to it.
 */
#ifndef MMUSCOPE_LIFE_BPF_H
#define MMUSCOPE_LIFE_BPF_H

#define PARENTS_MAX	32	/* how far up a filter looks for its process */

__noinline __weak int task_wanted(u64 taskp)
{
	struct task_struct *task = (void *)taskp;
	struct task_struct *t = task;

	if (cfg.pid && (u32)BPF_CORE_READ(task, tgid) != cfg.pid)
		return 0;
	if (!cfg.root)
		return 1;
	for (int i = 0; i < PARENTS_MAX; i++) {
		u32 tgid = BPF_CORE_READ(t, tgid);

		if (tgid == cfg.root)
			return 1;
		if (tgid <= 1)
			break;
		t = BPF_CORE_READ(t, real_parent);
	}
	return 0;
}

static __always_inline u8 mode_of(struct kvm_vcpu *vcpu)
{
	u64 handler = (u64)BPF_CORE_READ(vcpu, arch.mmu, page_fault);
	bool tdp = cfg.tdp;

	/* A vCPU that is being made has no handler yet. */
	if (cfg.tdp_page_fault && handler)
		tdp = handler == cfg.tdp_page_fault;
	if (!tdp)
		return MMUSCOPE_mode_shadow;
	return cfg.isa == MMUSCOPE_isa_vmx ? MMUSCOPE_mode_ept : MMUSCOPE_mode_npt;
}

/*
 * A VMM that lives for milliseconds is gone before user space can ask /proc for
 * its command line, so that the record has a piece of it. Another task's memory
 * cannot be read from here; a VM that is found is there to be asked.
 */
static __always_inline void args_fill(struct mmuscope_vm *rec, struct task_struct *task)
{
	u64 start = BPF_CORE_READ(task, mm, arg_start);
	u64 len = BPF_CORE_READ(task, mm, arg_end) - start;

	__builtin_memset(rec->args, 0, sizeof(rec->args));
	if ((u64)task != bpf_get_current_task())
		return;
	if (len >= sizeof(rec->args))
		len = sizeof(rec->args) - 1;
	barrier_var(len);
	bpf_probe_read_user(rec->args, len & (sizeof(rec->args) - 1), (void *)start);
}

/* Too large for the stack, and so made in the ring. */
static __always_inline void vm_emit(struct kvm *kvm, struct task_struct *task,
				    struct vm_state *vm, u8 life)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	u32 cpu = this_cpu();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	struct mmuscope_vm *rec = ring ? bpf_ringbuf_reserve(ring, sizeof(*rec), 0) : NULL;

	if (!rec) {
		count_lost(MMUSCOPE_stage_ring);
		return;
	}
	rec->hdr = (struct mmuscope_hdr){
		.ts = bpf_ktime_get_ns(), .vm = vm->id, .vcpu = MMUSCOPE_NO_VCPU,
		.type = MMUSCOPE_TYPE_vm, .size = sizeof(*rec),
	};
	rec->pid = vm->pid;
	rec->tid = BPF_CORE_READ(kvm, userspace_pid);
	if (!rec->tid)
		rec->tid = BPF_CORE_READ(task, pid);
	rec->vcpus = BPF_CORE_READ(kvm, online_vcpus.counter);
	rec->op = life;
	rec->mode = vm->mode;
	rec->isa = cfg.isa;
	rec->pad = 0;
	rec->kvm = (u64)kvm;
	__builtin_memset(rec->comm, 0, sizeof(rec->comm));
	bpf_probe_read_kernel_str(rec->comm, sizeof(rec->comm), &leader->comm);
	args_fill(rec, task);
	/* The rest of the owner's command line must be read while it is there. */
	bpf_ringbuf_submit(rec, BPF_RB_FORCE_WAKEUP);
}

/*
 * What recovers NX huge pages is a task of its own, which names no VM in what it does: it
 * gets a context that stays as long as the VM.
 */
__noinline __weak int nx_find(u64 key)
{
	struct vm_state *vm = bpf_map_lookup_elem(&vms, &key);
	struct task_struct *task = kvm_nx_task((void *)key);
	struct task_ctx *c;
	u64 tid;

	if (!vm || !vm->id || vm->nx || !task)
		return 0;
	tid = (u64)BPF_CORE_READ(task, tgid) << 32 | (u32)BPF_CORE_READ(task, pid);
	bpf_map_update_elem(&contexts, &tid, (const void *)no_ctx, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&contexts, &tid);
	if (!c)
		return 0;
	vm->nx = tid;
	c->begin[CTX_NX] = 1;
	c->depth = 1;
	c->vm = vm->id;
	c->origin = MMUSCOPE_origin_nx;
	return 0;
}

__noinline __weak int vm_forget(u64 key, u64 task)
{
	struct vm_state *vm = bpf_map_lookup_elem(&vms, &key);
	u32 id;

	if (!vm)
		return 0;
	id = vm->id;
	if (vm->traced)
		vm_emit((void *)key, (void *)task, vm, MMUSCOPE_life_destroyed);
	if (vm->nx)
		bpf_map_delete_elem(&contexts, &vm->nx);
	bpf_map_delete_elem(&vms, &key);
	if (id)
		bpf_map_push_elem(&free_vms, &id, BPF_ANY);
	return 0;
}

/*
 * The number of a VM, given at first sight; 0 where it is not traced. Without a
 * hook on its end a VM is known to be another one by its owner.
 */
__noinline __weak int vm_find(u64 key, u64 taskp, u32 life, u32 mode)
{
	struct task_struct *task = (void *)taskp;
	struct vm_state *vm = bpf_map_lookup_elem(&vms, &key);
	u32 pid = BPF_CORE_READ(task, tgid);
	struct vm_state fresh = { .mode = mode, .pid = pid };
	u32 id = 0;

	if (vm && vm->pid == pid) {
		if (!vm->mode)
			vm->mode = mode;
		return vm->id;
	}
	if (vm)
		vm_forget(key, taskp);
	fresh.traced = task_wanted(taskp);
	if (fresh.traced && bpf_map_pop_elem(&free_vms, &id)) {
		count_lost(MMUSCOPE_stage_vms);
		return 0;
	}
	fresh.id = id;
	vm_flushes[id & (VMS_MAX - 1)].ts = 0;
	if (!bpf_map_update_elem(&vms, &key, &fresh, BPF_NOEXIST)) {
		if (fresh.traced)
			vm_emit((void *)key, task, &fresh, life);
		return id;
	}
	/* Another vCPU of the VM was faster. */
	if (id)
		bpf_map_push_elem(&free_vms, &id, BPF_ANY);
	vm = bpf_map_lookup_elem(&vms, &key);
	return vm ? vm->id : 0;
}

/*
 * A VM that is there already, whether it was met by an event before or not. Return: its number
 * if its memslots are still to be told, and it is traced; else 0.
 */
__noinline __weak int vm_found(u64 key, u64 taskp)
{
	struct vm_state *vm = bpf_map_lookup_elem(&vms, &key);

	if (!vm || !vm->id) {
		vm_find(key, taskp, MMUSCOPE_life_found, MMUSCOPE_mode_unknown);
		vm = bpf_map_lookup_elem(&vms, &key);
	}
	if (!vm || vm->told)
		return 0;
	vm->told = 1;
	return vm->id;
}

/* Of what an event meets for the first time: it may be older than tracing until all was found. */
static __always_inline u32 life_met(void)
{
	return *(volatile u64 *)&found_all ? MMUSCOPE_life_created : MMUSCOPE_life_found;
}

/* Number of a VM that something happens to; 0 where it is not traced. */
static __always_inline u16 vm_id(struct kvm *kvm)
{
	u64 key = (u64)kvm;
	struct vm_state *vm = bpf_map_lookup_elem(&vms, &key);

	return vm ? vm->id : 0;
}

static __always_inline void vcpu_emit(struct vcpu_state *v, struct task_struct *task, u8 life)
{
	struct mmuscope_vcpu rec = record(vcpu, bpf_ktime_get_ns(), v->span.rec.hdr.vm,
					  v->span.rec.hdr.vcpu);

	rec.tid = v->tid;
	rec.op = life;
	rec.mode = v->span.mode;
	bpf_probe_read_kernel_str(rec.comm, sizeof(rec.comm), &task->comm);
	emit(&rec);
}

__noinline __weak int vcpu_forget(u64 vcpu)
{
	u32 *slot = bpf_map_lookup_elem(&vcpu_slots, &vcpu);
	struct vcpu_state *v;
	u32 free;

	if (!slot)
		return 0;
	free = *slot;
	bpf_map_delete_elem(&vcpu_slots, &vcpu);
	if (free == SLOT_NONE)
		return 0;
	v = vcpu_at(free);
	vcpu_emit(v, (void *)bpf_get_current_task(), MMUSCOPE_life_destroyed);
	v->vcpu = 0;
	v->task = 0;
	__sync_fetch_and_add(&births, 1);
	if (v->tid)
		bpf_map_delete_elem(&task_slots, &v->tid);
	bpf_map_push_elem(&free_vcpus, &free, BPF_ANY);
	return 0;
}

/* A free slot made into the vCPU's, SLOT_NONE where it is not traced or none is free. */
__noinline __weak u32 vcpu_register(u64 key, u64 task, u64 tid, u32 life)
{
	struct kvm_vcpu *vcpu = (void *)key;
	struct kvm *kvm = BPF_CORE_READ(vcpu, kvm);
	u8 mode = mode_of(vcpu);
	struct exit_count faults;
	u32 slot = SLOT_NONE;
	struct vcpu_state *v;
	int vm;

	vm = vm_find((u64)kvm, task, life, mode);
	nx_find((u64)kvm);
	if (!vm) {
		bpf_map_update_elem(&vcpu_slots, &key, &slot, BPF_ANY);
		return SLOT_NONE;
	}
	if (bpf_map_pop_elem(&free_vcpus, &slot)) {
		count_lost(MMUSCOPE_stage_vcpus);
		return SLOT_NONE;
	}
	v = vcpu_at(slot);
	faults = v->faults;
	__builtin_memset(v, 0, sizeof(*v));
	v->faults = faults;
	v->slot = slot;
	v->reason = ~0U;
	span_init(&v->span, vm, BPF_CORE_READ(vcpu, vcpu_id), cfg.isa, mode);
	if (bpf_core_field_exists(vcpu->stat.pf_emulate)) {
		v->pf_fixed = BPF_CORE_READ(vcpu, stat.pf_fixed);
		v->pf_emulate = BPF_CORE_READ(vcpu, stat.pf_emulate);
		v->pf_spurious = BPF_CORE_READ(vcpu, stat.pf_spurious);
	}
	v->vcpu = key;
	v->tid = tid;
	bpf_map_update_elem(&vcpu_slots, &key, &slot, BPF_ANY);
	vcpu_emit(v, (void *)task, life);
	return slot;
}

/*
 * What is not traced is known by one number, which another program that this one preempted, or
 * that preempted it, cannot leave half written. With each birth all of them are forgotten.
 */
static __always_inline u64 cache_sign(u64 what, u64 task)
{
	/* 2^64 divided by the golden ratio: Knuth, The Art of Computer Programming 3, 6.4 */
	return what + (task + *(volatile u64 *)&births) * 0x9e3779b97f4a7c15;
}

/* The slot of the vCPU which the running task runs, into this CPU's cache as well. */
__noinline __weak u32 vcpu_find(u64 key)
{
	struct cpu_cache *c = &cpus[this_cpu()];
	u64 task = bpf_get_current_task(), tid = bpf_get_current_pid_tgid();
	u32 *known = bpf_map_lookup_elem(&vcpu_slots, &key);
	u32 slot = known ? *known : SLOT_NONE;
	struct vcpu_state *v = vcpu_at(slot);

	/* Same address in another process: the old one ended unseen. */
	if (slot != SLOT_NONE && v->tid && v->tid >> 32 != tid >> 32) {
		vcpu_forget(key);
		known = NULL;
	}
	if (!known) {
		slot = vcpu_register(key, task, tid, life_met());
		v = vcpu_at(slot);
	}
	c->slot = slot;
	c->here = cfg.leaves ? slot : SLOT_NONE;
	if (slot == SLOT_NONE) {
		c->no_vcpu = cache_sign(key, task);
		return slot;
	}
	known = bpf_map_lookup_elem(&task_slots, &tid);
	if (v->tid != tid || !known || *known != slot) {
		v->tid = tid;
		bpf_map_update_elem(&task_slots, &tid, &slot, BPF_ANY);
		__sync_fetch_and_add(&births, 1);
	}
	v->task = task;
	return slot;
}

/* The slot of the running task, which may be no vCPU at all; into the cache as well. */
__noinline __weak u32 vcpu_find_task(u64 tid)
{
	struct cpu_cache *c = &cpus[this_cpu()];
	u32 *known = bpf_map_lookup_elem(&task_slots, &tid);
	u32 slot = known ? *known : SLOT_NONE;
	struct vcpu_state *v = vcpu_at(slot);
	u64 task = bpf_get_current_task();

	if (!v->vcpu)
		slot = SLOT_NONE;
	c->slot = slot;
	c->here = cfg.leaves ? slot : SLOT_NONE;
	if (slot == SLOT_NONE) {
		c->no_task = cache_sign(task, 0);
		c->no_tid = cache_sign(tid, 0);
	} else {
		v->task = task;
	}
	return slot;
}

#endif /* MMUSCOPE_LIFE_BPF_H */
