/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of the VMs, from records alone: the same live and from a file.
 *
 * Sums exist twice: of the interval that runs, and of the intervals before it,
 * to which model_fold() adds the running one.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmuscope/abi.h>

#include "model/cause.h"
#include "model/history.h"
#include "model/slots.h"
#include "model/stats.h"

#define MODEL_NAME	64
/* Linux' own limit; a larger number in a record is nonsense. */
#define MODEL_CPUS_MAX	8192

/**
 * struct vcpu - one vCPU
 * @exits_until: end of the last interval of exits
 * @own_zap: history_clock() of the last invalidation by its own thread
 * @own_gfn: the frame that it was of, MMUSCOPE_UNKNOWN where it was not of just one
 * @retries: faults that were tried again, the last ones in a row
 * @table: word of a zapped page-table page that the running fault has made again, or 0
 * @linked: the running fault has made or found a page-table page that follows the guest's
 * @made: it has made one of small pages
 */
struct vcpu {
	bool seen;
	uint8_t life;
	uint32_t tid;
	uint64_t exits_until;
	uint64_t own_zap;
	uint64_t own_gfn;
	uint64_t table;
	bool linked;
	bool made;
	struct stuck_row retries;
};

/**
 * struct vm - one VM, also after its end
 * @id: as in mmuscope_hdr
 * @name: what the owner calls it
 * @comm: task name of the owner
 * @pid: the owner, 0 as long as it is not known
 * @kvm: the kernel's pointer, 0 as long as it is not known
 * @life: the last enum mmuscope_life that was told
 * @vcpus: by vcpu_id, of which @nr_vcpus were seen
 * @history: what became of its pages
 * @unsync_gfn: guest page table that was left writable last, at @unsync_ts
 * @flushes: of all vCPUs, of late
 * @invlpgs: KVM handles the guest's INVLPG
 * @tracked: KVM takes away what is looked at, for want of accessed bits
 * @now: sums of the running interval
 * @past: sums of the intervals before
 * @sizes: what the history would tell, of a model that was made of its sums
 */
struct vm {
	uint16_t id;
	char name[MODEL_NAME];
	char comm[20];
	uint32_t pid;
	uint64_t kvm;
	uint8_t mode;
	uint8_t isa;
	uint8_t life;
	struct vcpu *vcpus;
	size_t room_vcpus;
	unsigned int nr_vcpus;
	struct slots slots;
	struct vm_history history;
	uint64_t unsync_gfn;
	uint64_t unsync_ts;
	struct storm_window flushes;
	bool invlpgs;
	bool tracked;
	struct vm_stats now;
	struct vm_stats past;
	struct history_sizes sizes;
};

/**
 * struct ledger - what is counted of the records themselves
 * @records: per family; [0] those of families that this version does not know
 * @unattributed: of them, those without a VM that should have one
 * @lost: per stage
 * @lost_cpus: per CPU, over all stages, @nr_cpus of them
 */
struct ledger {
	uint64_t records[MMUSCOPE_TYPES];
	uint64_t unattributed[MMUSCOPE_TYPES];
	uint64_t lost[WORDS_stage];
	uint64_t *lost_cpus;
	size_t nr_cpus;
};

/**
 * model_name_fn - says what the owner of a VM calls it
 * @rec: the VM, with pid and comm
 * @name: to be set
 * @size: bytes of @name
 */
typedef void (*model_name_fn)(void *ctx, const struct mmuscope_vm *rec, char *name, size_t size);

struct model;

/* Return: an empty model, or NULL when memory is short. Without @name a VM is called comm:pid. */
struct model *model_new(model_name_fn name, void *ctx);

void model_free(struct model *m);

/* Takes @rec into account; does not keep it. Return: 0 or -ENOMEM. */
int model_feed(struct model *m, const struct mmuscope_hdr *rec);

/* @rec will be fed soon: what that takes is fetched meanwhile. Changes nothing. */
void model_expect(const struct model *m, const struct mmuscope_hdr *rec);
void model_expect_invalidate(const struct model *m, const struct mmuscope_invalidate *rec);

/* Takes of @rec only what the causes of later faults hang on: it is not to be counted. */
int model_note(struct model *m, const struct mmuscope_hdr *rec);

/* Records are from the middle of what happened: a VM that was made may have mapped pages. */
void model_partial(struct model *m);

/* Ends the running interval: its sums are added to the past. Return: 0 or -ENOMEM. */
int model_fold(struct model *m);

/* Number of VMs seen, and one of them, in the order in which they were seen. */
size_t model_vms(const struct model *m);
const struct vm *model_vm(const struct model *m, size_t index);

/* Return: the VM that has this number now, or NULL. */
const struct vm *model_vm_of(const struct model *m, uint16_t id);

/* The ledger of the running interval, and that of those before. */
const struct ledger *model_now(const struct model *m);
const struct ledger *model_past(const struct model *m);

/* Return: the cause of the fault that model_feed() was given last. */
const struct fault_cause *model_cause(const struct model *m);

/* How full the history is, and what is in it of @vm. */
void model_history(const struct model *m, struct history_use *use);
void model_sizes(const struct model *m, const struct vm *vm, struct history_sizes *sizes);

/* Return: ns from the begin of the first activity to the end of the last one. */
uint64_t model_span(const struct model *m);

#endif /* MODEL_MODEL_H */
