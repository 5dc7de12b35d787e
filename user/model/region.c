// SPDX-License-Identifier: GPL-2.0
#include "model/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOTS_MIN	1024
#define VICTIMS		16	/* of how many the oldest is forgotten */

#define ARENA_BYTES	(2UL << 20)
#define ARENA_LEAVES	(ARENA_BYTES / LEAF_BYTES)

/*
 * Faults come in any order: with leaves all over small pages most of the time would go into
 * misses of the TLB. They come out of huge pages, and go back to a list.
 */
struct arena {
	struct arena *next;
	uint64_t *leaves;
};

int regions_init(struct regions *t, size_t slots, size_t leaves)
{
	t->nr_slots = slots < SLOTS_MIN ? slots : SLOTS_MIN;
	t->shift = 64 - __builtin_ctzll(t->nr_slots);
	t->max_slots = slots;
	t->max_leaves = leaves;
	t->slots = calloc(t->nr_slots, sizeof(*t->slots));
	return t->slots ? 0 : -ENOMEM;
}

void regions_clear(struct regions *t)
{
	struct arena *next;

	for (struct arena *a = t->arenas; a; a = next) {
		next = a->next;
		free(a->leaves);
		free(a);
	}
	free(t->slots);
}

static bool arena_add(struct regions *t)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		return false;
	a->leaves = aligned_alloc(ARENA_BYTES, ARENA_BYTES);
	if (!a->leaves) {
		free(a);
		return false;
	}
	madvise(a->leaves, ARENA_BYTES, MADV_HUGEPAGE);
	a->next = t->arenas;
	t->arenas = a;
	t->fresh = ARENA_LEAVES;
	return true;
}

/* Return: a leaf without words, or NULL. */
static uint64_t *leaf_new(struct regions *t)
{
	uint64_t *leaf = t->spare;

	if (leaf)
		memcpy(&t->spare, leaf, sizeof(t->spare));
	else if (t->fresh || arena_add(t))
		leaf = t->arenas->leaves + --t->fresh * HISTORY_PAGES;
	if (!leaf)
		return NULL;
	t->nr_leaves++;
	return memset(leaf, 0, LEAF_BYTES);
}

static void leaf_free(struct regions *t, uint64_t *leaf)
{
	if (!leaf)
		return;
	memcpy(leaf, &t->spare, sizeof(t->spare));
	t->spare = leaf;
	t->nr_leaves--;
}

static uint64_t region_newest(const struct region *r)
{
	uint64_t time = history_time(r->word);

	return r->last > time ? r->last : time;
}

/* Empties a slot, and moves those behind it that would not be found any more. */
static void region_delete(struct regions *t, size_t at)
{
	size_t mask = t->nr_slots - 1, hole = at;

	leaf_free(t, t->slots[at].leaf);
	for (size_t i = (at + 1) & mask; t->slots[i].key; i = (i + 1) & mask) {
		size_t home = region_home(t, t->slots[i].key);

		/* Not one whose home lies between the hole and itself. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = (struct region){ 0 };
	t->nr--;
}

/* Forgets the oldest of some regions, of those with words for pages where @leaf. */
static void region_evict(struct regions *t, bool leaf)
{
	size_t victim = t->nr_slots, seen = 0;

	for (size_t i = 0; i < t->nr_slots && seen < VICTIMS; i++) {
		const struct region *r = &t->slots[t->hand];

		if (r->key && (!leaf || r->leaf)) {
			seen++;
			if (victim == t->nr_slots ||
			    region_newest(r) < region_newest(&t->slots[victim]))
				victim = t->hand;
		}
		t->hand = (t->hand + 1) & (t->nr_slots - 1);
	}
	if (victim == t->nr_slots)
		return;
	region_delete(t, victim);
	t->evicted++;
	t->gaps++;
}

static bool table_grow(struct regions *t)
{
	struct region *old = t->slots, *slots;
	size_t nr = t->nr_slots;

	slots = nr < t->max_slots ? calloc(2 * nr, sizeof(*slots)) : NULL;
	if (!slots)
		return false;
	t->slots = slots;
	t->nr_slots = 2 * nr;
	t->shift--;
	for (size_t i = 0; i < nr; i++) {
		size_t at = region_home(t, old[i].key);

		if (!old[i].key)
			continue;
		while (slots[at].key)
			at = (at + 1) & (t->nr_slots - 1);
		slots[at] = old[i];
	}
	free(old);
	return true;
}

struct region *region_get(struct regions *t, uint64_t key)
{
	struct region *r = key ? region_find(t, key) : NULL;
	size_t at;

	if (r || !key)
		return r;
	/* Half of it at most: a region is to be found where it belongs. */
	if (t->nr >= t->nr_slots / 2 && !table_grow(t))
		region_evict(t, false);
	for (at = region_home(t, key); t->slots[at].key; at = (at + 1) & (t->nr_slots - 1))
		;
	t->slots[at].key = key;
	t->nr++;
	return &t->slots[at];
}

struct region *page_set(struct regions *t, struct region *r, unsigned int page, uint64_t word)
{
	uint64_t key = r->key;

	if (!r->leaf) {
		if (t->nr_leaves >= t->max_leaves) {
			region_evict(t, true);
			r = region_find(t, key);
			if (!r)
				return NULL;
		}
		r->leaf = leaf_new(t);
		if (!r->leaf) {
			/* As if it had been forgotten. */
			t->evicted++;
			t->gaps++;
			return NULL;
		}
	}
	r->leaf[page] = word;
	if (history_time(word) > r->last)
		r->last = history_time(word);
	return r;
}
