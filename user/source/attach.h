/* SPDX-License-Identifier: GPL-2.0 */
/* Which function or tracepoint a BPF program hangs on, found without libbpf's search. */
#ifndef MMUSCOPE_ATTACH_H
#define MMUSCOPE_ATTACH_H

#include "source/kernel.h"

struct bpf_link;
struct bpf_program;

/**
 * attach_begin() - from now on targets are looked up in @k
 *
 * For each program libbpf compares names with all types of the kernel, some
 * hundred thousand, and again for each module before the right one: half of the
 * time that a start takes. @k has them sorted. It must stay until attach_end().
 *
 * Return: 0 or -errno; without success libbpf searches as ever.
 */
int attach_begin(const struct kernel *k);

/* Programs are loaded: nothing is looked up any more. */
void attach_end(void);

/*
 * A kprobe or, by the section of @prog, a kretprobe on @function, before attach_end(). Return: the
 * link, or NULL and errno.
 */
struct bpf_link *attach_kprobe(const struct bpf_program *prog, const char *function);

#endif /* MMUSCOPE_ATTACH_H */
