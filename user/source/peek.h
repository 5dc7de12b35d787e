/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looks at the VMs of a process without tracing them: what KVM has of them, and any word of
 * the kernel's and of physical memory. Reads only; a word that cannot be read is an error.
 */
#ifndef MMUSCOPE_PEEK_H
#define MMUSCOPE_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "peek_area.h"

struct peek;

/**
 * peek_open() - load what looks; nothing is attached to the kernel
 * @msg: set to a sentence on failure
 *
 * Return: to be given to peek_close(), or NULL with errno set.
 */
struct peek *peek_open(char *msg, size_t len);
void peek_close(struct peek *p);

/**
 * peek_look() - find the VMs of @pid, with their vCPUs and memslots as they are now
 *
 * Return: what was found, valid until the next look, or NULL with errno set.
 */
const struct peek_area *peek_look(struct peek *p, pid_t pid);

/* The word at a kernel address. Return: 0, or -EFAULT where nothing is mapped. */
int peek_kernel(struct peek *p, uint64_t address, uint64_t *word);

/* The same for a physical address; -ENOTSUP without peek_physical_base(). */
int peek_physical(struct peek *p, uint64_t address, uint64_t *word);

/* Where the kernel maps all physical memory; 0 when that is not known. */
uint64_t peek_physical_base(const struct peek *p);

/**
 * peek_variable() - value of a variable of KVM's of 64 bits, such as "shadow_mmio_value"
 *
 * Return: 0, or -ENOENT where this kernel has no such variable or hides where it is.
 */
int peek_variable(struct peek *p, const char *name, uint64_t *value);

#endif /* MMUSCOPE_PEEK_H */
