// SPDX-License-Identifier: GPL-2.0
/*
 * Work on the guest's own page tables. All frames are mapped by KVM before
 * the measured phase: with EPT or NPT nothing of this causes a fault, with
 * shadow paging nearly everything costs something.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "say.h"
#include "workload.h"

#define SEED 7

/* Host fills the frames, the guest reads them all once. */
static int frames_setup(struct vm *vm)
{
	data_fill(vm, SEED);
	vm->expect_tdp = 0;
	return share_call(vm, OP_READ, DATA_GVA, vm->pages, 1, 0, SEED);
}

/* Each vCPU churns a window of its own, of one page table. */
static uint64_t churn_gva(unsigned int vcpu)
{
	return CHURN_GVA + vcpu * HUGE_SIZE;
}

static uint64_t churn_pages(struct vm *vm)
{
	return vm->pages < 512 ? vm->pages : 512;
}

static int ptchurn_setup(struct vm *vm)
{
	int r = 0;

	/*
	 * The first PTE write of a table faults and makes it unsync; then each
	 * remapped page faults once, as INVLPG drops its old translation.
	 */
	vm->expect_shadow = vm->nr_vcpus *
		(churn_pages(vm) * vm->rounds + 1);
	for (unsigned int i = 0; !r && i < vm->nr_vcpus; i++)
		r = space_map(vm, vm->root, churn_gva(i), DATA_GPA,
			      churn_pages(vm));
	return r ? r : frames_setup(vm);
}

static int ptchurn_run(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_start(&vm->vcpus[i], OP_CHURN,
			   ARGS(churn_gva(i), churn_pages(vm),
				space_pte(vm, vm->root, churn_gva(i)),
				DATA_GPA, vm->pages, vm->rounds, SEED));
	return share_wait(vm, 0);
}

const struct workload workload_ptchurn = {
	.name = "ptchurn",
	.doc = "guest remaps pages: PTE writes, INVLPG, check of the translation",
	.need_cpl0 = true,
	.pages = 256,
	.rounds = 8,
	.setup = ptchurn_setup,
	.run = ptchurn_run,
};

/* The list of roots, for the guest to load into CR3. */
static uint64_t *roots_of(struct vm *vm)
{
	return (uint64_t *)((uint8_t *)vm->infra + (uintptr_t)vm->priv);
}

static uint64_t pages_per_space(struct vm *vm)
{
	return vm->pages / vm->opt->spaces;
}

static int switch_setup(struct vm *vm)
{
	uint64_t pages = pages_per_space(vm), root;
	int r = 0;

	if (!pages) {
		say_error("--pages must be at least --spaces");
		return EXIT_USAGE;
	}
	vm->priv = (void *)(uintptr_t)table_alloc(vm);
	for (uint64_t s = 0; !r && s < vm->opt->spaces; s++) {
		root = s ? space_create(vm) : vm->root;
		if (!root)
			return -ENOSPC;
		if (s)
			space_share_infra(vm, root);
		r = space_map(vm, root, CHURN_GVA,
			      DATA_GPA + s * pages * PAGE_SIZE, pages);
		roots_of(vm)[s] = root;
	}
	return r ? r : frames_setup(vm);
}

static int switch_run(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_start(&vm->vcpus[i], OP_SWITCH,
			   ARGS(vm->rounds * vm->opt->spaces, vm->opt->spaces,
				CHURN_GVA, pages_per_space(vm),
				(uintptr_t)vm->priv, SEED));
	return share_wait(vm, 0);
}

const struct workload workload_switch = {
	.name = "switch",
	.doc = "CR3 goes round among --spaces address spaces, touching in each",
	.need_cpl0 = true,
	.pages = 128,
	.rounds = 100,
	.setup = switch_setup,
	.run = switch_run,
};

static int invlpg_setup(struct vm *vm)
{
	/* The table is in sync, so KVM keeps its shadow entry. */
	vm->expect_shadow = 0;
	return frames_setup(vm);
}

static int invlpg_run(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_start(&vm->vcpus[i], OP_INVLPG,
			   ARGS(DATA_GVA, vm->pages, vm->rounds, SEED));
	return share_wait(vm, 0);
}

const struct workload workload_invlpg = {
	.name = "invlpg",
	.doc = "INVLPG and a read of each page, tables unchanged",
	.need_cpl0 = true,
	.pages = 256,
	.rounds = 8,
	.setup = invlpg_setup,
	.run = invlpg_run,
};

/*
 * KVM may have so few page-table pages that it takes one away for each that it makes. The
 * MMU that has none to spare is the one with shadow pages, and the old one for EPT and NPT.
 */
#define RECYCLE_KEPT	64	/* the least that KVM accepts */

static int recycle_setup(struct vm *vm)
{
	return ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, RECYCLE_KEPT) ? -errno : 0;
}

static int recycle_run(struct vm *vm)
{
	int r = 0;

	/* A page of each page table. */
	for (uint64_t i = 0; !r && i < vm->rounds; i++)
		r = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 512, 0, 1 + i);
	return r;
}

const struct workload workload_recycle = {
	.name = "recycle",
	.doc = "touch more than KVM may have page tables for",
	.pages = 128 * 512,
	.rounds = 3,
	.setup = recycle_setup,
	.run = recycle_run,
};
