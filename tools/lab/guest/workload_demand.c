// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults that the guest takes on its own account, as a kernel does that maps memory on
 * demand and copies on write. EPT and NPT do not see them. With shadow paging each one exits,
 * and KVM hands it on.
 */
#include <errno.h>

#include "say.h"
#include "workload.h"

#define SEED	31

/* Each vCPU has a page table, and the frames for it. */
static uint64_t pages_each(struct vm *vm)
{
	uint64_t pages = vm->pages / vm->nr_vcpus;

	return pages < 512 ? pages : 512;
}

static uint64_t demand_gva(unsigned int vcpu)
{
	return CHURN_GVA + vcpu * HUGE_SIZE;
}

/* Entries that say which frame, but neither that it is there nor that it may be written. */
static int window_map(struct vm *vm, unsigned int vcpu)
{
	uint64_t pages = pages_each(vm), *entries;
	int r = space_map(vm, vm->root, demand_gva(vcpu), DATA_GPA + vcpu * pages * PAGE_SIZE,
			  pages);

	if (r)
		return r;
	entries = table_at(vm, space_pte(vm, vm->root, demand_gva(vcpu)));
	for (uint64_t i = 0; i < pages; i++)
		entries[i] &= ~(PTE_P | PTE_W);
	return 0;
}

/* Frame @i of each vCPU begins with the tag of its first round. */
static void frames_fill(struct vm *vm)
{
	uint64_t pages = pages_each(vm);

	for (uint64_t i = 0; i < pages * vm->nr_vcpus; i++)
		*(uint64_t *)(vm->data + i * PAGE_SIZE) = page_tag(SEED, i % pages);
}

static int demand_setup(struct vm *vm)
{
	uint64_t pages = pages_each(vm);
	int r = 0;

	if (!pages) {
		say_error("'demand' wants a page for each vCPU");
		return EXIT_SKIP;
	}
	for (unsigned int i = 0; !r && i < vm->nr_vcpus; i++)
		r = window_map(vm, i);
	if (r)
		return r;
	frames_fill(vm);
	/*
	 * A read of what is not there and a write to what is read-only: each faults for the
	 * guest, and once more for its shadow. Once per table KVM has to leave it unsync.
	 */
	vm->expect_tdp = 0;
	vm->expect_shadow = vm->nr_vcpus * (4 * pages * vm->rounds + 1);
	for (unsigned int i = 0; !r && i < vm->nr_vcpus; i++)
		r = vcpu_call(&vm->vcpus[i], OP_WARM, ARGS(DATA_GVA, vm->pages));
	return r;
}

static int demand_run(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_start(&vm->vcpus[i], OP_DEMAND,
			   ARGS(demand_gva(i), pages_each(vm),
				space_pte(vm, vm->root, demand_gva(i)), vm->rounds, SEED));
	return share_wait(vm, 0);
}

/* The guest's handler ran once for each read, and once for each write. */
static int demand_check(struct vm *vm)
{
	uint64_t wanted = pages_each(vm) * vm->rounds;

	for (unsigned int i = 0; i < vm->nr_vcpus; i++) {
		const struct comm *c = vm->vcpus[i].comm;

		if (c->own_absent != wanted || c->own_denied != wanted)
			return -EBADMSG;
	}
	return 0;
}

const struct workload workload_demand = {
	.name = "demand",
	.doc = "guest takes page faults of its own: maps on read, allows on write",
	.need_cpl0 = true,
	.pages = 128,
	.rounds = 4,
	.setup = demand_setup,
	.run = demand_run,
	.check = demand_check,
};
