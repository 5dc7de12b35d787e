/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vCPU state machine: probes in, one fault record per memory exit out.
 *
 *            span_exit           span_fault, span_mmio
 *   GUEST ------------> EXITED ---------------------> FAULT
 *     ^                   |                             | span_requested, span_mapped ...
 *     |    span_entry     |                             | add to the record
 *     +-------------------+                             | span_handled
 *     |                                                 v
 *     +---------------------------------------------- ANSWERED
 *                 span_entry: record complete
 *
 * Probes can be missing and, after attaching, the first event can be any. So no
 * transition is an error: what lacks its begin is marked MMUSCOPE_PARTIAL, what
 * lacks its end is finished by the next exit. A fault is never dropped.
 *
 * Compiled by clang for BPF, by Kbuild and by the unit tests. One vCPU runs on
 * one task, so that its state needs no lock. Nothing here reads a clock: the
 * caller passes CLOCK_MONOTONIC nanoseconds.
 */
#ifndef MMUSCOPE_SPAN_H
#define MMUSCOPE_SPAN_H

#include <mmuscope/abi.h>
#include <mmuscope/decode.h>

#define SPAN_INLINE static inline __attribute__((always_inline))

enum span_phase { SPAN_UNKNOWN, SPAN_GUEST, SPAN_EXITED, SPAN_FAULT, SPAN_ANSWERED };

/* What happened during the fault, weighed when it ends: see span_unpack(). */
#define SPAN_SEEN_REQUESTED	0x01
#define SPAN_SEEN_MAPPED	0x02
#define SPAN_SEEN_FAST		0x04
#define SPAN_SEEN_MMIO		0x08
#define SPAN_SEEN_EMULATE	0x10
#define SPAN_SEEN_REFLECT	0x20
#define SPAN_SEEN_ASYNC		0x40
#define SPAN_SEEN_SPURIOUS	0x80

/* Eight bytes of a record at once. */
typedef __u64 __attribute__((may_alias)) span_words;

/**
 * struct span - one vCPU
 * @exit_ts: when it left the guest, where @phase says that it did
 * @fault_ts: when the fault handler began
 * @words: what the last eight bytes of a record begin as: mode and isa in their
 *	places, all else 0
 * @phase: enum span_phase
 * @flags: what hdr.flags of a fault begins as
 * @nested: MMUSCOPE_NESTED while L2 is running
 * @isa: enum mmuscope_isa
 * @mode: enum mmuscope_mode of faults while L2 is not running
 * @rec: the record that is being built
 */
struct span {
	__u64 exit_ts;
	__u64 fault_ts;
	__u64 words;
	__u8 phase;
	__u8 flags;
	__u8 nested;
	__u8 isa;
	__u8 mode;
	__u8 pad[3];
	struct mmuscope_fault rec;
};

#define SPAN_WORDS	__builtin_offsetof(struct mmuscope_fault, mode)

_Static_assert(SPAN_WORDS % 8 == 0 && SPAN_WORDS + 8 == sizeof(struct mmuscope_fault) &&
	       __builtin_offsetof(struct mmuscope_fault, condition) == SPAN_WORDS + 2,
	       "span.words does not fit the record");

/* L2 begins to run, or ends. */
SPAN_INLINE void span_nested(struct span *s, int running)
{
	__u8 mode = s->mode;

	if (running && mode != MMUSCOPE_mode_shadow)
		mode = s->isa == MMUSCOPE_isa_vmx ? MMUSCOPE_mode_nested_ept :
						    MMUSCOPE_mode_nested_npt;
	s->words = mode | (__u32)s->isa << 16;
	s->nested = running ? MMUSCOPE_NESTED : 0;
}

SPAN_INLINE void span_init(struct span *s, __u16 vm, __u16 vcpu, __u8 isa, __u8 mode)
{
	s->isa = isa;
	s->mode = mode;
	span_nested(s, 0);
	s->rec.hdr.vm = vm;
	s->rec.hdr.vcpu = vcpu;
	s->rec.hdr.type = MMUSCOPE_TYPE_fault;
	s->rec.hdr.size = sizeof(s->rec);
}

/* Whether there is a fault whose record is not complete. */
SPAN_INLINE int span_open(const struct span *s)
{
	return s->phase >= SPAN_FAULT;
}

/* Whether the vCPU is out of the guest for something that is no fault so far. */
SPAN_INLINE int span_outside(const struct span *s)
{
	return s->phase == SPAN_EXITED;
}

/* Why a vCPU does what it does while nothing says more. */
SPAN_INLINE __u8 span_origin(const struct span *s)
{
	if (span_open(s))
		return MMUSCOPE_origin_fault;
	return span_outside(s) ? MMUSCOPE_origin_run : MMUSCOPE_origin_ioctl;
}

/*
 * Whether the fault's handler is at work. After its answer, and before the entry,
 * KVM maps pages that were read meanwhile (kvm_arch_async_page_ready) through the
 * same functions: that is not of this fault.
 */
