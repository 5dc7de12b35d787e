/* SPDX-License-Identifier: GPL-2.0 */
/* What is added up per VM. Histograms are of nanoseconds unless said otherwise. */
#ifndef MODEL_STATS_H
#define MODEL_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmuscope/abi.h>

#include "lib/hist.h"
#include "lib/schema.h"
#include "model/cause.h"
#include "model/notify.h"
#include "model/storm.h"
#include "model/stuck.h"

enum stats_phase { PHASE_HANDLER, PHASE_RESOLVE, PHASE_LOCK, PHASES };

/* Parts of a fault that follow each other and are all of it. */
enum stats_time {
	TIME_OUTSIDE,	/* from the exit to the handler, and from there to the entry */
	TIME_HOST,	/* the host's page is looked for */
	TIME_ASLEEP,	/* the same, in faults that slept */
	TIME_LOCK,	/* waiting for mmu_lock */
	TIME_MAP,	/* the rest of the handler: page tables */
	TIME_USER,	/* in faults that went to user space, all that is not the handler */
	TIME_UNKNOWN,	/* faults whose handler was not measured */
	STATS_TIMES
};

#define STATS_LEVELS	4	/* 0 nothing mapped, 1 4K, 2 2M, 3 1G */

/* Faults of the access itself are 0, those of the CPU's walk of guest page tables are 1. */
#define STATS_WALKS	2

/* Different exit reasons are few; a broken recording must not make them many. */
#define STATS_EXITS_MAX	1024

#define STATS_FLUSHES	(WORDS_scope * WORDS_origin * WORDS_cause)

/* Where each kind of histogram begins in vm_stats.hist. */
enum {
	HIST_FAULT = 0,
	HIST_PHASE = HIST_FAULT +
		WORDS_mode * WORDS_condition * WORDS_access * WORDS_verdict * STATS_WALKS,
	HIST_LEVEL = HIST_PHASE + PHASES * STATS_WALKS,		/* both by walk last */
	HIST_CAUSE = HIST_LEVEL + STATS_LEVELS * STATS_WALKS,	/* faults by cause */
	HIST_AGE = HIST_CAUSE + CAUSES,		/* since the page was taken away, by cause */
	HIST_BROKEN = HIST_AGE + CAUSES,	/* how long rebuilt regions had small pages */
	HIST_FLUSH,				/* by scope, origin and cause */
	HIST_DIRTY = HIST_FLUSH + STATS_FLUSHES,
	HIST_LOCK = HIST_DIRTY + WORDS_dirty_op,
	HIST_WORK = HIST_LOCK + WORDS_lock_op * WORDS_origin,
	HISTS = HIST_WORK + MMUSCOPE_TYPES,
};

/* Plain numbers in vm_stats.count. */
enum {
	COUNT_SLEPT = 0,	/* faults that ..., each by walk */
	COUNT_PREEMPTED = COUNT_SLEPT + STATS_WALKS,
	COUNT_USER = COUNT_PREEMPTED + STATS_WALKS,
	COUNT_NESTED = COUNT_USER + STATS_WALKS,
	COUNT_PARTIAL = COUNT_NESTED + STATS_WALKS,
	/* flushes by scope, origin and cause that interrupted a vCPU */
	COUNT_KICKED = COUNT_PARTIAL + STATS_WALKS,
	COUNT_DIRTY_PAGES = COUNT_KICKED + STATS_FLUSHES,
	COUNT_PAGES = COUNT_DIRTY_PAGES + WORDS_dirty_op,	/* by page_op and direct */
	/* by level, cause, done and failed: stats_split_index() */
	COUNT_SPLIT = COUNT_PAGES + WORDS_page_op * 2,
	COUNT_COLLAPSE = COUNT_SPLIT + STATS_LEVELS * WORDS_cause * 2,	/* by level and cause */
	/* huge pages that faults mapped, by level and cause */
	COUNT_HUGE = COUNT_COLLAPSE + STATS_LEVELS * WORDS_cause,
	COUNT_BROKEN = COUNT_HUGE + STATS_LEVELS * CAUSES,	/* enum history_change, by cause */
	COUNT_REBUILT = COUNT_BROKEN + CAUSES,
	/* where the time of faults went, in ns, by cause and enum stats_time */
	COUNT_TIME = COUNT_REBUILT + CAUSES,
	COUNT_SLOT = COUNT_TIME + CAUSES * STATS_TIMES,
	/* by family: pages of syncs, accessed ranges of scans */
	COUNT_AMOUNT = COUNT_SLOT + WORDS_slot_op,
	COUNTS = COUNT_AMOUNT + MMUSCOPE_TYPES,
};

struct exit_row {
	uint8_t isa;
	uint32_t reason;
	uint64_t count;
	uint64_t ns;
};

/**
 * struct vm_stats - sums of one VM over an interval
 * @hist: see HIST_*; NULL where nothing was counted
 * @count: see COUNT_*
 * @records: records per family
 * @exits: exits by reason, @nr_exits of them, in no order
 * @vcpu_ns: time that the exits' intervals cover, summed over the vCPUs
 */
struct vm_stats {
	struct hist *hist[HISTS];
	uint64_t count[COUNTS];
	uint64_t records[MMUSCOPE_TYPES];
	struct notify notify;
	struct storm storm;
	struct stuck stuck;
	struct exit_row *exits;
	size_t nr_exits;
	uint64_t vcpu_ns;
};

/* The key of a fault: the words that tell faults apart. */
struct fault_key {
	uint8_t mode, condition, access, verdict, walk;
};

/* Where the histogram of @key is in vm_stats.hist. Words of a newer schema count as unknown. */
static inline size_t stats_fault_index(struct fault_key key)
{
	uint32_t mode = key.mode < WORDS_mode ? key.mode : 0;
	uint32_t condition = key.condition < WORDS_condition ? key.condition : 0;
	uint32_t access = key.access < WORDS_access ? key.access : 0;
	uint32_t verdict = key.verdict < WORDS_verdict ? key.verdict : 0;

	return HIST_FAULT + (((mode * WORDS_condition + condition) * WORDS_access + access) *
	       WORDS_verdict + verdict) * STATS_WALKS + !!key.walk;
}

/* Where splits are counted, in vm_stats.count. */
static inline size_t stats_split_index(unsigned int level, unsigned int cause, bool failed)
{
	return COUNT_SPLIT + (level * WORDS_cause + cause) * 2 + failed;
}

/* The key of the fault histogram at @index, which is below HIST_PHASE. */
struct fault_key stats_fault_key(size_t index);

/* Adds @rec, which is no fault and as long as its family's struct. Return: 0 or -ENOMEM. */
int stats_add(struct vm_stats *st, const struct mmuscope_hdr *rec);

/* Adds the fault @f, whose cause is @c. Return: 0 or -ENOMEM. */
int stats_add_fault(struct vm_stats *st, const struct mmuscope_fault *f,
		    const struct fault_cause *c);

/**
 * stats_amount() - what @rec stands for, where several are added up
 *
 * Return: exits, pages of dirty logging, one for another activity; 0 for what is none.
 */
uint64_t stats_amount(const struct mmuscope_hdr *rec);

/* Moves what @from counted to @to; @from is empty then. Return: 0 or -ENOMEM. */
int stats_fold(struct vm_stats *to, struct vm_stats *from);

/* Frees what @st holds and makes it empty. */
void stats_clear(struct vm_stats *st);

#endif /* MODEL_STATS_H */
