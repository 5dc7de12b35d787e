/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The buckets of mmuscope's histograms: 32 of equal width per power of two, so
 * that the middle of a bucket is at most 1/64 off any value in it. The same
 * arithmetic for the BPF collector, the kernel module and user space: their
 * histograms are merged by addition.
 */
#ifndef MMUSCOPE_HIST_H
#define MMUSCOPE_HIST_H

#include <linux/types.h>

#define MMUSCOPE_HIST_SUB_BITS	5
#define MMUSCOPE_HIST_SUB	(1U << MMUSCOPE_HIST_SUB_BITS)
/* 2^42 ns are 73 minutes; what is longer goes into the last bucket. */
#define MMUSCOPE_HIST_BITS	42
#define MMUSCOPE_HIST_BUCKETS	\
	((MMUSCOPE_HIST_BITS - MMUSCOPE_HIST_SUB_BITS + 1) << MMUSCOPE_HIST_SUB_BITS)

/* Position of the highest bit of @value, which is not 0. */
static inline __u32 mmuscope_hist_log2(__u64 value)
{
#ifdef __bpf__
	/* BPF has no instruction for it, and clang 14 crashes on the builtin. */
	__u32 log = 0, step;

	for (step = 32; step; step >>= 1) {
		if (value >> step) {
			value >>= step;
			log += step;
		}
	}
	return log;
#else
	return 63 - __builtin_clzll(value);
#endif
}

/* The bucket that counts @value; always below MMUSCOPE_HIST_BUCKETS. */
static inline __u32 mmuscope_hist_index(__u64 value)
{
	__u32 shift;

	if (value < MMUSCOPE_HIST_SUB)
		return value;
	if (value >> MMUSCOPE_HIST_BITS)
		return MMUSCOPE_HIST_BUCKETS - 1;
	shift = mmuscope_hist_log2(value) - MMUSCOPE_HIST_SUB_BITS;
	return (shift << MMUSCOPE_HIST_SUB_BITS) + (__u32)(value >> shift);
}

/* The smallest value that bucket @index counts. */
static inline __u64 mmuscope_hist_low(__u32 index)
{
	__u32 block = index >> MMUSCOPE_HIST_SUB_BITS;
	__u64 sub = index & (MMUSCOPE_HIST_SUB - 1);

	return block ? (sub + MMUSCOPE_HIST_SUB) << (block - 1) : sub;
}

#endif /* MMUSCOPE_HIST_H */
