// SPDX-License-Identifier: GPL-2.0
/* Walks of tables that are made here, one word at a time, in every format. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "address/backing.h"
#include "address/walk.h"

#define WORDS 64

/* Memory in which all but these words reads as zero. */
static struct {
	uint64_t at[WORDS], value[WORDS];
	size_t nr;
	uint64_t unreadable;	/* a page */
} memory;

static int memory_clear(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	return 0;
}

static void put(uint64_t at, uint64_t value)
{
	memory.at[memory.nr] = at;
	memory.value[memory.nr++] = value;
}

static int read_word(void *ctx, uint64_t at, size_t size, uint64_t *value)
{
	(void)ctx;
	if (memory.unreadable && at / WALK_PAGE == memory.unreadable / WALK_PAGE)
		return -EFAULT;
	*value = 0;
	for (size_t i = 0; i < memory.nr; i++)
		if (memory.at[i] == at)
			*value = size == 4 ? (uint32_t)memory.value[i] : memory.value[i];
	return 0;
}

static struct walk walk(const struct walk_rules *r, uint64_t address)
{
	struct walk w;

	walk_run(&w, r, address, read_word, NULL);
	return w;
}

static const struct walk_rules four = { .format = WALK_LONG, .levels = 4, .root = 0x1000,
					.nx = true };

static void long_mode(void **state)
{
	const uint64_t gva = 0xffff808040201234;	/* indices 257, 1, 1, 1 */
	struct walk w;

	(void)state;
	put(0x1000 + 257 * 8, 0x2067);
	put(0x2000 + 1 * 8, 0x3067);
	put(0x3000 + 1 * 8, 0x4065);			/* not writable */
	put(0x4000 + 1 * 8, 0x8000000123456027);	/* NX */
	w = walk(&four, gva);
	assert_int_equal(w.end, WALK_MAPPED);
	assert_int_equal(w.nr, 4);
	assert_int_equal(w.level, 1);
	assert_int_equal(w.size, WALK_PAGE);
	assert_int_equal(w.address, 0x123456234);
	assert_int_equal(w.entries[0].index, 257);
	assert_int_equal(w.entries[3].at, 0x4008);
	assert_true(w.read && w.user && !w.write && !w.fetch);
	w = walk(&four, gva + 0x1000);
	assert_int_equal(w.end, WALK_ABSENT);
	assert_int_equal(w.level, 1);
	assert_int_equal(w.nr, 4);
	w = walk(&four, 0x0000808040201234);
	assert_int_equal(w.end, WALK_NONCANONICAL);
	assert_int_equal(w.nr, 0);
}

static void huge_pages(void **state)
{
	struct walk w;

	(void)state;
	put(0x1000, 0x2067);
	put(0x2000, 0x3067);
	put(0x2008, 0x1400000e7);	/* 1 GiB; bits below are not part of the address */
	put(0x3008, 0x80000010e7);	/* 2 MiB, PAT among its flags */
	w = walk(&four, 0x40000000 + 0x3fedcba9);
	assert_int_equal(w.end, WALK_MAPPED);
	assert_int_equal(w.level, 3);
	assert_int_equal(w.size, 1 << 30);
	assert_int_equal(w.address, 0x140000000 + 0x3fedcba9);
	w = walk(&four, 0x200000 + 0x1fedcb);
	assert_int_equal(w.level, 2);
	assert_int_equal(w.size, 2 << 20);
	assert_int_equal(w.address, 0x8000000000 + 0x1fedcb + 0x0);
	/* PML4 entries have no such bit. */
	put(0x1008, 0x20e7);
	w = walk(&four, 1ULL << 39);
	assert_int_equal(w.end, WALK_INVALID);
	assert_int_equal(w.level, 4);
}

static void five_levels(void **state)
{
	const struct walk_rules five = { .format = WALK_LONG, .levels = 5, .root = 0x1018 };
	struct walk w;

	(void)state;
	put(0x1000 + 3 * 8, 0x2067);
	put(0x2000, 0x3067);
	put(0x3000, 0x4067);
	put(0x4000, 0x5067);
	put(0x5000, 0x6067);
	w = walk(&five, 3ULL << 48);
	assert_int_equal(w.end, WALK_MAPPED);
	assert_int_equal(w.nr, 5);
	assert_int_equal(w.address, 0x6000);
	/* Without NXE the bit is reserved. */
	memory.value[4] |= 1ULL << 63;
	w = walk(&five, 3ULL << 48);
	assert_int_equal(w.end, WALK_INVALID);
	assert_int_equal(w.level, 1);
	assert_int_equal(walk(&five, 1ULL << 56).end, WALK_NONCANONICAL);
}

