// SPDX-License-Identifier: GPL-2.0
/*
 * The host takes memory away while the guest uses it: vCPUs are interrupted to flush their
 * TLBs, and faults meet invalidations. How often depends on the moment.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "workload.h"

struct taker {
	struct vm *vm;
	atomic_bool over;
	int err;
};

static void *take(void *arg)
{
	struct taker *t = arg;

	for (uint64_t i = 0; !t->err && i < t->vm->rounds; i++)
		if (madvise(t->vm->data, t->vm->data_size, MADV_DONTNEED))
			t->err = -errno;
	t->over = true;
	return NULL;
}

static int race_setup(struct vm *vm)
{
	vm->expect_tdp = vm->expect_shadow = -1;
	return 0;
}

/*
 * All is mapped before the first time: taking much of it takes long. The last pass is after the
 * last time, and finds none of it gone.
 */
static int race_run(struct vm *vm)
{
	struct taker t = { .vm = vm };
	pthread_t thread;
	bool over = false;
	int r = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, 1);

	if (!r)
		r = -pthread_create(&thread, NULL, take, &t);
	if (r)
		return r;
	while (!r && !over) {
		over = t.over;
		r = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, 1);
	}
	pthread_join(thread, NULL);
	return r ? r : t.err;
}

static int race_check(struct vm *vm)
{
	return data_differs(vm, 1) ? -EBADMSG : 0;
}

const struct workload workload_race = {
	.name = "race",
	.doc = "memory is taken away --rounds times while the guest uses it",
	.pages = 64,
	.rounds = 1000,
	.setup = race_setup,
	.run = race_run,
	.check = race_check,
};
