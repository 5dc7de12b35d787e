/* SPDX-License-Identifier: GPL-2.0 */
/* The state of vCPUs and tasks, beside what mmuscope.h has of it for all. */
#ifndef MMUSCOPE_STATE_H
#define MMUSCOPE_STATE_H

#include "mmuscope.h"

/* @exits: MMUSCOPE_KMOD_VCPUS counters, for the slots. Return: 0 or -ENOMEM. */
int state_alloc(struct mmuscope_kmod_vcpu *exits);

/* No probe may be running. */
void state_free(void);

#endif /* MMUSCOPE_STATE_H */
