/* SPDX-License-Identifier: GPL-2.0 */
/* Findings: what the numbers of a VM mean, what it costs, and what would change it. */
#ifndef VIEW_EXPLAIN_H
#define VIEW_EXPLAIN_H

#include "view/view.h"

/* Less than this of the vCPUs' time, in percent, is not worth a sentence. */
#define EXPLAIN_LEAST	1.0

enum explain_sure {
	SURE_CERTAIN,	/* records say so */
	SURE_LIKELY,	/* it follows, unless something was not seen */
	SURE_POSSIBLE,	/* one of several that fit */
};

/**
 * struct evidence - the numbers of one VM that rules look at
 * @faults: with a cause or without
 * @fault_ns: time in these
 * @cause_count: faults by cause, @cause_ns the time in these
 * @invalidations: by cause
 * @times: parts of all faults, enum stats_time
 * @remote: flushes of all vCPUs, and @remote_ns that they were waited for
 * @shadow_ns: in work that shadow paging alone makes: faults, INVLPG, CR3, page-table writes
 * @shadow_count: the faults of that
 * @lock_ns: waited for mmu_lock
 * @small: pages mapped by faults as 4K, and @huge as larger ones
 * @vcpu_ns: the vCPUs' time
 * @by_clock: that is not known, and @vcpu_ns is the time that went by
 * @progress: KVM's sequence of invalidations, NULL where it is not known
 */
struct evidence {
	const struct vm *vm;
	const struct vm_stats *st;
	struct report *report;
	uint64_t faults;
	uint64_t fault_ns;
	uint64_t cause_count[CAUSES];
	uint64_t cause_ns[CAUSES];
	uint64_t invalidations[WORDS_cause];
	uint64_t times[STATS_TIMES];
	uint64_t remote;
	uint64_t remote_ns;
	uint64_t shadow_ns;
	uint64_t shadow_count;
	uint64_t lock_ns;
	uint64_t small;
	uint64_t huge;
	uint64_t vcpu_ns;
	bool by_clock;
	const struct view_progress *progress;
};

/**
 * struct finding - what a rule makes of the evidence
 * @count: of what @what counts
 * @ns: of the vCPUs' time
 * @why: the numbers it rests on, one sentence or more, of the report's memory
 * @always: worth telling whatever it costs
 */
struct finding {
	uint64_t count;
	uint64_t ns;
	const char *why;
	bool always;
};

/**
 * struct rule - one thing that can be found
 * @key: for machines
 * @title: for people, one clause without a full stop
 * @causes: faults of these causes are the finding, a bit for each; 0 where @look decides
 * @look: fills @f in; returns whether there is something at all. NULL where @causes decide.
 * @sure: how sure it is
 * @knob: what changes it
 * @confirm: what would show that it is so
 */
struct rule {
	const char *key;
	const char *title;
	uint64_t causes;
	bool (*look)(const struct evidence *e, struct finding *f);
	enum explain_sure sure;
	const char *knob;
	const char *confirm;
};

/* All rules, @nr of them. */
const struct rule *explain_rules(size_t *nr);

/* Return: whether @rule has something to say of @e, which is @f then. */
bool explain_apply(const struct rule *rule, const struct evidence *e, struct finding *f);

/* Adds up what rules look at. */
void evidence_make(struct evidence *e, struct report *r, const struct vm *vm,
		   const struct vm_stats *st, uint64_t elapsed_ns);

/**
 * view_explain() - add a section "findings" per finding, the most expensive first
 *
 * Where there is none, a section says so. Return: number of VMs that were looked at.
 */
size_t view_explain(struct report *r, const struct model *m, const struct view_window *w);

/**
 * view_glossary() - add a section "glossary" for each meaning of @term, NULL for all terms
 *
 * Return: number of terms.
 */
size_t view_glossary(struct report *r, const char *term);

/* Return: whether the glossary has @term. */
bool glossary_has(const char *term);

#endif /* VIEW_EXPLAIN_H */
