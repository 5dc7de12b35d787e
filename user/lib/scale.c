// SPDX-License-Identifier: GPL-2.0
#include "lib/scale.h"

#include <math.h>

unsigned int scale_step(uint64_t count, uint64_t most, unsigned int steps)
{
	unsigned int step;

	if (!count)
		return 0;
	if (count >= most)
		return steps;
	step = 1 + (unsigned int)(steps * log((double)count) / log((double)most + 1));
	return step < steps ? step : steps;
}

uint64_t scale_low(unsigned int step, uint64_t most, unsigned int steps)
{
	uint64_t low = 1, high = most, middle;

	/* Asked of scale_step() itself, so that a legend cannot say anything else. */
	if (scale_step(most, most, steps) < step)
		return most + 1;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (scale_step(middle, most, steps) < step)
			low = middle + 1;
		else
			high = middle;
	}
	return scale_step(low, most, steps) == step ? low : most + 1;
}

double scale_tick(double range, unsigned int nr)
{
	static const double nice[] = { 1, 2, 5, 10 };
	double least = range / nr, power;

	if (!(range > 0) || !nr)
		return 1;
	power = pow(10, floor(log10(least)));
	for (unsigned int i = 0; i < sizeof(nice) / sizeof(*nice); i++)
		if (nice[i] * power >= least * (1 - 1e-9))
			return nice[i] * power;
	return 10 * power;
}
