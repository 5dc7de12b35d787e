/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What became of each guest page of every VM: mapped, or taken away, by what and
 * when. 8 bytes per page and 32 per region of 2 MiB, only for what records spoke of.
 *
 * A region of 512 pages has one word as long as all of it has the same fate;
 * words per page come with the first page that differs, and count where they are
 * newer. What befalls more than HISTORY_REGIONS regions at once is kept in a
 * short list per VM and applied when a page is looked at.
 */
#ifndef MODEL_HISTORY_H
#define MODEL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/region.h"

#define HISTORY_REGIONS	512	/* 1 GiB */
#define HISTORY_WIDE	8

/* The bound on memory, over all VMs: 2 TiB of guest memory, of which 48 GiB in small pages. */
#define HISTORY_BLOCKS_MAX	16384U
#define HISTORY_LEAVES_MAX	24576U

/*
 * Addresses that are kept apart: guest frames, guest virtual pages, frames of guest page tables,
 * and what such a table of small pages maps: guest virtual addresses by 2 MiB.
 */
enum history_space { HISTORY_GFN, HISTORY_GVA, HISTORY_TABLE, HISTORY_TABLE_GVA };

/* A wide range that was taken away. */
struct history_wide {
	uint64_t first;
	uint64_t last;
	uint64_t begin;
	uint64_t word;
};

/**
 * struct vm_history - what the history has of one VM besides pages
 * @key: of what its pages are found by, never used again; 0 before history_begin()
 * @created: it was made under our eyes
 * @gaps: gaps of the history at that time
 * @mapped: time of the last mapping
 * @wide: @nr_wide ranges, oldest first
 */
struct vm_history {
	uint64_t key;
	bool created;
	uint64_t gaps;
	uint64_t mapped;
	struct history_wide wide[HISTORY_WIDE];
	unsigned int nr_wide;
};

/**
 * struct history_use - how full it is
 * @bytes: in use, of at most @max
 * @evicted: regions that were forgotten to keep that bound
 */
struct history_use {
	uint64_t bytes;
	uint64_t max;
	uint64_t evicted;
};

/* What a mapping did to its region. */
enum history_change {
	HISTORY_SAME,
	HISTORY_BROKEN,		/* it had been mapped by a huge page, now has a small one */
	HISTORY_REBUILT,	/* it was broken, and is mapped by a huge page again */
};

/**
 * struct history - of all VMs
 * @base: time stamp from which words count
 * @serial: of the newest VM
 * @partial: what there is to see began in the middle
 */
struct history {
	struct regions regions;
	uint64_t base;
	uint32_t serial;
	bool partial;
};

/* Return: an empty history, or NULL. @blocks, @leaves: bounds, HISTORY_*_MAX or less in tests. */
struct history *history_new(size_t blocks, size_t leaves);

void history_free(struct history *h);

/* A VM appears at time stamp @ts; @created: it has mapped nothing yet. */
void history_begin(struct history *h, struct vm_history *v, bool created, uint64_t ts);

/* Records were lost: from now on, what was not seen may have been. */
void history_gap(struct history *h);

/* What there is to see begins in the middle. */
void history_partial(struct history *h);

/* Return: whether a page of @v that the history does not have was never mapped. */
static inline bool history_complete(const struct history *h, const struct vm_history *v)
{
	return v->created && v->gaps == h->regions.gaps && !h->partial;
}

#define HISTORY_TIME_MAX	((1ULL << 53) - 1)	/* 104 days */

/* Return: time stamp @ts as words have it. */
static inline uint64_t history_clock(const struct history *h, uint64_t ts)
{
	if (ts <= h->base)
		return 1;
	return ts - h->base < HISTORY_TIME_MAX ? ts - h->base : HISTORY_TIME_MAX;
}

/* Return: @ns after @time. */
static inline uint64_t history_after(uint64_t time, uint64_t ns)
{
	return ns < HISTORY_TIME_MAX - time ? time + ns : HISTORY_TIME_MAX;
}

#define HISTORY_REGION_BITS	38	/* 57 bits of address, 59 of a guest frame's */

/* 0 where the page cannot be one: in a broken recording anything can be an address. */
static inline uint64_t history_key(const struct vm_history *v, enum history_space space,
				   uint64_t region)
{
	if (space != HISTORY_GFN)
		region &= (1ULL << HISTORY_REGION_BITS) - 1;
	if (!v->key || region >> HISTORY_REGION_BITS)
		return 0;
	return v->key | (uint64_t)space << HISTORY_REGION_BITS | region;
}

/*
 * The frame @gfn will be asked for soon: its word is far away, and may be fetched meanwhile. Where
 * it is no frame, or nothing is known of it, that does nothing, without a branch to find it out.
 */
