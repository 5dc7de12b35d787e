/* SPDX-License-Identifier: GPL-2.0 */
/* Has guests run in the emulated machines, or on this one. */
#ifndef LAB_RUN_H
#define LAB_RUN_H

#include <limits.h>

#include "lab/result.h"

/**
 * struct lab_place - where the pieces of the lab are
 * @self: this program
 * @dir: the driver and its scripts
 * @guest: the guest program
 */
struct lab_place {
	char self[PATH_MAX];
	char dir[PATH_MAX];
	char guest[PATH_MAX];
};

/* Return: 0, or -ENOENT after a sentence on stderr. */
int lab_place_find(struct lab_place *place);

/**
 * lab_run() - run the chosen workloads on all sides of @r, as many at once as there are CPUs
 * @kernel: version that the emulated machines boot
 *
 * What each leaves is in its @dir, which must exist. Progress is shown on stderr.
 *
 * Return: 0; -EINTR when a signal asked to end; after a sentence on stderr -EINVAL where there is
 * no such kernel, -ENOENT where there is none to boot, -EIO where a run failed, whose folder tells
 * more.
 */
int lab_run(const struct lab_place *place, struct lab_result *r, const char *kernel);

#endif /* LAB_RUN_H */
