/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's functions that name a cause when they are found on a stack. */
#ifndef MMUSCOPE_SITE_H
#define MMUSCOPE_SITE_H

#include <stddef.h>

#include <mmuscope/cause.h>

/**
 * sites_read() - where these functions are in the running kernel
 * @kallsyms: path of its symbols
 * @sites: CAUSE_SITES places, sorted; those behind the last have all ones as their start
 *
 * Return: how many functions, or parts of them, were found; 0 where addresses are hidden, -errno.
 */
int sites_read(const char *kallsyms, struct cause_site *sites);

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
