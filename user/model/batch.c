// SPDX-License-Identifier: GPL-2.0
/*
 * Which family comes next, and where in memory its page is, nobody can guess: neither the branches
 * nor the loads of one record after the other. Several at once need not be taken as they come.
 */
#include "model/batch.h"

/* So far ahead a page is asked for that it is there when its fault is due, and still is. */
#define AHEAD	12

/*
 * Lists of the families that are counted and change nothing else: it does not matter what comes
 * between two of them. Those in list 0 keep their order. Nothing passes a record of a VM: it may
 * be another from then on that has this number.
 */
enum { LISTS = 9, STAYS = LISTS };
static const uint8_t lists[MMUSCOPE_TYPES] = {
	[MMUSCOPE_TYPE_flush] = 1, [MMUSCOPE_TYPE_sync] = 2, [MMUSCOPE_TYPE_ptwrite] = 3,
	[MMUSCOPE_TYPE_cr3] = 4, [MMUSCOPE_TYPE_age] = 5, [MMUSCOPE_TYPE_lockwait] = 6,
	[MMUSCOPE_TYPE_apf] = 7, [MMUSCOPE_TYPE_exits] = 8, [MMUSCOPE_TYPE_vm] = STAYS,
};

/* VMs are to be seen in the order of their first records. */
static unsigned int list_of(const struct model *m, const struct mmuscope_hdr *rec)
{
	unsigned int list = rec->type < MMUSCOPE_TYPES ? lists[rec->type] : STAYS;

	return list && rec->vm != MMUSCOPE_NO_VM && !model_vm_of(m, rec->vm) ? STAYS : list;
}

/*
 * Puts one list behind the other. @first: set to how many are in list 0. Return: the records in
 * that order: @recs, where none is in another list or all must stay as they are, or @sorted.
 */
static const struct mmuscope_hdr *const *sort(const struct model *m,
					      const struct mmuscope_hdr *const *recs,
					      unsigned int nr, const struct mmuscope_hdr **sorted,
					      unsigned int *first)
{
	uint16_t at[LISTS + 2] = { 0 };
	uint8_t list[MODEL_BATCH];

	for (unsigned int i = 0; i < nr; i++) {
		list[i] = list_of(m, recs[i]);
		at[list[i] + 1]++;
	}
	*first = at[STAYS + 1] ? 0 : at[1];
	if (at[STAYS + 1] || at[1] == nr)
		return recs;
	for (unsigned int i = 1; i < LISTS; i++)
		at[i] += at[i - 1];
	for (unsigned int i = 0; i < nr; i++)
		sorted[at[list[i]]++] = recs[i];
	return sorted;
}

int batch_feed(struct model *m, const struct mmuscope_hdr *const *recs, unsigned int nr)
{
	const struct mmuscope_hdr *sorted[MODEL_BATCH];
	unsigned int ahead;
	int err = 0;

	recs = sort(m, recs, nr, sorted, &ahead);
	for (unsigned int i = 0; i < AHEAD && i < ahead; i++)
		model_expect(m, recs[i]);
	for (unsigned int i = 0; i < nr && !err; i++) {
		if (i + AHEAD < ahead)
			model_expect(m, recs[i + AHEAD]);
		err = model_feed(m, recs[i]);
	}
	return err;
}
