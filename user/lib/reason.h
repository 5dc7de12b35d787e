/* SPDX-License-Identifier: GPL-2.0 */
/* Exit reasons by the names that the kernel's own headers give them. */
#ifndef LIB_REASON_H
#define LIB_REASON_H

#include <stddef.h>
#include <stdint.h>

/* Return: the name of exit @reason under @isa (enum mmuscope_isa), or NULL where there is none. */
const char *reason_name(uint8_t isa, uint32_t reason);

#endif /* LIB_REASON_H */
