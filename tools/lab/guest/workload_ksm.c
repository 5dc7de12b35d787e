// SPDX-License-Identifier: GPL-2.0
/* The host merges equal pages (KSM), the guest's writes take them apart again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "say.h"
#include "workload.h"

#define KSM_DIR "/sys/kernel/mm/ksm/"

static long ksm_get(const char *name)
{
	char path[64];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), KSM_DIR "%s", name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

static int ksm_set(const char *name, long value)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), KSM_DIR "%s", name);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fprintf(f, "%ld\n", value);
	return fclose(f) ? -errno : 0;
}

static long ksm_merged(void)
{
	return ksm_get("pages_sharing") + ksm_get("pages_shared");
}

/* Every page holds the same; each is mapped. */
static int ksm_setup(struct vm *vm)
{
	/* 2 takes apart what is merged, so that it counts from zero. */
	if (ksm_get("run") < 0 || ksm_set("run", 2) || ksm_set("run", 0)) {
		say_error("this kernel has no KSM, or not for us");
		return EXIT_SKIP;
	}
	for (uint64_t i = 0; i < vm->pages; i++)
		memset(vm->data + i * PAGE_SIZE, 0x5a, PAGE_SIZE);
	return vcpu_call(&vm->vcpus[0], OP_WARM, ARGS(DATA_GVA, vm->pages));
}

static int ksm_merge(struct vm *vm)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	long before = ksm_merged(), scanned = ksm_get("pages_to_scan");
	int r;

	if (madvise(vm->data, vm->pages * PAGE_SIZE, MADV_MERGEABLE))
		return -errno;
	r = ksm_set("pages_to_scan", 2 * vm->pages);
	if (!r)
		r = ksm_set("run", 1);
	for (int i = 0; !r && ksm_merged() - before < (long)vm->pages; i++) {
		if (i == 1500)
			return -ETIMEDOUT;
		nanosleep(&nap, NULL);
	}
	if (!r)
		r = ksm_set("run", 0);
	return r ? r : ksm_set("pages_to_scan", scanned);
}

static int ksm_run(struct vm *vm)
{
	int r = ksm_merge(vm);

	return r ? r : share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, 3);
}

static int ksm_check(struct vm *vm)
{
	return data_differs(vm, 3) ? -EBADMSG : 0;
}

const struct workload workload_ksm = {
	.name = "ksm",
	.doc = "the host merges all pages, the guest writes them (sets " KSM_DIR ")",
	.pages = 256,
	.rounds = 1,
	.setup = ksm_setup,
	.run = ksm_run,
	.check = ksm_check,
};