SPAN_INLINE int span_handling(const struct span *s)
{
	return s->phase == SPAN_FAULT;
}

/*
 * What KVM's return value and the events on the way say together. A guest is
 * told to wait by a page fault as well. Where the page could not be read behind
 * its back KVM waits for it and does not answer with a retry.
 */
SPAN_INLINE __u8 span_weigh(struct mmuscope_fault *r, __u8 seen, __u8 verdict)
{
	if (seen & SPAN_SEEN_ASYNC && (verdict == MMUSCOPE_verdict_unknown ||
				       verdict == MMUSCOPE_verdict_retry))
		return MMUSCOPE_verdict_async;
	if (seen & SPAN_SEEN_REFLECT)
		return MMUSCOPE_verdict_reflected;
	if (seen & SPAN_SEEN_MMIO)
		return MMUSCOPE_verdict_mmio;
	if (seen & SPAN_SEEN_EMULATE || verdict == MMUSCOPE_verdict_emulated)
		return MMUSCOPE_verdict_emulated;
	if (seen & SPAN_SEEN_FAST)
		return seen & SPAN_SEEN_SPURIOUS ? MMUSCOPE_verdict_spurious :
						   MMUSCOPE_verdict_fast_fixed;
	if (verdict != MMUSCOPE_verdict_unknown)
		return verdict;
	r->hdr.flags |= MMUSCOPE_INFERRED;
	if (seen & SPAN_SEEN_MAPPED)
		return MMUSCOPE_verdict_fixed;
	if (seen & SPAN_SEEN_REQUESTED)
		return MMUSCOPE_verdict_spurious;
	return MMUSCOPE_verdict_unknown;
}

/**
 * span_unpack() - put the final words into a record that span_close() left
 * @r: the record
 *
 * What the words are made of lies in their place until then, so that the probe
 * need not do it: the reader has the time. In the place of the access is what was
 * seen, in that of the condition the isa, and the address is in that of the GVA.
 */
SPAN_INLINE void span_unpack(struct mmuscope_fault *r)
{
	__u8 seen = r->access, verdict = r->verdict;
	struct decode d;

	if (r->mode != MMUSCOPE_mode_shadow) {
		r->gpa = r->gva;
		r->gva = MMUSCOPE_UNKNOWN;
	}
	decode_fault(r->mode, r->condition, r->error, &d);
	r->access = d.access;
	r->condition = d.condition;
	r->walk = d.walk;
	r->verdict = span_weigh(r, seen, verdict);
	/* KVM before 5.15 reports the entry of MMIO as any other; it maps nothing. */
	if (seen & SPAN_SEEN_MMIO)
		r->level = r->sptes = 0;
	/*
	 * What KVM has for the address it makes anew when it hands on a fault on what is
	 * present: no entry that the guest asked for.
	 */
	if (r->verdict == MMUSCOPE_verdict_reflected) {
		r->gpa = MMUSCOPE_UNKNOWN;
		r->level = 0;
	}
}

/**
 * span_close() - complete the record, but for span_unpack()
 *
 * For a collector that leaves that to the reader and then sets @s->phase itself.
 */
SPAN_INLINE void span_close(struct span *s, __u64 now)
{
	struct mmuscope_fault *r = &s->rec;

	r->hdr.ts = now;
	r->hdr.dur = now - s->exit_ts;
}

SPAN_INLINE void span_finish(struct span *s, __u64 now)
{
	span_close(s, now);
	span_unpack(&s->rec);
}

/**
 * span_exit() - the vCPU left the guest
 *
 * Return: true when a fault was open whose entry was never seen: its record is
 * in @s->rec, marked partial, and must be taken before the next call.
 */
SPAN_INLINE int span_exit(struct span *s, __u64 now)
{
	int open = span_open(s);

	if (open) {
		s->rec.hdr.flags |= MMUSCOPE_PARTIAL;
		span_finish(s, now);
		/* The end is not known: it was not before its handler's. */
		s->rec.hdr.dur = s->fault_ts - s->exit_ts + s->rec.handler_ns;
	}
	s->exit_ts = now;
	s->flags = s->nested;
	s->phase = SPAN_EXITED;
	return open;
}

/**
 * span_fault() - a memory fault is about to be handled
 * @addr: GPA, or GVA where @s->mode is shadow
 * @error: as the hardware gave it
 * @rip: guest RIP or MMUSCOPE_UNKNOWN
 *
 * Without an exit before it the record is partial and begins now. A second
 * fault within one exit (KVM never does it) keeps the first.
 */
SPAN_INLINE void span_fault(struct span *s, __u64 now, __u64 addr, __u64 error, __u64 rip)
{
	struct mmuscope_fault *r = &s->rec;

	if (span_open(s))
		return;
	if (s->phase != SPAN_EXITED) {
		s->exit_ts = now;
		s->flags = s->nested | MMUSCOPE_PARTIAL;
	}
	r->hdr.flags = s->flags;
	r->gpa = MMUSCOPE_UNKNOWN;
	r->gva = addr;
	r->rip = rip;
	r->error = error;
	r->handler_ns = 0;
	r->resolve_ns = 0;
	r->lock_ns = 0;
	*(span_words *)&r->mode = s->words;
	s->fault_ts = now;
	s->phase = SPAN_FAULT;
}

