/* SPDX-License-Identifier: GPL-2.0 */
/* The cause of what is being done, by the functions that are under way in the task. */
#ifndef MMUSCOPE_CAUSE_BPF_H
#define MMUSCOPE_CAUSE_BPF_H

#include "state.bpf.h"


/* In life.bpf.c, set before loading. */
extern const volatile struct cause_site cause_sites[CAUSE_SITES];

/* Global, so that the verifier looks at it once. */
__noinline __weak int cause_step(u64 ip, u32 cause)
{
	return cause_outward(cause_sites, ip, cause);
}

/* @ctx is the program's. */
static __always_inline u8 cause_of_stack(void *ctx)
{
	u64 ips[CAUSE_DEPTH] = {};
	u32 cause = MMUSCOPE_cause_unknown;

	if (bpf_get_stack(ctx, ips, sizeof(ips), 0) <= 0)
		return cause;
	for (int i = 0; i < CAUSE_DEPTH && ips[i]; i++)
		cause = cause_step(ips[i], cause);
	return cause;
}

/* What the stack says, else a guess: then @flags gets MMUSCOPE_INFERRED. */
static __always_inline u8 cause_find(void *ctx, u8 event, u8 *flags)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u8 cause = cause_of_stack(ctx);
	char comm[16] = {};

	*flags = 0;
	if (cause != MMUSCOPE_cause_unknown)
		return cause;
	/* Anybody may call itself ksmd; kernel threads have no memory of their own. */
	if (!BPF_CORE_READ(task, mm))
		bpf_get_current_comm(comm, sizeof(comm));
	cause = cause_inferred(event, comm);
	if (cause != MMUSCOPE_cause_unknown)
		*flags = MMUSCOPE_INFERRED;
	return cause;
}

#endif /* MMUSCOPE_CAUSE_BPF_H */
