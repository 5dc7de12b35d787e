/* SPDX-License-Identifier: GPL-2.0 */
/* What made a fault necessary: the history of its page, and rules where that says nothing. */
#ifndef MODEL_CAUSE_H
#define MODEL_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include <mmuscope/abi.h>

#include "lib/schema.h"
#include "model/history.h"

struct vm;

/* Families that the causes of faults come from, a bit for each as struct chunk has it. */
#define CAUSE_TYPES								\
	(1ULL << MMUSCOPE_TYPE_fault | 1ULL << MMUSCOPE_TYPE_invalidate |	\
	 1ULL << MMUSCOPE_TYPE_slot | 1ULL << MMUSCOPE_TYPE_shadow_page |	\
	 1ULL << MMUSCOPE_TYPE_collapse | 1ULL << MMUSCOPE_TYPE_split |		\
	 1ULL << MMUSCOPE_TYPE_dirty | 1ULL << MMUSCOPE_TYPE_invlpg |		\
	 1ULL << MMUSCOPE_TYPE_unsync | 1ULL << MMUSCOPE_TYPE_vm | 1ULL << MMUSCOPE_TYPE_vcpu)

/* Behind the schema's words: why there is none. */
enum {
	CAUSE_UNSEEN = WORDS_cause,	/* the page may have been mapped before tracing began */
	CAUSE_UNTAKEN,			/* it was mapped, and nothing was seen that took it away */
	CAUSE_NO_ADDRESS,
	CAUSE_MMIO,			/* no memory of the guest's, or writes are emulated */
	CAUSE_GUEST,			/* the guest's own fault, reflected to it */
	CAUSES
};

/**
 * struct fault_cause - what is known of the cause of one fault
 * @cause: enum mmuscope_cause, or CAUSE_*
 * @change: what its mapping did to huge pages, enum history_change
 * @aged: @age is known
 * @age: ns from when the page was taken away to the fault
 * @broken_ns: for HISTORY_REBUILT: how long the region had small pages
 */
struct fault_cause {
	uint8_t cause;
	uint8_t change;
	bool aged;
	uint64_t age;
	uint64_t broken_ns;
};

/* Return: @cause; all that is not known as the schema's word, all that needs none as CAUSE_MMIO. */
static inline uint8_t cause_plain(uint8_t cause)
{
	if (cause >= CAUSE_MMIO)
		return CAUSE_MMIO;
	return cause < WORDS_cause ? cause : MMUSCOPE_cause_unknown;
}

/* Return: the schema's word for @cause: "unknown", or "none" where a fault needs none. */
const char *cause_text(uint8_t cause);

/* Takes a record of @vm that is no fault into account. */
void cause_note(struct history *h, struct vm *vm, const struct mmuscope_hdr *rec);

/* Sets @c to the cause of @f, whose outcome the history has from then on. */
void cause_fault(struct history *h, struct vm *vm, const struct mmuscope_fault *f,
		 struct fault_cause *c);

#endif /* MODEL_CAUSE_H */
