/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the history keeps its words: regions of pages by a key, in bounded memory. A
 * region stays where it is in memory until it is forgotten.
 */
#ifndef MODEL_REGION_H
#define MODEL_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_PAGES	512	/* of a region */

/*
 * A word: cause, state and time in ns since before the first record. 0: never heard of. What is
 * filled was mapped along with a neighbour, unless KVM left it out.
 */
enum history_state {
	HISTORY_NONE, HISTORY_TAKEN,
	HISTORY_FILLED, HISTORY_MAPPED_4K, HISTORY_MAPPED_2M, HISTORY_MAPPED_1G
};

static inline uint64_t history_word(enum history_state state, uint8_t cause, uint64_t time)
{
	return time << 11 | (uint64_t)state << 8 | cause;
}

static inline uint8_t history_cause(uint64_t word)
{
	return word;
}

static inline enum history_state history_state(uint64_t word)
{
	return word >> 8 & 7;
}

static inline uint64_t history_time(uint64_t word)
{
	return word >> 11;
}

/**
 * struct region - 512 pages
 * @word: of all pages that have no newer one
 * @last: time of the newest word of a page
 * @broken: time at which it had small pages for the first time after a huge one, 0 if it has not
 * @breaker: cause of the fault that made it so, 0 where it was none or is not known
 * @huge: it was mapped by a huge page last
 * @leaf: words of pages, NULL as long as there is none
 */
struct region {
	uint64_t word;
	uint64_t last;
	uint64_t broken : 55;
	uint64_t breaker : 8;
	uint64_t huge : 1;
	uint64_t *leaf;
};

#define REGION_BLOCK	64

/* Regions whose keys follow each other, which is where a VM's memory is. */
struct region_block {
	uint64_t key;	/* of the first, divided by REGION_BLOCK */
	struct region region[REGION_BLOCK] __attribute__((aligned(64)));
};

/* An entry of the directory, free without @block. */
struct region_entry {
	uint64_t key;
	struct region_block *block;
};

/**
 * struct regions - regions by key: VM, space and number
 * @dir: hash table of the blocks with linear probing, @nr_dir entries, a power of two
 * @shift: 64 less the logarithm of that
 * @blocks: @nr_blocks of them, at most @max_blocks, in no order
 * @nr_leaves: words of pages are there for so many regions, at most @max_leaves
 * @arenas: memory of the leaves
 * @fresh: leaves of the first arena that were never used
 * @spare: leaves that were given back, by their first word
 * @hand: where to look for something to forget, a region of a block
 * @evicted: regions that were forgotten
 * @gaps: times that something was forgotten or not seen
 */
struct regions {
	struct region_entry *dir;
	size_t nr_dir;
	unsigned int shift;
	struct region_block **blocks;
	size_t nr_blocks;
	size_t max_blocks;
	size_t nr_leaves;
	size_t max_leaves;
	struct arena *arenas;
	size_t fresh;
	uint64_t *spare;
	size_t hand;
	uint64_t evicted;
	uint64_t gaps;
};

#define LEAF_BYTES	(HISTORY_PAGES * sizeof(uint64_t))

/* Return: 0 or -ENOMEM. */
int regions_init(struct regions *t, size_t blocks, size_t leaves);

void regions_clear(struct regions *t);

/* Numbers in a row are spread evenly by the golden ratio (Knuth, TAOCP 3, 6.4). */
static inline size_t region_home(const struct regions *t, uint64_t key)
{
	return key * 0x9e3779b97f4a7c15ULL >> t->shift;
}

/* Return: the region of @key, or NULL. */
static inline struct region *region_find(const struct regions *t, uint64_t key)
{
	size_t at = region_home(t, key / REGION_BLOCK);

	for (; t->dir[at].block; at = (at + 1) & (t->nr_dir - 1))
		if (t->dir[at].key == key / REGION_BLOCK)
			return &t->dir[at].block->region[key % REGION_BLOCK];
	return NULL;
}

extern const struct region_block region_nothing;

/* Return: the region of @key if it is where it belongs, else one without pages. */
static inline const struct region *region_guess(const struct regions *t, uint64_t key)
{
	const struct region_entry *e = &t->dir[region_home(t, key / REGION_BLOCK)];
	const struct region_block *b = e->key == key / REGION_BLOCK ? e->block : NULL;

	return &(b ?: &region_nothing)->region[key % REGION_BLOCK];
}

/* Return: the region, made where there is none; NULL where @key is 0, or without memory. */
struct region *region_get(struct regions *t, uint64_t key);

/* Return: the next region of which something is known, NULL behind the last. @at: 0 at first. */
struct region *regions_next(const struct regions *t, size_t *at, uint64_t *key);

/* Return: bytes that it holds, and what it holds at most. */
uint64_t regions_bytes(const struct regions *t, uint64_t *max);

/* Return: the word of a page of @r. */
static inline uint64_t page_word(const struct region *r, unsigned int page)
{
	uint64_t word = r->leaf ? r->leaf[page] : 0;

	/* Words have a time of 1 or more, 0 is older than any; which is newer cannot be guessed. */
	return history_time(word) < history_time(r->word) ? r->word : word;
}

/* Gives a page of @r a word. Return: whether there was memory for it. */
bool page_set(struct regions *t, struct region *r, unsigned int page, uint64_t word);

#endif /* MODEL_REGION_H */
