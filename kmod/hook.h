/* SPDX-License-Identifier: GPL-2.0 */
/* Attaching and detaching of all hooks; what a family of them is, mmuscope.h tells. */
#ifndef MMUSCOPE_HOOK_H
#define MMUSCOPE_HOOK_H

#include "mmuscope.h"

int hook_init(void);
void hook_exit(void);

/* Attaches what @config wants and the kernel has. What is missing is no error here. */
void hook_start(void);

/* When it returns no probe runs any more. */
void hook_stop(void);

/* Calls of functions that were not seen, since hook_start(). */
unsigned long hook_missed(void);

/* Fills @d by its index; -ENOENT behind the last hook. */
int hook_describe(struct mmuscope_kmod_hook *d);

#endif /* MMUSCOPE_HOOK_H */
