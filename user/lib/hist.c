// SPDX-License-Identifier: GPL-2.0
#include "lib/hist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

struct hist *hist_new(void)
{
	struct hist *h = calloc(1, sizeof(*h));

	if (h)
		h->min = UINT64_MAX;
	return h;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	to->count += from->count;
	if (__builtin_add_overflow(to->sum, from->sum, &to->sum))
		to->sum = UINT64_MAX;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	for (uint32_t i = 0; i < MMUSCOPE_HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

static uint64_t bucket_middle(uint32_t index)
{
	uint64_t low = mmuscope_hist_low(index);
	uint64_t next = mmuscope_hist_low(index + 1);

	return low + (next - low) / 2;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	uint64_t rank = ceil(percent / 100 * h->count);
	uint64_t seen = 0, value = h->max;

	if (!h->count)
		return 0;
	if (rank < 1)
		rank = 1;
	/* The last bucket also counts what is too long for any: there only the maximum is known. */
	for (uint32_t i = 0; i < MMUSCOPE_HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank) {
			value = bucket_middle(i);
			break;
		}
	}
	if (value < h->min)
		return h->min;
	return value > h->max ? h->max : value;
}

uint64_t hist_octave(const struct hist *h, unsigned int index, uint64_t *low, uint64_t *high)
{
	uint32_t first = index << MMUSCOPE_HIST_SUB_BITS;
	uint64_t count = 0;

	for (uint32_t i = first; i < first + MMUSCOPE_HIST_SUB; i++)
		count += h->bucket[i];
	*low = mmuscope_hist_low(first);
	*high = mmuscope_hist_low(first + MMUSCOPE_HIST_SUB);
	return count;
}
