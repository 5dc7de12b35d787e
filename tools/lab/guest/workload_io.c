// SPDX-License-Identifier: GPL-2.0
/* Guest memory that nothing backs, or that may only be read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "workload.h"

#define HOLE_WORDS	(HOLE_PAGES * PAGE_SIZE / 4)

static uint32_t hole[MAX_VCPUS * HOLE_WORDS];

static int hole_access(struct vcpu *vcpu, uint64_t gpa, bool write,
		       void *data, unsigned int len)
{
	uint64_t word = (gpa - HOLE_GPA) / 4;
	uint32_t value;

	if (gpa < HOLE_GPA || word >= vcpu->vm->nr_vcpus * HOLE_WORDS ||
	    len != 4) {
		say_error("MMIO of %u bytes at %#llx is not ours", len,
			  (unsigned long long)gpa);
		return -EFAULT;
	}
	if (write) {
		memcpy(&hole[word], data, 4);
	} else {
		value = ~hole[word];
		memcpy(data, &value, 4);
	}
	return 0;
}

int hole_setup(struct vm *vm)
{
	vm->mmio = hole_access;
	return space_map(vm, vm->root, HOLE_GVA, HOLE_GPA,
			 vm->nr_vcpus * HOLE_PAGES);
}

/* Each vCPU has its own part of the hole: @count writes and reads there. */
int hole_run(struct vm *vm, uint64_t count)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_start(&vm->vcpus[i], OP_MMIO,
			   ARGS(HOLE_GVA + i * HOLE_PAGES * PAGE_SIZE,
				HOLE_WORDS, count, 1000));
	return share_wait(vm, 0);
}

/* Pages that @count accesses to one word after the other reach. */
static uint64_t hole_pages(uint64_t count)
{
	uint64_t words = count < HOLE_WORDS ? count : HOLE_WORDS;

	return (words * 4 + PAGE_SIZE - 1) / PAGE_SIZE;
}

static int mmio_setup(struct vm *vm)
{
	uint64_t count = vm->pages * vm->rounds * vm->nr_vcpus;

	vm->expect_shadow = vm->expect_tdp = 2 * count;
	/* The first access of a page finds nothing, the others what that one left. */
	vm->expect_reserved = 2 * count - vm->nr_vcpus *
		hole_pages(vm->pages * vm->rounds);
	return hole_setup(vm);
}

static int mmio_run(struct vm *vm)
{
	return hole_run(vm, vm->pages * vm->rounds);
}

static int mmio_check(struct vm *vm)
{
	uint64_t want = 2 * vm->pages * vm->rounds;

	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i].exits_mmio != want)
			return -EBADMSG;
	return 0;
}

const struct workload workload_mmio = {
	.name = "mmio",
	.doc = "--pages x --rounds writes and reads per vCPU where no slot is",
	.pages = 1024,
	.rounds = 1,
	.setup = mmio_setup,
	.run = mmio_run,
	.check = mmio_check,
};

#define ROM_SEED 5

static uint64_t rom_tag(struct vm *vm, uint64_t page)
{
	uint64_t tag;

	memcpy(&tag, (uint8_t *)vm->priv + page * PAGE_SIZE, sizeof(tag));
	return tag;
}

/* Only writes come here, and they change nothing. */
static int rom_access(struct vcpu *vcpu, uint64_t gpa, bool write,
		      void *data, unsigned int len)
{
	uint64_t page = (gpa - EXTRA_GPA) / PAGE_SIZE, value = 0;

	memcpy(&value, data, len <= 8 ? len : 8);
	if (write && len == 8 && page < vcpu->vm->pages &&
	    value == ~page_tag(ROM_SEED, page))
		return 0;
	say_error("unexpected %s of %u bytes at %#llx",
		  write ? "write" : "read", len, (unsigned long long)gpa);
	return -EBADMSG;
}

static int rom_setup(struct vm *vm)
{
	int r;

	if (!vm_cap(vm, KVM_CAP_READONLY_MEM)) {
		say_error("this KVM has no read-only memslots");
		return EXIT_SKIP;
	}
	vm->priv = vm_alloc(vm->pages * PAGE_SIZE, BACKING_4K);
	if (!vm->priv)
		return -ENOMEM;
	for (uint64_t i = 0; i < vm->pages; i++) {
		uint64_t tag = page_tag(ROM_SEED, i);

		memcpy((uint8_t *)vm->priv + i * PAGE_SIZE, &tag, sizeof(tag));
	}
	vm->mmio = rom_access;
	/* One fault for the first read, one for the write, none after. */
	vm->expect_tdp = vm->expect_shadow = 2 * vm->pages;
	r = vm_set_slot(vm, SLOT_EXTRA, KVM_MEM_READONLY, EXTRA_GPA,
			vm->pages * PAGE_SIZE, vm->priv);
	return r ? r : space_map(vm, vm->root, EXTRA_GVA, EXTRA_GPA, vm->pages);
}

static int rom_run(struct vm *vm)
{
	return share_call(vm, OP_ROM, EXTRA_GVA, vm->pages, 1, 0, ROM_SEED);
}

static int rom_check(struct vm *vm)
{
	uint64_t exits = 0;

	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		exits += vm->vcpus[i].exits_mmio;
	for (uint64_t i = 0; i < vm->pages; i++)
		if (rom_tag(vm, i) != page_tag(ROM_SEED, i))
			return -EBADMSG;
	return exits == vm->pages ? 0 : -EBADMSG;
}

const struct workload workload_rom = {
	.name = "rom",
	.doc = "read and write a read-only memslot: writes exit as MMIO",
	.pages = 512,
	.rounds = 1,
	.setup = rom_setup,
	.run = rom_run,
	.check = rom_check,
};
