/* SPDX-License-Identifier: GPL-2.0 */
/* Many functions on one hook: two for all probes that are had by HOW_MULTI. */
#ifndef MMUSCOPE_MULTI_H
#define MMUSCOPE_MULTI_H

#include <bpf/libbpf.h>

#include "source/kernel.h"
#include "source/probe.h"

#define MULTI_LINKS	2	/* returns, and entries */

/**
 * multi_prepare() - before @obj is loaded: what kind of programs the taken ways need
 *
 * A program for kprobes can be called by one of another kind only if it is loaded as such.
 */
void multi_prepare(struct bpf_object *obj, struct probe_set *probes);

/* Whether the program of that name is one that calls the others. */
bool multi_is_dispatcher(const char *prog);

/**
 * multi_attach() - hook the functions, returns before entries
 * @links: filled up to @nr, which the caller sets to 0; the caller's also after an error
 *
 * Return: 0 or -errno.
 */
int multi_attach(struct bpf_object *obj, const struct probe_set *probes, const struct kernel *k,
		 struct bpf_link *links[MULTI_LINKS], size_t *nr);

#endif /* MMUSCOPE_MULTI_H */
