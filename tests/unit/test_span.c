// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

#include <string.h>

#include <mmuscope/span.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NONE		MMUSCOPE_UNKNOWN
#define GPA		0x12345678ULL
#define GVA		0x7f0000000abcULL
#define RIP		0xffffffff81000000ULL
#define QUAL		0x182		/* EPT: write, nothing there */

enum event {
	EXIT, FAULT, REQUESTED, MAPPED, PAGE_MADE, HANDLED, SAW, MMIO, LOCKED, SCHED, USER, ENTRY,
	EVENTS
};

static struct span vcpu(uint8_t isa, uint8_t mode)
{
	struct span s;

	memset(&s, 0, sizeof(s));
	span_init(&s, 7, 3, isa, mode);
	return s;
}

static struct span vcpu_ept(void)
{
	return vcpu(MMUSCOPE_isa_vmx, MMUSCOPE_mode_ept);
}

/* A fault at 1100 of an exit at 1000. */
static struct span faulting(uint8_t isa, uint8_t mode, uint64_t addr, uint64_t error)
{
	struct span s = vcpu(isa, mode);

	assert_false(span_exit(&s, 1000));
	span_fault(&s, 1100, addr, error, RIP);
	return s;
}

static struct span faulting_ept(void)
{
	return faulting(MMUSCOPE_isa_vmx, MMUSCOPE_mode_ept, GPA, QUAL);
}

static struct span faulting_shadow(void)
{
	return faulting(MMUSCOPE_isa_svm, MMUSCOPE_mode_shadow, GVA, 6);
}

static int feed(struct span *s, enum event e, uint64_t now)
{
	switch (e) {
	case EXIT:
		return span_exit(s, now);
	case USER:
		return span_user(s, now);
	case ENTRY:
		return span_entry(s, now);
	case FAULT:
		span_fault(s, now, GPA, QUAL, RIP);
		break;
	case REQUESTED:
		span_requested(s, now);
		break;
	case MAPPED:
		span_mapped(s, 1, GPA >> 12);
		break;
	case PAGE_MADE:
		span_page_made(s);
		break;
	case HANDLED:
		span_handled(s, now, MMUSCOPE_verdict_fixed);
		break;
	case SAW:
		span_saw(s, SPAN_SEEN_EMULATE);
		break;
	case MMIO:
		span_mmio(s, now, GPA);
		break;
	case LOCKED:
		span_locked(s, 5);
		break;
	case SCHED:
		span_sched(s, MMUSCOPE_PREEMPTED);
		break;
	default:
		fail_msg("no such event");
	}
	return 0;
}

static struct span in_phase(uint8_t phase)
{
	struct span s = vcpu_ept();

	if (phase == SPAN_GUEST)
		span_entry(&s, 900);
	if (phase >= SPAN_EXITED)
		span_exit(&s, 1000);
	if (phase >= SPAN_FAULT)
		span_fault(&s, 1100, GPA, QUAL, RIP);
	if (phase == SPAN_ANSWERED)
		span_handled(&s, 1200, MMUSCOPE_verdict_fixed);
	assert_int_equal(s.phase, phase);
	return s;
}

/* Where each event leads from the five phases; an end in the last two ends a fault. */
static const uint8_t next_phase[EVENTS][5] = {
#define STAYS	{ SPAN_UNKNOWN, SPAN_GUEST, SPAN_EXITED, SPAN_FAULT, SPAN_ANSWERED }
#define TO(p)	{ SPAN_##p, SPAN_##p, SPAN_##p, SPAN_##p, SPAN_##p }
#define OPENS	{ SPAN_FAULT, SPAN_FAULT, SPAN_FAULT, SPAN_FAULT, SPAN_ANSWERED }
#define ANSWERS	{ SPAN_UNKNOWN, SPAN_GUEST, SPAN_EXITED, SPAN_ANSWERED, SPAN_ANSWERED }
	[EXIT] = TO(EXITED), [ENTRY] = TO(GUEST), [USER] = TO(UNKNOWN),
	[FAULT] = OPENS, [MMIO] = OPENS, [HANDLED] = ANSWERS,
	[REQUESTED] = STAYS, [MAPPED] = STAYS, [PAGE_MADE] = STAYS,
	[SAW] = STAYS, [LOCKED] = STAYS, [SCHED] = STAYS,
};

