// SPDX-License-Identifier: GPL-2.0
/*
 * The guest: freestanding 64-bit code that does what its comm page asks for,
 * checks what it reads and rings the doorbell. It runs at CPL 0 or CPL 3;
 * only the requests that need INVLPG or CR3 need CPL 0.
 */
#include "abi.h"

static inline uint64_t load(uint64_t gva)
{
	return *(volatile uint64_t *)gva;
}

static inline void store(uint64_t gva, uint64_t value)
{
	*(volatile uint64_t *)gva = value;
}

static inline void invlpg(uint64_t gva)
{
	asm volatile("invlpg (%0)" : : "r"(gva) : "memory");
}

static inline void set_cr3(uint64_t root)
{
	asm volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

static void expect(struct comm *c, uint64_t gva, uint64_t got, uint64_t want)
{
	if (got == want)
		return;
	c->bad++;
	c->bad_gva = gva;
	c->bad_value = got;
}

static void ring_bell(struct comm *c)
{
	if (c->bell == BELL_BY_MMIO)
		*(volatile uint32_t *)BELL_GPA = 1;
	else
		asm volatile("outl %0, %1"
			     : : "a"(1), "Nd"((uint16_t)BELL_PORT) : "memory");
}

static void do_warm(struct comm *c)
{
	for (uint64_t i = 0; i < c->arg[1]; i++)
		load(c->arg[0] + i * PAGE_SIZE);
}

static void do_write(struct comm *c)
{
	for (uint64_t i = c->arg[1]; i < c->arg[2]; i += c->arg[3]) {
		store(c->arg[0] + i * PAGE_SIZE, page_tag(c->arg[4], i));
		c->touched++;
	}
}

static void do_read(struct comm *c)
{
	for (uint64_t i = c->arg[1]; i < c->arg[2]; i += c->arg[3]) {
		uint64_t gva = c->arg[0] + i * PAGE_SIZE;
		uint64_t want = c->arg[4] ? page_tag(c->arg[4], i) : 0;

		expect(c, gva, load(gva), want);
		c->touched++;
	}
}

/* Each page starts with "mov $page, %eax; ret", put there by the VMM. */
static void do_exec(struct comm *c)
{
	for (uint64_t i = c->arg[1]; i < c->arg[2]; i += c->arg[3]) {
		uint64_t gva = c->arg[0] + i * PAGE_SIZE;

		expect(c, gva, ((uint32_t (*)(void))gva)(), (uint32_t)i);
		c->touched++;
	}
}

/*
 * Maps a different frame at each page of a window in every round: the load
 * after INVLPG must show the tag of the new frame, not of the old one.
 */
static void do_churn(struct comm *c)
{
	uint64_t gva = c->arg[0], pages = c->arg[1], pte = c->arg[2];
	uint64_t frame = c->arg[3], frames = c->arg[4];

	for (uint64_t r = 1; r <= c->arg[5]; r++) {
		for (uint64_t i = 0; i < pages; i++) {
			uint64_t at = gva + i * PAGE_SIZE;
			uint64_t n = (i + r) % frames;

			store(pte + i * 8, 0);
			invlpg(at);
			store(pte + i * 8, (frame + n * PAGE_SIZE) | PTE_RWX);
			c->pt_writes += 2;
			c->invlpgs++;
			expect(c, at, load(at), page_tag(c->arg[6], n));
			c->touched++;
		}
	}
}

/* Space s maps page i of the window to frame s * pages + i. */
static void do_switch(struct comm *c)
{
	uint64_t spaces = c->arg[1], gva = c->arg[2], pages = c->arg[3];

	for (uint64_t r = 0; r < c->arg[0]; r++) {
		uint64_t s = r % spaces;

		set_cr3(load(c->arg[4] + s * 8));
		c->cr3_writes++;
		for (uint64_t i = 0; i < pages; i++) {
			uint64_t at = gva + i * PAGE_SIZE;

			expect(c, at, load(at),
			       page_tag(c->arg[5], s * pages + i));
			c->touched++;
		}
	}
	set_cr3(load(c->arg[4]));
	c->cr3_writes++;
}

static void do_invlpg(struct comm *c)
{
	for (uint64_t r = 0; r < c->arg[2]; r++) {
		for (uint64_t i = 0; i < c->arg[1]; i++) {
			uint64_t at = c->arg[0] + i * PAGE_SIZE;

			invlpg(at);
			c->invlpgs++;
			expect(c, at, load(at), page_tag(c->arg[3], i));
			c->touched++;
		}
	}
}

static void do_mmio(struct comm *c)
{
	for (uint64_t i = 0; i < c->arg[2]; i++) {
		uint64_t at = c->arg[0] + i % c->arg[1] * 4;
		uint32_t want = c->arg[3] + i;

		*(volatile uint32_t *)at = want;
		c->mmio_writes++;
		expect(c, at, *(volatile uint32_t *)at, ~want);
		c->mmio_reads++;
	}
}

/* A write to ROM must reach the VMM and change nothing. */
static void do_rom(struct comm *c)
{
	for (uint64_t i = c->arg[1]; i < c->arg[2]; i += c->arg[3]) {
		uint64_t at = c->arg[0] + i * PAGE_SIZE;
		uint64_t want = page_tag(c->arg[4], i);

		expect(c, at, load(at), want);
		store(at, ~want);
		c->mmio_writes++;
		expect(c, at, load(at), want);
		c->touched++;
	}
}

static void do_spin(struct comm *c)
{
	volatile uint32_t *stop = &c->stop;

	do {
		for (uint64_t i = c->arg[1]; i < c->arg[2]; i++) {
			uint64_t at = c->arg[0] + i * PAGE_SIZE;
			uint64_t tag = page_tag(c->arg[4], i);

			expect(c, at, load(at), tag);
			store(at, tag);
			c->touched++;
		}
		c->loops++;
	} while (!*stop);
}

static void set_pte(struct comm *c, uint64_t at, uint64_t value)
{
	store(at, value);
	c->pt_writes++;
}

/* A page's translation changes from one that the CPU may hold to another. */
static void change_pte(struct comm *c, uint64_t at, uint64_t value, uint64_t gva)
{
	set_pte(c, at, value);
	invlpg(gva);
	c->invlpgs++;
}

/* The page-table entry for @gva, in tables that are mapped 1:1. */
static uint64_t find_pte(uint64_t root, uint64_t gva)
{
	uint64_t table = root;

	for (int shift = 39; shift > PAGE_SHIFT; shift -= 9)
		table = load(table + (gva >> shift & 511) * 8) & ~0xfffull;
	return table + (gva >> PAGE_SHIFT & 511) * 8;
}

/* The child's tables: the parent's pages, read-only in both from now on. */
static void fork_space(struct comm *c, uint64_t gva, uint64_t pages, uint64_t parent,
		       uint64_t child)
{
	uint64_t from = find_pte(parent, gva), to = child + 3 * PAGE_SIZE;

	set_pte(c, child, load(parent));
	set_pte(c, child + (gva >> 39 & 511) * 8, (child + PAGE_SIZE) | PTE_RWX);
	set_pte(c, child + PAGE_SIZE + (gva >> 30 & 511) * 8,
		(child + 2 * PAGE_SIZE) | PTE_RWX);
	set_pte(c, child + 2 * PAGE_SIZE + (gva >> 21 & 511) * 8, to | PTE_RWX);
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t pte = load(from + i * 8) & ~PTE_W;

		change_pte(c, from + i * 8, pte, gva + i * PAGE_SIZE);
		set_pte(c, to + i * 8, pte);
	}
}

