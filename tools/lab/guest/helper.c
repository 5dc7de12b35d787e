// SPDX-License-Identifier: GPL-2.0
/* What several workloads do. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

void share_start(struct vm *vm, unsigned int from, enum op op, uint64_t gva,
		 uint64_t pages, uint64_t step, uint64_t first, uint64_t seed)
{
	unsigned int n = vm->nr_vcpus - from;
	uint64_t share = (pages + n - 1) / n;

	/* Shares begin on multiples of step, else vCPUs would meet. */
	share = (share + step - 1) / step * step;
	for (unsigned int i = 0; i < n; i++) {
		uint64_t start = i * share + first;
		uint64_t end = (i + 1) * share < pages ? (i + 1) * share : pages;

		vcpu_start(&vm->vcpus[from + i], op,
			   ARGS(gva, start, end, step, seed));
	}
}

int share_wait(struct vm *vm, unsigned int from)
{
	int r = 0;

	for (unsigned int i = from; i < vm->nr_vcpus; i++) {
		int one = vcpu_wait(&vm->vcpus[i]);

		r = r ? r : one;
	}
	return r;
}

int share_call(struct vm *vm, enum op op, uint64_t gva, uint64_t pages,
	       uint64_t step, uint64_t first, uint64_t seed)
{
	share_start(vm, 0, op, gva, pages, step, first, seed);
	return share_wait(vm, 0);
}

void data_fill(struct vm *vm, uint64_t seed)
{
	for (uint64_t i = 0; i < vm->pages; i++) {
		uint64_t tag = page_tag(seed, i);

		memcpy(vm->data + i * PAGE_SIZE, &tag, sizeof(tag));
	}
}

uint64_t data_differs(struct vm *vm, uint64_t seed)
{
	uint64_t bad = 0;

	for (uint64_t i = 0; i < vm->pages; i++) {
		uint64_t tag = page_tag(seed, i);

		bad += !!memcmp(vm->data + i * PAGE_SIZE, &tag, sizeof(tag));
	}
	return bad;
}

uint64_t data_mappings(struct vm *vm, uint64_t pages)
{
	return vm->opt->backing == BACKING_4K ? pages : (pages + 511) / 512;
}

uint64_t host_frame(int pagemap, const void *hva)
{
	uint64_t entry = 0;

	if (pread(pagemap, &entry, sizeof(entry), (uintptr_t)hva / PAGE_SIZE * 8) !=
	    sizeof(entry) || !(entry >> 63))
		return 0;
	return entry & ((1ull << 55) - 1);
}

bool host_is_intel(void)
{
	return !access("/sys/module/kvm_intel", F_OK);
}

static bool parameter_is_on(const char *path)
{
	FILE *f = fopen(path, "r");
	int c = f ? fgetc(f) : 'N';

	if (f)
		fclose(f);
	return c == 'Y' || c == '1';
}

bool host_has_pml(void)
{
	return parameter_is_on("/sys/module/kvm_intel/parameters/pml");
}

bool host_has_tdp_mmu(void)
{
	return parameter_is_on("/sys/module/kvm/parameters/tdp_mmu");
}

/* Aligned groups of 8 entries: one fault maps what is present of its group. */
uint64_t prefetch_groups(uint64_t pages)
{
	return (pages + 7) / 8;
}
