/* SPDX-License-Identifier: GPL-2.0 */
/* Where the history keeps its words: regions of pages by a key, in bounded memory. */
#ifndef MODEL_REGION_H
#define MODEL_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_PAGES	512	/* of a region */

/* A word: cause, state and time in ns since before the first record. 0: never heard of. */
enum history_state {
	HISTORY_NONE, HISTORY_TAKEN, HISTORY_MAPPED_4K, HISTORY_MAPPED_2M, HISTORY_MAPPED_1G
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
 * @key: VM, space and number; 0 for an empty slot of the table
 * @word: of all pages that have no newer one
 * @last: time of the newest word of a page
 * @broken: time at which it had small pages for the first time after a huge one, 0 if it has not
 * @huge: it was mapped by a huge page last
 * @leaf: words of pages, NULL as long as there is none
 */
struct region {
	uint64_t key;
	uint64_t word;
	uint64_t last;
	uint64_t broken : 63;
	uint64_t huge : 1;
	uint64_t *leaf;
};

/**
 * struct regions - hash table with linear probing
 * @nr_slots: of it, a power of two, at most @max_slots
 * @shift: 64 less the logarithm of that
 * @nr: slots in use
 * @nr_leaves: words of pages are there for so many regions, at most @max_leaves
 * @arenas: memory of the leaves
 * @fresh: leaves of the first arena that were never used
 * @spare: leaves that were given back, by their first word
 * @hand: where to look for something to forget
 * @evicted: regions that were forgotten
 * @gaps: times that something was forgotten or not seen
 */
struct regions {
	struct region *slots;
	size_t nr_slots;
	unsigned int shift;
	size_t max_slots;
	size_t nr;
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
int regions_init(struct regions *t, size_t slots, size_t leaves);

void regions_clear(struct regions *t);

/* Numbers in a row are spread evenly by the golden ratio (Knuth, TAOCP 3, 6.4). */
static inline size_t region_home(const struct regions *t, uint64_t key)
{
	return key * 0x9e3779b97f4a7c15ULL >> t->shift;
}

/* Return: the region of @key, which is not 0, or NULL. */
static inline struct region *region_find(const struct regions *t, uint64_t key)
{
	for (size_t at = region_home(t, key); t->slots[at].key; at = (at + 1) & (t->nr_slots - 1))
		if (t->slots[at].key == key)
			return &t->slots[at];
	return NULL;
}

/* Return: the region, made where there is none; NULL where @key is 0. */
struct region *region_get(struct regions *t, uint64_t key);

/* Return: the word of a page of @r. */
static inline uint64_t page_word(const struct region *r, unsigned int page)
{
	uint64_t word = r->leaf ? r->leaf[page] : 0;

	return word && history_time(word) >= history_time(r->word) ? word : r->word;
}

/**
 * page_set() - give a page of @r a word
 *
 * Return: the region, which may have moved; NULL where it was forgotten for want of memory.
 */
struct region *page_set(struct regions *t, struct region *r, unsigned int page, uint64_t word);

#endif /* MODEL_REGION_H */