/* The child reads all its pages, and writes every second one to a copy of its own. */
static void fork_child(struct comm *c, uint64_t gva, uint64_t pages, uint64_t pte,
		       uint64_t copies, uint64_t seed)
{
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t at = gva + i * PAGE_SIZE;

		expect(c, at, load(at), page_tag(seed, i));
		c->touched++;
		if (i & 1)
			continue;
		change_pte(c, pte + i * 8, (copies + i * PAGE_SIZE) | PTE_RWX, at);
		store(at, page_tag(seed + 1, i));
		expect(c, at, load(at), page_tag(seed + 1, i));
	}
}

/*
 * What a kernel does to the page tables when a process forks, its child writes
 * and exits. There is no exception handler: the kernel knows where it copies.
 */
static void do_fork(struct comm *c)
{
	uint64_t gva = c->arg[0], pages = c->arg[1], parent = c->arg[2], child = c->arg[3];
	uint64_t copies = c->arg[4], seed = c->arg[6], from = find_pte(parent, gva);

	for (uint64_t r = 0; r < c->arg[5]; r++) {
		fork_space(c, gva, pages, parent, child);
		set_cr3(child);
		fork_child(c, gva, pages, child + 3 * PAGE_SIZE, copies, seed);
		set_cr3(parent);
		c->cr3_writes += 2;
		/* Exit: tables become ordinary pages again, the next child's are zero. */
		for (uint64_t i = 0; i < 4 * PAGE_SIZE; i += 8)
			if (load(child + i))
				set_pte(c, child + i, 0);
		for (uint64_t i = 0; i < pages; i++) {
			uint64_t at = gva + i * PAGE_SIZE;

			change_pte(c, from + i * 8, load(from + i * 8) | PTE_W, at);
			expect(c, at, load(at), page_tag(seed, i));
			store(at, page_tag(seed, i));
		}
		c->loops++;
	}
}

