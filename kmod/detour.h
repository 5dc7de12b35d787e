/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hooks on functions at a tenth of a kprobe's cost. -EOPNOTSUPP where the kernel does
 * not have what it takes: kprobes then do the same.
 */
#ifndef MMUSCOPE_DETOUR_H
#define MMUSCOPE_DETOUR_H

#include "mmuscope.h"

/**
 * detour_add() - have a function hooked with the next detour_commit()
 * @h: the function and its handlers
 * @ip: where it calls the function tracer, if that is on: its first instruction
 *
 * Return: 0, -EOPNOTSUPP where it does not call it, or -ENOSPC.
 */
int detour_add(struct hook_function *h, unsigned long ip);

/* Forgets one, with the next detour_commit(). */
void detour_drop(struct hook_function *h);

/**
 * detour_commit() - hook what was added, unhook what was dropped
 * @refused: called for each that the kernel refuses; it is dropped by then
 *
 * When it returns no handler of what was dropped runs any more, or will.
 */
void detour_commit(void (*refused)(struct hook_function *h, int err));

/* Handlers run between the two. Calls that are under way at the end are let go unseen. */
void detour_start(void);
void detour_stop(void);

/* Waits until no task is on its way through a detour; not before the module goes. */
void detour_exit(void);

#endif /* MMUSCOPE_DETOUR_H */
