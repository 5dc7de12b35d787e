// SPDX-License-Identifier: GPL-2.0
/* Memslots that come, move and go while the guest runs; and a bit of all. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "say.h"
#include "workload.h"

#define SLOT_PAGES	64
#define SLOT_SIZE	(SLOT_PAGES * PAGE_SIZE)
#define SLOT_A		EXTRA_GPA
#define SLOT_B		(EXTRA_GPA + 16 * SLOT_SIZE)
#define GVA_A		EXTRA_GVA
#define GVA_B		(EXTRA_GVA + 16 * SLOT_SIZE)
#define DATA_SEED	3
#define GONE_SEED	9

/* Where the slot has gone, the VMM answers like memory with GONE_SEED. */
static int gone_access(struct vcpu *vcpu, uint64_t gpa, bool write,
		       void *data, unsigned int len)
{
	uint64_t page = (gpa - SLOT_B) / PAGE_SIZE;
	uint64_t tag = page_tag(GONE_SEED, page);

	(void)vcpu;
	if (write || len != 8 || gpa < SLOT_B || page >= SLOT_PAGES) {
		say_error("unexpected MMIO at %#llx", (unsigned long long)gpa);
		return -EBADMSG;
	}
	memcpy(data, &tag, sizeof(tag));
	return 0;
}

static int slots_setup(struct vm *vm)
{
	int r;

	/* KVM drops all it has mapped, the page tables with it. */
	vm->expect_walks = -1;
	vm->mmio = gone_access;
	vm->priv = vm_alloc(SLOT_SIZE, BACKING_4K);
	if (!vm->priv)
		return -ENOMEM;
	r = space_map(vm, vm->root, GVA_A, SLOT_A, SLOT_PAGES);
	if (!r)
		r = space_map(vm, vm->root, GVA_B, SLOT_B, SLOT_PAGES);
	data_fill(vm, DATA_SEED);
	return r;
}

/* The first vCPU uses the slot in each of its states. */
static int slots_round(struct vm *vm, uint64_t seed)
{
	struct vcpu *cpu = &vm->vcpus[0];
	int r;

	r = vm_set_slot(vm, SLOT_EXTRA, 0, SLOT_A, SLOT_SIZE, vm->priv);
	if (!r)
		r = vcpu_call(cpu, OP_WRITE,
			      ARGS(GVA_A, 0, SLOT_PAGES, 1, seed));
	if (!r)		/* moved */
		r = vm_set_slot(vm, SLOT_EXTRA, 0, SLOT_B, SLOT_SIZE, vm->priv);
	if (!r)
		r = vcpu_call(cpu, OP_READ,
			      ARGS(GVA_B, 0, SLOT_PAGES, 1, seed));
	if (!r)		/* deleted */
		r = vm_set_slot(vm, SLOT_EXTRA, 0, SLOT_B, 0, vm->priv);
	if (!r)
		r = vcpu_call(cpu, OP_READ,
			      ARGS(GVA_B, 0, SLOT_PAGES, 1, GONE_SEED));
	if (!r)
		r = vcpu_call(cpu, OP_READ,
			      ARGS(DATA_GVA, 0, vm->pages, 1, DATA_SEED));
	return r;
}

/* The other vCPUs read and write the data pages all the time. */
static int slots_run(struct vm *vm)
{
	bool others = vm->nr_vcpus > 1;
	int r = 0, spin = 0;

	if (others)
		share_start(vm, 1, OP_SPIN, DATA_GVA, vm->pages, 1, 0,
			    DATA_SEED);
	for (uint64_t i = 0; !r && i < vm->rounds; i++)
		r = slots_round(vm, 100 + i);
	for (unsigned int i = 1; i < vm->nr_vcpus; i++)
		__atomic_store_n(&vm->vcpus[i].comm->stop, 1, __ATOMIC_RELAXED);
	if (others)
		spin = share_wait(vm, 1);
	return r ? r : spin;
}

static int slots_check(struct vm *vm)
{
	if (vm->vcpus[0].exits_mmio != vm->rounds * SLOT_PAGES)
		return -EBADMSG;
	out_num("slot_changes", 3 * vm->rounds);
	return data_differs(vm, DATA_SEED) ? -EBADMSG : 0;
}

const struct workload workload_slots = {
	.name = "slots",
	.doc = "a memslot is made, moved and deleted while the guest runs",
	.pages = 256,
	.rounds = 20,
	.setup = slots_setup,
	.run = slots_run,
	.check = slots_check,
};

static int mixed_setup(struct vm *vm)
{
	int r = workload_ptchurn.setup(vm);

	vm->expect_tdp = vm->expect_shadow = -1;
	if (host_has_pml())
		vm->expect_pml_full = vm->pages * vm->rounds / PML_ENTRIES;
	return r ? r : hole_setup(vm);
}

/* Leaves the data as it found it, so that the parts can check themselves. */
static int mixed_round(struct vm *vm, uint64_t seed)
{
	int r = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, seed);

	if (!r && madvise(vm->data, vm->data_size / 2, MADV_DONTNEED))
		r = -errno;
	if (!r)
		r = vm_set_data_flags(vm, KVM_MEM_LOG_DIRTY_PAGES);
	if (!r)
		r = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, seed);
	if (!r)
		r = share_call(vm, OP_READ, DATA_GVA, vm->pages, 1, 0, seed);
	if (!r)
		r = vm_set_data_flags(vm, 0);
	return r ? r : hole_run(vm, 64);
}

static int mixed_run(struct vm *vm)
{
	int r = 0;

	for (uint64_t i = 0; !r && i < vm->rounds; i++) {
		r = mixed_round(vm, 20 + i);
		if (!r && !vm->opt->cpl) {
			data_fill(vm, 7);	/* as ptchurn expects it */
			r = workload_ptchurn.run(vm);
		}
	}
	return r;
}

const struct workload workload_mixed = {
	.name = "mixed",
	.doc = "touch, madvise, dirty logging, MMIO and (CPL 0) page-table churn",
	.pages = 256,
	.rounds = 2,
	.setup = mixed_setup,
	.run = mixed_run,
};
