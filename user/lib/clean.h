/* SPDX-License-Identifier: GPL-2.0 */
/* Text of somebody else's that goes to a terminal: names of tasks and VMs, what a file says. */
#ifndef LIB_CLEAN_H
#define LIB_CLEAN_H

#include <stddef.h>

/* Makes "?" of the control characters among the @len bytes at @text, but for 0. */
static inline void clean(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		text[i] = (c && c < ' ') || c == 0x7f ? '?' : c;
	}
}

#endif /* LIB_CLEAN_H */
