/* SPDX-License-Identifier: GPL-2.0 */
/* The memslots of a VM: which guest frames exist and where the owner keeps them. */
#ifndef MODEL_SLOTS_H
#define MODEL_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include <mmuscope/abi.h>

#define SLOT_PAGE 4096	/* bytes; memslots are counted in these, whatever backs them */

struct slot {
	uint16_t id;
	uint32_t flags;
	uint64_t gfn;
	uint64_t npages;
	uint64_t hva;
};

struct slots {
	struct slot *list;
	size_t nr;
};

/* Applies what @rec tells. Return: 0 or -ENOMEM. */
int slots_update(struct slots *s, const struct mmuscope_slot *rec);

/* Return: guest memory in bytes, or 0 when no memslot is known. */
uint64_t slots_bytes(const struct slots *s);

void slots_clear(struct slots *s);

#endif /* MODEL_SLOTS_H */
