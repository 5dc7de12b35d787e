/* SPDX-License-Identifier: GPL-2.0 */
/* Groups of tests; each runs its function for each of its names. */
#ifndef LAB_CHECK_H
#define LAB_CHECK_H

#include "family.h"
#include "result.h"

/*
 * A name that begins with "tdp" is one of the hardware's mode: npt or ept. @family is what is
 * compared unless the check itself says more; NULL where it is no count of records.
 */
struct check {
	const char *group;
	void (*run)(const char *name);
	const char *const *names;	/* ended by NULL */
	const char *family;
};

extern const struct check workload_checks[], work_checks[], vm_checks[], record_checks[],
	kmod_checks[], translate_checks[], kernel_checks[];

/* The one VM of that process, for one whose name was missed. */
json_t *vm_by_pid(json_t *report, long long pid);

/* Of a workload NPT-TOUCH: its mode, and what comes behind it. */
void workload_mode(const char *name, char mode[16]);
bool workload_is_shadow(const char *name);
bool workload_is(const char *name, const char *what);
extern const char *const workload_names[];

/* Host pages that a vCPU's own fault replaced, as for copy on write. */
long long own_invalidations(json_t *vm);

#endif /* LAB_CHECK_H */
