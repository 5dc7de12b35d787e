// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that maps memory by pages of 4 KiB, 2 MiB and 1 GiB, and by entries that lead
 * nowhere, stores values through them, and then stands still: --map-file has what each
 * address is, for a program that translates addresses from outside.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "say.h"
#include "workload.h"

#define GIB		(512 * HUGE_SIZE)

#define MIDDLE_GVA	WINDOW(5)	/* pages of 2 MiB */
#define MIDDLE_GPA	(DATA_GPA + GIB)
#define MIDDLES		2
#define LARGE_GVA	WINDOW(6)	/* one page of 1 GiB */
#define LARGE_GPA	(DATA_GPA + 2 * GIB)
#define ODD_GVA		WINDOW(7)	/* entries that do not allow all */
#define NOWHERE_GVA	WINDOW(8)	/* no table at all */
#define ROM_PAGES	4

#define SMALL_STEP	2	/* which pages are touched: the others have no page in the host */
#define MIDDLE_STEP	16
#define LARGE_STEP	4096
#define SEED		5

#define GBPAGES		(1u << 26)	/* CPUID 0x80000001 EDX, APM volume 3 */

struct map {
	FILE *out;
	int pagemap;
	bool gbpages;
	void *rom;
};

static bool vcpu_has_gbpages(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));
	bool has = false;

	if (!c)
		return false;
	c->nent = 256;
	if (!ioctl(vcpu->fd, KVM_GET_CPUID2, c))
		for (unsigned int i = 0; i < c->nent; i++)
			if (c->entries[i].function == 0x80000001)
				has = c->entries[i].edx & GBPAGES;
	free(c);
	return has;
}

static int map_prepare(struct vm *vm)
{
	if (!vm->opt->map_file) {
		say_error("map needs --map-file");
		return EXIT_USAGE;
	}
	vm->data_size = 3 * GIB;
	return 0;
}

/* RO, NX, not present, and no memslot: four pages. */
static int odd_map(struct vm *vm)
{
	static const uint64_t bits[] = { PTE_RWX & ~PTE_W, PTE_RWX | PTE_NX, 0 };
	int r = space_map(vm, vm->root, ODD_GVA, DATA_GPA, 3);

	if (!r)
		r = space_map(vm, vm->root, ODD_GVA + 3 * PAGE_SIZE, HOLE_GPA, 1);
	for (uint64_t i = 0; !r && i < 3; i++)
		*(uint64_t *)((uint8_t *)vm->infra +
			      space_pte(vm, vm->root, ODD_GVA + i * PAGE_SIZE)) =
			bits[i] ? DATA_GPA | bits[i] : 0;
	return r;
}

static int rom_map(struct vm *vm, struct map *map)
{
	map->rom = vm_alloc(ROM_PAGES * PAGE_SIZE, BACKING_4K);
	if (!map->rom)
		return -ENOMEM;
	memset(map->rom, 1, ROM_PAGES * PAGE_SIZE);
	if (vm_set_slot(vm, SLOT_EXTRA, KVM_MEM_READONLY, EXTRA_GPA, ROM_PAGES * PAGE_SIZE,
			map->rom))
		return -errno;
	return space_map(vm, vm->root, EXTRA_GVA, EXTRA_GPA, ROM_PAGES);
}

static int map_setup(struct vm *vm)
{
	struct map *map = calloc(1, sizeof(*map));
	int r;

	if (!map)
		return -ENOMEM;
	vm->priv = map;
	map->gbpages = vcpu_has_gbpages(&vm->vcpus[0]);
	r = space_map_huge(vm, vm->root, MIDDLE_GVA, MIDDLE_GPA, MIDDLES, 2);
	if (!r && map->gbpages)
		r = space_map_huge(vm, vm->root, LARGE_GVA, LARGE_GPA, 1, 3);
	if (!r)
		r = odd_map(vm);
	return r ? r : rom_map(vm, map);
}

