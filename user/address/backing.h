/* SPDX-License-Identifier: GPL-2.0 */
/* How much of a range of the owner's memory is there, and mapped by which size of pages. */
#ifndef ADDRESS_BACKING_H
#define ADDRESS_BACKING_H

#include "address/translate.h"

/* Bytes of each; @huge_2m and @huge_1g are part of @resident. */
struct backing {
	uint64_t resident;
	uint64_t swapped;
	uint64_t huge_2m;
	uint64_t huge_1g;
};

/**
 * backing_scan() - look at each page, or page-table entry, of a range
 * @host: rules of the owner's page table; with 0 levels, sizes stay unknown
 * @hva, @size: whole pages
 *
 * Return: 0, or -errno of what could not be read.
 */
int backing_scan(struct backing *b, const struct walk_rules *host,
		 const struct translate_ops *ops, void *ctx, uint64_t hva, uint64_t size);

#endif /* ADDRESS_BACKING_H */
