/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An address of a guest, followed through all that stands between it and memory: the
 * guest's page table, the memslot, the host's page table, and KVM's own.
 */
#ifndef ADDRESS_TRANSLATE_H
#define ADDRESS_TRANSLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address/walk.h"
#include "peek_area.h"

#define SLOT_NOWHERE	(~0U)
#define WHY_MAX		200

/**
 * struct translate_ops - where memory is read. Each returns 0 or -errno.
 * @physical: a word of the host's physical memory
 * @owner: @size bytes of the VM owner's memory, that the host has present
 * @pages: the entries of /proc/PID/pagemap for @nr pages of the owner from @hva on
 */
struct translate_ops {
	int (*physical)(void *ctx, uint64_t address, uint64_t *word);
	int (*owner)(void *ctx, uint64_t hva, void *to, size_t size);
	int (*pages)(void *ctx, uint64_t hva, size_t nr, uint64_t *entries);
};

/* /proc/PID/pagemap, Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_PRESENT	(1ULL << 63)
#define PAGE_SWAPPED	(1ULL << 62)
#define PAGE_FRAME	((1ULL << 55) - 1)

enum kvm_tables {
	TABLES_NONE,	/* there are none that could be read */
	TABLES_EPT,
	TABLES_NPT,
	TABLES_SHADOW,
};

/**
 * struct machine - what is known before the first walk
 * @slots: of the VM, @nr_slots
 * @guest: rules of the guest's tables; 0 levels: paging is off; @has_guest: known at all
 * @write_protect: CR0.WP
 * @host: rules of the host's tables; 0 levels: not known
 * @tables: which tables KVM has for the vCPU, with rules @kvm; 0 levels: none now
 * @kvm_by_gpa: shadow tables for a guest that pages not, found by guest-physical address
 * @accessed: KVM's tables have bits for "accessed" that the CPU sets
 * @words: bits of KVM's own in @kvm
 */
struct machine {
	const struct peek_slot *slots;
	size_t nr_slots;
	bool has_guest;
	bool write_protect;
	struct walk_rules guest;
	struct walk_rules host;
	enum kvm_tables tables;
	bool kvm_by_gpa;
	bool accessed;
	struct walk_rules kvm;
	struct walk_words words;
	const struct translate_ops *ops;
	void *ctx;
};

enum page_state { PAGE_UNKNOWN, PAGE_THERE, PAGE_IN_SWAP, PAGE_NOWHERE };

/**
 * struct place - a guest-physical address on the host
 * @slot: index of its memslot, or SLOT_NOWHERE
 * @state: of the host's page
 * @frame: physical address of that page, where there
 */
struct place {
	uint64_t gpa;
	unsigned int slot;
	uint64_t hva;
	enum page_state state;
	uint64_t frame;
};

enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH, ACCESS_KINDS };

/**
 * struct fault - what an access leads to
 * @what: "none", or who has to do with it
 * @why: a sentence; empty for none
 */
struct fault {
	const char *what;
	char why[WHY_MAX];
};

/**
 * struct translation - all that was seen on the way
 * @by_gva: the address was guest-virtual
 * @guest: walk of the guest's tables
 * @tables: where those tables are, one per entry of @guest
 * @table_walks: KVM's entry for each of them, under EPT and NPT
 * @has_gpa: the rest is known
 * @page: where the address is
 * @host: walk of the host's tables, by HVA
 * @kvm: walk of KVM's tables
 * @hpa: host-physical address, where the host has the page; @has_hpa
 * @stable: two readings in a row agreed
 */
struct translation {
	uint64_t address;
	bool by_gva;
	struct walk guest;
	struct place tables[WALK_LEVELS];
	struct walk table_walks[WALK_LEVELS];
	bool has_gpa;
	struct place page;
	struct walk host;
	struct walk kvm;
	bool has_hpa;
	uint64_t hpa;
	bool stable;
	struct fault faults[ACCESS_KINDS];
};

/* Follows @address, a guest-virtual one if @by_gva. Fills all of @t. */
void translate(struct translation *t, const struct machine *m, uint64_t address, bool by_gva);

/* Judges a translation: fills its faults. Part of translate(). */
void translate_judge(struct translation *t, const struct machine *m);

#endif /* ADDRESS_TRANSLATE_H */
