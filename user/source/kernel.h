/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel has: symbols, tracepoints and types. Answers questions by
 * looking (BTF, kallsyms, tracefs), never by a version number.
 */
#ifndef MMUSCOPE_KERNEL_H
#define MMUSCOPE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "source/site.h"

struct kernel;

/**
 * kernel_open() - read what there is to know; costs about 50 ms for the symbols
 * @sites: CAUSE_SITES of them, set: where the functions are that name a cause (site.h)
 *
 * Return: the facts, to be given to kernel_close(), or NULL and errno when memory is short or
 * /proc/kallsyms cannot be read.
 */
struct kernel *kernel_open(struct cause_site *sites);
void kernel_close(struct kernel *k);

/* Whether a text symbol of that name exists (kernel or module). */
bool kernel_has_symbol(const struct kernel *k, const char *name);

/* Its address, 0 where it is hidden (kptr_restrict), does not exist or is not the only one. */
uint64_t kernel_symbol(const struct kernel *k, const char *name);

/* Number of arguments of a function according to BTF; -ENOENT where BTF does not know it. */
int kernel_func_args(const struct kernel *k, const char *name);

/* Number of arguments of a tracepoint according to BTF; -ENOENT where BTF does not know it. */
int kernel_tracepoint_args(const struct kernel *k, const char *name);

/**
 * kernel_type() - BTF id of a function, or of a tracepoint's typedef "btf_trace_NAME"
 * @module: set to the module that has it, NULL for the kernel proper
 *
 * Return: the id, 0 where BTF does not know it.
 */
uint32_t kernel_type(const struct kernel *k, const char *name, const char **module);

/* ftrace's list of functions that somebody hooks, one on a line, to be freed; NULL without it. */
char *kernel_hooked(const struct kernel *k);

/* Whether @function is listed in @text, which is of kernel_hooked(). */
bool kernel_hook_listed(const char *text, const char *function);

/* Whether tracefs has the event, of any subsystem where @system is NULL; true without tracefs. */
bool kernel_has_event(const struct kernel *k, const char *system, const char *name);

/**
 * kernel_event_field() - offset of a field in an event's classic record
 *
 * Return: the offset, or -ENOENT when tracefs does not have it.
 */
int kernel_event_field(const struct kernel *k, const char *system, const char *name,
		       const char *field);

/**
 * kernel_enumerator() - value of an enumerator, in whichever enum it is
 *
 * Return: true and @value set when BTF knows it.
 */
bool kernel_enumerator(const struct kernel *k, const char *name, int64_t *value);

/* Bytes from the begin of a struct to a member of it; -ENOENT where BTF does not tell. */
int kernel_member(const struct kernel *k, const char *type, const char *member);

/*
 * Whether it can preempt a task that runs an eBPF program, other than one of a kprobe or of a
 * classic tracepoint. It then skips that program for all other tasks of that CPU meanwhile. False
 * where that cannot be told.
 */
bool kernel_preempts(const struct kernel *k);

/* Whether it can hook many functions by one kprobe program (5.18, CONFIG_FPROBE). */
bool kernel_has_multi(const struct kernel *k);

/* Whether the kernel can make kprobes at all. */
bool kernel_has_kprobes(const struct kernel *k);

/* Whether there is BTF for the kernel proper, and for kvm (a module's, or built in). */
bool kernel_has_btf(const struct kernel *k);
bool kernel_has_kvm_btf(const struct kernel *k);

#endif /* MMUSCOPE_KERNEL_H */