static void every_event_in_every_phase(void **state)
{
	(void)state;
	for (uint8_t phase = SPAN_UNKNOWN; phase <= SPAN_ANSWERED; phase++) {
		for (enum event e = EXIT; e < EVENTS; e++) {
			struct span s = in_phase(phase), before = s;
			int ends = e == EXIT || e == ENTRY || e == USER;
			int emitted = feed(&s, e, 2000);
			uint64_t exit_ts = before.exit_ts;

			if (s.phase != next_phase[e][phase])
				fail_msg("event %d in phase %d leads to %d", e, phase, s.phase);
			assert_int_equal(!!emitted, ends && phase >= SPAN_FAULT);
			if (e == EXIT || (s.phase == SPAN_FAULT && phase < SPAN_EXITED))
				exit_ts = 2000;
			assert_int_equal(s.exit_ts, exit_ts);
			/* Without a fault nothing is noted, save what comes before one. */
			if (s.phase < SPAN_FAULT && phase < SPAN_FAULT)
				assert_memory_equal(&s.rec, &before.rec, sizeof(s.rec));
			if (s.phase == SPAN_FAULT && phase < SPAN_FAULT)
				assert_int_equal(s.rec.hdr.flags,
						 phase == SPAN_EXITED ? 0 : MMUSCOPE_PARTIAL);
		}
	}
}

static void a_whole_fault(void **state)
{
	struct span s = faulting_ept();
	const struct mmuscope_fault *r = &s.rec;

	(void)state;
	span_locked(&s, 30);
	span_requested(&s, 1180);
	span_page_made(&s);
	span_page_made(&s);
	span_mapped(&s, 2, GPA >> 12);
	span_handled(&s, 1350, MMUSCOPE_verdict_fixed);
	assert_true(span_entry(&s, 1500));
	assert_int_equal(r->hdr.ts, 1500);
	assert_int_equal(r->hdr.dur, 500);
	assert_int_equal(r->hdr.vm, 7);
	assert_int_equal(r->hdr.vcpu, 3);
	assert_int_equal(r->hdr.type, MMUSCOPE_TYPE_fault);
	assert_int_equal(r->hdr.size, sizeof(*r));
	assert_int_equal(r->hdr.flags, 0);
	assert_true(r->gpa == GPA && r->gva == NONE && r->rip == RIP && r->error == QUAL);
	assert_int_equal(r->handler_ns, 250);
	assert_int_equal(r->resolve_ns, 50);
	assert_int_equal(r->lock_ns, 30);
	assert_int_equal(r->mode, MMUSCOPE_mode_ept);
	assert_int_equal(r->access, MMUSCOPE_access_write);
	assert_int_equal(r->condition, MMUSCOPE_condition_not_present);
	assert_int_equal(r->walk, 0);
	assert_int_equal(r->verdict, MMUSCOPE_verdict_fixed);
	assert_int_equal(r->level, 2);
	assert_int_equal(r->sptes, 1);
	assert_int_equal(r->pages, 2);
	assert_false(span_entry(&s, 1600));
	assert_false(span_exit(&s, 1700));
}

static void lost_begin_is_partial(void **state)
{
	struct span s = vcpu_ept();

	(void)state;
	/* first event after attaching */
	span_fault(&s, 100, GPA, QUAL, RIP);
	assert_true(span_entry(&s, 160));
	assert_int_equal(s.rec.hdr.dur, 60);
	assert_int_equal(s.rec.hdr.flags & ~MMUSCOPE_INFERRED, MMUSCOPE_PARTIAL);
	/* exit lost */
	span_fault(&s, 200, GPA, QUAL, RIP);
	assert_true(span_user(&s, 230));
	assert_int_equal(s.rec.hdr.dur, 30);
	assert_int_equal(s.rec.hdr.flags & ~MMUSCOPE_INFERRED, MMUSCOPE_PARTIAL | MMUSCOPE_USER);
	/* after user space */
	span_fault(&s, 300, GPA, QUAL, RIP);
	assert_true(span_entry(&s, 300));
	assert_int_equal(s.rec.hdr.dur, 0);
	assert_true(s.rec.hdr.flags & MMUSCOPE_PARTIAL);
	/* and the next one is whole again */
	span_exit(&s, 400);
	span_fault(&s, 410, GPA, QUAL, RIP);
	span_handled(&s, 420, MMUSCOPE_verdict_fixed);
	assert_true(span_entry(&s, 450));
	assert_int_equal(s.rec.hdr.flags, 0);
	assert_int_equal(s.rec.hdr.dur, 50);
}

