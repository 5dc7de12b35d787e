/* SPDX-License-Identifier: GPL-2.0 */
/* What /proc knows of the processes that own VMs. */
#ifndef LIB_PROC_H
#define LIB_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * proc_parse_name() - the name that a VMM's command line gives its VM
 * @cmdline: arguments, each ended by a NUL, as in /proc/PID/cmdline
 * @len: bytes of @cmdline
 * @name: set to the name, cut to fit
 * @size: bytes of @name
 *
 * Knows QEMU's -name, Firecracker's --id and cloud-hypervisor's --api-socket.
 *
 * Return: 0, or -ENOENT when the command line names nothing.
 */
int proc_parse_name(const char *cmdline, size_t len, char *name, size_t size);

/**
 * proc_vm_name() - what the owner calls its VM
 * @pid: the owner
 * @comm: its task name, for a VM without a name: "comm:pid"
 * @args: begin of its command line, which is asked first, NULs behind it; full if it may be cut
 * @len: bytes of @args, 0 when it is not known
 * @name: set, always
 */
void proc_vm_name(pid_t pid, const char *comm, const char *args, size_t len, char *name,
		  size_t size);

/* Return: resident memory of @pid in bytes, 0 when it is gone. */
uint64_t proc_rss(pid_t pid);

/* Return: bytes of @pid that KSM has merged, or -ENOENT where the kernel does not tell. */
int64_t proc_merged(pid_t pid);

/**
 * proc_for_each_vm() - call @each for every process that holds a KVM VM open
 *
 * Stops when @each returns other than 0.
 *
 * Return: what the last @each returned, 0 without one, or -errno when /proc cannot be read.
 */
int proc_for_each_vm(int (*each)(void *ctx, pid_t pid, const char *name), void *ctx);

#endif /* LIB_PROC_H */