static inline void history_expect(const struct history *h, const struct vm_history *v,
				  uint64_t gfn)
{
	uint64_t region = gfn / HISTORY_PAGES & ((1ULL << HISTORY_REGION_BITS) - 1);
	const struct region *r = region_guess(&h->regions, v->key | region);

	/* Without a leaf that is no address, and fetching it does nothing. */
	__builtin_prefetch((void *)((uintptr_t)r->leaf + gfn % HISTORY_PAGES * sizeof(*r->leaf)),
			   1);
	/* Else gcc takes a function that has no other effect for one that has none. */
	__asm__ volatile("");
}

/* Return: @word of a page, and what wide ranges of @v did since it was written. */
uint64_t history_current(const struct history *h, const struct vm_history *v, uint64_t page,
			 uint64_t word);

/* Return: the word of @page, 0 where nothing is known. @region: set to where it is, or NULL. */
static inline uint64_t history_find(const struct history *h, const struct vm_history *v,
				    enum history_space space, uint64_t page,
				    struct region **region)
{
	uint64_t key = history_key(v, space, page / HISTORY_PAGES);
	struct region *r = key ? region_find(&h->regions, key) : NULL;
	uint64_t word = r ? page_word(r, page % HISTORY_PAGES) : 0;

	*region = r;
	return space == HISTORY_GFN && v->nr_wide ? history_current(h, v, page, word) : word;
}

/* The same, for those who only read. */
static inline uint64_t history_look(const struct history *h, const struct vm_history *v,
				    enum history_space space, uint64_t page)
{
	struct region *r;

	return history_find(h, v, space, page, &r);
}

/**
 * history_map() - a page was mapped
 * @level: 1 4K, 2 2M, 3 1G; all of a larger page counts
 * @cause: of the fault, kept with the pages
 * @time: history_clock() of it
 * @broken: set to ns since the region was broken, where it is rebuilt
 */
enum history_change history_map(struct history *h, struct vm_history *v, uint64_t gfn,
				unsigned int level, uint8_t cause, uint64_t time,
				uint64_t *broken);

/* The same of a 4K page that history_find() found in @r, which may be NULL. */
static inline enum history_change history_map_at(struct history *h, struct vm_history *v,
						 struct region *r, uint64_t gfn, uint8_t cause,
						 uint64_t time, uint64_t *broken)
{
	if (!r || !r->leaf || r->huge)
		return history_map(h, v, gfn, 1, cause, time, broken);
	if (time > v->mapped)
		v->mapped = time;
	if (time > r->last)
		r->last = time;
	r->leaf[gfn % HISTORY_PAGES] = history_word(HISTORY_MAPPED_4K, cause, time);
	return HISTORY_SAME;
}

/*
 * Those of @pages pages of one region that are not mapped may be so now, by 4K each. What took them
 * stays with them, or @none with those of which nothing is known: it is what a page that was left
 * out faults for.
 */
void history_fill(struct history *h, const struct vm_history *v, uint64_t first,
		  unsigned int pages, uint8_t none, uint64_t time);

/**
 * history_take() - @pages pages from @first on were taken away, those of them that were mapped
 * @begin: history_clock() of when that began, and @time of when it was done
 *
 * What was taken before stays with whoever took it, unless that was not known and this can have
 * been it. Outside of HISTORY_GFN all of the pages count as having been mapped.
 */
void history_take(struct history *h, struct vm_history *v, enum history_space space,
		  uint64_t first, uint64_t pages, uint8_t cause, uint64_t begin, uint64_t time);

/* As history_take(), of regions alone that have small pages instead of a huge one. */
void history_recover(struct history *h, struct vm_history *v, uint64_t first, uint64_t pages,
		     uint8_t cause, uint64_t time);

/* Pages that had been taken are so no longer. */
void history_settle(struct history *h, struct vm_history *v, enum history_space space,
		    uint64_t page, uint64_t time);

/* The huge page at @gfn was split. */
void history_split(struct history *h, struct vm_history *v, uint64_t gfn, uint64_t time);

/**
 * struct history_sizes - the memory of a VM as far as it was seen
 * @pages: 4K pages that are mapped by a page of 4K, 2M, 1G (index 1, 2, 3), and taken away (0)
 * @broken: regions that are mapped in small pages and were not
 */
struct history_sizes {
	uint64_t pages[4];
	uint64_t broken;
};

/* Looks at all of the VM; not for each record. */
void history_measure(const struct history *h, const struct vm_history *v,
		     struct history_sizes *sizes);

void history_usage(const struct history *h, struct history_use *use);

#endif /* MODEL_HISTORY_H */