static void entry_without_fault_gives_nothing(void **state)
{
	struct span s = vcpu_ept();

	(void)state;
	assert_false(span_entry(&s, 100));
	assert_false(span_entry(&s, 200));
	assert_false(span_exit(&s, 300));
	assert_false(span_exit(&s, 400));
	assert_int_equal(s.exit_ts, 400);
	assert_false(span_entry(&s, 500));
	assert_int_equal(s.phase, SPAN_GUEST);
	assert_false(span_user(&s, 600));
	assert_false(span_user(&s, 700));
}

static void lost_end_is_partial(void **state)
{
	struct span s = faulting_ept();

	(void)state;
	span_mapped(&s, 1, GPA >> 12);
	span_handled(&s, 1300, MMUSCOPE_verdict_fixed);
	assert_true(span_exit(&s, 9000));
	/* at least until the handler returned; seen now */
	assert_int_equal(s.rec.hdr.dur, 300);
	assert_int_equal(s.rec.hdr.ts, 9000);
	assert_int_equal(s.rec.hdr.flags, MMUSCOPE_PARTIAL);
	assert_int_equal(s.rec.verdict, MMUSCOPE_verdict_fixed);
	assert_int_equal(s.rec.access, MMUSCOPE_access_write);
	/* the exit counts for the next one */
	span_fault(&s, 9010, GPA, QUAL, RIP);
	assert_true(span_exit(&s, 9500));
	assert_int_equal(s.rec.hdr.dur, 10);
	assert_int_equal(s.rec.hdr.ts, 9500);
	assert_true(s.rec.hdr.flags & MMUSCOPE_PARTIAL);
	/* neither begin nor end */
	span_entry(&s, 9600);
	span_fault(&s, 9700, GPA, QUAL, RIP);
	assert_true(span_exit(&s, 9800));
	assert_int_equal(s.rec.hdr.dur, 0);
	assert_false(span_exit(&s, 9900));
}

