/* SPDX-License-Identifier: GPL-2.0 */
/* What KVM itself counts for a VM, from debugfs. */
#ifndef LIB_KVMSTAT_H
#define LIB_KVMSTAT_H

#include <stdint.h>
#include <sys/types.h>

/**
 * kvmstat_read() - one of KVM's counters of a VM
 * @root: directory in front of every path, "" for the machine itself
 * @pid: the VM's owner
 * @name: of the counter: "remote_tlb_flush"
 * @value: set to it
 *
 * Return: 0, -ENOENT where there is no such VM or counter or debugfs is not mounted, -EEXIST
 * where the process has several VMs, or another -errno.
 */
int kvmstat_read(const char *root, pid_t pid, const char *name, uint64_t *value);

#endif /* LIB_KVMSTAT_H */
