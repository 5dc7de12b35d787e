/* SPDX-License-Identifier: GPL-2.0 */
/* One virtual machine: memslots, guest page tables, vCPUs. */
#ifndef LAB_GUEST_VM_H
#define LAB_GUEST_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* Exit codes of the program. */
enum {
	EXIT_OK = 0,
	EXIT_CHECK = 1,
	EXIT_USAGE = 2,
	EXIT_SKIP = 77,
};

enum backing {
	BACKING_4K,
	BACKING_THP,
	BACKING_HUGETLB,
};

struct options {
	const char *workload;
	const char *deed;
	const char *name;
	const char *go_file;
	const char *hold_file;
	const char *ready_file;
	const char *done_file;
	const char *map_file;
	const char *paging;
	uint64_t mem;		/* bytes of the data slot, 0 = as pages need */
	uint64_t pages;		/* 0 = default of the workload */
	uint64_t rounds;	/* 0 = default of the workload */
	uint64_t spaces;
	unsigned int vcpus;
	unsigned int vms;
	unsigned int timeout;
	enum backing backing;
	enum bell bell;
	unsigned int cpl;
	char access;		/* 'r', 'w' or 'x' */
	bool mprotect;
	bool json;
};

struct vm;

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	struct comm *comm;
	struct kvm_dirty_gfn *ring;
	uint32_t ring_next;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	enum { VCPU_IDLE, VCPU_BUSY, VCPU_QUIT } state;
	int result;		/* of the last request */
	uint64_t exits_mmio;
};

/* Guest-visible device memory; called with the vCPU stopped in KVM_RUN. */
typedef int (*mmio_fn)(struct vcpu *vcpu, uint64_t gpa, bool write,
		       void *data, unsigned int len);

struct vm {
	const struct options *opt;
	int kvm_fd;
	int fd;
	void *infra;		/* host view of GPA 0 */
	size_t infra_size;
	uint64_t tables_next;	/* next free page-table page */
	uint8_t *data;		/* host view of DATA_GPA */
	size_t data_size;	/* before it exists: at least */
	uint32_t data_flags;
	uint64_t pages;
	uint64_t rounds;
	uint64_t root;		/* the first address space */
	mmio_fn mmio;
	int (*ring_full)(struct vcpu *vcpu);
	void *priv;		/* of the workload */
	uint32_t ring_bytes;	/* > 0: dirty ring, set before vCPUs exist */
	/* Memory faults the run will cause; -1 where not derivable. */
	int64_t expect_tdp;
	int64_t expect_shadow;
	/* Of those, how many on a reserved bit, or under EPT as misconfigurations: MMIO. */
	int64_t expect_reserved;
	/* And how many are of the CPU's walk of the guest's page tables. */
	int64_t expect_walks;
	/* And under shadow paging, how many are writes that KVM emulates; 0 elsewhere. */
	int64_t expect_emulated;
	/* How often the CPU's buffer of dirty pages (PML) can be full at most. */
	int64_t expect_pml_full;
	unsigned int nr_vcpus;
	struct vcpu vcpus[MAX_VCPUS];
};

enum slot_id { SLOT_INFRA, SLOT_DATA, SLOT_EXTRA };

/* vm.c. All return 0 or -errno unless said otherwise. */
int vm_create(struct vm *vm, const struct options *opt);
int vm_add_data(struct vm *vm);
int vm_set_slot(struct vm *vm, unsigned int slot, uint32_t flags,
		uint64_t gpa, uint64_t size, void *host);
int vm_set_data_flags(struct vm *vm, uint32_t flags);
void vm_destroy(struct vm *vm);
void *vm_alloc(size_t size, enum backing backing);
int vm_cap(struct vm *vm, int cap);

/* table.c: guest page tables, kept in the infrastructure memory. */
uint64_t space_create(struct vm *vm);
int space_map(struct vm *vm, uint64_t root, uint64_t gva, uint64_t gpa,
	      uint64_t pages);
/* The same by pages of @level: 2 for 2 MiB, 3 for 1 GiB. */
int space_map_huge(struct vm *vm, uint64_t root, uint64_t gva, uint64_t gpa,
		   uint64_t pages, int level);
void space_share_infra(struct vm *vm, uint64_t root);
/* GPA of the last entry for @gva, and of the one before it; 0 where a table is missing. */
uint64_t space_pte(struct vm *vm, uint64_t root, uint64_t gva);
uint64_t space_pde(struct vm *vm, uint64_t root, uint64_t gva);
uint64_t table_alloc(struct vm *vm);
/* The host's view of a table or entry. */
uint64_t *table_at(struct vm *vm, uint64_t gpa);

/* vcpu.c */
int vcpu_create(struct vm *vm, unsigned int id);
void vcpu_destroy(struct vcpu *vcpu);
void vcpu_start(struct vcpu *vcpu, enum op op, const uint64_t *arg,
		unsigned int args);
int vcpu_wait(struct vcpu *vcpu);
int vcpu_call(struct vcpu *vcpu, enum op op, const uint64_t *arg,
	      unsigned int args);

#define ARGS(...)	((const uint64_t[]){ __VA_ARGS__ }), \
	(sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

#endif