/* "left to user space" is a verdict on faults that KVM did not deal with. */
static void user_space_ends_the_fault(void **state)
{
	static const struct { uint8_t handled, saw, verdict; } rows[] = {
#define ROW(handled, saw, verdict) \
	{ MMUSCOPE_verdict_##handled, saw, MMUSCOPE_verdict_##verdict }
		ROW(unknown, 0, user), ROW(retry, 0, user), ROW(emulated, 0, user),
		ROW(unknown, SPAN_SEEN_MMIO, user), ROW(emulated, SPAN_SEEN_MMIO, user),
		ROW(unknown, SPAN_SEEN_EMULATE, user), ROW(fixed, SPAN_SEEN_EMULATE, user),
		ROW(fixed, 0, fixed), ROW(fixed, SPAN_SEEN_MAPPED, fixed),
		ROW(unknown, SPAN_SEEN_MAPPED, fixed), ROW(spurious, 0, spurious),
		ROW(fixed, SPAN_SEEN_FAST, fast_fixed), ROW(retry, SPAN_SEEN_ASYNC, async),
		ROW(retry, SPAN_SEEN_REFLECT, reflected),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct span s = faulting_ept();

		span_handled(&s, 1200, rows[i].handled);
		span_saw(&s, rows[i].saw);
		assert_true(span_user(&s, 1400));
		assert_int_equal(s.rec.verdict, rows[i].verdict);
		assert_int_equal(s.rec.hdr.flags & ~MMUSCOPE_INFERRED, MMUSCOPE_USER);
		assert_int_equal(s.rec.hdr.ts, 1400);
		assert_int_equal(s.rec.hdr.dur, 400);
		/* What the VMM does is not timed, and entering after it ends nothing. */
		assert_false(span_entry(&s, 99000));
	}
}

static void sleep_and_preemption_are_flagged(void **state)
{
	struct span s = faulting_ept();

	(void)state;
	span_sched(&s, MMUSCOPE_SLEPT);
	span_handled(&s, 1200, MMUSCOPE_verdict_fixed);
	span_sched(&s, MMUSCOPE_PREEMPTED);
	assert_true(span_entry(&s, 1300));
	assert_int_equal(s.rec.hdr.flags, MMUSCOPE_SLEPT | MMUSCOPE_PREEMPTED);
	/* in the guest: not of the next fault */
	span_sched(&s, MMUSCOPE_SLEPT);
	span_exit(&s, 2000);
	/* after the exit, whose time counts */
	span_sched(&s, MMUSCOPE_PREEMPTED);
	span_fault(&s, 2100, GPA, QUAL, RIP);
	span_handled(&s, 2200, MMUSCOPE_verdict_fixed);
	assert_true(span_entry(&s, 2300));
	assert_int_equal(s.rec.hdr.flags, MMUSCOPE_PREEMPTED);
	/* nor after an exit that was no fault, or one that was not seen */
	span_exit(&s, 3000);
	span_sched(&s, MMUSCOPE_PREEMPTED);
	span_entry(&s, 3100);
	span_fault(&s, 3200, GPA, QUAL, RIP);
	span_handled(&s, 3300, MMUSCOPE_verdict_fixed);
	assert_true(span_exit(&s, 3400));
	assert_int_equal(s.rec.hdr.flags, MMUSCOPE_PARTIAL);
	span_fault(&s, 3500, GPA, QUAL, RIP);
	span_handled(&s, 3600, MMUSCOPE_verdict_fixed);
	assert_true(span_entry(&s, 3700));
	assert_int_equal(s.rec.hdr.flags, 0);
}

static void the_first_fault_of_an_exit_is_kept(void **state)
{
	struct span s = faulting_ept();

	(void)state;
	span_locked(&s, 10);
	span_mapped(&s, 2, GPA >> 12);
	span_fault(&s, 1200, GPA + 0x5000, 0x181, RIP + 9);
	assert_int_equal(s.fault_ts, 1100);
	assert_true(s.rec.gpa == GPA && s.rec.error == QUAL && s.rec.rip == RIP);
	assert_int_equal(s.rec.lock_ns, 10);
	assert_int_equal(s.rec.level, 2);
	span_mmio(&s, 1300, GPA + 0x6000);
	assert_true(s.rec.gpa == GPA && s.rec.error == QUAL);
	assert_int_equal(s.rec.access & SPAN_SEEN_MMIO, SPAN_SEEN_MMIO);
}

static void requested_counts_once(void **state)
{
	struct span s = faulting_ept();

	(void)state;
	span_locked(&s, 20);
	span_locked(&s, 5);
	span_requested(&s, 1160);
	assert_int_equal(s.rec.resolve_ns, 35);
	span_requested(&s, 1900);
	assert_int_equal(s.rec.resolve_ns, 35);
	/* waiting after it is waiting, but not part of it */
	span_locked(&s, 100);
	assert_int_equal(s.rec.resolve_ns, 35);
	assert_int_equal(s.rec.lock_ns, 125);
}

static void neighbours_are_only_counted(void **state)
{
	struct span s = faulting_ept();

	(void)state;
	span_mapped(&s, 1, GPA >> 12);
	span_mapped(&s, 2, (GPA >> 12) + 1);
	assert_int_equal(s.rec.level, 1);
	assert_true(s.rec.gpa == GPA);
	assert_int_equal(s.rec.sptes, 2);
	/* shadow: the first one tells the GPA */
	s = faulting_shadow();
	assert_true(s.rec.gpa == NONE && s.rec.gva == GVA);
	span_mapped(&s, 1, 0x42);
	assert_true(s.rec.gpa == 0x42abc);
	span_mapped(&s, 3, 0x43);
	assert_true(s.rec.gpa == 0x42abc && s.rec.gva == GVA);
	assert_int_equal(s.rec.level, 1);
	assert_true(span_entry(&s, 1500));
	assert_true(s.rec.gpa == 0x42abc);
	assert_int_equal(s.rec.mode, MMUSCOPE_mode_shadow);
	assert_int_equal(s.rec.access, MMUSCOPE_access_write);
}

static void counts_saturate(void **state)
{
	struct span s = faulting_ept();

	(void)state;
	for (unsigned int i = 1; i <= 1000; i++) {
		span_mapped(&s, 1, i);
		span_page_made(&s);
		assert_int_equal(s.rec.sptes, i < 255 ? i : 255);
		assert_int_equal(s.rec.pages, i < 255 ? i : 255);
	}
}

/* Asynchronous page faults: KVM maps for others before it enters, by the same functions. */
static void the_handlers_answer_closes_it(void **state)
{
	struct span s = faulting_shadow();

	(void)state;
	span_handled(&s, 1200, MMUSCOPE_verdict_spurious);
	span_requested(&s, 5000);
	span_locked(&s, 50);
	span_page_made(&s);
	span_mapped(&s, 2, 0x99);
	span_handled(&s, 6000, MMUSCOPE_verdict_fixed);
	assert_true(span_entry(&s, 7000));
	assert_int_equal(s.rec.handler_ns, 100);
	assert_int_equal(s.rec.resolve_ns, 0);
	assert_int_equal(s.rec.lock_ns, 0);
	assert_int_equal(s.rec.sptes + s.rec.pages + s.rec.level, 0);
	assert_true(s.rec.gpa == NONE);
	assert_int_equal(s.rec.verdict, MMUSCOPE_verdict_spurious);
	/* halted until the page is there */
	s = faulting_ept();
	span_saw(&s, SPAN_SEEN_ASYNC);
	span_handled(&s, 1200, MMUSCOPE_verdict_retry);
	span_sched(&s, MMUSCOPE_SLEPT);
	span_mapped(&s, 1, GPA >> 12);
	span_handled(&s, 800000, MMUSCOPE_verdict_fixed);
	assert_true(span_entry(&s, 900000));
	assert_int_equal(s.rec.handler_ns, 100);
	assert_int_equal(s.rec.verdict, MMUSCOPE_verdict_async);
	assert_int_equal(s.rec.hdr.flags, MMUSCOPE_SLEPT);
	/* TDX tries again without an entry: the last answer counts */
	s = faulting_ept();
	span_handled(&s, 1200, MMUSCOPE_verdict_retry);
	span_mapped(&s, 1, GPA >> 12);
	span_handled(&s, 1300, MMUSCOPE_verdict_fixed);
	assert_true(span_entry(&s, 1400));
	assert_int_equal(s.rec.handler_ns, 200);
	assert_int_equal(s.rec.level, 1);
	assert_int_equal(s.rec.verdict, MMUSCOPE_verdict_fixed);
}

static void reflected_maps_nothing(void **state)
{
	struct span s = faulting_ept();

	(void)state;
	span_saw(&s, SPAN_SEEN_REFLECT);
	assert_true(span_entry(&s, 1500));
	assert_true(s.rec.gpa == NONE);
	s = faulting_shadow();
	span_mapped(&s, 1, 0x42);
	span_saw(&s, SPAN_SEEN_REFLECT);
	assert_true(span_exit(&s, 1500));
	assert_true(s.rec.gpa == NONE && s.rec.gva == GVA);
	assert_int_equal(s.rec.level, 0);
	assert_int_equal(s.rec.verdict, MMUSCOPE_verdict_reflected);
}

static void nested_modes(void **state)
{
	static const struct { uint8_t isa, mode, nested; } rows[] = {
		{ MMUSCOPE_isa_vmx, MMUSCOPE_mode_ept, MMUSCOPE_mode_nested_ept },
		{ MMUSCOPE_isa_svm, MMUSCOPE_mode_npt, MMUSCOPE_mode_nested_npt },
		{ MMUSCOPE_isa_vmx, MMUSCOPE_mode_shadow, MMUSCOPE_mode_shadow },
		{ MMUSCOPE_isa_svm, MMUSCOPE_mode_shadow, MMUSCOPE_mode_shadow },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int shadow = rows[i].mode == MMUSCOPE_mode_shadow;
		struct span s = vcpu(rows[i].isa, rows[i].mode);

		for (uint8_t nested = 0; nested < 2; nested++) {
			span_nested(&s, nested);
			span_exit(&s, 1000);
			span_fault(&s, 1100, GPA, 0x82, RIP);
			/* L1 is entered: of no matter for a fault of L2 */
			span_nested(&s, 0);
			span_handled(&s, 1200, MMUSCOPE_verdict_fixed);
			assert_true(span_entry(&s, 1300));
			assert_int_equal(s.rec.mode, nested ? rows[i].nested : rows[i].mode);
			assert_int_equal(s.rec.hdr.flags, nested ? MMUSCOPE_NESTED : 0);
			assert_true(s.rec.gpa == (shadow ? NONE : GPA));
			assert_true(s.rec.gva == (shadow ? GPA : NONE));
			assert_int_equal(s.rec.walk, !shadow && rows[i].isa == MMUSCOPE_isa_vmx);
		}
	}
}

/* EPT misconfiguration, and the fast MMIO of SVM from 7.1 on: no fault is reported. */
static void mmio_opens_a_fault(void **state)
{
	static const uint8_t modes[][2] = {
		{ MMUSCOPE_isa_vmx, MMUSCOPE_mode_ept }, { MMUSCOPE_isa_svm, MMUSCOPE_mode_npt },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		struct span s = vcpu(modes[i][0], modes[i][1]);

		span_exit(&s, 1000);
		span_mmio(&s, 1050, GPA);
		assert_true(span_entry(&s, 1500));
		assert_true(s.rec.gpa == GPA && s.rec.gva == NONE && s.rec.rip == NONE);
		assert_int_equal(s.rec.error, PF_RESERVED);
		/* A misconfiguration has no access bits; the other code means a read. */
		assert_int_equal(s.rec.access, modes[i][0] == MMUSCOPE_mode_ept ?
				 MMUSCOPE_access_unknown : MMUSCOPE_access_read);
		assert_int_equal(s.rec.condition, MMUSCOPE_condition_reserved);
		assert_int_equal(s.rec.verdict, MMUSCOPE_verdict_mmio);
		assert_int_equal(s.rec.hdr.flags, 0);
		assert_int_equal(s.rec.hdr.dur, 500);
		/* to QEMU's device, exit not seen */
		span_mmio(&s, 2000, GPA);
		assert_true(span_user(&s, 2300));
		assert_int_equal(s.rec.verdict, MMUSCOPE_verdict_user);
		assert_int_equal(s.rec.hdr.flags, MMUSCOPE_PARTIAL | MMUSCOPE_USER);
		assert_int_equal(s.rec.hdr.dur, 300);
	}
}

/* Kernels that report the entry of MMIO as one of memory. */
static void mmio_maps_nothing(void **state)
{
	struct span s = faulting_ept();

	(void)state;
	span_saw(&s, SPAN_SEEN_MMIO);
	span_mapped(&s, 1, GPA >> 12);
	assert_true(span_entry(&s, 1500));
	assert_int_equal(s.rec.verdict, MMUSCOPE_verdict_mmio);
	assert_int_equal(s.rec.level, 0);
	assert_int_equal(s.rec.sptes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_in_every_phase),
		cmocka_unit_test(a_whole_fault),
		cmocka_unit_test(lost_begin_is_partial),
		cmocka_unit_test(entry_without_fault_gives_nothing),
		cmocka_unit_test(lost_end_is_partial),
		cmocka_unit_test(user_space_ends_the_fault),
		cmocka_unit_test(sleep_and_preemption_are_flagged),
		cmocka_unit_test(the_first_fault_of_an_exit_is_kept),
		cmocka_unit_test(requested_counts_once),
		cmocka_unit_test(neighbours_are_only_counted),
		cmocka_unit_test(counts_saturate),
		cmocka_unit_test(the_handlers_answer_closes_it),
		cmocka_unit_test(reflected_maps_nothing),
		cmocka_unit_test(nested_modes),
		cmocka_unit_test(mmio_opens_a_fault),
		cmocka_unit_test(mmio_maps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