static void pae(void **state)
{
	/* CR3 is aligned to 32 bytes only. */
	const struct walk_rules r = { .format = WALK_PAE, .levels = 3, .root = 0x1060, .nx = true };
	struct walk w;

	(void)state;
	put(0x1060 + 3 * 8, 0x2001);	/* a PDPTE says nothing of writing */
	put(0x2000 + 5 * 8, 0x7ff00000e7ULL);
	put(0x2000 + 6 * 8, 0x3067);
	put(0x3000, 0x8000000001234067);
	w = walk(&r, 0xc0000000 + 5 * 0x200000 + 0x12345);
	assert_int_equal(w.end, WALK_MAPPED);
	assert_int_equal(w.entries[0].at, 0x1078);
	assert_int_equal(w.size, 2 << 20);
	assert_int_equal(w.address, 0x7ff0012345);
	assert_true(w.write && w.fetch && w.user);
	w = walk(&r, 0xc0000000 + 6 * 0x200000);
	assert_int_equal(w.address, 0x1234000);
	assert_false(w.fetch);
	assert_int_equal(walk(&r, 1ULL << 32).end, WALK_NONCANONICAL);
}

static void two_levels(void **state)
{
	struct walk_rules r = { .format = WALK_32, .levels = 2, .root = 0x1000, .huge_4m = true };
	struct walk w;

	(void)state;
	put(0x1000 + 768 * 4, 0x2067);
	put(0x1000 + 769 * 4, 0x00c020e7);	/* 4 MiB at 0x1_00c00000: PSE-36 */
	put(0x2000 + 1023 * 4, 0xfffff067);
	w = walk(&r, 0xc03ff123);
	assert_int_equal(w.end, WALK_MAPPED);
	assert_int_equal(w.nr, 2);
	assert_int_equal(w.entries[1].at, 0x2000 + 1023 * 4);
	assert_int_equal(w.address, 0xfffff123);
	w = walk(&r, 0xc0400000 + 0x3fffff);
	assert_int_equal(w.size, 4 << 20);
	assert_int_equal(w.address, 0x100c00000 + 0x3fffff);
	/* Without PSE that bit means nothing: it is a table. */
	r.huge_4m = false;
	w = walk(&r, 0xc0400000);
	assert_int_equal(w.end, WALK_ABSENT);
	assert_int_equal(w.entries[1].at, 0x00c02000);
}

static void ept(void **state)
{
	const struct walk_rules r = { .format = WALK_EPT, .levels = 4, .root = 0x1000,
				      .made_by_kvm = true };
	const struct walk_words words = { .host_writable = 1ULL << 57, .mmu_writable = 1ULL << 58 };
	char flags[WALK_FLAGS_MAX];
	struct walk w;

	(void)state;
	put(0x1000, 0x2107);
	put(0x2000, 0x3107);
	put(0x3000, 0x4107);
	put(0x3008, 0x0600000001200bb5 | 1ULL << 8);	/* 2 MiB, R X, WB, no W */
	put(0x4008, 6);					/* a misconfiguration */
	put(0x4010, 0x5a0);
	w = walk(&r, 0x200000 + 0x42);
	assert_int_equal(w.end, WALK_MAPPED);
	assert_int_equal(w.address, 0x1200042);
	assert_true(w.read && w.fetch && !w.write);
	assert_string_equal(walk_flags(&r, &w.entries[2], &words, flags), "R X A D PS WB Hw Mw");
	w = walk(&r, 0x1000);
	assert_int_equal(w.end, WALK_MMIO);
	assert_string_equal(walk_flags(&r, &w.entries[3], &words, flags), "MMIO");
	assert_int_equal(walk(&r, 0x2000).end, WALK_ABSENT);
	assert_int_equal(walk(&r, 1ULL << 48).end, WALK_NONCANONICAL);
}

/* KVM's marks, where the kernel tells them and where it does not. */
static void mmio_marks(void **state)
{
	struct walk_rules r = { .format = WALK_LONG, .levels = 4, .root = 0x1000, .nx = true,
				.made_by_kvm = true };

	(void)state;
	put(0x1000, 0x2067);
	put(0x2000, 0x3067);
	put(0x3000, 0x4067);
	put(0x4000, 1ULL << 51 | 1);
	put(0x4008, 3ULL << 49 | 1);
	assert_int_equal(walk(&r, 0).end, WALK_MMIO);
	assert_int_equal(walk(&r, 0x1000).end, WALK_MAPPED);
	r.mmio_mask = 7ULL << 49 | 1;
	r.mmio_value = 3ULL << 49 | 1;
	assert_int_equal(walk(&r, 0x1000).end, WALK_MMIO);
	/* Where that bit means encryption it is none, and not part of the address. */
	r.encrypted = 1ULL << 51;
	memory.value[3] |= 0x9000;
	assert_int_equal(walk(&r, 0).end, WALK_MAPPED);
	assert_int_equal(walk(&r, 0).address, 0x9000);
}

