// SPDX-License-Identifier: GPL-2.0
/* The same by another name, beside the way by address. */
#include <linux/ftrace.h>
#include <linux/static_call.h>

#ifndef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
#error no direct calls
#endif

int test(struct ftrace_ops *ops);
int test(struct ftrace_ops *ops)
{
	int err = register_ftrace_direct_multi(ops, 0);

	return err ? err : unregister_ftrace_direct_multi(ops, 0);
}
