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

/* A page of words for the guest: the roots, or the tables, that it is to use. */
static uint64_t *list_of(struct vm *vm)
{
	return table_at(vm, (uintptr_t)vm->priv);
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
		list_of(vm)[s] = root;
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
 * KVM keeps 64 shadow pages for a small VM. With more windows than these, of two tables
 * each, it would recycle them, and how often would be nobody's to know.
 */
#define WINDOWS_MAX	8

static uint64_t windows(struct vm *vm)
{
	return vm->pages / 2 < WINDOWS_MAX ? vm->pages / 2 : WINDOWS_MAX;
}

/* Window w has two tables, for a frame each; the first is left in place. */
static int window_map(struct vm *vm, uint64_t w)
{
	uint64_t gva = CHURN_GVA + w * HUGE_SIZE, *entry;

	for (uint64_t n = 2 * w + 2; n-- > 2 * w;) {
		uint64_t pde = space_pde(vm, vm->root, gva);

		if (pde)
			*table_at(vm, pde) = 0;
		if (space_map(vm, vm->root, gva, DATA_GPA + n * PAGE_SIZE, 1))
			return -ENOSPC;
		entry = table_at(vm, space_pde(vm, vm->root, gva));
		list_of(vm)[n] = *entry;
	}
	return 0;
}

static int directory_setup(struct vm *vm)
{
	uint64_t writes = windows(vm) * vm->rounds;
	int r = 0;

	if (vm->nr_vcpus > 1 || !windows(vm)) {
		say_error("'directory' wants one vCPU and two pages or more");
		return EXIT_SKIP;
	}
	vm->priv = (void *)(uintptr_t)table_alloc(vm);
	for (uint64_t w = 0; !r && w < windows(vm); w++)
		r = window_map(vm, w);
	/*
	 * Each write is one to a shadowed table, which KVM emulates, and unlinks what the
	 * read then faults on. Only the very first table is not shadowed yet.
	 */
	vm->expect_shadow = writes ? 2 * writes - 1 : 0;
	vm->expect_emulated = writes ? writes - 1 : 0;
	return r ? r : frames_setup(vm);
}

static int directory_run(struct vm *vm)
{
	return vcpu_call(&vm->vcpus[0], OP_DIRECTORY,
			 ARGS(CHURN_GVA, windows(vm), space_pde(vm, vm->root, CHURN_GVA),
			      vm->rounds, SEED, (uintptr_t)vm->priv));
}

const struct workload workload_directory = {
	.name = "directory",
	.doc = "guest writes page tables above the last level, and reads through them",
	.need_cpl0 = true,
	.pages = 2 * WINDOWS_MAX,
	.rounds = 64,
	.setup = directory_setup,
	.run = directory_run,
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
