// SPDX-License-Identifier: GPL-2.0
#include "cmd/progress.h"

#include <time.h>

#include "cmd/session.h"

/* Between two looks: a vCPU that is stuck faults thousands of times in it. */
#define PAUSE_NS 50000000L

bool progress_of(const struct peek_vm *vm, struct view_progress *to)
{
	*to = (struct view_progress){ .seq = vm->seq, .in_progress = vm->in_progress };
	return vm->counts;
}

/* Which of several VMs of a process is meant is not known here. */
static bool look(struct progress *p, uint32_t pid, struct view_progress *to)
{
	const struct peek_area *area = peek_look(p->peek, pid);

	return area && area->nr_vms == 1 && progress_of(&area->vms[0], to);
}

bool progress_ask(void *ctx, uint32_t pid, bool twice, struct view_progress *to)
{
	struct progress *p = ctx;
	struct view_progress before;
	uint64_t begin;
	char msg[256];

	if (!p->peek && !p->failed) {
		p->peek = peek_open(msg, sizeof(msg));
		p->failed = !p->peek;
	}
	if (p->failed || !pid || !look(p, pid, to))
		return false;
	if (!twice)
		return true;
	before = *to;
	begin = session_clock();
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
	if (!look(p, pid, to))
		return false;
	to->moved = to->seq - before.seq;
	to->moved_ns = session_clock() - begin;
	return true;
}

void progress_close(struct progress *p)
{
	peek_close(p->peek);
}
