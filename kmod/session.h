/* SPDX-License-Identifier: GPL-2.0 */
/* A collection under way; there is at most one. */
#ifndef MMUSCOPE_SESSION_H
#define MMUSCOPE_SESSION_H

#include <linux/mm.h>

#include <mmuscope/kmod.h>

/**
 * session_start() - begin to collect
 * @want: what; checked here
 *
 * Return: 0, -EINVAL, -ENOMEM, or -EALREADY where one is under way.
 */
int session_start(const struct mmuscope_kmod_start *want);

/* Ends it: probes are gone and memory is free when it returns. Nothing under way: does nothing. */
void session_stop(void);

bool session_running(void);

/* Maps counters: of exits, or of what was lost. */
int session_mmap_exits(struct vm_area_struct *vma);
int session_mmap_lost(struct vm_area_struct *vma);

#endif /* MMUSCOPE_SESSION_H */
