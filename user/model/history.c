// SPDX-License-Identifier: GPL-2.0
#include "model/history.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOTS_MIN	1024
#define SERIAL_BITS	24
#define REGION_BITS	38	/* 57 bits of address, 59 of a guest frame's */
#define TIME_MAX	((1ULL << 53) - 1)	/* 104 days */
#define EARLIER		(60 * 1000000000ULL)	/* what the first record tells may have begun before */
#define VICTIMS		16	/* of how many the oldest is forgotten */

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

#define ARENA_BYTES	(2UL << 20)
#define LEAF_BYTES	(HISTORY_PAGES * sizeof(uint64_t))
#define ARENA_LEAVES	(ARENA_BYTES / LEAF_BYTES)

/*
 * Faults come in any order: with leaves all over small pages most of the time would go into
 * misses of the TLB. They come out of huge pages, and go back to a list.
 */
struct arena {
	struct arena *next;
	uint64_t *leaves;
};

struct history {
	struct region *slots;	/* hash table with linear probing */
	size_t nr_slots;	/* a power of two */
	size_t max_slots;
	size_t nr_regions;
	size_t nr_leaves;
	size_t max_leaves;
	struct arena *arenas;
	size_t fresh;		/* leaves of the first arena that were never used */
	uint64_t *spare;		/* leaves that were given back, by their first word */
	size_t memo;		/* slot that was used last */
	size_t hand;		/* where to look for something to forget */
	uint64_t evicted;
	uint64_t gaps;
	uint64_t base;		/* time stamp from which words count */
	uint32_t serial;
	bool partial;
};

struct history *history_new(size_t slots, size_t leaves)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->nr_slots = slots < SLOTS_MIN ? slots : SLOTS_MIN;
	h->max_slots = slots;
	h->max_leaves = leaves;
	h->slots = calloc(h->nr_slots, sizeof(*h->slots));
	if (h->slots)
		return h;
	free(h);
	return NULL;
}

void history_free(struct history *h)
{
	struct arena *next;

	if (!h)
		return;
	for (struct arena *a = h->arenas; a; a = next) {
		next = a->next;
		free(a->leaves);
		free(a);
	}
	free(h->slots);
	free(h);
}

static bool arena_add(struct history *h)
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
	a->next = h->arenas;
	h->arenas = a;
	h->fresh = ARENA_LEAVES;
	return true;
}

/* Return: a leaf without words, or NULL. */
static uint64_t *leaf_new(struct history *h)
{
	uint64_t *leaf = h->spare;

	if (leaf)
		memcpy(&h->spare, leaf, sizeof(h->spare));
	else if (h->fresh || arena_add(h))
		leaf = h->arenas->leaves + --h->fresh * HISTORY_PAGES;
	if (!leaf)
		return NULL;
	h->nr_leaves++;
	return memset(leaf, 0, LEAF_BYTES);
}

static void leaf_free(struct history *h, uint64_t *leaf)
{
	if (!leaf)
		return;
	memcpy(leaf, &h->spare, sizeof(h->spare));
	h->spare = leaf;
	h->nr_leaves--;
}

void history_begin(struct history *h, struct vm_history *v, bool created, uint64_t ts)
{
	if (!h->base)
		h->base = ts > EARLIER ? ts - EARLIER : 0;
	*v = (struct vm_history){ .serial = ++h->serial, .created = created, .gaps = h->gaps };
}

void history_gap(struct history *h)
{
	h->gaps++;
}

void history_partial(struct history *h)
{
	h->partial = true;
}

bool history_complete(const struct history *h, const struct vm_history *v)
{
	return v->created && v->gaps == h->gaps && !h->partial;
}

uint64_t history_clock(const struct history *h, uint64_t ts)
{
	if (ts <= h->base)
		return 1;
	return ts - h->base < TIME_MAX ? ts - h->base : TIME_MAX;
}

static uint64_t word_make(enum history_state state, uint8_t cause, uint64_t time)
{
	return time << 11 | (uint64_t)state << 8 | cause;
}

