// SPDX-License-Identifier: GPL-2.0
#include "model/storm.h"

void storm_add(struct storm *s, struct storm_window *w, uint64_t ts)
{
	uint64_t index = ts / STORM_WINDOW_NS;

	if (index != w->index)
		*w = (struct storm_window){ .index = index };
	if (++w->flushes < STORM_FLUSHES)
		return;
	if (w->flushes == STORM_FLUSHES) {
		s->windows++;
		s->flushes += STORM_FLUSHES;
		if (!s->begin)
			s->begin = index * STORM_WINDOW_NS;
		s->end = (index + 1) * STORM_WINDOW_NS;
	} else {
		s->flushes++;
	}
	if (w->flushes > s->peak)
		s->peak = w->flushes;
}

void storm_fold(struct storm *to, const struct storm *from)
{
	to->windows += from->windows;
	to->flushes += from->flushes;
	if (from->peak > to->peak)
		to->peak = from->peak;
	if (!to->begin)
		to->begin = from->begin;
	if (from->end)
		to->end = from->end;
}
