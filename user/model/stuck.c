// SPDX-License-Identifier: GPL-2.0
#include "model/stuck.h"

void stuck_add(struct stuck *s, struct stuck_row *row, const struct mmuscope_fault *f)
{
	uint64_t gfn = f->gpa >> 12, since;

	if (f->verdict != MMUSCOPE_verdict_retry) {
		row->count = 0;
		return;
	}
	if (!row->count || row->rip != f->rip || row->gfn != gfn)
		*row = (struct stuck_row){
			.rip = f->rip, .gfn = gfn, .vcpu = f->hdr.vcpu,
			.begin = f->hdr.ts - f->hdr.dur, .end = f->hdr.ts - f->hdr.dur,
		};
	since = row->end;
	row->end = f->hdr.ts;
	if (++row->count < STUCK_FAULTS)
		return;
	if (row->count == STUCK_FAULTS) {
		s->rows++;
		s->faults += STUCK_FAULTS;
		since = row->begin;
	} else {
		s->faults++;
	}
	s->ns += row->end - since;
	if (row->count > s->worst.count)
		s->worst = *row;
}

void stuck_fold(struct stuck *to, const struct stuck *from)
{
	to->rows += from->rows;
	to->faults += from->faults;
	to->ns += from->ns;
	if (from->worst.count > to->worst.count)
		to->worst = from->worst;
}
