/* SPDX-License-Identifier: GPL-2.0 */
/* Asks the kernel what its sequence of invalidations is: for views of VMs that run. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include "source/peek.h"
#include "view/progress.h"

/**
 * struct progress - loaded when it is first asked; begins as zeros
 * @failed: it cannot be loaded here
 */
struct progress {
	struct peek *peek;
	bool failed;
};

/* For struct view_window: @ctx is a struct progress. */
bool progress_ask(void *ctx, uint32_t pid, bool twice, struct view_progress *to);

void progress_close(struct progress *p);

/* Return: whether this kernel's struct kvm tells, and then @to as of the look that made @vm. */
bool progress_of(const struct peek_vm *vm, struct view_progress *to);

#endif /* CMD_PROGRESS_H */
