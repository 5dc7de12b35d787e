/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why something is taken from a guest: found by whose call it is.
 *
 * A collector saves the stack where memory is invalidated, tables are zapped or
 * TLBs flushed, and looks its return addresses up among the functions that name a
 * cause (user/source/site.c knows them). The innermost one tells: what reclaim does
 * within madvise() is reclaim's. An outer one tells only where it says that the
 * inner one is its tool: pages that NUMA balancing migrates.
 *
 * Compiled by clang for BPF, by Kbuild and by the unit tests.
 */
#ifndef MMUSCOPE_CAUSE_H
#define MMUSCOPE_CAUSE_H

#include <mmuscope/abi.h>

#define CAUSE_INLINE static inline __attribute__((always_inline))

/* Return addresses that are looked at; our own hooks are among them. */
#define CAUSE_DEPTH	20

/* A power of two; the kernel splits some functions, and each part has a place. */
#define CAUSE_SITES	256

/**
 * struct cause_site - a function, or a part of one
 * @start: its first byte; all ones in places that are not used
 * @size: its bytes
 * @cause: enum mmuscope_cause of what is done within
 * @over: enum mmuscope_cause that it is the reason of, where that is further in
 *
 * Sorted by @start.
 */
struct cause_site {
	__u64 start;
	__u32 size;
	__u8 cause;
	__u8 over;
	__u16 pad;
};

/* The last place whose function begins at @ip or before it, or the first place. */
CAUSE_INLINE __u32 cause_place(const volatile struct cause_site *sites, __u64 ip)
{
	__u32 at = 0, step;

	for (step = CAUSE_SITES / 2; step; step /= 2) {
		if (sites[(at + step) % CAUSE_SITES].start <= ip)
			at = (at + step) % CAUSE_SITES;
	}
	return at;
}

/**
 * cause_outward() - take a look at the next return address, outward
 * @sites: CAUSE_SITES of them
 * @ip: the address, behind a call
 * @cause: what the inner ones said, unknown at first
 *
 * Return: what is known then.
 */
CAUSE_INLINE __u8 cause_outward(const volatile struct cause_site *sites, __u64 ip, __u8 cause)
{
	/* A call can be the last thing in its function. */
	const volatile struct cause_site *s = &sites[cause_place(sites, ip - 1)];

	if (ip - 1 - s->start >= s->size)
		return cause;
	if (cause == MMUSCOPE_cause_unknown || cause == s->over)
		return s->cause;
	return cause;
}

/**
 * cause_inferred() - a guess where no stack could be had, or no function on it is known
 * @event: enum mmuscope_notifier
 * @comm: name of the task, 8 bytes of it; of a kernel thread, else ""
 *
 * What comes of it must be marked MMUSCOPE_INFERRED.
 */
CAUSE_INLINE __u8 cause_inferred(__u8 event, const char *comm)
{
	__u64 name = 0;
	int i;

	for (i = 0; i < 8; i++)
		name |= (__u64)(__u8)comm[i] << 8 * i;
	if ((name & 0xffffffffffULL) == 0x646d736bULL)			/* "ksmd" */
		return MMUSCOPE_cause_ksm_merge;
	if (name == 0x676170656775686bULL)				/* "khugepag" */
		return MMUSCOPE_cause_thp_collapse;
	if ((name & 0xffffffffffffULL) == 0x64706177736bULL)		/* "kswapd" */
		return MMUSCOPE_cause_reclaim;
	if (name == 0x746361706d6f636bULL)				/* "kcompact" */
		return MMUSCOPE_cause_migration;
	switch (event) {
	case MMUSCOPE_notifier_unmap:
		return MMUSCOPE_cause_munmap;
	case MMUSCOPE_notifier_soft_dirty:
		return MMUSCOPE_cause_soft_dirty;
	case MMUSCOPE_notifier_release:
		return MMUSCOPE_cause_teardown;
	case MMUSCOPE_notifier_migrate:
		return MMUSCOPE_cause_migration;
	}
	return MMUSCOPE_cause_unknown;
}

/* What the guest did to have its TLB flushed, by its exit's reason: asm/svm.h, asm/vmx.h. */
CAUSE_INLINE __u8 cause_of_exit(__u8 isa, __u32 reason)
{
	/* Of SVM writes of CR0 to CR15, INVLPG and INVPCID; of VMX CR accesses and those two. */
	if (isa == MMUSCOPE_isa_svm ? (reason >= 0x10 && reason <= 0x1f) ||
				      reason == 0x79 || reason == 0xa2 :
				      reason == 28 || reason == 14 || reason == 58)
		return MMUSCOPE_cause_guest_tlb;
	return MMUSCOPE_cause_unknown;
}

/* What is done for that reason, where the origin alone tells. */
CAUSE_INLINE __u8 cause_of_origin(__u8 origin)
{
	switch (origin) {
	case MMUSCOPE_origin_age:
		return MMUSCOPE_cause_aging;
	case MMUSCOPE_origin_dirty:
		return MMUSCOPE_cause_dirty_log;
	case MMUSCOPE_origin_nx:
		return MMUSCOPE_cause_nx_huge_page;
	case MMUSCOPE_origin_destroy:
		return MMUSCOPE_cause_teardown;
	case MMUSCOPE_origin_sync:
	case MMUSCOPE_origin_invlpg:
		return MMUSCOPE_cause_guest_tlb;
	case MMUSCOPE_origin_ptwrite:
		return MMUSCOPE_cause_pt_write;
	}
	return MMUSCOPE_cause_unknown;
}

#endif /* MMUSCOPE_CAUSE_H */
