/* SPDX-License-Identifier: GPL-2.0 */
/* Hooks on functions: by detour where the kernel lets us, else by kprobe. */
#ifndef MMUSCOPE_FUNCTION_H
#define MMUSCOPE_FUNCTION_H

#include <linux/module.h>

#include "mmuscope.h"

/* Sets h->err of each. The kernel waits once for many: give all there are. */
void functions_attach(struct hook_function **h, unsigned int n);
void functions_detach(struct hook_function **h, unsigned int n);

/* Whether it is hooked, and is a function of @mod, or of any where that is NULL. */
bool function_within(const struct hook_function *h, const struct module *mod);

unsigned long function_missed(const struct hook_function *h);

#endif /* MMUSCOPE_FUNCTION_H */
