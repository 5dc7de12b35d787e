/* SPDX-License-Identifier: GPL-2.0 */
/* What the runs of a lab left behind, as numbers. */
#ifndef LAB_RESULT_H
#define LAB_RESULT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/catalogue.h"

enum lab_quantity {
	LAB_FAULTS, LAB_FAULTS_PER_OP, LAB_WALKS, LAB_FAULT_MEAN, LAB_FAULT_P50, LAB_FAULT_P99,
	LAB_EXITS,
	LAB_EXITS_PER_OP, LAB_EXIT_TIME_PER_OP, LAB_TABLES, LAB_SYNCS, LAB_UNSYNCS,
	LAB_PT_WRITES, LAB_INVLPGS, LAB_FLUSHES, LAB_RUN, LAB_WATCHING, LAB_QUANTITIES,
};

/* LAB_UNIT_TIME is instructions where the machine is emulated, else nanoseconds. */
enum lab_unit { LAB_UNIT_COUNT, LAB_UNIT_PER_OP, LAB_UNIT_TIME, LAB_UNIT_PERCENT };

extern const struct lab_quantity_name {
	const char *key;
	const char *label;	/* for people; of times, what is put behind "instr." or "time" */
	enum lab_unit unit;
} lab_quantities[LAB_QUANTITIES];

#define LAB_REASONS	24
#define LAB_BUCKETS	64

/**
 * struct lab_numbers - a workload under one kind of paging
 * @there: it was run; some work is not possible everywhere
 * @ops: operations that the guest did
 * @value: negative for "not known"
 * @reason: exits by reason, largest first
 * @bucket: faults by time, in powers of two of the unit of time
 * @first_bucket: log2 of where the first of them begins
 */
struct lab_numbers {
	bool there;
	uint64_t ops;
	double value[LAB_QUANTITIES];
	struct lab_reason {
		char name[32];
		uint64_t count;
	} reason[LAB_REASONS];
	size_t nr_reasons;
	uint64_t bucket[LAB_BUCKETS];
};

#define LAB_FACTS	16

/**
 * struct lab_side - one kind of paging on one machine
 * @mode: "npt", "ept" or "shadow"
 * @dir: where the run left its results
 * @emulated: times are instructions
 * @known: fault counts that the guest knew in advance, and that were as expected
 * @missing: probes that the kernel lacks; what they would count is not there
 */
struct lab_side {
	const struct lab_machine *machine;
	char mode[16];
	char dir[PATH_MAX];
	bool emulated;
	struct lab_fact {
		char key[32];
		char value[96];
	} fact[LAB_FACTS];
	size_t nr_facts;
	unsigned int known;
	unsigned int missing;
	struct lab_numbers numbers[LAB_WORKLOADS];
};

#define LAB_SIDES 5

/**
 * struct lab_result - a whole run
 * @chosen: which workloads
 * @seconds: how long all of it took
 */
struct lab_result {
	struct lab_side side[LAB_SIDES];
	size_t nr;
	bool chosen[LAB_WORKLOADS];
	unsigned int seconds;
};

/* Hardware walks two tables in this mode. */
bool lab_side_tdp(const struct lab_side *s);

/* Writes "AMD, NPT", "Intel, shadow" to @buf. Return: @buf. */
const char *lab_side_name(char *buf, size_t size, const struct lab_side *s);

/* "NPT", "EPT" or "shadow" */
const char *lab_mode_name(const char *mode);

/* Return: the value of a fact, or NULL. */
const char *lab_side_fact(const struct lab_side *s, const char *key);

/**
 * lab_side_read() - read what a run left in @s->dir
 *
 * Complains on stderr about all that makes the numbers wrong: records lost, probes missing, guests
 * whose check failed, another number of faults than the guest knew in advance.
 *
 * Return: 0, or -EINVAL after such complaints.
 */
int lab_side_read(struct lab_side *s, const bool *chosen);

/* Return: the side of the same machine where hardware walks two tables, or NULL. */
const struct lab_side *lab_result_tdp(const struct lab_result *r, const struct lab_side *shadow);

/* Return: a sentence that the numbers of @tdp and @shadow say, to be freed; NULL for none. */
char *lab_sentence(const struct lab_workload *w, const struct lab_side *tdp,
		   const struct lab_side *shadow);

#endif /* LAB_RESULT_H */
