/* SPDX-License-Identifier: GPL-2.0 */
/* Scales of pictures: steps of a logarithm for colours, ticks for axes. */
#ifndef LIB_SCALE_H
#define LIB_SCALE_H

#include <stdint.h>

/**
 * scale_step() - which of @steps shades a count has
 * @most: the largest count there is
 *
 * Shades are equally wide in the logarithm of the count. Where there are fewer counts than
 * shades, some are not used; @most always has the last one.
 *
 * Return: 1 to @steps, 0 for a @count of 0.
 */
unsigned int scale_step(uint64_t count, uint64_t most, unsigned int steps);

/* Return: the smallest count of shade @step, 1 to @steps; above @most where no count has it. */
uint64_t scale_low(unsigned int step, uint64_t most, unsigned int steps);

/* Return: the distance of ticks, 1, 2 or 5 times a power of ten, so that @range has at most @nr. */
double scale_tick(double range, unsigned int nr);

#endif /* LIB_SCALE_H */
