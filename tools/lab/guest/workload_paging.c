// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU that stands still in another paging mode (--paging), with tables of that format,
 * which are there for a program that translates addresses from outside: --map-file has what
 * is where. It does not run with them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "say.h"
#include "workload.h"

#define PAGES		16
#define SMALL_GVA	0x40000000ull	/* pages of 4 KiB, at GPA 0 and up */
#define LARGE_GVA	0x80000000ull	/* a large page, of the data memslot */

#define CR4_PSE		0x10ull
#define CR4_PAE		0x20ull
#define CR4_LA57	0x1000ull
#define EFER_NXE	0x800ull
#define PSE36_4G	0x2000ull	/* bit 13 of a 4 MiB page is bit 32 of its address */

static void put(struct vm *vm, uint64_t table, unsigned int index, uint64_t entry)
{
	((uint64_t *)((uint8_t *)vm->infra + table))[index] = entry;
}

static void put_32(struct vm *vm, uint64_t table, unsigned int index, uint32_t entry)
{
	((uint32_t *)((uint8_t *)vm->infra + table))[index] = entry;
}

/* Each returns the CR3, and sets the size of the large page. */
static uint64_t tables_32(struct vm *vm, uint64_t *large)
{
	uint64_t root = table_alloc(vm), table = table_alloc(vm);

	put_32(vm, root, SMALL_GVA >> 22, table | PTE_RWX);
	for (unsigned int i = 0; i < PAGES; i++)
		put_32(vm, table, i, i * PAGE_SIZE | PTE_RWX);
	put_32(vm, root, LARGE_GVA >> 22, PSE36_4G | PTE_RWX | PTE_PS);
	*large = 4 << 20;
	return root;
}

static uint64_t tables_pae(struct vm *vm, uint64_t *large)
{
	/* Not at the begin of a page: CR3 has 27 bits of it. */
	uint64_t root = table_alloc(vm) + 0x60;
	uint64_t one = table_alloc(vm), two = table_alloc(vm), table = table_alloc(vm);

	put(vm, root, SMALL_GVA >> 30, one | PTE_P);
	put(vm, root, LARGE_GVA >> 30, two | PTE_P);
	put(vm, one, 0, table | PTE_RWX);
	for (unsigned int i = 0; i < PAGES; i++)
		put(vm, table, i, i * PAGE_SIZE | PTE_RWX);
	put(vm, two, 0, DATA_GPA | PTE_RWX | PTE_PS);
	*large = HUGE_SIZE;
	return root;
}

static uint64_t tables_la57(struct vm *vm, uint64_t *large)
{
	uint64_t root = table_alloc(vm);

	space_map(vm, vm->root, SMALL_GVA, 0, PAGES);
	space_map_huge(vm, vm->root, LARGE_GVA, DATA_GPA, 1, 2);
	put(vm, root, 0, vm->root | PTE_RWX);
	*large = HUGE_SIZE;
	return root;
}

static const struct mode {
	const char *name;
	uint64_t (*make)(struct vm *vm, uint64_t *large);
	uint64_t cr4;
	bool is_long;
} modes[] = {
	{ "32", tables_32, CR4_PSE, false },
	{ "pae", tables_pae, CR4_PAE, false },
	{ "la57", tables_la57, CR4_PAE | CR4_LA57, true },
};

static const struct mode *mode_of(const struct vm *vm)
{
	for (unsigned int i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(modes[i].name, vm->opt->paging))
			return &modes[i];
	return NULL;
}

static int paging_prepare(struct vm *vm)
{
	if (vm->opt->map_file && vm->opt->paging)
		return 0;
	say_error("paging needs --map-file and --paging");
	return EXIT_USAGE;
}

/* Nothing runs in it. */
static int paging_run(struct vm *vm)
{
	(void)vm;
	return 0;
}

static int mode_set(struct vm *vm, const struct mode *mode, uint64_t cr3)
{
	struct kvm_sregs s;

	if (ioctl(vm->vcpus[0].fd, KVM_GET_SREGS, &s))
		return -errno;
	s.cr3 = cr3;
	s.cr4 = mode->cr4;
	if (!mode->is_long) {
		s.efer = EFER_NXE;
		s.cs.l = 0;
		s.cs.db = 1;
	}
	if (!ioctl(vm->vcpus[0].fd, KVM_SET_SREGS, &s))
		return 0;
	say_error("KVM takes no such mode here");
	return errno == EINVAL ? EXIT_SKIP : -errno;
}

static void lines(FILE *out, int pagemap, uint64_t gva, uint64_t gpa, uint8_t *hva,
		  uint64_t step, uint64_t size)
{
	for (uint64_t i = 0; i < PAGES; i++, gva += step, gpa += step, hva += step)
		fprintf(out, "%#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64
			" ? ? ?\n", gva, gpa, (uint64_t)(uintptr_t)hva, host_frame(pagemap, hva),
			size);
}

static int paging_check(struct vm *vm)
{
	const struct mode *mode = mode_of(vm);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), r;
	uint64_t large, cr3 = mode->make(vm, &large);
	FILE *out;

	data_fill(vm, 1);
	r = mode_set(vm, mode, cr3);
	if (r)
		return r;
	out = fopen(vm->opt->map_file, "we");
	if (!out)
		return -errno;
	lines(out, pagemap, SMALL_GVA, 0, vm->infra, PAGE_SIZE, PAGE_SIZE);
	lines(out, pagemap, LARGE_GVA, DATA_GPA, vm->data, large / PAGES, large);
	close(pagemap);
	return fclose(out) ? -errno : 0;
}

const struct workload workload_paging = {
	.name = "paging",
	.doc = "nothing, in another mode: --paging 32, pae or la57; --map-file as of 'map'",
	.pages = 1024,	/* of which the guest maps 512 or all as one */
	.rounds = 1,
	.prepare = paging_prepare,
	.run = paging_run,
	.check = paging_check,
};