/* 0 where the page cannot be one: in a broken recording anything can be an address. */
static uint64_t region_key(const struct vm_history *v, enum history_space space, uint64_t region)
{
	if (!v->serial || v->serial >> SERIAL_BITS)
		return 0;
	if (space == HISTORY_GFN && region >> REGION_BITS)
		return 0;
	return (uint64_t)v->serial << (REGION_BITS + 2) | (uint64_t)space << REGION_BITS |
	       (region & ((1ULL << REGION_BITS) - 1));
}

static size_t region_home(const struct history *h, uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15ULL >> 32) & (h->nr_slots - 1);
}

static struct region *region_find(struct history *h, uint64_t key)
{
	size_t at = h->memo;

	if (h->slots[at].key == key)
		return &h->slots[at];
	for (at = region_home(h, key); h->slots[at].key; at = (at + 1) & (h->nr_slots - 1)) {
		if (h->slots[at].key == key) {
			h->memo = at;
			return &h->slots[at];
		}
	}
	return NULL;
}

static uint64_t region_newest(const struct region *r)
{
	uint64_t time = history_time(r->word);

	return r->last > time ? r->last : time;
}

/* Empties a slot, and moves those behind it that would not be found any more. */
static void region_delete(struct history *h, size_t at)
{
	size_t mask = h->nr_slots - 1, hole = at;

	leaf_free(h, h->slots[at].leaf);
	for (size_t i = (at + 1) & mask; h->slots[i].key; i = (i + 1) & mask) {
		size_t home = region_home(h, h->slots[i].key);

		/* Not one whose home lies between the hole and itself. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		h->slots[hole] = h->slots[i];
		hole = i;
	}
	h->slots[hole] = (struct region){ 0 };
	h->nr_regions--;
}

/* Forgets the oldest of some regions, of those with words for pages where @leaf. */
static void region_evict(struct history *h, bool leaf)
{
	size_t victim = h->nr_slots, seen = 0;

	for (size_t i = 0; i < h->nr_slots && seen < VICTIMS; i++) {
		const struct region *r = &h->slots[h->hand];

		if (r->key && (!leaf || r->leaf)) {
			seen++;
			if (victim == h->nr_slots ||
			    region_newest(r) < region_newest(&h->slots[victim]))
				victim = h->hand;
		}
		h->hand = (h->hand + 1) & (h->nr_slots - 1);
	}
	if (victim == h->nr_slots)
		return;
	region_delete(h, victim);
	h->evicted++;
	h->gaps++;
}

static bool table_grow(struct history *h)
{
	struct region *old = h->slots, *slots;
	size_t nr = h->nr_slots;

	slots = nr < h->max_slots ? calloc(2 * nr, sizeof(*slots)) : NULL;
	if (!slots)
		return false;
	h->slots = slots;
	h->nr_slots = 2 * nr;
	for (size_t i = 0; i < nr; i++) {
		size_t at = region_home(h, old[i].key);

		if (!old[i].key)
			continue;
		while (slots[at].key)
			at = (at + 1) & (h->nr_slots - 1);
		slots[at] = old[i];
	}
	free(old);
	return true;
}

/* Return: the region, made where there is none; NULL where @key is 0. */
static struct region *region_get(struct history *h, uint64_t key)
{
	struct region *r = key ? region_find(h, key) : NULL;
	size_t at;

	if (r || !key)
		return r;
	/* Three quarters at most, or probing gets long. */
	if (h->nr_regions >= h->nr_slots / 4 * 3 && !table_grow(h))
		region_evict(h, false);
	for (at = region_home(h, key); h->slots[at].key; at = (at + 1) & (h->nr_slots - 1))
		;
	h->slots[at].key = key;
	h->nr_regions++;
	h->memo = at;
	return &h->slots[at];
}

static inline uint64_t page_word(const struct region *r, unsigned int page)
{
	uint64_t word = r->leaf ? r->leaf[page] : 0;

	return word && history_time(word) >= history_time(r->word) ? word : r->word;
}

/* Return: the region of @key, which may have moved; NULL where memory is short. */
static struct region *page_set(struct history *h, struct region *r, unsigned int page,
			       uint64_t word)
{
	uint64_t key = r->key;

	if (!r->leaf) {
		if (h->nr_leaves >= h->max_leaves) {
			region_evict(h, true);
			r = region_find(h, key);
			if (!r)
				return NULL;
		}
		r->leaf = leaf_new(h);
		if (!r->leaf) {
			/* As if it had been forgotten. */
			h->evicted++;
			h->gaps++;
			return NULL;
		}
	}
	r->leaf[page] = word;
	if (history_time(word) > r->last)
		r->last = history_time(word);
	return r;
}

/* @take comes over a page that had @old. */
static inline uint64_t word_taken(uint64_t old, uint64_t take, uint64_t begin, bool never)
{
	switch (history_state(old)) {
	case HISTORY_NONE:
		return never ? old : take;
	case HISTORY_TAKEN:
		/* A page-table page is told of before the end of what removed it. */
		if (!history_cause(old) && history_cause(take) && history_time(old) >= begin)
			return word_make(HISTORY_TAKEN, history_cause(take), history_time(old));
		return old;
	default:
		return take;
	}
}

/* What wide ranges did since the word was written. */
static uint64_t word_current(const struct history *h, const struct vm_history *v, uint64_t page,
			     uint64_t word)
{
	bool never = history_complete(h, v);

	for (unsigned int i = 0; i < v->nr_wide; i++) {
		const struct history_wide *w = &v->wide[i];

		if (page >= w->first && page <= w->last &&
		    history_time(w->word) >= history_time(word))
			word = word_taken(word, w->word, w->begin, never);
	}
	return word;
}

void history_expect(struct history *h, const struct vm_history *v, uint64_t gfn)
{
	uint64_t key = region_key(v, HISTORY_GFN, gfn / HISTORY_PAGES);
	const struct region *r = key ? region_find(h, key) : NULL;

	if (r && r->leaf)
		__builtin_prefetch(&r->leaf[gfn % HISTORY_PAGES]);
}

uint64_t history_look(struct history *h, const struct vm_history *v, enum history_space space,
		      uint64_t page)
{
	uint64_t key = region_key(v, space, page / HISTORY_PAGES);
	struct region *r = key ? region_find(h, key) : NULL;
	uint64_t word = r ? page_word(r, page % HISTORY_PAGES) : 0;

	return space == HISTORY_GFN && v->nr_wide ? word_current(h, v, page, word) : word;
}

static enum history_change map_huge(struct history *h, struct vm_history *v, uint64_t region,
				    enum history_state state, uint8_t cause, uint64_t time,
				    uint64_t *broken)
{
	struct region *r = region_get(h, region_key(v, HISTORY_GFN, region));
	enum history_change change = HISTORY_SAME;

	if (!r)
		return HISTORY_SAME;
	if (r->broken && time > r->broken) {
		*broken = time - r->broken;
		change = HISTORY_REBUILT;
	}
	r->broken = 0;
	r->huge = true;
	r->word = word_make(state, cause, time);
	return change;
}

enum history_change history_map(struct history *h, struct vm_history *v, uint64_t gfn,
				unsigned int level, uint8_t cause, uint64_t time,
				uint64_t *broken)
{
	uint64_t region = gfn / HISTORY_PAGES, word;
	struct region *r;

	if (time > v->mapped)
		v->mapped = time;
	if (level == 2)
		return map_huge(h, v, region, HISTORY_MAPPED_2M, cause, time, broken);
	if (level == 3) {
		region &= ~(uint64_t)(HISTORY_REGIONS - 1);
		for (unsigned int i = 0; i < HISTORY_REGIONS; i++)
			map_huge(h, v, region + i, HISTORY_MAPPED_1G, cause, time, broken);
		return HISTORY_SAME;
	}
	word = word_make(HISTORY_MAPPED_4K, cause, time);
	r = region_get(h, region_key(v, HISTORY_GFN, region));
	r = r ? page_set(h, r, gfn % HISTORY_PAGES, word) : NULL;
	if (!r || !r->huge)
		return HISTORY_SAME;
	r->huge = false;
	r->broken = time;
	return HISTORY_BROKEN;
}

/* Pages @first to @last of a region. */
static void region_take(struct history *h, const struct vm_history *v, enum history_space space,
			uint64_t region, unsigned int first, unsigned int last,
			const struct history_wide *take)
{
	bool all = first == 0 && last == HISTORY_PAGES - 1;
	bool never = space == HISTORY_GFN && history_complete(h, v);
	uint64_t key = region_key(v, space, region), old, word;
	struct region *r = key ? region_find(h, key) : NULL;

	/* Nothing of it was mapped. */
	if (!r && never)
		return;
	r = r ?: region_get(h, key);
	if (r && all && (!r->leaf || r->last < history_time(r->word))) {
		old = word_current(h, v, region * HISTORY_PAGES, r->word);
		r->word = word_taken(old, take->word, take->begin, never);
		return;
	}
	for (unsigned int i = first; r && i <= last; i++) {
		old = page_word(r, i);
		if (v->nr_wide)
			old = word_current(h, v, region * HISTORY_PAGES + i, old);
		word = word_taken(old, take->word, take->begin, never);
		if (word != old)
			r = page_set(h, r, i, word);
	}
}

/* What the only wide range of @v does to a region that there is. */
static void wide_apply(struct history *h, const struct vm_history *v, struct region *r,
		       uint64_t region)
{
	uint64_t page = region * HISTORY_PAGES, old, word;

	/* Page by page: it may end within the region. */
	for (unsigned int i = 0; r && i < HISTORY_PAGES; i++) {
		old = page_word(r, i);
		word = word_current(h, v, page + i, old);
		if (word != old)
			r = page_set(h, r, i, word);
	}
}

/* Return: whether the region in a slot has pages of @v from @w's first to its last. */
static bool region_within(const struct history *h, size_t at, const struct vm_history *v,
			  const struct history_wide *w, uint64_t *region)
{
	uint64_t first = region_key(v, HISTORY_GFN, 0);

	*region = h->slots[at].key - first;
	return h->slots[at].key >= first && !(*region >> REGION_BITS) &&
	       *region >= w->first / HISTORY_PAGES && *region <= w->last / HISTORY_PAGES;
}

/* The oldest wide range is applied to all regions that there are, and forgotten. */
static void wide_forget(struct history *h, struct vm_history *v)
{
	struct vm_history only = *v;
	uint64_t region;

	only.nr_wide = 1;
	for (size_t i = 0; i < h->nr_slots; i++)
		if (region_within(h, i, v, &only.wide[0], &region))
			wide_apply(h, &only, &h->slots[i], region);
	/* Of pages that no region was made for nothing is known any more. */
	if (!history_complete(h, v))
		h->evicted++;
	v->nr_wide--;
	memmove(v->wide, v->wide + 1, v->nr_wide * sizeof(v->wide[0]));
}

static void wide_add(struct history *h, struct vm_history *v, const struct history_wide *w)
{
	for (unsigned int i = 0; i < v->nr_wide; i++) {
		const struct history_wide *old = &v->wide[i];

		/* All of it was taken before, and nothing was mapped since. */
		if (old->first <= w->first && old->last >= w->last &&
		    history_time(old->word) > v->mapped &&
		    (history_cause(old->word) || !history_cause(w->word)))
			return;
	}
	if (v->nr_wide == HISTORY_WIDE)
		wide_forget(h, v);
	v->wide[v->nr_wide++] = *w;
}

/* Return: one less than the pages of the mapping of @page, which goes with any part of it. */
static uint64_t mapping_mask(struct history *h, const struct vm_history *v, uint64_t page)
{
	uint64_t key = region_key(v, HISTORY_GFN, page / HISTORY_PAGES);
	const struct region *r = key ? region_find(h, key) : NULL;

	if (!r || !r->huge)
		return 0;
	switch (history_state(page_word(r, page % HISTORY_PAGES))) {
	case HISTORY_MAPPED_2M:
		return HISTORY_PAGES - 1;
	case HISTORY_MAPPED_1G:
		return HISTORY_PAGES * HISTORY_REGIONS - 1;
	default:
		return 0;
	}
}

void history_take(struct history *h, struct vm_history *v, enum history_space space,
		  uint64_t first, uint64_t pages, uint8_t cause, uint64_t begin, uint64_t time)
{
	uint64_t last = pages > ~first ? UINT64_MAX : first + pages - 1, region, end;
	struct history_wide w;

	if (!pages || !v->serial)
		return;
	if (space == HISTORY_GFN) {
		first &= ~mapping_mask(h, v, first);
		last |= mapping_mask(h, v, last);
	}
	w = (struct history_wide){ first, last, begin, word_make(HISTORY_TAKEN, cause, time) };
	region = first / HISTORY_PAGES;
	end = last / HISTORY_PAGES;
	if (end - region > HISTORY_REGIONS && space == HISTORY_GFN) {
		wide_add(h, v, &w);
		return;
	}
	for (uint64_t at = region; at <= end; at++)
		region_take(h, v, space, at, at == region ? first % HISTORY_PAGES : 0,
			    at == end ? last % HISTORY_PAGES : HISTORY_PAGES - 1, &w);
}

void history_recover(struct history *h, struct vm_history *v, uint64_t first, uint64_t pages,
		     uint8_t cause, uint64_t time)
{
	const struct history_wide w = {
		first, pages > ~first ? UINT64_MAX : first + pages - 1, time,
		word_make(HISTORY_TAKEN, cause, time),
	};
	uint64_t region = first / HISTORY_PAGES, end = w.last / HISTORY_PAGES;

	if (!pages || !v->serial)
		return;
	if (end - region > HISTORY_REGIONS) {
		for (size_t i = 0; i < h->nr_slots; i++)
			if (region_within(h, i, v, &w, &region) && h->slots[i].broken)
				region_take(h, v, HISTORY_GFN, region, 0, HISTORY_PAGES - 1, &w);
		return;
	}
	for (; region <= end; region++) {
		uint64_t key = region_key(v, HISTORY_GFN, region);
		const struct region *r = key ? region_find(h, key) : NULL;

		if (r && r->broken)
			region_take(h, v, HISTORY_GFN, region, 0, HISTORY_PAGES - 1, &w);
	}
}

void history_settle(struct history *h, struct vm_history *v, enum history_space space,
		    uint64_t page, uint64_t time)
{
	uint64_t key = region_key(v, space, page / HISTORY_PAGES);
	struct region *r = key ? region_find(h, key) : NULL;

	if (r)
		page_set(h, r, page % HISTORY_PAGES, word_make(HISTORY_MAPPED_4K, 0, time));
}

void history_split(struct history *h, struct vm_history *v, uint64_t gfn, uint64_t time)
{
	struct region *r = region_get(h, region_key(v, HISTORY_GFN, gfn / HISTORY_PAGES));

	if (!r)
		return;
	r->huge = false;
	if (!r->broken)
		r->broken = time;
}

static void region_measure(const struct history *h, const struct vm_history *v,
			   const struct region *r, struct history_sizes *sizes)
{
	static const uint8_t index[] = {
		[HISTORY_MAPPED_4K] = 1, [HISTORY_MAPPED_2M] = 2, [HISTORY_MAPPED_1G] = 3,
	};
	uint64_t page = (r->key & ((1ULL << REGION_BITS) - 1)) * HISTORY_PAGES;

	sizes->broken += !!r->broken;
	for (unsigned int i = 0; i < HISTORY_PAGES; i++) {
		enum history_state state;

		state = history_state(word_current(h, v, page + i, page_word(r, i)));
		/* A huge page that was split, with entries that nobody has asked for since. */
		if (state == HISTORY_MAPPED_2M && r->broken)
			state = HISTORY_MAPPED_4K;
		if (state != HISTORY_NONE)
			sizes->pages[state == HISTORY_TAKEN ? 0 : index[state]]++;
	}
}

void history_measure(const struct history *h, const struct vm_history *v,
		     struct history_sizes *sizes)
{
	uint64_t all = region_key(v, HISTORY_GFN, 0) >> REGION_BITS;

	*sizes = (struct history_sizes){ 0 };
	for (size_t i = 0; all && i < h->nr_slots; i++)
		if (h->slots[i].key >> REGION_BITS == all)
			region_measure(h, v, &h->slots[i], sizes);
}

void history_usage(const struct history *h, struct history_use *use)
{
	*use = (struct history_use){
		.bytes = h->nr_slots * sizeof(*h->slots) + h->nr_leaves * LEAF_BYTES,
		.max = h->max_slots * sizeof(*h->slots) + h->max_leaves * LEAF_BYTES,
		.regions = h->nr_regions,
		.evicted = h->evicted,
	};
}
