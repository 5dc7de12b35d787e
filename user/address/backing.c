// SPDX-License-Identifier: GPL-2.0
#include "address/backing.h"

#include <errno.h>
#include <string.h>

#define TABLE_PAGES	512	/* that one page-table page maps */
#define TABLE_BYTES	(TABLE_PAGES * WALK_PAGE)

struct scan {
	const struct translate_ops *ops;
	void *ctx;
};

static int read_physical(void *ctx, uint64_t address, size_t size, uint64_t *value)
{
	const struct scan *s = ctx;

	(void)size;
	return s->ops->physical(s->ctx, address, value);
}

/* Bytes from @hva to the end of what an entry of @level maps, at most @size. */
static uint64_t rest_of(uint64_t hva, uint64_t size, unsigned int level)
{
	uint64_t span = walk_span(WALK_LONG, level), rest = span - hva % span;

	return rest < size ? rest : size;
}

/* Return: bytes that the page table alone tells all about, 0 where pages must be looked at. */
static uint64_t scan_table(struct backing *b, const struct walk_rules *host, struct scan *s,
			   uint64_t hva, uint64_t size)
{
	uint64_t bytes;
	struct walk w;

	if (!host->levels)
		return 0;
	walk_run(&w, host, hva, read_physical, s);
	if (w.level < 2 || w.level > WALK_LEVELS)
		return 0;
	bytes = rest_of(hva, size, w.level);
	if (w.end == WALK_ABSENT && !w.entries[w.nr - 1].value)
		return bytes;
	if (w.end != WALK_MAPPED)
		return 0;
	b->resident += bytes;
	if (w.level == 2)
		b->huge_2m += bytes;
	else
		b->huge_1g += bytes;
	return bytes;
}

static int scan_pages(struct backing *b, struct scan *s, uint64_t hva, uint64_t size)
{
	uint64_t entries[TABLE_PAGES];
	size_t nr = size / WALK_PAGE;
	int err = s->ops->pages(s->ctx, hva, nr, entries);

	for (size_t i = 0; !err && i < nr; i++) {
		if (entries[i] & PAGE_SWAPPED)
			b->swapped += WALK_PAGE;
		else if (entries[i] & PAGE_PRESENT)
			b->resident += WALK_PAGE;
	}
	return err;
}

int backing_scan(struct backing *b, const struct walk_rules *host,
		 const struct translate_ops *ops, void *ctx, uint64_t hva, uint64_t size)
{
	struct scan s = { ops, ctx };
	uint64_t step;
	int err = 0;

	memset(b, 0, sizeof(*b));
	while (size && !err) {
		step = scan_table(b, host, &s, hva, size);
		if (!step) {
			step = rest_of(hva, size, 2);
			err = scan_pages(b, &s, hva, step);
		}
		hva += step;
		size -= step;
	}
	return err;
}
