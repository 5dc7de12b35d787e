// SPDX-License-Identifier: GPL-2.0
/* First touches of memory, and touches after the host took it away. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "say.h"
#include "workload.h"

static enum op access_op(struct vm *vm)
{
	switch (vm->opt->access) {
	case 'r':
		return OP_READ;
	case 'x':
		return OP_EXEC;
	default:
		return OP_WRITE;
	}
}

/* Something to execute: mov $page, %eax; ret. This makes the pages present. */
static void fill_code(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->pages; i++) {
		uint8_t *p = vm->data + i * PAGE_SIZE;

		p[0] = 0xb8;
		memcpy(p + 1, &i, sizeof(i));
		p[5] = 0xc3;
	}
}

static int touch(struct vm *vm, uint64_t seed)
{
	return share_call(vm, access_op(vm), DATA_GVA, vm->pages, 1, 0, seed);
}

/*
 * Of pages that are present in the host, as code and after a huge page fault,
 * shadow paging maps neighbours along. So do EPT and NPT without the TDP MMU,
 * but not in all kernels, so no number is given for them.
 */
static int touch_setup(struct vm *vm)
{
	bool code = vm->opt->access == 'x';
	bool huge = vm->opt->backing != BACKING_4K;

	if (code)
		fill_code(vm);
	if (!code || huge || host_has_tdp_mmu())
		vm->expect_tdp = data_mappings(vm, vm->pages);
	vm->expect_shadow = code || huge ? prefetch_groups(vm->pages) :
		vm->pages;
	return 0;
}

static int touch_run(struct vm *vm)
{
	/* Untouched memory reads as zero: seed 0. */
	return touch(vm, vm->opt->access == 'r' ? 0 : 1);
}

static int touch_check(struct vm *vm)
{
	if (vm->opt->access == 'w' && data_differs(vm, 1))
		return -EBADMSG;
	return 0;
}

const struct workload workload_touch = {
	.name = "touch",
	.doc = "touch each page once (--access r|w|x)",
	.pages = 4096,
	.rounds = 1,
	.setup = touch_setup,
	.run = touch_run,
	.check = touch_check,
};

/* After mprotect() it is up to the host's mm which entries are writable. */
static int retouch_setup(struct vm *vm)
{
	bool stays = vm->opt->mprotect || vm->opt->access == 'x';
	int r = touch_setup(vm);

	vm->expect_tdp *= vm->rounds + 1;
	vm->expect_shadow *= vm->rounds + 1;
	if (stays) {
		vm->expect_shadow = -1;
		if (!host_has_tdp_mmu())
			vm->expect_tdp = -1;
	}
	return r;
}

/* What the host does between two rounds; both reach KVM as invalidations. */
static int take_away(struct vm *vm)
{
	const int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;

	if (!vm->opt->mprotect && vm->opt->access != 'x')
		return madvise(vm->data, vm->data_size, MADV_DONTNEED) ?
			-errno : 0;
	if (mprotect(vm->data, vm->data_size, PROT_NONE) ||
	    mprotect(vm->data, vm->data_size, rwx))
		return -errno;
	return 0;
}

static int retouch_run(struct vm *vm)
{
	bool reads = vm->opt->access == 'r';
	int r = touch(vm, reads ? 0 : 1);

	for (uint64_t i = 1; !r && i <= vm->rounds; i++) {
		r = take_away(vm);
		if (!r)
			r = touch(vm, reads ? 0 : 1 + i);
	}
	return r;
}

/*
 * All is mapped before the measured phase: neither kind of paging has anything to do, unless
 * code in huge pages is taken from it all the time (nx_huge_pages of kvm).
 */
static int warm_setup(struct vm *vm)
{
	int r = 0;

	if (vm->opt->access == 'x') {
		vm->expect_tdp = vm->expect_shadow = -1;
		fill_code(vm);
		return 0;
	}
	vm->expect_tdp = vm->expect_shadow = 0;
	data_fill(vm, 1);
	for (unsigned int i = 0; !r && i < vm->nr_vcpus; i++)
		r = vcpu_call(&vm->vcpus[i], OP_WARM, ARGS(DATA_GVA, vm->pages));
	return r;
}

static int warm_run(struct vm *vm)
{
	int r = 0;

	for (uint64_t i = 0; !r && i < vm->rounds; i++)
		r = touch(vm, vm->opt->access == 'r' ? 1 : 2 + i);
	return r;
}

static int warm_check(struct vm *vm)
{
	return vm->opt->access == 'w' && data_differs(vm, 1 + vm->rounds) ? -EBADMSG : 0;
}

const struct workload workload_warm = {
	.name = "warm",
	.doc = "touch pages again that KVM has mapped",
	.pages = 2048,
	.rounds = 4,
	.setup = warm_setup,
	.run = warm_run,
	.check = warm_check,
};

static int retouch_check(struct vm *vm)
{
	if (vm->opt->access == 'w' && data_differs(vm, 1 + vm->rounds))
		return -EBADMSG;
	return 0;
}

const struct workload workload_retouch = {
	.name = "retouch",
	.doc = "touch, take the memory away (MADV_DONTNEED or --mprotect), touch again",
	.pages = 1024,
	.rounds = 4,
	.setup = retouch_setup,
	.run = retouch_run,
	.check = retouch_check,
};
