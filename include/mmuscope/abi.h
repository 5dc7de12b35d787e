/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the collectors and user space agree on: the record header and the
 * structs expanded from events.def. Compiled by clang for BPF, by Kbuild and
 * by the user-space compiler; all three check the sizes.
 */
#ifndef MMUSCOPE_ABI_H
#define MMUSCOPE_ABI_H

#include <linux/types.h>

/*
 * Raised with each change of a record: collector and reader must have the same. A
 * recording describes its own.
 */
#define MMUSCOPE_SCHEMA		2

#define MMUSCOPE_UNKNOWN	(~0ULL)	/* an ADDR or GFN that is not known */
#define MMUSCOPE_NO_VM		0	/* hdr.vm of a record without a VM */
#define MMUSCOPE_NO_VCPU	0xffff	/* hdr.vcpu of a record without a vCPU */

/* hdr.flags */
#define MMUSCOPE_PARTIAL	0x01	/* the begin was not seen: duration too short or 0 */
#define MMUSCOPE_INFERRED	0x02	/* a word was deduced, not reported by KVM */
#define MMUSCOPE_SLEPT		0x04	/* the task slept in between */
#define MMUSCOPE_PREEMPTED	0x08	/* the task was preempted in between */
#define MMUSCOPE_USER		0x10	/* went to user space in between */
#define MMUSCOPE_NESTED		0x20	/* L2 was running */

/**
 * struct mmuscope_hdr - begin of every record
 * @ts: CLOCK_MONOTONIC nanoseconds of the end of the activity
 * @dur: nanoseconds from its begin to its end, 0 for a point in time
 * @vm: small integer given at first sight of a VM, never 0 for a VM; a new one
 *	after a VM is destroyed, even where the kernel reuses the address
 * @vcpu: KVM's vcpu_id, or MMUSCOPE_NO_VCPU
 * @type: enum mmuscope_type
 * @flags: MMUSCOPE_* above
 * @size: bytes of the whole record, header included
 */
struct mmuscope_hdr {
	__u64 ts;
	__u64 dur;
	__u16 vm;
	__u16 vcpu;
	__u8 type;
	__u8 flags;
	__u16 size;
};

_Static_assert(sizeof(struct mmuscope_hdr) == 24, "record header grew");

/* enum mmuscope_mode { MMUSCOPE_mode_ept = 1, ... } and so on */
#define WORDS(set)			enum mmuscope_##set {
#define WORD(set, value, name, doc)	MMUSCOPE_##set##_##name = value,
#define WORDS_END(set)			};
#include <mmuscope/events.def>

enum mmuscope_type {
#define EVENT(id, name, size, doc)	MMUSCOPE_TYPE_##name = id,
#include <mmuscope/events.def>
};

#define MMUSCOPE_TYPES 21	/* one more than the largest id */

/* struct mmuscope_fault { hdr; fields } and so on */
#define MMUSCOPE_T_u8	__u8
#define MMUSCOPE_T_u16	__u16
#define MMUSCOPE_T_u32	__u32
#define MMUSCOPE_T_s32	__s32
#define MMUSCOPE_T_u64	__u64
#define EVENT(id, name, size, doc)	struct mmuscope_##name { struct mmuscope_hdr hdr;
#define FIELD(type, name, unit, doc)	MMUSCOPE_T_##type name;
#define FIELD_WORD(set, name, doc)	__u8 name;
#define FIELD_TEXT(len, name, doc)	char name[len];
#define EVENT_END(name)			};
#include <mmuscope/events.def>

#define EVENT(id, name, size, doc)						\
	_Static_assert(sizeof(struct mmuscope_##name) == (size) &&		\
		       (size) % 8 == 0 && (id) < MMUSCOPE_TYPES,		\
		       "size of " #name " in events.def is wrong");
#include <mmuscope/events.def>

#endif /* MMUSCOPE_ABI_H */
