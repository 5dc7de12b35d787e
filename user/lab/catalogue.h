/* SPDX-License-Identifier: GPL-2.0 */
/* What 'mmuscope lab' can show: the workloads, and the machines to run them on. */
#ifndef LAB_CATALOGUE_H
#define LAB_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct lab_workload - a kind of work that a guest does
 * @title: what it imitates
 * @guest: arguments of mmuscope-guest
 * @key: which of the guest's own counts is its number of operations; @other, if any, is added
 * @one: an operation
 * @many: several
 * @look: what to look for
 * @changes_host: it sets something on the machine, so that it is only run in emulated ones
 */
struct lab_workload {
	const char *name;
	const char *title;
	const char *guest;
	const char *key;
	const char *other;
	const char *one;
	const char *many;
	const char *look;
	bool changes_host;
};

#define LAB_WORKLOADS 13

extern const struct lab_workload lab_workloads[LAB_WORKLOADS];

/* Return: NULL where there is none of this name. */
const struct lab_workload *lab_workload_find(const char *name);

/* Return: the name most like @name, or NULL where none is. */
const char *lab_workload_like(const char *name);

enum { LAB_AMD, LAB_INTEL, LAB_HOST, LAB_MACHINES };

/**
 * struct lab_machine - where guests run
 * @title: how people call it
 * @what: one line on it
 * @tdp: the mode in which hardware walks two tables; NULL where it is as it is
 */
struct lab_machine {
	const char *name;
	const char *title;
	const char *what;
	const char *tdp;
};

extern const struct lab_machine lab_machines[LAB_MACHINES];

#endif /* LAB_CATALOGUE_H */
