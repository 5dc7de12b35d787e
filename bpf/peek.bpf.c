// SPDX-License-Identifier: GPL-2.0
/*
 * A look at the VMs of one process: memslots, registers, the roots of KVM's page
 * tables; and words of the kernel's memory, by which user space walks tables. It
 * is attached nowhere, and an object of its own: it runs when it is asked to.
 */
#include "memslots.bpf.h"
#include "peek_area.h"

struct peek_area area = {};

__noinline int slot_keep(u32 vm, u64 address, u32 as)
{
	struct kvm_memory_slot *slot = (void *)address;
	u32 nr = area.nr_slots;
	struct peek_slot *s;

	if (nr >= PEEK_SLOTS) {
		area.missed++;
		return 0;
	}
	s = &area.slots[nr];
	s->gfn = BPF_CORE_READ(slot, base_gfn);
	s->npages = BPF_CORE_READ(slot, npages);
	s->hva = BPF_CORE_READ(slot, userspace_addr);
	s->flags = BPF_CORE_READ(slot, flags);
	s->id = BPF_CORE_READ(slot, id);
	s->vm = vm;
	s->as = as;
	area.nr_slots = nr + 1;
	return 0;
}

__noinline int bucket_keep(u32 vm, u64 bucket, u64 links, u32 as)
{
	return memslots_bucket(bucket, links, slot_keep, vm, as);
}

/* Number of address spaces of this kernel: it may have been built without one for SMM. */
static __always_inline u32 spaces(struct kvm *kvm)
{
	return bpf_core_field_size(kvm->memslots) / sizeof(void *);
}

static __always_inline void sequence_keep(struct peek_vm *vm, struct kvm *kvm)
{
	struct kvm___notifier *old = (void *)kvm;

	if (bpf_core_field_exists(kvm->mmu_invalidate_seq) &&
	    bpf_core_field_exists(kvm->mmu_invalidate_in_progress)) {
		vm->seq = BPF_CORE_READ(kvm, mmu_invalidate_seq);
		vm->in_progress = BPF_CORE_READ(kvm, mmu_invalidate_in_progress);
	} else if (bpf_core_field_exists(old->mmu_notifier_seq) &&
		   bpf_core_field_exists(old->mmu_notifier_count)) {
		vm->seq = BPF_CORE_READ(old, mmu_notifier_seq);
		vm->in_progress = BPF_CORE_READ(old, mmu_notifier_count);
	} else {
		return;
	}
	vm->counts = 1;
}

static __always_inline void vm_keep(struct kvm *kvm)
{
	u32 nr = area.nr_vms;

	for (u32 i = 0; i < PEEK_VMS; i++)
		if (i < nr && area.vms[i].kvm == (u64)kvm)
			return;
	if (nr >= PEEK_VMS) {
		area.missed++;
		return;
	}
	area.vms[nr].kvm = (u64)kvm;
	area.vms[nr].pgd = (u64)BPF_CORE_READ(kvm, mm, pgd);
	sequence_keep(&area.vms[nr], kvm);
	area.nr_vms = nr + 1;
	memslots_each(kvm, 0, slot_keep, bucket_keep, nr, 0);
	if (spaces(kvm) > 1)
		memslots_each(kvm, 1, slot_keep, bucket_keep, nr, 1);
}

static __always_inline void role_keep(struct peek_vcpu *v, union kvm_mmu_page_role *role)
{
	v->level = BPF_CORE_READ_BITFIELD_PROBED(role, level);
	v->direct = BPF_CORE_READ_BITFIELD_PROBED(role, direct);
	v->nested = BPF_CORE_READ_BITFIELD_PROBED(role, guest_mode);
}

static __always_inline void roots_keep(struct peek_vcpu *v, struct kvm_mmu *mmu)
{
	struct kvm_mmu___flat *flat = (void *)mmu;

	if (bpf_core_field_exists(mmu->root) && bpf_core_field_exists(mmu->root_role)) {
		v->roots[0].pgd = BPF_CORE_READ(mmu, root.pgd);
		v->roots[0].hpa = BPF_CORE_READ(mmu, root.hpa);
		role_keep(v, &mmu->root_role);
	} else if (bpf_core_field_exists(flat->root_hpa) &&
		   bpf_core_field_exists(flat->mmu_role)) {
		v->roots[0].pgd = BPF_CORE_READ(flat, root_pgd);
		v->roots[0].hpa = BPF_CORE_READ(flat, root_hpa);
		role_keep(v, &flat->mmu_role.base);
	} else {
		return;
	}
	v->known = 1;
	for (u32 i = 1; i < PEEK_ROOTS; i++) {
		v->roots[i].hpa = ~0ULL;
		if (!bpf_core_field_exists(mmu->prev_roots))
			continue;
		v->roots[i].pgd = BPF_CORE_READ(mmu, prev_roots[i - 1].pgd);
		v->roots[i].hpa = BPF_CORE_READ(mmu, prev_roots[i - 1].hpa);
	}
}

static __always_inline bool cr3_read(struct kvm_vcpu *vcpu)
{
	u64 avail = 0;

	if (!bpf_core_enum_value_exists(enum kvm_reg, VCPU_EXREG_CR3))
		return false;
	bpf_core_read(&avail, bpf_core_field_size(vcpu->arch.regs_avail) > 4 ? 8 : 4,
		      &vcpu->arch.regs_avail);
	return avail >> bpf_core_enum_value(enum kvm_reg, VCPU_EXREG_CR3) & 1;
}

static __always_inline void vcpu_keep(struct kvm_vcpu *vcpu)
{
	u32 nr = area.nr_vcpus;
	struct peek_vcpu *v;

	if (nr >= PEEK_VCPUS) {
		area.missed++;
		return;
	}
	v = &area.vcpus[nr];
	v->kvm = (u64)BPF_CORE_READ(vcpu, kvm);
	v->vcpu = (u64)vcpu;
	v->id = BPF_CORE_READ(vcpu, vcpu_id);
	v->cr3_read = cr3_read(vcpu);
	v->cr0 = BPF_CORE_READ(vcpu, arch.cr0);
	v->cr3 = BPF_CORE_READ(vcpu, arch.cr3);
	v->cr4 = BPF_CORE_READ(vcpu, arch.cr4);
	v->efer = BPF_CORE_READ(vcpu, arch.efer);
	v->in_guest = BPF_CORE_READ(vcpu, mode) == IN_GUEST_MODE;
	roots_keep(v, BPF_CORE_READ(vcpu, arch.mmu));
	area.nr_vcpus = nr + 1;
}

SEC("iter/task_file")
int look(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	u64 name;

	/* Threads have the same files; some kernels show them for each. */
	if (!task || !file || (u32)BPF_CORE_READ(task, pid) != area.pid)
		return 0;
	name = file_name(file);
	if (name == NAME_VCPU)
		vcpu_keep(BPF_CORE_READ(file, private_data));
	else if ((name & NAME_VM_MASK) == NAME_VM)
		vm_keep(BPF_CORE_READ(file, private_data));
	return 0;
}

/* Never attached: it is run by BPF_PROG_TEST_RUN, for one word. */
SEC("raw_tp")
int read_word(void *ctx)
{
	area.err = bpf_probe_read_kernel(&area.word, sizeof(area.word), (void *)area.address);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
