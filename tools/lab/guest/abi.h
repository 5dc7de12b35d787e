/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the VMM and the guest payload agree on: where things are and how the
 * VMM asks for work. One "comm" page per vCPU holds one request at a time;
 * the guest rings the doorbell when it has done it.
 */
#ifndef LAB_GUEST_ABI_H
#define LAB_GUEST_ABI_H

#include <stdint.h>

#define PAGE_SIZE	4096ull
#define PAGE_SHIFT	12
#define HUGE_SHIFT	21
#define HUGE_SIZE	(512 * PAGE_SIZE)

#define MAX_VCPUS	16
#define MAX_SPACES	64

/* Guest-physical layout. The infrastructure is mapped 1:1 in every space. */
#define COMM_GPA	0x1000ull	/* one page per vCPU */
#define PAYLOAD_GPA	0x20000ull
#define PAYLOAD_MAX	0x10000ull
#define STACK_GPA	0x30000ull	/* one page per vCPU */
#define TSS_GPA		0x40000ull
#define GDT_GPA		0x41000ull
#define IDT_GPA		0x42000ull	/* empty until the guest makes a gate */
#define TABLES_GPA	0x50000ull	/* page tables, allocated upwards */
#define EXTRA_GPA	0x40000000ull	/* ROM and come-and-go memslots */
#define HOLE_GPA	0xd0000000ull	/* never backed: MMIO */
#define BELL_GPA	0xd8000000ull	/* never backed: doorbell by MMIO */
#define DATA_GPA	0x100000000ull	/* the pages under test */

/* Guest-virtual windows: one PML4 slot each, so they share no table. */
#define WINDOW(n)	((uint64_t)(n) << 39)
#define DATA_GVA	WINDOW(1)
#define HOLE_GVA	WINDOW(2)
#define EXTRA_GVA	WINDOW(3)
#define CHURN_GVA	WINDOW(4)

/* Selectors: index times 8, and the privilege. */
#define CODE_SEL	0x10
#define DATA_SEL	0x18

#define PF_VECTOR	14

#define BELL_PORT	0x5a

#define PTE_P		0x001ull
#define PTE_W		0x002ull
#define PTE_U		0x004ull
#define PTE_A		0x020ull
#define PTE_D		0x040ull
#define PTE_PS		0x080ull
#define PTE_NX		0x8000000000000000ull
/* A and D are preset: the guest's own walks then never write a table. */
#define PTE_RWX		(PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)

enum bell {
	BELL_BY_PORT,
	BELL_BY_MMIO,
};

enum op {
	OP_NONE,
	OP_WARM,	/* read one word of every page: arg = gva, pages */
	OP_WRITE,	/* gva, first, pages, step, seed: store tag(seed, page) */
	OP_READ,	/* gva, first, pages, step, seed: load and compare */
	OP_EXEC,	/* gva, first, pages, step: call each page */
	OP_CHURN,	/* gva, pages, pte gva, frame gpa, frames, rounds, seed */
	OP_SWITCH,	/* rounds, spaces, gva, pages, roots gva, seed */
	OP_INVLPG,	/* gva, pages, rounds, seed */
	OP_MMIO,	/* gva, words, count, seed */
	OP_ROM,		/* as OP_READ: read, write, read again */
	OP_SPIN,	/* as OP_READ, step 1: read and write back until stop */
	OP_DIRECTORY,	/* gva, windows, entry gva, rounds, seed, list gva */
	OP_DEMAND,	/* gva, pages, pte gva, rounds, seed */
	OP_FORK,	/* gva, pages, parent root, 4 free tables, frame gpa, rounds, seed */
};

#define COMM_ARGS	8

struct comm {
	uint32_t op;
	uint32_t bell;
	uint64_t arg[COMM_ARGS];
	/* Answers, added up by the guest over all requests. */
	uint64_t touched;
	uint64_t pt_writes;
	uint64_t invlpgs;
	uint64_t cr3_writes;
	uint64_t mmio_reads;
	uint64_t mmio_writes;
	uint64_t loops;
	uint64_t own_absent;	/* page faults of the guest's own, by what they found */
	uint64_t own_denied;
	uint64_t bad;		/* values that were not as expected */
	uint64_t bad_gva;	/* the last of them */
	uint64_t bad_value;
	uint32_t stop;
};

/* The value that belongs into page @page: never 0, different for each seed. */
static inline uint64_t page_tag(uint64_t seed, uint64_t page)
{
	return (seed << 32 | 0x80000000u) + page;
}

#endif
