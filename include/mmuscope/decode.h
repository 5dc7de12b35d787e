/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From what the hardware says to mmuscope's words. Compiled by clang for BPF,
 * by Kbuild and by the unit tests, hence no calls and no tables.
 */
#ifndef MMUSCOPE_DECODE_H
#define MMUSCOPE_DECODE_H

#include <mmuscope/abi.h>

/*
 * Page-fault error code, AMD APM volume 2, 8.4.2 and 15.25.6 (nested page
 * fault, EXITINFO1); Intel SDM volume 3, 4.7.
 */
#define PF_PRESENT	(1ULL << 0)
#define PF_WRITE	(1ULL << 1)
#define PF_RESERVED	(1ULL << 3)
#define PF_FETCH	(1ULL << 4)
#define NPF_FINAL	(1ULL << 32)
#define NPF_WALK	(1ULL << 33)

/* EPT violation exit qualification, Intel SDM volume 3, table 28-7. */
#define EPTQ_READ	(1ULL << 0)
#define EPTQ_WRITE	(1ULL << 1)
#define EPTQ_FETCH	(1ULL << 2)
#define EPTQ_CAN_READ	(1ULL << 3)
#define EPTQ_CAN_WRITE	(1ULL << 4)
#define EPTQ_CAN_EXEC	(1ULL << 5)
#define EPTQ_GVA_VALID	(1ULL << 7)
#define EPTQ_FINAL	(1ULL << 8)

/*
 * An EPT misconfiguration comes without a qualification. Where what KVM does next
 * tells the access, its bit is set as in a qualification, and this one of ours.
 */
#define EPTQ_MISCONFIG	(1ULL << 63)

struct decode {
	__u8 access;		/* enum mmuscope_access */
	__u8 condition;		/* enum mmuscope_condition */
	__u8 walk;		/* 1: fault of the walk of the guest's own tables */
};

static inline __attribute__((always_inline)) __u8 decode_denied(__u8 access, __u8 walk)
{
	/*
	 * The walker writes to a guest page table only to set an accessed or
	 * dirty bit in it.
	 */
	if (walk && access == MMUSCOPE_access_write)
		return MMUSCOPE_condition_accessed_dirty;
	if (access == MMUSCOPE_access_write)
		return MMUSCOPE_condition_write_protected;
	if (access == MMUSCOPE_access_exec)
		return MMUSCOPE_condition_exec_denied;
	return MMUSCOPE_condition_denied;
}

/**
 * decode_pf() - nested page fault (EXITINFO1) or #PF error code
 * @error: the code; bits 32 and 33 are there for nested page faults only
 * @d: result, every member is set
 *
 * AMD reports most walks of guest tables as writes (APM volume 2, 15.25.5),
 * so that @d->access of a walk that found nothing present means little.
 */
static inline __attribute__((always_inline)) void decode_pf(__u64 error, struct decode *d)
{
	d->walk = (error & NPF_WALK) && !(error & NPF_FINAL);
	d->access = error & PF_FETCH ? MMUSCOPE_access_exec :
		    error & PF_WRITE ? MMUSCOPE_access_write : MMUSCOPE_access_read;
	if (error & PF_RESERVED)
		d->condition = MMUSCOPE_condition_reserved;
	else if (!(error & PF_PRESENT))
		d->condition = MMUSCOPE_condition_not_present;
	else
		d->condition = decode_denied(d->access, d->walk);
}

/**
 * decode_ept() - EPT violation exit qualification
 * @qual: the qualification
 * @d: result, every member is set
 *
 * With accessed and dirty bits in EPT the walker sets the read and the write
 * bit together (SDM volume 3, 28.3.3.2): that is a write. A violation has an
 * access bit; a code without one stands for a misconfiguration (see span_mmio()),
 * and so does one with EPTQ_MISCONFIG.
 */
static inline __attribute__((always_inline)) void decode_ept(__u64 qual, struct decode *d)
{
	d->walk = (qual & EPTQ_GVA_VALID) && !(qual & EPTQ_FINAL);
	d->access = qual & EPTQ_FETCH ? MMUSCOPE_access_exec :
		    qual & EPTQ_WRITE ? MMUSCOPE_access_write :
		    qual & EPTQ_READ ? MMUSCOPE_access_read : MMUSCOPE_access_unknown;
	if (d->access == MMUSCOPE_access_unknown || qual & EPTQ_MISCONFIG)
		d->condition = MMUSCOPE_condition_reserved;
	else if (!(qual & (EPTQ_CAN_READ | EPTQ_CAN_WRITE | EPTQ_CAN_EXEC)))
		d->condition = MMUSCOPE_condition_not_present;
	else
		d->condition = decode_denied(d->access, d->walk);
}

/**
 * decode_fault() - whichever of the above goes with @mode
 * @mode: enum mmuscope_mode
 * @isa: enum mmuscope_isa: a nested fault arrives as the hardware's, not as L1's
 * @error: as the hardware gave it
 * @d: result, every member is set
 */
static inline __attribute__((always_inline)) void
decode_fault(__u8 mode, __u8 isa, __u64 error, struct decode *d)
{
	if (mode != MMUSCOPE_mode_shadow && isa == MMUSCOPE_isa_vmx)
		decode_ept(error, d);
	else
		decode_pf(error, d);
}

/**
 * fault_reason() - the exit reason that a memory fault arrives with
 * @isa: enum mmuscope_isa
 * @mode: enum mmuscope_mode
 *
 * Numbers of asm/vmx.h and asm/svm.h. An EPT misconfiguration has one of its own.
 */
static inline __attribute__((always_inline)) __u32 fault_reason(__u8 isa, __u8 mode)
{
	if (isa == MMUSCOPE_isa_svm)
		return mode == MMUSCOPE_mode_shadow ? 0x4e : 0x400;
	return mode == MMUSCOPE_mode_shadow ? 0 : 48;
}

/*
 * Exit reasons are counted in a dense table: VMX reasons (0 to 85 so far) and
 * SVM codes below SVM_HIGH lie where they are, those of SVM from 0x400 on
 * (asm/svm.h) behind them, and whatever is not known in the last place.
 */
#define EXIT_SVM_HIGH	0xf0
#define EXIT_SVM_BASE	0x400
#define EXIT_INDEX_MAX	0x100	/* a power of two: BPF masks with it */
#define EXIT_OTHER	(EXIT_INDEX_MAX - 1)

static inline __attribute__((always_inline)) __u32 exit_index(__u32 reason)
{
	if (reason < EXIT_SVM_HIGH)
		return reason;
	if (reason >= EXIT_SVM_BASE && reason - EXIT_SVM_BASE < EXIT_OTHER - EXIT_SVM_HIGH)
		return EXIT_SVM_HIGH + reason - EXIT_SVM_BASE;
	return EXIT_OTHER;
}

/* The reason back from its index; EXIT_OTHER gives ~0. */
static inline __attribute__((always_inline)) __u32 exit_reason(__u32 index)
{
	if (index < EXIT_SVM_HIGH)
		return index;
	if (index < EXIT_OTHER)
		return EXIT_SVM_BASE + index - EXIT_SVM_HIGH;
	return ~0U;
}

#endif /* MMUSCOPE_DECODE_H */
