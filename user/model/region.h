/* SPDX-License-Identifier: GPL-2.0 */
/* Where the history keeps its words: regions of pages by a key, in bounded memory. */
#ifndef MODEL_REGION_H
#define MODEL_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/history.h"

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
 * @nr: slots in use
 * @nr_leaves: words of pages are there for so many regions, at most @max_leaves
 * @arenas: memory of the leaves
 * @fresh: leaves of the first arena that were never used
 * @spare: leaves that were given back, by their first word
 * @memo: slot that was used last
 * @hand: where to look for something to forget
 * @evicted: regions that were forgotten
 * @gaps: times that something was forgotten or not seen
 */
struct regions {
	struct region *slots;
	size_t nr_slots;
	size_t max_slots;
	size_t nr;
	size_t nr_leaves;
	size_t max_leaves;
	struct arena *arenas;
	size_t fresh;
	uint64_t *spare;
	size_t memo;
	size_t hand;
	uint64_t evicted;
	uint64_t gaps;
};

#define LEAF_BYTES	(HISTORY_PAGES * sizeof(uint64_t))

/* Return: 0 or -ENOMEM. */
int regions_init(struct regions *t, size_t slots, size_t leaves);

void regions_clear(struct regions *t);

static inline size_t region_home(const struct regions *t, uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15ULL >> 32) & (t->nr_slots - 1);
}

/* Return: the region of @key, which is not 0, or NULL. */
static inline struct region *region_find(struct regions *t, uint64_t key)
{
	size_t at = t->memo;

	if (t->slots[at].key == key)
		return &t->slots[at];
	for (at = region_home(t, key); t->slots[at].key; at = (at + 1) & (t->nr_slots - 1)) {
		if (t->slots[at].key == key) {
			t->memo = at;
			return &t->slots[at];
		}
	}
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
