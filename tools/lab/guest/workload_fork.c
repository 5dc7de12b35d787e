// SPDX-License-Identifier: GPL-2.0
/* Processes that come and go in the guest: address spaces, copy-on-write. */
#include <errno.h>

#include "say.h"
#include "workload.h"

#define SEED 21
#define CHILD_TABLES 4

/* The second half of the frames is for the copies that children make. */
static uint64_t fork_pages(struct vm *vm)
{
	return vm->pages / 2 < 512 ? vm->pages / 2 : 512;
}

static int fork_setup(struct vm *vm)
{
	uint64_t child = table_alloc(vm);
	int r;

	if (vm->nr_vcpus > 1 || vm->pages < 2) {
		say_error("'fork' wants one vCPU and two pages or more");
		return EXIT_SKIP;
	}
	vm->priv = (void *)(uintptr_t)child;
	for (unsigned int i = 1; i < CHILD_TABLES; i++)
		if (!table_alloc(vm))
			return -ENOSPC;
	r = space_map(vm, vm->root, CHURN_GVA, DATA_GPA, fork_pages(vm));
	if (r)
		return r;
	/* Frames and tables are mapped before: EPT and NPT have nothing to do. */
	vm->expect_tdp = 0;
	data_fill(vm, SEED);
	return share_call(vm, OP_READ, DATA_GVA, vm->pages, 1, 0, SEED);
}

static int fork_run(struct vm *vm)
{
	return vcpu_call(&vm->vcpus[0], OP_FORK,
			 ARGS(CHURN_GVA, fork_pages(vm), vm->root, (uintptr_t)vm->priv,
			      DATA_GPA + vm->pages / 2 * PAGE_SIZE, vm->rounds, SEED));
}

static int fork_check(struct vm *vm)
{
	return vm->vcpus[0].comm->loops == vm->rounds ? 0 : -EBADMSG;
}

const struct workload workload_fork = {
	.name = "fork",
	.doc = "address spaces are made, copied on write and taken down",
	.need_cpl0 = true,
	.pages = 256,
	.rounds = 16,
	.setup = fork_setup,
	.run = fork_run,
	.check = fork_check,
};
