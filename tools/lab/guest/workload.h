/* SPDX-License-Identifier: GPL-2.0 */
/* A workload is a table row; main.c walks through its steps. */
#ifndef LAB_GUEST_WORKLOAD_H
#define LAB_GUEST_WORKLOAD_H

#include "vm.h"

struct workload {
	const char *name;
	const char *doc;
	bool need_cpl0;		/* INVLPG and CR3 are privileged */
	uint64_t pages;		/* default */
	uint64_t rounds;	/* default */
	/*
	 * Each returns 0, EXIT_SKIP or -errno, and may be NULL except run.
	 * prepare: the VM exists, vCPUs do not. setup: all exists, nothing is
	 * measured yet. run: the measured phase. check: afterwards.
	 */
	int (*prepare)(struct vm *vm);
	int (*setup)(struct vm *vm);
	int (*run)(struct vm *vm);
	int (*check)(struct vm *vm);
};

extern const struct workload workload_touch, workload_retouch, workload_warm;
extern const struct workload workload_dirtylog, workload_dirtyring, workload_dirtyclear;
extern const struct workload workload_ptchurn, workload_switch, workload_invlpg;
extern const struct workload workload_directory, workload_demand;
extern const struct workload workload_mmio, workload_rom;
extern const struct workload workload_slots, workload_mixed, workload_walk;
extern const struct workload workload_fork, workload_ksm, workload_host, workload_recycle;
extern const struct workload workload_map, workload_paging, workload_race;

/* helper.c: what several of them do. */

/* Runs @op on each vCPU with its share of [0, pages). */
int share_call(struct vm *vm, enum op op, uint64_t gva, uint64_t pages,
	       uint64_t step, uint64_t first, uint64_t seed);
/* The same without waiting; from vCPU @from on. */
void share_start(struct vm *vm, unsigned int from, enum op op, uint64_t gva,
		 uint64_t pages, uint64_t step, uint64_t first, uint64_t seed);
int share_wait(struct vm *vm, unsigned int from);
/* Host-side fill of the data pages with page_tag(seed, i). */
void data_fill(struct vm *vm, uint64_t seed);
/* Number of host-side differences from page_tag(seed, i). */
uint64_t data_differs(struct vm *vm, uint64_t seed);
/* Mappings needed for @pages of data: by huge page where it has them. */
uint64_t data_mappings(struct vm *vm, uint64_t pages);

/* Frame that the host has at @hva by @pagemap, /proc/self/pagemap; 0: none. */
uint64_t host_frame(int pagemap, const void *hva);

/* Intel reports repeated MMIO as EPT misconfiguration, and may log dirty pages (PML). */
bool host_is_intel(void);
bool host_has_pml(void);
#define PML_ENTRIES	512	/* SDM volume 3, 28.3.6 */
/* The MMU for EPT and NPT that does not prefetch; off by default up to 5.15. */
bool host_has_tdp_mmu(void);
/* Faults that shadow paging takes on @pages that the host has present. */
uint64_t prefetch_groups(uint64_t pages);
/* Device memory at the hole: reads back the complement of what was written. */
int hole_setup(struct vm *vm);
int hole_run(struct vm *vm, uint64_t count);
#define HOLE_PAGES	4	/* per vCPU */

#endif
