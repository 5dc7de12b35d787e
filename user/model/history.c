// SPDX-License-Identifier: GPL-2.0
#include "model/history.h"

#include <stdlib.h>
#include <string.h>

#define SERIAL_BITS	24
/* What the first record tells may have begun before. */
#define EARLIER		(60 * 1000000000ULL)

struct history *history_new(size_t blocks, size_t leaves)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h && !regions_init(&h->regions, blocks, leaves))
		return h;
	free(h);
	return NULL;
}

void history_free(struct history *h)
{
	if (h)
		regions_clear(&h->regions);
	free(h);
}

void history_begin(struct history *h, struct vm_history *v, bool created, uint64_t ts)
{
	if (!h->base)
		h->base = ts > EARLIER ? ts - EARLIER : 0;
	*v = (struct vm_history){ .created = created, .gaps = h->regions.gaps };
	if (!(++h->serial >> SERIAL_BITS))
		v->key = (uint64_t)h->serial << (HISTORY_REGION_BITS + 2);
}

void history_gap(struct history *h)
{
	h->regions.gaps++;
}

void history_partial(struct history *h)
{
	h->partial = true;
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
			return history_word(HISTORY_TAKEN, history_cause(take), history_time(old));
		return old;
	default:
		return take;
	}
}

uint64_t history_current(const struct history *h, const struct vm_history *v, uint64_t page,
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

static enum history_change map_huge(struct history *h, struct vm_history *v, uint64_t region,
				    enum history_state state, uint8_t cause, uint64_t time,
				    uint64_t *broken)
{
	struct region *r = region_get(&h->regions, history_key(v, HISTORY_GFN, region));
	enum history_change change = HISTORY_SAME;

	if (!r)
		return HISTORY_SAME;
	if (r->broken && time > r->broken) {
		*broken = time - r->broken;
		change = HISTORY_REBUILT;
	}
	r->broken = 0;
	r->huge = true;
	r->word = history_word(state, cause, time);
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
	word = history_word(HISTORY_MAPPED_4K, cause, time);
	r = region_get(&h->regions, history_key(v, HISTORY_GFN, region));
	if (!r || !page_set(&h->regions, r, gfn % HISTORY_PAGES, word) || !r->huge)
		return HISTORY_SAME;
	r->huge = false;
	r->broken = time;
	r->breaker = cause;
	return HISTORY_BROKEN;
}

void history_fill(struct history *h, const struct vm_history *v, uint64_t first,
		  unsigned int pages, uint8_t none, uint64_t time)
{
	uint64_t key = history_key(v, HISTORY_GFN, first / HISTORY_PAGES);
	struct region *r = region_get(&h->regions, key);

	for (unsigned int i = 0; r && i < pages; i++) {
		uint64_t word = page_word(r, (first + i) % HISTORY_PAGES);
		uint8_t cause;

		if (v->nr_wide)
			word = history_current(h, v, first + i, word);
		cause = history_state(word) == HISTORY_NONE ? none : history_cause(word);
		if (history_state(word) < HISTORY_FILLED)
			page_set(&h->regions, r, (first + i) % HISTORY_PAGES,
				 history_word(HISTORY_FILLED, cause, time));
	}
}

typedef int64_t words_t __attribute__((vector_size(32)));
typedef uint64_t bits_t __attribute__((vector_size(32)));

#define times(words)	((words_t)((bits_t)(words) >> 11))

/*
 * The same for a region that has words of pages: it is frequent, and what they are cannot be
 * guessed. So it takes four at once and never branches; of a page that had been taken the cause
 * alone can change. Comparisons are -1 where they hold.
 */
__attribute__((target_clones("avx2", "default")))
static void leaf_take(struct region *r, unsigned int first, unsigned int last,
		      const struct history_wide *take, bool never)
{
	words_t *leaf = (words_t *)r->leaf, at = { 0, 1, 2, 3 };
	const int64_t since = history_time(r->word), begin = take->begin, all = r->word;
	const int64_t word = take->word, cause = history_cause(word), none = never ? 0 : -1;

	at += first & ~3;
	for (unsigned int i = first / 4; i <= last / 4; i++, at += 4) {
		const words_t old = leaf[i], stale = (old == 0) | (times(old) < since);
		const words_t now = (old & ~stale) | (all & stale), state = now & 7 << 8;
		const words_t late = ((now & 255) == 0) & (times(now) >= begin);
		const words_t mine = (state > HISTORY_TAKEN << 8) | ((state == 0) & none);
		const words_t kept = now | (cause & late & (state == HISTORY_TAKEN << 8));
		const words_t in = (at >= (int64_t)first) & (at <= (int64_t)last);

		leaf[i] = (((word & mine) | (kept & ~mine)) & in) | (old & ~in);
	}
	if (history_time(take->word) > r->last)
		r->last = history_time(take->word);
}

/* Wide ranges are of guest frames. */
static uint64_t page_current(const struct history *h, const struct vm_history *v,
			     enum history_space space, uint64_t page, uint64_t word)
{
	return space == HISTORY_GFN ? history_current(h, v, page, word) : word;
}

/* Whether all pages have the region's word. */
static bool region_alike(const struct region *r)
{
	return !r->leaf || r->last < history_time(r->word);
}

/* Whether a wide range of @v begins or ends within the region whose first page is @page. */
static bool wide_cuts(const struct vm_history *v, uint64_t page)
{
	for (unsigned int i = 0; i < v->nr_wide; i++)
		if (v->wide[i].first - page - 1 < HISTORY_PAGES - 1 ||
		    v->wide[i].last - page < HISTORY_PAGES - 1)
			return true;
	return false;
}

/* Pages @first to @last of a region. */
static void region_take(struct history *h, const struct vm_history *v, enum history_space space,
			uint64_t region, unsigned int first, unsigned int last,
			const struct history_wide *take)
{
	bool all = first == 0 && last == HISTORY_PAGES - 1;
	bool never = space == HISTORY_GFN && history_complete(h, v);
	uint64_t key = history_key(v, space, region), old, word;
	struct region *r = key ? region_find(&h->regions, key) : NULL;

	/* Nothing of it was mapped. */
	if (!r && never)
		return;
	r = r ?: region_get(&h->regions, key);
	if (r && all && region_alike(r) && !wide_cuts(v, region * HISTORY_PAGES)) {
		old = page_current(h, v, space, region * HISTORY_PAGES, r->word);
		r->word = word_taken(old, take->word, take->begin, never);
		return;
	}
	if (r && r->leaf && !v->nr_wide) {
		leaf_take(r, first, last, take, never);
		return;
	}
	for (unsigned int i = first; r && i <= last; i++) {
		old = page_current(h, v, space, region * HISTORY_PAGES + i, page_word(r, i));
		word = word_taken(old, take->word, take->begin, never);
		if (word != old)
			page_set(&h->regions, r, i, word);
	}
}

/* What the only wide range of @v does to a region that there is. */
static void wide_apply(struct history *h, const struct vm_history *v, struct region *r,
		       uint64_t region)
{
	uint64_t page = region * HISTORY_PAGES, last = page + HISTORY_PAGES - 1, old, word;

	if (v->wide[0].first <= page && v->wide[0].last >= last && region_alike(r)) {
		r->word = history_current(h, v, page, r->word);
		return;
	}
	/* Page by page: it may end within the region. */
	for (unsigned int i = 0; i < HISTORY_PAGES; i++) {
		old = page_word(r, i);
		word = history_current(h, v, page + i, old);
		if (word != old)
			page_set(&h->regions, r, i, word);
	}
}

/* Return: whether the region of @key has pages of @v from @w's first to its last. */
static bool region_within(uint64_t key, const struct vm_history *v,
			  const struct history_wide *w, uint64_t *region)
{
	uint64_t first = history_key(v, HISTORY_GFN, 0);

	*region = key - first;
	return key >= first && !(*region >> HISTORY_REGION_BITS) &&
	       *region >= w->first / HISTORY_PAGES && *region <= w->last / HISTORY_PAGES;
}

/* The oldest wide range is applied to all regions that there are, and forgotten. */
static void wide_forget(struct history *h, struct vm_history *v)
{
	struct vm_history only = *v;
	uint64_t key, region;
	struct region *r;

	only.nr_wide = 1;
	for (size_t at = 0; (r = regions_next(&h->regions, &at, &key));)
		if (region_within(key, v, &only.wide[0], &region))
			wide_apply(h, &only, r, region);
	/* Of pages that no region was made for nothing is known any more. */
	if (!history_complete(h, v))
		h->regions.evicted++;
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
	uint64_t key = history_key(v, HISTORY_GFN, page / HISTORY_PAGES);
	const struct region *r = key ? region_find(&h->regions, key) : NULL;

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

	if (!pages || !v->key)
		return;
	if (space == HISTORY_GFN) {
		first &= ~mapping_mask(h, v, first);
		last |= mapping_mask(h, v, last);
	}
	w = (struct history_wide){ first, last, begin, history_word(HISTORY_TAKEN, cause, time) };
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
		history_word(HISTORY_TAKEN, cause, time),
	};
	uint64_t region = first / HISTORY_PAGES, end = w.last / HISTORY_PAGES, key;
	const struct region *r;

	if (!pages || !v->key)
		return;
	if (end - region > HISTORY_REGIONS) {
		for (size_t at = 0; (r = regions_next(&h->regions, &at, &key));)
			if (region_within(key, v, &w, &region) && r->broken)
				region_take(h, v, HISTORY_GFN, region, 0, HISTORY_PAGES - 1, &w);
		return;
	}
	for (; region <= end; region++) {
		key = history_key(v, HISTORY_GFN, region);
		r = key ? region_find(&h->regions, key) : NULL;
		if (r && r->broken)
			region_take(h, v, HISTORY_GFN, region, 0, HISTORY_PAGES - 1, &w);
	}
}

