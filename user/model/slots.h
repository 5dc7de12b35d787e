/* SPDX-License-Identifier: GPL-2.0 */
/* The memslots of a VM: which guest frames exist and where the owner keeps them. */
#ifndef MODEL_SLOTS_H
#define MODEL_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmuscope/abi.h>

#define SLOT_PAGE 4096	/* bytes; memslots are counted in these, whatever backs them */

/**
 * struct slot - one of them
 * @protected: time stamp at which dirty logging last write-protected it, 0 if it never did
 */
struct slot {
	uint16_t id;
	uint32_t flags;
	uint64_t gfn;
	uint64_t npages;
	uint64_t hva;
	uint64_t protected;
};

struct slots {
	struct slot *list;
	size_t nr;
};

/* Applies what @rec tells. Return: 0 or -ENOMEM. */
int slots_update(struct slots *s, const struct mmuscope_slot *rec);

/* Return: guest memory in bytes, or 0 when no memslot is known. */
uint64_t slots_bytes(const struct slots *s);

/* Return: the memslot that has @gfn, or NULL. */
const struct slot *slots_find(const struct slots *s, uint64_t gfn);

/* Dirty logging protected the pages of memslot @id again at @ts. */
void slots_protect(struct slots *s, uint16_t id, uint64_t ts);

/* A range of guest frames. */
struct slot_range {
	uint64_t gfn;
	uint64_t pages;
};

/* Return: whether a part of @slot lies from @start to before @end of the owner's memory: @r. */
bool slot_overlap(const struct slot *slot, uint64_t start, uint64_t end, struct slot_range *r);

void slots_clear(struct slots *s);

#endif /* MODEL_SLOTS_H */
