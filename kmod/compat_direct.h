/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Direct calls from the head of functions, in the three ways that kernels have had to
 * ask for them; part of compat.h, for detour.c alone. One set of functions, all of
 * which call the same address.
 */
#ifndef MMUSCOPE_COMPAT_DIRECT_H
#define MMUSCOPE_COMPAT_DIRECT_H

#include <linux/errno.h>
#include <linux/ftrace.h>

#include "configured.h"

/* Kernels before indirect branch tracking. */
#ifndef ASM_ENDBR
#define ASM_ENDBR
#endif

#if defined(HAVE_FTRACE_DIRECT_OPS) || defined(HAVE_FTRACE_DIRECT_MULTI)
#define HAVE_FTRACE_DIRECT

static struct ftrace_ops compat_direct_ops;

static inline void compat_direct_clear(void)
{
	ftrace_set_filter(&compat_direct_ops, NULL, 0, 1);
}

static inline int compat_direct_add(unsigned long ip)
{
	return ftrace_set_filter_ip(&compat_direct_ops, ip, 0, 0);
}

static inline int compat_direct_hook(unsigned long addr)
{
#ifdef HAVE_FTRACE_DIRECT_OPS
	return register_ftrace_direct(&compat_direct_ops, addr);
#else
	return register_ftrace_direct_multi(&compat_direct_ops, addr);
#endif
}

static inline void compat_direct_unhook(unsigned long addr)
{
#ifdef HAVE_FTRACE_DIRECT_OPS
	unregister_ftrace_direct(&compat_direct_ops, addr, false);
#else
	unregister_ftrace_direct_multi(&compat_direct_ops, addr);
#endif
}

#elif defined(HAVE_FTRACE_DIRECT_IP)
#define HAVE_FTRACE_DIRECT

#define COMPAT_DIRECT_MAX 64

static struct {
	unsigned long ip[COMPAT_DIRECT_MAX];
	unsigned int count;
} compat_direct;

static inline void compat_direct_clear(void)
{
	compat_direct.count = 0;
}

static inline int compat_direct_add(unsigned long ip)
{
	if (compat_direct.count == COMPAT_DIRECT_MAX)
		return -ENOSPC;
	compat_direct.ip[compat_direct.count++] = ip;
	return 0;
}

static inline void compat_direct_unhook(unsigned long addr)
{
	while (compat_direct.count)
		unregister_ftrace_direct(compat_direct.ip[--compat_direct.count], addr);
}

static inline int compat_direct_hook(unsigned long addr)
{
	unsigned int i;
	int err;

	for (i = 0; i < compat_direct.count; i++) {
		err = register_ftrace_direct(compat_direct.ip[i], addr);
		if (err) {
			compat_direct.count = i;
			compat_direct_unhook(addr);
			return err;
		}
	}
	return 0;
}
#endif

#endif /* MMUSCOPE_COMPAT_DIRECT_H */
