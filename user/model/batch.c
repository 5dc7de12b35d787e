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
enum { LISTS = 9, STAYS = 16 };
static const uint8_t lists[UINT8_MAX + 1] = {
	[MMUSCOPE_TYPE_flush] = 1, [MMUSCOPE_TYPE_sync] = 2, [MMUSCOPE_TYPE_ptwrite] = 3,
	[MMUSCOPE_TYPE_cr3] = 4, [MMUSCOPE_TYPE_age] = 5, [MMUSCOPE_TYPE_lockwait] = 6,
	[MMUSCOPE_TYPE_apf] = 7, [MMUSCOPE_TYPE_exits] = 8, [MMUSCOPE_TYPE_vm] = STAYS,
	[MMUSCOPE_TYPES ... UINT8_MAX] = STAYS,
};
_Static_assert(LISTS <= STAYS, "a bit of its own");

/* Whether all are of VMs that were seen before, so that none is seen too early. */
static bool all_known(const struct model *m, const struct mmuscope_hdr *const *recs,
		      unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (recs[i]->vm != MMUSCOPE_NO_VM && !model_vm_of(m, recs[i]->vm))
			return false;
	return true;
}

/* Puts one list behind the other; there is nothing of list 0. */
static void sort(const struct mmuscope_hdr *const *recs, unsigned int nr,
		 const struct mmuscope_hdr **sorted)
{
	uint16_t at[LISTS + 1] = { 0 };

	for (unsigned int i = 0; i < nr; i++)
		at[lists[recs[i]->type] + 1]++;
	for (unsigned int i = 2; i < LISTS; i++)
		at[i] += at[i - 1];
	for (unsigned int i = 0; i < nr; i++)
		sorted[at[lists[recs[i]->type]]++] = recs[i];
}

/*
 * Puts list 0 into @sorted, and the others behind it. Pages that are taken away are asked for: to
 * find out later what is an invalidation costs more. Return: whether that order will do; @first is
 * set to how many are in list 0.
 */
static bool split(const struct model *m, const struct mmuscope_hdr *const *recs, unsigned int nr,
		  const struct mmuscope_hdr **sorted, unsigned int *first)
{
	const struct mmuscope_hdr *others[MODEL_BATCH], *taken[MODEL_BATCH];
	unsigned int ordered = 0, all = 0, nr_taken = 0;

	/* Where one belongs cannot be guessed: it is put into both, and in one is written over. */
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int list = lists[recs[i]->type];

		sorted[ordered] = others[i - ordered] = recs[i];
		ordered += !list;
		taken[nr_taken] = recs[i];
		nr_taken += recs[i]->type == MMUSCOPE_TYPE_invalidate;
		all |= list;
	}
	if (all & STAYS || !all_known(m, others, nr - ordered))
		return false;
	for (unsigned int i = 0; i < nr_taken; i++)
		model_expect_invalidate(m, (const struct mmuscope_invalidate *)taken[i]);
	sort(others, nr - ordered, sorted + ordered);
	*first = ordered;
	return true;
}

int batch_feed(struct model *m, const struct mmuscope_hdr *const *recs, unsigned int nr)
{
	const struct mmuscope_hdr *sorted[MODEL_BATCH];
	unsigned int ahead = 0;
	int err = 0;

	if (split(m, recs, nr, sorted, &ahead))
		recs = sorted;
	for (unsigned int i = 0; i < AHEAD && i < ahead; i++)
		model_expect(m, recs[i]);
	for (unsigned int i = 0; i < nr && !err; i++) {
		if (i + AHEAD < ahead)
			model_expect(m, recs[i + AHEAD]);
		err = model_feed(m, recs[i]);
	}
	return err;
}
