/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's functions that name a cause when they are found on a stack. */
#ifndef MMUSCOPE_SITE_H
#define MMUSCOPE_SITE_H

#include <mmuscope/cause.h>

/**
 * sites_read() - where these functions are in the running kernel
 * @kallsyms: path of its symbols
 * @sites: CAUSE_SITES places, sorted; those behind the last have all ones as their start
 *
 * Return: how many functions, or parts of them, were found; 0 where addresses are hidden, -errno.
 */
int sites_read(const char *kallsyms, struct cause_site *sites);

/* Number of causes that some function found names: so many can be told without a guess. */
unsigned int sites_causes(const struct cause_site *sites);

#endif /* MMUSCOPE_SITE_H */