/*
 * Points the windows' page-directory entries at one of two tables, in turn: writes to a
 * guest page table above the last level. Entry 2 * w + s of the list is for window w, and
 * shows it that frame.
 */
static void do_directory(struct comm *c)
{
	uint64_t windows = c->arg[1], entry = c->arg[2], list = c->arg[5];

	for (uint64_t r = 1; r <= c->arg[3]; r++) {
		for (uint64_t w = 0; w < windows; w++) {
			uint64_t at = c->arg[0] + w * HUGE_SIZE, n = 2 * w + (r & 1);

			change_pte(c, entry + w * 8, load(list + n * 8), at);
			expect(c, at, load(at), page_tag(c->arg[4], n));
			c->touched++;
		}
	}
}

/* What the CPU pushes for an exception, onto the stack of its vCPU. */
struct trap {
	uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * The guest's handler of page faults, as of a kernel: what is not there is mapped for
 * reading, what is written to becomes writable.
 */
__attribute__((interrupt))
static void own_fault(struct trap *trap, unsigned long error)
{
	uint64_t vcpu = ((uintptr_t)trap - STACK_GPA) >> PAGE_SHIFT, gva, at;
	struct comm *c = (struct comm *)(COMM_GPA + vcpu * PAGE_SIZE);

	asm volatile("mov %%cr2, %0" : "=r"(gva));
	/* As do_demand() was told; to read CR3 would be an exit. */
	at = c->arg[2] + ((gva - c->arg[0]) >> PAGE_SHIFT) * 8;
	if (error & PTE_P) {
		c->own_denied++;
		set_pte(c, at, load(at) | PTE_W);
	} else {
		c->own_absent++;
		set_pte(c, at, load(at) | PTE_P);
	}
}

/* A 64-bit interrupt gate (SDM volume 3, figure 6-8). */
static void make_gate(unsigned int vector, void (*handler)(struct trap *, unsigned long))
{
	uint64_t to = (uintptr_t)handler;

	store(IDT_GPA + vector * 16 + 8, to >> 32);
	store(IDT_GPA + vector * 16, (to & 0xffff) | (uint64_t)CODE_SEL << 16 |
	      0x8e0000000000 | (to & 0xffff0000) << 32);
}

/*
 * Pages that are mapped when they are read, made writable when they are written, and taken
 * away at the end of a round. Their entries hold the frame meanwhile.
 */
static void do_demand(struct comm *c)
{
	uint64_t pages = c->arg[1], pte = c->arg[2], seed = c->arg[4];

	make_gate(PF_VECTOR, own_fault);
	for (uint64_t r = 0; r < c->arg[3]; r++) {
		for (uint64_t i = 0; i < pages; i++) {
			uint64_t at = c->arg[0] + i * PAGE_SIZE;

			expect(c, at, load(at), page_tag(seed + r, i));
			store(at, page_tag(seed + r + 1, i));
			c->touched++;
		}
		for (uint64_t i = 0; i < pages; i++)
			change_pte(c, pte + i * 8, load(pte + i * 8) & ~(PTE_P | PTE_W),
				   c->arg[0] + i * PAGE_SIZE);
	}
}

static void serve(struct comm *c)
{
	switch (c->op) {
	case OP_WARM:
		return do_warm(c);
	case OP_WRITE:
		return do_write(c);
	case OP_READ:
		return do_read(c);
	case OP_EXEC:
		return do_exec(c);
	case OP_CHURN:
		return do_churn(c);
	case OP_SWITCH:
		return do_switch(c);
	case OP_INVLPG:
		return do_invlpg(c);
	case OP_MMIO:
		return do_mmio(c);
	case OP_ROM:
		return do_rom(c);
	case OP_SPIN:
		return do_spin(c);
	case OP_DIRECTORY:
		return do_directory(c);
	case OP_DEMAND:
		return do_demand(c);
	case OP_FORK:
		return do_fork(c);
	}
}

/* First in the blob: the VMM starts each vCPU here with its comm page. */
__attribute__((section(".text.entry"), noreturn))
void payload_entry(struct comm *c)
{
	for (;;) {
		serve(c);
		ring_bell(c);
		asm volatile("" : : : "memory");
	}
}
