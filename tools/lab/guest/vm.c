// SPDX-License-Identifier: GPL-2.0
/* VM creation and memslots. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "say.h"
#include "vm.h"

extern const uint8_t payload_start[], payload_end[];

/*
 * Page-aligned to 2 MiB, so that GPA and HVA agree modulo the huge page size;
 * without that KVM could not map huge pages whatever backs them.
 */
void *vm_alloc(size_t size, enum backing backing)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	size_t span;
	uint8_t *p, *at;

	size = (size + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	if (backing == BACKING_HUGETLB) {
		flags &= ~MAP_NORESERVE;	/* fail here, not by SIGBUS */
		p = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC,
			 flags | MAP_HUGETLB, -1, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	span = size + HUGE_SIZE;
	p = mmap(NULL, span, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	at = (uint8_t *)(((uintptr_t)p + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1));
	if (at > p)
		munmap(p, at - p);
	if (p + span > at + size)
		munmap(at + size, p + span - (at + size));
	if (madvise(at, size, backing == BACKING_THP ? MADV_HUGEPAGE :
		    MADV_NOHUGEPAGE) && backing == BACKING_THP) {
		munmap(at, size);
		return NULL;
	}
	return at;
}

int vm_cap(struct vm *vm, int cap)
{
	int r = ioctl(vm->fd, KVM_CHECK_EXTENSION, cap);

	return r < 0 ? 0 : r;
}

int vm_set_slot(struct vm *vm, unsigned int slot, uint32_t flags,
		uint64_t gpa, uint64_t size, void *host)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r))
		return -errno;
	return 0;
}

int vm_set_data_flags(struct vm *vm, uint32_t flags)
{
	int r = vm_set_slot(vm, SLOT_DATA, flags, DATA_GPA, vm->data_size,
			    vm->data);

	if (!r)
		vm->data_flags = flags;
	return r;
}

/*
 * What the CPU loads when it delivers an exception and returns from it: at CPL 0 flat
 * segments for code and data, of which only the attributes count (SDM volume 3, 3.4.5).
 */
static void fill_gdt(struct vm *vm)
{
	uint64_t *gdt = (uint64_t *)((uint8_t *)vm->infra + GDT_GPA);

	gdt[CODE_SEL / 8] = 0x00af9b000000ffff;
	gdt[DATA_SEL / 8] = 0x00cf93000000ffff;
}

/* Infrastructure: code, stacks, comm pages and all page tables. */
static int add_infra(struct vm *vm)
{
	uint64_t tables = vm->pages / 512 * (vm->opt->spaces + 2) + 1024;
	size_t payload = payload_end - payload_start;

	if (payload > PAYLOAD_MAX)
		return -E2BIG;
	vm->infra_size = TABLES_GPA + tables * PAGE_SIZE;
	vm->infra = vm_alloc(vm->infra_size, BACKING_4K);
	if (!vm->infra)
		return -ENOMEM;
	vm->tables_next = TABLES_GPA;
	/* Present in the host from the start: no fault of ours later. */
	memset(vm->infra, 0, TABLES_GPA);
	memcpy((uint8_t *)vm->infra + PAYLOAD_GPA, payload_start, payload);
	fill_gdt(vm);
	return vm_set_slot(vm, SLOT_INFRA, 0, 0, vm->infra_size, vm->infra);
}

int vm_add_data(struct vm *vm)
{
	uint64_t size = vm->pages * PAGE_SIZE;
	int r;

	if (vm->opt->mem > size)
		size = vm->opt->mem;
	if (vm->data_size > size)
		size = vm->data_size;
	vm->data_size = (size + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	vm->data = vm_alloc(vm->data_size, vm->opt->backing);
	if (!vm->data)
		return -ENOMEM;
	r = vm_set_data_flags(vm, 0);
	if (r)
		return r;
	return space_map(vm, vm->root, DATA_GVA, DATA_GPA, vm->pages);
}

int vm_create(struct vm *vm, const struct options *opt)
{
	uint64_t ident = 0xfffbc000;
	int r;

	vm->opt = opt;
	vm->fd = -1;
	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0) {
		r = -errno;
		say_error("cannot open /dev/kvm: %s", strerror(-r));
		return r;
	}
	if (ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return -ENOTSUP;
	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return -errno;
	/* Intel without unrestricted guest wants these; others ignore them. */
	ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &ident);
	ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000ul);
	r = add_infra(vm);
	if (r)
		return r;
	vm->root = space_create(vm);
	space_share_infra(vm, vm->root);
	return vm->root ? 0 : -ENOSPC;
}

void vm_destroy(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vcpu_destroy(&vm->vcpus[i]);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	if (vm->data)
		munmap(vm->data, vm->data_size);
	if (vm->infra)
		munmap(vm->infra, vm->infra_size);
}