static int map_run(struct vm *vm)
{
	struct vcpu *cpu = &vm->vcpus[0];
	struct map *map = vm->priv;
	int r;

	r = vcpu_call(cpu, OP_WRITE, ARGS(DATA_GVA, 0, vm->pages, SMALL_STEP, SEED));
	if (!r)
		r = vcpu_call(cpu, OP_WRITE,
			      ARGS(MIDDLE_GVA, 0, MIDDLES * 512, MIDDLE_STEP, SEED + 1));
	if (!r && map->gbpages)
		r = vcpu_call(cpu, OP_WRITE,
			      ARGS(LARGE_GVA, 0, GIB / PAGE_SIZE, LARGE_STEP, SEED + 2));
	if (!r)
		r = vcpu_call(cpu, OP_WARM, ARGS(ODD_GVA, 2));
	return r ? r : vcpu_call(cpu, OP_WARM, ARGS(EXTRA_GVA, ROM_PAGES));
}

/* @expect: what read, write and fetch lead to: none, guest, mmio, kvm, or ? */
static void line(struct map *map, uint64_t gva, uint64_t gpa, const void *hva, uint64_t size,
		 const char *expect)
{
	fprintf(map->out, "%#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %s\n",
		gva, gpa, (uint64_t)(uintptr_t)hva, hva ? host_frame(map->pagemap, hva) : 0,
		size, expect);
}

/* What was stored through the mapping must be where it leads to. */
static int window(struct vm *vm, uint64_t gva, uint64_t gpa, uint64_t pages, uint64_t size,
		  uint64_t step, uint64_t seed)
{
	bool others = vm->opt->backing == BACKING_4K;

	for (uint64_t i = 0; i < pages; i++) {
		const uint8_t *hva = vm->data + (gpa - DATA_GPA) + i * PAGE_SIZE;
		bool touched = i % step == 0;

		if (size == GIB && i % step > 1)
			continue;
		if (touched && *(uint64_t *)hva != page_tag(seed, i))
			return -EBADMSG;
		line(vm->priv, gva + i * PAGE_SIZE + i % PAGE_SIZE / 8 * 8,
		     gpa + i * PAGE_SIZE + i % PAGE_SIZE / 8 * 8, hva + i % PAGE_SIZE / 8 * 8,
		     size, touched ? "none none none" : others ? "kvm kvm kvm" : "? ? ?");
	}
	return 0;
}

static void odd_lines(struct vm *vm, struct map *map)
{
	line(map, ODD_GVA, DATA_GPA, vm->data, PAGE_SIZE, "none guest none");
	line(map, ODD_GVA + PAGE_SIZE, DATA_GPA, vm->data, PAGE_SIZE, "none none guest");
	line(map, ODD_GVA + 2 * PAGE_SIZE, 0, NULL, 0, "guest guest guest");
	line(map, ODD_GVA + 3 * PAGE_SIZE, HOLE_GPA, NULL, PAGE_SIZE, "mmio mmio mmio");
	line(map, ODD_GVA + HUGE_SIZE, 0, NULL, 0, "guest guest guest");
	line(map, ODD_GVA + GIB, 0, NULL, 0, "guest guest guest");
	line(map, NOWHERE_GVA, 0, NULL, 0, "guest guest guest");
	line(map, 1ull << 63, 0, NULL, 0, "guest guest guest");
	for (uint64_t i = 0; i < ROM_PAGES; i++)
		line(map, EXTRA_GVA + i * PAGE_SIZE, EXTRA_GPA + i * PAGE_SIZE,
		     (uint8_t *)map->rom + i * PAGE_SIZE, PAGE_SIZE, "none mmio none");
}

static int map_check(struct vm *vm)
{
	struct map *map = vm->priv;
	int r;

	map->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	map->out = fopen(vm->opt->map_file, "we");
	if (!map->out)
		return -errno;
	r = window(vm, DATA_GVA, DATA_GPA, vm->pages, PAGE_SIZE, SMALL_STEP, SEED);
	if (!r)
		r = window(vm, MIDDLE_GVA, MIDDLE_GPA, MIDDLES * 512, HUGE_SIZE, MIDDLE_STEP,
			   SEED + 1);
	if (!r && map->gbpages)
		r = window(vm, LARGE_GVA, LARGE_GPA, GIB / PAGE_SIZE, GIB, LARGE_STEP, SEED + 2);
	odd_lines(vm, map);
	if (fclose(map->out))
		return -errno;
	close(map->pagemap);
	return r;
}

const struct workload workload_map = {
	.name = "map",
	.doc = "pages of 4K, 2M and 1G and entries that fault; --map-file says what is where",
	.pages = 512,
	.rounds = 1,
	.prepare = map_prepare,
	.setup = map_setup,
	.run = map_run,
	.check = map_check,
};
