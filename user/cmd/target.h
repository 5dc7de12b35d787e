/* SPDX-License-Identifier: GPL-2.0 */
/* From options to a source: which one, and which VMs it is about. */
#ifndef CMD_TARGET_H
#define CMD_TARGET_H

#include "cmd/options.h"
#include "source/source.h"

/* Return: whether the source's records come as they happen, by the clock. */
bool target_is_live(const struct options *o);

/**
 * target_open() - open the source that the options ask for
 * @root: only VMs of this process and its descendants, 0 for all
 *
 * Return: the source, or NULL after one sentence on stderr.
 */
struct source *target_open(const struct options *o, pid_t root);

/*
 * The owner of the VM called @name. Return: 0, or after one sentence on stderr -ENOENT, or
 * -ENOTUNIQ where several have the name.
 */
int target_find_vm(const char *name, pid_t *pid);

#endif /* CMD_TARGET_H */
