/* SPDX-License-Identifier: GPL-2.0 */
/* The memslots of a VM, and what backs them. */
#ifndef VIEW_MEMSLOTS_H
#define VIEW_MEMSLOTS_H

#include "address/backing.h"
#include "lib/mapping.h"
#include "view/report.h"

/**
 * struct memslots - what is looked at
 * @slots: of one VM, @nr
 * @own: number of the first one that is not the VMM's but KVM's own, 0 where that is not known
 * @mappings: of its owner, in order of address
 * @host: the owner's page table, for backing_scan() with @ops and @ctx
 */
struct memslots {
	const struct peek_slot *slots;
	size_t nr;
	unsigned int own;
	const struct mappings *mappings;
	struct walk_rules host;
	const struct translate_ops *ops;
	void *ctx;
};

/* Adds tables "memslots" and "backing" to @s. Return: 0, or -errno of what could not be read. */
int view_memslots(struct section *s, const struct memslots *m);

#endif /* VIEW_MEMSLOTS_H */
