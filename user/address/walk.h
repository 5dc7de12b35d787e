/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks of page tables, as the CPU does them: the guest's, the host's, and those that KVM
 * makes. Knows formats; where words come from is the caller's business.
 */
#ifndef ADDRESS_WALK_H
#define ADDRESS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALK_LEVELS	5
#define WALK_PAGE	4096ULL

enum walk_format {
	WALK_LONG,	/* 64-bit paging, 4 or 5 levels; also NPT, shadow paging and the host */
	WALK_PAE,	/* 3 levels, the first of 4 entries */
	WALK_32,	/* 2 levels, entries of 4 bytes */
	WALK_EPT,
};

/**
 * struct walk_rules - how tables are to be read
 * @levels: of the first table; the last is level 1
 * @root: physical address of the first table, with whatever CR3 has in its low bits
 * @huge_4m: 32-bit paging with CR4.PSE
 * @nx: EFER.NXE, else bit 63 is reserved
 * @made_by_kvm: reserved bits mark MMIO, and tables of 3 levels are KVM's own
 * @mmio_mask, @mmio_value: how KVM marks MMIO, 0 where that is not known
 * @encrypted: bits that say that memory is encrypted, and are not part of addresses
 */
struct walk_rules {
	enum walk_format format;
	unsigned int levels;
	uint64_t root;
	bool huge_4m;
	bool nx;
	bool made_by_kvm;
	uint64_t mmio_mask;
	uint64_t mmio_value;
	uint64_t encrypted;
};

enum walk_end {
	WALK_NONE,		/* there was no walk */
	WALK_MAPPED,
	WALK_ABSENT,		/* the last entry is not present */
	WALK_MMIO,		/* KVM's mark for an address that is no memory */
	WALK_INVALID,		/* the last entry has bits that must not be set there */
	WALK_UNREADABLE,	/* the table of the next entry could not be read */
	WALK_NONCANONICAL,
};

/**
 * struct walk_entry - an entry that was read
 * @at: its physical address
 */
struct walk_entry {
	unsigned int level;
	unsigned int index;
	uint64_t at;
	uint64_t value;
};

/**
 * struct walk - what a walk saw
 * @level: where it ended: of the leaf, or of the entry that ended it
 * @size: bytes that the leaf maps
 * @address: what the address leads to, where mapped
 * @err: -errno of the table that could not be read
 * @at: and where it is
 * @read, @write, @user, @fetch: what all entries together allow
 */
struct walk {
	enum walk_end end;
	unsigned int level;
	uint64_t size;
	uint64_t address;
	uint64_t at;
	int err;
	bool read, write, user, fetch;
	size_t nr;
	struct walk_entry entries[WALK_LEVELS];
};

/* Reads an entry of @size bytes, 4 or 8, at a physical address. Return: 0 or -errno. */
typedef int (*walk_read_fn)(void *ctx, uint64_t address, size_t size, uint64_t *value);

/* Walks to @address, which may be anything. */
void walk_run(struct walk *w, const struct walk_rules *rules, uint64_t address,
	      walk_read_fn read, void *ctx);

/* Return: bytes that an entry of @level maps, e.g. 2 MiB for level 2. */
uint64_t walk_span(enum walk_format format, unsigned int level);

/**
 * struct walk_words - bits of KVM's own in the entries it makes, 0 where not known
 * @host_writable: the host's page may be written
 * @mmu_writable: KVM itself has not protected it
 */
struct walk_words {
	uint64_t host_writable;
	uint64_t mmu_writable;
};

#define WALK_FLAGS_MAX 96

/**
 * walk_flags() - the bits of an entry, in the manuals' words: "P W U A D PS NX"
 * @words: of entries that KVM made, else NULL
 * @text: set, of WALK_FLAGS_MAX bytes
 */
const char *walk_flags(const struct walk_rules *rules, const struct walk_entry *e,
		       const struct walk_words *words, char *text);

/* Return: what the manuals call an entry of that level: "PDPTE". */
const char *walk_level_name(unsigned int level);

#endif /* ADDRESS_WALK_H */
