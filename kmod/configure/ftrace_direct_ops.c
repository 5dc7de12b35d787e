// SPDX-License-Identifier: GPL-2.0
/* Direct calls by a set of functions. */
#include <linux/ftrace.h>
#include <linux/static_call.h>

#ifndef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
#error no direct calls
#endif

int test(struct ftrace_ops *ops);
int test(struct ftrace_ops *ops)
{
	int err = register_ftrace_direct(ops, 0);

	return err ? err : unregister_ftrace_direct(ops, 0, false);
}
