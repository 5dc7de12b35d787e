/* SPDX-License-Identifier: GPL-2.0 */
/* Two sides compared, A and B, each of one recording or of several of repeated runs. */
#ifndef VIEW_DIFF_H
#define VIEW_DIFF_H

#include <jansson.h>

#include "model/tally.h"
#include "view/view.h"

/* Runs of both sides together. */
#define DIFF_RUNS	64
#define DIFF_TABLES	8

/*
 * What may go wrong in twenty comparisons of the same thing is one difference: 4 % of the verdicts
 * on faults, 1 % of all rows of the tables.
 */
#define DIFF_VERDICT	0.04
#define DIFF_ROW	0.01

/*
 * What two single recordings of the same thing may differ by anyway. A run that is not repeated
 * does not tell: this is two standard deviations of the difference where counts have one of 10 %
 * from run to run, and for latencies, which a busy host makes longer, a factor of two, in bins.
 */
#define DIFF_FACTOR	(4 / 3.)
#define DIFF_SHIFT	4

/* What counts are divided by. */
enum diff_per { DIFF_SECOND, DIFF_RUN, DIFF_VCPU_SECOND, DIFF_EXIT, DIFF_OPERATION };

/**
 * struct diff_spec - a table
 * @key: for machines
 * @title: for people
 * @keys: of its rows, the first being "vm"
 * @types: families that it is of
 */
struct diff_spec {
	const char *key;
	const char *title;
	const char *keys;
	uint64_t types;
};

/**
 * struct diff_run - one recording, read
 * @path: of it
 * @vm: only the VM of this name, NULL for all
 * @pid: only VMs of this process, 0 for all
 * @model: fed with all of it, and folded
 * @source: it
 * @head: what it says of itself
 * @elapsed_ns: what of it was read
 * @command: it lasted as long as a command took
 * @operations: of the guest, for DIFF_OPERATION
 * @tally: by table
 */
struct diff_run {
	const char *path;
	const char *vm;
	uint32_t pid;
	struct model *model;
	struct source *source;
	const json_t *head;
	uint64_t elapsed_ns;
	bool command;
	double operations;
	struct tally *tally[DIFF_TABLES];
};

/**
 * struct diff - the sides
 * @runs: of A, @nr_a of them, then those of B, @nr in all
 * @specs: the tables; the first is of whole families, and the verdict is on its faults; the first
 *	other one of faults explains it
 */
struct diff {
	struct diff_run runs[DIFF_RUNS];
	size_t nr_a;
	size_t nr;
	enum diff_per per;
	struct diff_spec specs[DIFF_TABLES];
	size_t nr_specs;
};

/* What came of it. Untold: nothing differs, and of some faults there is no verdict. */
enum diff_outcome { DIFF_SAME, DIFF_DIFFERS, DIFF_UNTOLD };

/**
 * view_diff() - add the verdict, the tables of each VM, and how they came about
 *
 * Return: 0 or -ENOMEM.
 */
int view_diff(struct report *r, const struct diff *d, enum diff_outcome *outcome);

/* What view_diff() is made of. */

/* Of one row: what became of it on both sides. NAN is what is not known. */
struct diff_row {
	const struct group *group;
	const struct group_row *key;
	const struct tally_row *in[DIFF_RUNS];	/* NULL where it has none */
	double count[2];
	double value[2];	/* @count by what it is divided by, mean of the runs */
	struct hist *hist[2];
	double p;		/* of the counts */
	double time_p;		/* of the latencies */
	bool complete;		/* nothing that it counts was lost */
};

struct diff_table {
	const struct diff_spec *spec;
	struct diff_row *rows;
	size_t nr;
};

/**
 * struct diff_vm - a VM that is on both sides, or on one
 * @name: the same in all runs
 * @in: by run; NULL where it was not seen
 * @sides: bit 0 for A, 1 for B
 */
struct diff_vm {
	char name[MODEL_NAME];
	const struct vm *in[DIFF_RUNS];
	unsigned int sides;
	struct diff_table tables[DIFF_TABLES];
};

struct diff_vms {
	struct diff_vm *list;
	size_t nr;
};

/* Finds who is who by name. Return: 0 or -ENOMEM; @vms is to be freed in any case. */
int diff_match(struct diff_vms *vms, const struct diff *d);

/* Fills in the tables of all VMs, tests included. Return: 0 or -ENOMEM. */
int diff_compute(struct diff_vms *vms, const struct diff *d);

void diff_vms_free(struct diff_vms *vms, const struct diff *d);

/* Return: the faults of @vm in its first table, or NULL. */
const struct diff_row *diff_faults(const struct diff_vm *vm);

/*
 * Return: the factor by which rates per second of two recordings may differ because their commands
 * took differently long; 1 where that does not matter.
 */
double diff_longer(const struct diff *d);

/* Return: change from A to B in percent, NAN where there is none to tell. */
double diff_change(const struct diff_row *row);

/* Return: words for @row's keys, but for the VM. */
const char *diff_label(struct report *r, const struct diff *d, const struct diff_row *row);

/* Return: what @row has for key number @key. */
const char *diff_key(struct report *r, const struct diff *d, const struct diff_row *row,
		     size_t key);

/* Sections: the verdict; how the recordings differ; how it was tested. */
void diff_verdict(struct report *r, const struct diff *d, const struct diff_vms *vms);
void diff_recordings(struct report *r, const struct diff *d);
void diff_method(struct report *r, const struct diff *d, const struct diff_vms *vms);

#endif /* VIEW_DIFF_H */
