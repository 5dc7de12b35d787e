// SPDX-License-Identifier: GPL-2.0
/* The cause of what is being done, by the functions that are under way in the task. */
#include "mmuscope.h"

#include <linux/stacktrace.h>
#include <linux/string.h>

struct cause_site cause_sites[CAUSE_SITES];

u8 cause_of_stack(void)
{
	unsigned long ips[CAUSE_DEPTH];
	unsigned int i, n = stack_trace_save(ips, ARRAY_SIZE(ips), 1);
	u8 cause = MMUSCOPE_cause_unknown;

	for (i = 0; i < n; i++)
		cause = cause_outward(cause_sites, ips[i], cause);
	return cause;
}

u8 cause_find(u8 event, u8 *flags)
{
	u8 cause = cause_of_stack();

	*flags = 0;
	if (cause != MMUSCOPE_cause_unknown)
		return cause;
	/* Anybody may call itself ksmd; kernel threads have no memory of their own. */
	cause = cause_inferred(event, current->mm ? "\0\0\0\0\0\0\0" : current->comm);
	if (cause != MMUSCOPE_cause_unknown)
		*flags = MMUSCOPE_INFERRED;
	return cause;
}
