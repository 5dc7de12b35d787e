// SPDX-License-Identifier: GPL-2.0
/* Direct calls by the address of a function, one at a time. */
#include <linux/ftrace.h>
#include <linux/static_call.h>

#ifndef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
#error no direct calls
#endif

int test(unsigned long ip);
int test(unsigned long ip)
{
	int err = register_ftrace_direct(ip, 0UL);

	return err ? err : unregister_ftrace_direct(ip, 0UL);
}
