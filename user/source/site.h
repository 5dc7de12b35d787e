/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's functions that name a cause when they are found on a stack. */
#ifndef MMUSCOPE_SITE_H
#define MMUSCOPE_SITE_H

#include <stddef.h>
#include <stdint.h>

#include <mmuscope/cause.h>

#include "lib/kallsyms.h"

/**
 * struct site_search - one look at all of the kernel's symbols
 * @sites: what is found
 * @nr: how many that is
 * @texts: addresses of all functions: where the next one begins, one ends at the latest
 */
struct site_search {
	struct cause_site *sites;
	unsigned int nr;
	uint64_t *texts;
	size_t nr_texts;
	size_t room;
};

/**
 * sites_begin() - look for these functions in the running kernel
 * @sites: CAUSE_SITES places; after sites_end() sorted, and those behind the last have all ones
 *	as their start
 */
void sites_begin(struct site_search *s, struct cause_site *sites);

/* Takes a symbol, and may cut its name off. Return: 0, or -ENOMEM. */
int sites_take(struct site_search *s, const struct kallsym *symbol);

/* Return: how many functions, or parts of them, were found; 0 where addresses are hidden. */
unsigned int sites_end(struct site_search *s);

/**
 * sites_missing() - causes that no function of this kernel names
 * @text: their names, in one line; cut off where @len is too small
 *
 * The kernel cannot do it, or its compiler made the functions part of others.
 *
 * Return: how many.
 */
size_t sites_missing(const struct cause_site *sites, char *text, size_t len);

#endif /* MMUSCOPE_SITE_H */
