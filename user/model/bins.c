// SPDX-License-Identifier: GPL-2.0
#include "model/bins.h"

#include <string.h>

#define NARROWEST	1000	/* ns: shorter than this is no fault */

void bins_init(struct bins *b, uint64_t begin, size_t nr)
{
	*b = (struct bins){ .begin = begin, .width = NARROWEST, .nr = nr };
}

size_t bins_index(const struct bins *b, uint64_t ts)
{
	return ts > b->begin ? (ts - b->begin) / b->width : 0;
}

unsigned int bins_reach(struct bins *b, uint64_t ts)
{
	unsigned int times = 0;

	while (bins_index(b, ts) >= b->nr) {
		b->width *= 2;
		b->used = (b->used + 1) / 2;
		times++;
	}
	if (bins_index(b, ts) >= b->used)
		b->used = bins_index(b, ts) + 1;
	return times;
}

void bins_fold(uint64_t *numbers, size_t nr, unsigned int times)
{
	while (times--) {
		for (size_t i = 0; i < nr / 2; i++)
			numbers[i] = numbers[2 * i] + numbers[2 * i + 1];
		memset(numbers + nr / 2, 0, (nr - nr / 2) * sizeof(*numbers));
	}
}
