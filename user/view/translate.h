/* SPDX-License-Identifier: GPL-2.0 */
/* How a translation is told. */
#ifndef VIEW_TRANSLATE_H
#define VIEW_TRANSLATE_H

#include "address/translate.h"
#include "view/report.h"

/**
 * struct translate_head - whose address it is
 * @vm: name of the VM
 * @pid: its owner
 * @vcpu: whose registers and tables were used
 */
struct translate_head {
	const char *vm;
	uint32_t pid;
	uint32_t vcpu;
};

/* Adds the section "translation". Return: it, for notes. */
struct section *view_translation(struct report *r, const struct translate_head *head,
				 const struct machine *m, const struct translation *t);

/* Return: "0x1000", which lives as long as the report. */
const char *view_address(struct report *r, uint64_t address);

/* Return: the flags of a memslot in words, NULL for none. */
const char *view_slot_flags(struct report *r, uint32_t flags);

#endif /* VIEW_TRANSLATE_H */