void history_settle(struct history *h, struct vm_history *v, enum history_space space,
		    uint64_t page, uint64_t time)
{
	uint64_t key = history_key(v, space, page / HISTORY_PAGES);
	struct region *r = key ? region_find(&h->regions, key) : NULL;

	if (r)
		page_set(&h->regions, r, page % HISTORY_PAGES,
			 history_word(HISTORY_MAPPED_4K, 0, time));
}

void history_split(struct history *h, struct vm_history *v, uint64_t gfn, uint64_t time)
{
	uint64_t key = history_key(v, HISTORY_GFN, gfn / HISTORY_PAGES);
	struct region *r = region_get(&h->regions, key);

	if (!r)
		return;
	r->huge = false;
	if (!r->broken) {
		r->broken = time;
		r->breaker = 0;
	}
}

static void region_measure(const struct history *h, const struct vm_history *v, uint64_t page,
			   const struct region *r, struct history_sizes *sizes)
{
	static const uint8_t index[] = {
		[HISTORY_FILLED] = 1, [HISTORY_MAPPED_4K] = 1,
		[HISTORY_MAPPED_2M] = 2, [HISTORY_MAPPED_1G] = 3,
	};
	const unsigned int step = region_alike(r) && !wide_cuts(v, page) ? HISTORY_PAGES : 1;

	sizes->broken += !!r->broken;
	for (unsigned int i = 0; i < HISTORY_PAGES; i += step) {
		enum history_state state;

		state = history_state(history_current(h, v, page + i, page_word(r, i)));
		/* A huge page that was split, with entries that nobody has asked for since. */
		if (state == HISTORY_MAPPED_2M && r->broken)
			state = HISTORY_MAPPED_4K;
		if (state != HISTORY_NONE)
			sizes->pages[state == HISTORY_TAKEN ? 0 : index[state]] += step;
	}
}

void history_measure(const struct history *h, const struct vm_history *v,
		     struct history_sizes *sizes)
{
	uint64_t first = history_key(v, HISTORY_GFN, 0), key;
	const struct region *r;

	*sizes = (struct history_sizes){ 0 };
	for (size_t at = 0; first && (r = regions_next(&h->regions, &at, &key));)
		if (key >> HISTORY_REGION_BITS == first >> HISTORY_REGION_BITS)
			region_measure(h, v, (key - first) * HISTORY_PAGES, r, sizes);
}

void history_usage(const struct history *h, struct history_use *use)
{
	use->bytes = regions_bytes(&h->regions, &use->max);
	use->evicted = h->regions.evicted;
}
