/* SPDX-License-Identifier: GPL-2.0 */
/* KVM's own counters of a VM and its vCPUs. */
#ifndef LAB_GUEST_STATS_H
#define LAB_GUEST_STATS_H

#include "vm.h"

#define STATS_MAX 256

struct stat_row {
	char name[64];
	int64_t value[1 + MAX_VCPUS];	/* VM, then each vCPU */
};

struct stats {
	const char *source;	/* "fd", "debugfs" or "none" */
	unsigned int nr;
	struct stat_row row[STATS_MAX];
};

void stats_read(struct vm *vm, struct stats *s);
void stats_report(struct vm *vm, const struct stats *before,
		  const struct stats *after);

#endif
