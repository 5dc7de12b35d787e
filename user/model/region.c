// SPDX-License-Identifier: GPL-2.0
#include "model/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DIR_MIN		64
#define DIR_SPARE	4	/* entries per block: one is to be found where it belongs */
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

const struct region_block region_nothing;

int regions_init(struct regions *t, size_t blocks, size_t leaves)
{
	t->max_blocks = blocks;
	t->max_leaves = leaves;
	t->nr_dir = DIR_MIN;
	t->shift = 64 - __builtin_ctzll(t->nr_dir);
	t->dir = calloc(t->nr_dir, sizeof(*t->dir));
	return t->dir ? 0 : -ENOMEM;
}

void regions_clear(struct regions *t)
{
	struct arena *next;

	for (struct arena *a = t->arenas; a; a = next) {
		next = a->next;
		free(a->leaves);
		free(a);
	}
	for (size_t i = 0; i < t->nr_blocks; i++)
		free(t->blocks[i]);
	free(t->blocks);
	free(t->dir);
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

static void region_forget(struct regions *t, struct region *r)
{
	t->evicted += r->word || r->leaf;
	leaf_free(t, r->leaf);
	*r = (struct region){ 0 };
}

static uint64_t region_newest(const struct region *r)
{
	uint64_t time = history_time(r->word);

	return r->last > time ? r->last : time;
}

static uint64_t block_newest(const struct region_block *b)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < REGION_BLOCK; i++)
		if (region_newest(&b->region[i]) > newest)
			newest = region_newest(&b->region[i]);
	return newest;
}

/* Empties the entry of a block, and moves those behind it that would not be found any more. */
static void dir_delete(struct regions *t, uint64_t key)
{
	size_t mask = t->nr_dir - 1, hole = region_home(t, key);

	while (t->dir[hole].key != key)
		hole = (hole + 1) & mask;
	for (size_t i = (hole + 1) & mask; t->dir[i].block; i = (i + 1) & mask) {
		size_t home = region_home(t, t->dir[i].key);

		/* Not one whose home lies between the hole and itself. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->dir[hole] = t->dir[i];
		hole = i;
	}
	t->dir[hole] = (struct region_entry){ 0 };
}

static void dir_insert(struct region_entry *dir, const struct regions *t, struct region_block *b)
{
	size_t at = region_home(t, b->key);

	while (dir[at].block)
		at = (at + 1) & (t->nr_dir - 1);
	dir[at] = (struct region_entry){ b->key, b };
}

/* Forgets the oldest of some blocks. */
static void block_evict(struct regions *t)
{
	size_t victim = 0, at = t->hand / REGION_BLOCK;
	struct region_block *b;

	for (size_t i = 0; i < VICTIMS && i < t->nr_blocks; i++, at++) {
		at %= t->nr_blocks;
		if (!i || block_newest(t->blocks[at]) < block_newest(t->blocks[victim]))
			victim = at;
	}
	t->hand = at * REGION_BLOCK;
	b = t->blocks[victim];
	for (size_t i = 0; i < REGION_BLOCK; i++)
		region_forget(t, &b->region[i]);
	dir_delete(t, b->key);
	t->blocks[victim] = t->blocks[--t->nr_blocks];
	free(b);
	t->gaps++;
}

/* Forgets the oldest of some regions that have words for pages. */
static void leaf_evict(struct regions *t)
{
	struct region *victim = NULL;
	size_t seen = 0, all = t->nr_blocks * REGION_BLOCK;

	for (size_t i = 0; i < all && seen < VICTIMS; i++, t->hand++) {
		struct region *r;

		t->hand %= all;
		r = &t->blocks[t->hand / REGION_BLOCK]->region[t->hand % REGION_BLOCK];
		if (!r->leaf)
			continue;
		seen++;
		if (!victim || region_newest(r) < region_newest(victim))
			victim = r;
	}
	if (!victim)
		return;
	region_forget(t, victim);
	t->gaps++;
}

static bool dir_grow(struct regions *t)
{
	struct region_entry *dir = calloc(2 * t->nr_dir, sizeof(*dir));

	if (!dir)
		return false;
	t->nr_dir *= 2;
	t->shift--;
	for (size_t i = 0; i < t->nr_blocks; i++)
		dir_insert(dir, t, t->blocks[i]);
	free(t->dir);
	t->dir = dir;
	return true;
}

/* Return: a block without anything in it, or NULL. */
static struct region_block *block_new(struct regions *t, uint64_t key)
{
	struct region_block **list, *b;

	if (t->nr_blocks == t->max_blocks)
		block_evict(t);
	if (t->nr_blocks >= t->nr_dir / DIR_SPARE && !dir_grow(t))
		return NULL;
	list = realloc(t->blocks, (t->nr_blocks + 1) * sizeof(*list));
	if (!list)
		return NULL;
	t->blocks = list;
	b = aligned_alloc(_Alignof(struct region_block), sizeof(*b));
	if (!b)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->key = key;
	t->blocks[t->nr_blocks++] = b;
	dir_insert(t->dir, t, b);
	return b;
}

struct region *region_get(struct regions *t, uint64_t key)
{
	struct region *r = key ? region_find(t, key) : NULL;
	struct region_block *b;

	if (r || !key)
		return r;
	b = block_new(t, key / REGION_BLOCK);
	if (b)
		return &b->region[key % REGION_BLOCK];
	/* As if it had been forgotten. */
	t->evicted++;
	t->gaps++;
	return NULL;
}

struct region *regions_next(const struct regions *t, size_t *at, uint64_t *key)
{
	while (*at < t->nr_blocks * REGION_BLOCK) {
		struct region_block *b = t->blocks[*at / REGION_BLOCK];
		struct region *r = &b->region[*at % REGION_BLOCK];

		*key = b->key * REGION_BLOCK + *at % REGION_BLOCK;
		++*at;
		if (r->word || r->leaf)
			return r;
	}
	return NULL;
}

uint64_t regions_bytes(const struct regions *t, uint64_t *max)
{
	const size_t block = sizeof(struct region_block) + sizeof(*t->blocks);

	/* The directory grows by the double. */
	*max = t->max_blocks * (block + 2 * DIR_SPARE * sizeof(*t->dir)) +
	       t->max_leaves * LEAF_BYTES + DIR_MIN * sizeof(*t->dir);
	return t->nr_blocks * block + t->nr_dir * sizeof(*t->dir) + t->nr_leaves * LEAF_BYTES;
}

bool page_set(struct regions *t, struct region *r, unsigned int page, uint64_t word)
{
	if (!r->leaf) {
		if (t->nr_leaves >= t->max_leaves)
			leaf_evict(t);
		r->leaf = leaf_new(t);
		if (!r->leaf) {
			t->evicted++;
			t->gaps++;
			return false;
		}
	}
	r->leaf[page] = word;
	if (history_time(word) > r->last)
		r->last = history_time(word);
	return true;
}
