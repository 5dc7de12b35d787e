// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's page tables, 4 KiB leaves unless asked for others, so that shadow
 * paging sees one guest PTE per page whatever the host backs it with. Tables lie in the
 * infrastructure memory and are mapped 1:1, so the guest can edit them.
 */
#include <errno.h>
#include <string.h>

#include "vm.h"

uint64_t *table_at(struct vm *vm, uint64_t gpa)
{
	return (uint64_t *)((uint8_t *)vm->infra + gpa);
}

uint64_t table_alloc(struct vm *vm)
{
	uint64_t gpa = vm->tables_next;

	if (gpa + PAGE_SIZE > vm->infra_size)
		return 0;
	vm->tables_next += PAGE_SIZE;
	memset(table_at(vm, gpa), 0, PAGE_SIZE);
	return gpa;
}

uint64_t space_create(struct vm *vm)
{
	return table_alloc(vm);
}

/* GPA of the entry of @level for @gva; makes missing tables if asked to. */
static uint64_t walk(struct vm *vm, uint64_t root, uint64_t gva, int level,
		     bool make)
{
	int last = PAGE_SHIFT + 9 * (level - 1);
	uint64_t table = root;

	for (int shift = 39; shift > last; shift -= 9) {
		uint64_t *e = &table_at(vm, table)[gva >> shift & 511];

		if (!(*e & PTE_P)) {
			uint64_t next = make ? table_alloc(vm) : 0;

			if (!next)
				return 0;
			*e = next | PTE_RWX;
		}
		table = *e & ~0xfffull;
	}
	return table + (gva >> last & 511) * 8;
}

int space_map_huge(struct vm *vm, uint64_t root, uint64_t gva, uint64_t gpa,
		   uint64_t pages, int level)
{
	uint64_t size = PAGE_SIZE << 9 * (level - 1);

	for (uint64_t i = 0; i < pages; i++) {
		uint64_t pte = walk(vm, root, gva + i * size, level, true);

		if (!pte)
			return -ENOSPC;
		*(uint64_t *)((uint8_t *)vm->infra + pte) =
			(gpa + i * size) | PTE_RWX | (level > 1 ? PTE_PS : 0);
	}
	return 0;
}

int space_map(struct vm *vm, uint64_t root, uint64_t gva, uint64_t gpa,
	      uint64_t pages)
{
	return space_map_huge(vm, root, gva, gpa, pages, 1);
}

/*
 * PML4 slot 0 (the 1:1 window) is the same tables in every space: the first
 * space makes them, the others point to them.
 */
void space_share_infra(struct vm *vm, uint64_t root)
{
	if (root == vm->root) {
		space_map(vm, root, 0, 0, vm->infra_size / PAGE_SIZE);
		space_map(vm, root, BELL_GPA, BELL_GPA, 1);
		return;
	}
	table_at(vm, root)[0] = table_at(vm, vm->root)[0];
}

uint64_t space_pte(struct vm *vm, uint64_t root, uint64_t gva)
{
	return walk(vm, root, gva, 1, false);
}

uint64_t space_pde(struct vm *vm, uint64_t root, uint64_t gva)
{
	return walk(vm, root, gva, 2, false);
}