/**
 * span_requested() - the host page is in hand, the tables are walked next
 *
 * Only the first one within a fault counts.
 */
SPAN_INLINE void span_requested(struct span *s, __u64 now)
{
	struct mmuscope_fault *r = &s->rec;

	if (!span_handling(s) || r->access & SPAN_SEEN_REQUESTED)
		return;
	r->access |= SPAN_SEEN_REQUESTED;
	r->resolve_ns = now - s->fault_ts - r->lock_ns;
}

/**
 * span_mapped() - a leaf entry was set
 * @level: 1 4K, 2 2M, 3 1G
 * @gfn: frame it maps, the first one is the faulting address'
 *
 * Neighbours that KVM maps in advance come after the one asked for.
 */
SPAN_INLINE void span_mapped(struct span *s, __u8 level, __u64 gfn)
{
	struct mmuscope_fault *r = &s->rec;

	if (!span_handling(s))
		return;
	if (!(r->access & SPAN_SEEN_MAPPED)) {
		r->access |= SPAN_SEEN_MAPPED;
		r->level = level;
		r->gpa = (gfn << 12) | (r->gva & 0xfff);
	}
	if (r->sptes < 255)
		r->sptes++;
}

/* A page-table page was made. */
SPAN_INLINE void span_page_made(struct span *s)
{
	if (span_handling(s) && s->rec.pages < 255)
		s->rec.pages++;
}

/**
 * span_handled() - the fault handler returned
 * @verdict: its return value, enum mmuscope_verdict, unknown where not known
 */
SPAN_INLINE void span_handled(struct span *s, __u64 now, __u8 verdict)
{
	if (!span_handling(s))
		return;
	s->rec.handler_ns = now - s->fault_ts;
	s->rec.verdict = verdict;
	/* TDX tries again by itself; where a page is being read there is nothing to try. */
	if (verdict != MMUSCOPE_verdict_retry || s->rec.access & SPAN_SEEN_ASYNC)
		s->phase = SPAN_ANSWERED;
}

/* One of SPAN_SEEN_* happened; without a fault it means nothing. */
SPAN_INLINE void span_saw(struct span *s, __u8 what)
{
	if (span_open(s))
		s->rec.access |= what;
}

/**
 * span_mmio() - an MMIO access was recognized by its entry in the tables
 * @addr: GPA, or GVA where @s->mode is shadow
 *
 * With EPT that is a misconfiguration exit, for which no fault is reported: it
 * becomes one here, with the error code that KVM itself makes up for it.
 */
SPAN_INLINE void span_mmio(struct span *s, __u64 now, __u64 addr)
{
	if (!span_open(s))
		span_fault(s, now, addr, PF_RESERVED, MMUSCOPE_UNKNOWN);
	s->rec.access |= SPAN_SEEN_MMIO;
}

/* The task waited @ns for mmu_lock. */
SPAN_INLINE void span_locked(struct span *s, __u64 ns)
{
	if (span_handling(s))
		s->rec.lock_ns += ns;
}

/*
 * The task left the CPU, @flag is MMUSCOPE_SLEPT or MMUSCOPE_PREEMPTED. Most often
 * that is right after the exit, before KVM knows what it was.
 */
SPAN_INLINE void span_sched(struct span *s, __u8 flag)
{
	if (span_open(s))
		s->rec.hdr.flags |= flag;
	if (span_outside(s))
		s->flags |= flag;
}

SPAN_INLINE int span_settled(__u8 verdict)
{
	return verdict == MMUSCOPE_verdict_fixed || verdict == MMUSCOPE_verdict_fast_fixed ||
	       verdict == MMUSCOPE_verdict_spurious || verdict == MMUSCOPE_verdict_reflected ||
	       verdict == MMUSCOPE_verdict_async;
}

/**
 * span_user() - KVM_RUN returns to user space
 *
 * The time there is the VMM's, so the fault ends here. One that KVM dealt with
 * was not the reason (that was a signal) and keeps its verdict.
 *
 * Return: true when a record is complete in @s->rec.
 */
SPAN_INLINE int span_user(struct span *s, __u64 now)
{
	int open = span_open(s);

	if (open) {
		s->rec.hdr.flags |= MMUSCOPE_USER;
		span_finish(s, now);
		if (!span_settled(s->rec.verdict))
			s->rec.verdict = MMUSCOPE_verdict_user;
	}
	s->phase = SPAN_UNKNOWN;
	return open;
}

/**
 * span_entry() - the vCPU is about to enter the guest
 *
 * Return: true when a record is complete in @s->rec.
 */
SPAN_INLINE int span_entry(struct span *s, __u64 now)
{
	int open = span_open(s);

	if (open)
		span_finish(s, now);
	s->phase = SPAN_GUEST;
	return open;
}

#endif /* MMUSCOPE_SPAN_H */
