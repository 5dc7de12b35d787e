// SPDX-License-Identifier: GPL-2.0
/*
 * Faults that the CPU takes on its way through the guest's own page tables: the
 * tables are new, and KVM has not mapped their pages either.
 */
#include <errno.h>
#include <string.h>

#include "workload.h"

#define SEED 11

/* Page i has a page table of its own, for KVM to map one by one. */
static uint64_t walk_gva(uint64_t page)
{
	return CHURN_GVA + page * HUGE_SIZE;
}

static int walk_setup(struct vm *vm)
{
	uint64_t directories = (vm->pages + 511) / 512;

	/*
	 * Shadow paging walks the tables by software. It has room for 64 pages of
	 * its own in a VM as small as this: with more, it takes some back.
	 */
	vm->expect_shadow = vm->pages;
	vm->expect_walks = -1;
	/*
	 * EPT and NPT: page tables, page directories, and the table that points
	 * to these. Without the TDP MMU neighbours are mapped along.
	 */
	if (!host_has_tdp_mmu())
		return 0;
	vm->expect_walks = vm->pages + directories + 1;
	vm->expect_tdp = vm->pages + vm->expect_walks;
	return 0;
}

static int walk_run(struct vm *vm)
{
	int r = 0;

	/* Made by the host only now: the guest read all others at its warm-up. */
	for (uint64_t i = 0; !r && i < vm->pages; i++)
		r = space_map(vm, vm->root, walk_gva(i), DATA_GPA + i * PAGE_SIZE, 1);
	return r ? r : share_call(vm, OP_WRITE, CHURN_GVA, vm->pages * 512, 512, 0, SEED);
}

static int walk_check(struct vm *vm)
{
	for (uint64_t i = 0; i < vm->pages; i++) {
		uint64_t tag = page_tag(SEED, i * 512);

		if (memcmp(vm->data + i * PAGE_SIZE, &tag, sizeof(tag)))
			return -EBADMSG;
	}
	return 0;
}

const struct workload workload_walk = {
	.name = "walk",
	.doc = "touch each page through a new page table of its own",
	.pages = 32,
	.rounds = 1,
	.setup = walk_setup,
	.run = walk_run,
	.check = walk_check,
};