static void unreadable(void **state)
{
	struct walk w;

	(void)state;
	put(0x1000, 0x2067);
	put(0x2000, 0x3067);
	memory.unreadable = 0x3000;
	w = walk(&four, 0x200000);
	assert_int_equal(w.end, WALK_UNREADABLE);
	assert_int_equal(w.err, -EFAULT);
	assert_int_equal(w.level, 2);
	assert_int_equal(w.at, 0x3008);
	assert_int_equal(w.nr, 2);
}

static void flags(void **state)
{
	struct walk_entry e = { .level = 1, .value = 0x80000000000001fb };
	char text[WALK_FLAGS_MAX];

	(void)state;
	assert_string_equal(walk_flags(&four, &e, NULL, text), "P W PWT PCD A D G NX");
	e.level = 2;
	assert_string_equal(walk_flags(&four, &e, NULL, text), "P W PWT PCD A D G NX PS");
	/* Of a table, dirty and global mean nothing. */
	e.value = 0x167;
	assert_string_equal(walk_flags(&four, &e, NULL, text), "P W U A");
	e.value = 0x166;
	assert_string_equal(walk_flags(&four, &e, NULL, text), "");
	assert_string_equal(walk_level_name(1), "PTE");
	assert_string_equal(walk_level_name(5), "PML5E");
	assert_string_equal(walk_level_name(6), "?");
}

/* Any word anywhere ends somewhere. */
static void anything(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		struct walk_rules r = { 0 };
		struct walk w;

		memory.nr = 0;
		for (unsigned int j = 0; j < 8; j++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			put(0x1000 * (j + 1), (seed & ~0x7000ULL) | (seed >> 60) << 12);
		}
		r.format = seed >> 33 & 3;
		r.levels = seed >> 36 & 7;
		r.root = 0x1000;
		r.nx = seed >> 40 & 1;
		r.made_by_kvm = seed >> 41 & 1;
		w = walk(&r, 0);
		assert_true(w.end != WALK_NONE && w.nr <= WALK_LEVELS);
		assert_true(w.end != WALK_MAPPED || w.size >= WALK_PAGE);
	}
}

/* An owner's memory for backing_scan(): pages by pagemap, and a table. */
static int pages(void *ctx, uint64_t hva, size_t nr, uint64_t *entries)
{
	(void)ctx;
	for (size_t i = 0; i < nr; i++, hva += WALK_PAGE)
		entries[i] = hva < 0x203000 ? 1ULL << 63 : hva < 0x205000 ? 1ULL << 62 : 0;
	return 0;
}

static int physical(void *ctx, uint64_t address, uint64_t *word)
{
	return read_word(ctx, address, 8, word);
}

static void backing(void **state)
{
	const struct translate_ops ops = { .physical = physical, .pages = pages };
	struct walk_rules none = { .format = WALK_LONG };
	struct backing b;

	(void)state;
	put(0x1000, 0x2067);
	put(0x2000, 0x3067);
	put(0x2008, 0x400000e7);	/* 1 GiB */
	put(0x3008, 0x4067);		/* from 2 MiB on: a table */
	put(0x3010, 0x8000e7);		/* from 4 MiB on: a huge page */
	assert_int_equal(backing_scan(&b, &four, &ops, NULL, 0x201000, 0x1000000), 0);
	assert_int_equal(b.resident, 2 * WALK_PAGE + 0x200000);
	assert_int_equal(b.swapped, 2 * WALK_PAGE);
	assert_int_equal(b.huge_2m, 0x200000);
	assert_int_equal(b.huge_1g, 0);
	/* Parts of huge pages, and of nothing. */
	assert_int_equal(backing_scan(&b, &four, &ops, NULL, 0x3ffff000, 0x3000), 0);
	assert_int_equal(b.huge_1g, 0x2000);
	assert_int_equal(b.resident, 0x2000);
	assert_int_equal(backing_scan(&b, &four, &ops, NULL, 0x5ff000, 0x1000), 0);
	assert_int_equal(b.huge_2m, 0x1000);
	assert_int_equal(backing_scan(&b, &none, &ops, NULL, 0x200000, 0x200000), 0);
	assert_int_equal(b.resident, 3 * WALK_PAGE);
	assert_int_equal(b.huge_2m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(long_mode, memory_clear),
		cmocka_unit_test_setup(huge_pages, memory_clear),
		cmocka_unit_test_setup(five_levels, memory_clear),
		cmocka_unit_test_setup(pae, memory_clear),
		cmocka_unit_test_setup(two_levels, memory_clear),
		cmocka_unit_test_setup(ept, memory_clear),
		cmocka_unit_test_setup(mmio_marks, memory_clear),
		cmocka_unit_test_setup(unreadable, memory_clear),
		cmocka_unit_test_setup(flags, memory_clear),
		cmocka_unit_test_setup(anything, memory_clear),
		cmocka_unit_test_setup(backing, memory_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
