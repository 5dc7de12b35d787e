// SPDX-License-Identifier: GPL-2.0
/* span.h: all that can be seen weighed against each other, and a long random walk. */
#include "unit.h"

#include <string.h>

#include <mmuscope/span.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define EVENTS		1000000
#define SEED		0x6d6d7573636f7065ULL

#define R	SPAN_SEEN_REQUESTED
#define M	SPAN_SEEN_MAPPED
#define F	SPAN_SEEN_FAST
#define I	SPAN_SEEN_MMIO
#define E	SPAN_SEEN_EMULATE
#define X	SPAN_SEEN_REFLECT
#define A	SPAN_SEEN_ASYNC
#define S	SPAN_SEEN_SPURIOUS

static uint8_t weigh(uint8_t handled, uint8_t seen, uint8_t *flags)
{
	struct span s;

	memset(&s, 0, sizeof(s));
	span_init(&s, 1, 0, MMUSCOPE_isa_svm, MMUSCOPE_mode_npt);
	span_exit(&s, 100);
	span_fault(&s, 110, 0x1000, 0x100000006, 0);
	span_saw(&s, seen);
	span_handled(&s, 120, handled);
	assert_true(span_entry(&s, 130));
	*flags = s.rec.hdr.flags;
	return s.rec.verdict;
}

static void verdicts(void **state)
{
	static const struct { uint8_t handled, seen, verdict, inferred; } rows[] = {
#define ROW(handled, seen, verdict, inferred) \
	{ MMUSCOPE_verdict_##handled, seen, MMUSCOPE_verdict_##verdict, inferred }
		/* each alone, KVM's answer not known */
		ROW(unknown, 0, unknown, 1), ROW(unknown, R, spurious, 1),
		ROW(unknown, M, fixed, 1), ROW(unknown, R | M, fixed, 1),
		ROW(unknown, F, fast_fixed, 0), ROW(unknown, F | S, spurious, 0),
		ROW(unknown, I, mmio, 0), ROW(unknown, E, emulated, 0),
		ROW(unknown, X, reflected, 0), ROW(unknown, A, async, 0),
		ROW(unknown, S, unknown, 1),
		/* KVM's answer alone, and with the tables' events */
		ROW(fixed, 0, fixed, 0), ROW(fixed, R, fixed, 0), ROW(fixed, R | M, fixed, 0),
		ROW(spurious, 0, spurious, 0), ROW(spurious, R | M, spurious, 0),
		ROW(retry, 0, retry, 0), ROW(retry, R, retry, 0), ROW(retry, M, retry, 0),
		ROW(emulated, 0, emulated, 0), ROW(emulated, R | M, emulated, 0),
		/* KVM calls both FIXED: the lockless path says which */
		ROW(fixed, F, fast_fixed, 0), ROW(spurious, F | S, spurious, 0),
		ROW(retry, F, fast_fixed, 0), ROW(emulated, F, emulated, 0),
		/* what is emulated is MMIO where an entry says so */
		ROW(fixed, E, emulated, 0), ROW(retry, E, emulated, 0),
		ROW(emulated, I, mmio, 0), ROW(emulated, I | E | R, mmio, 0),
		ROW(fixed, I, mmio, 0), ROW(unknown, I | E, mmio, 0),
		/* the guest's own */
		ROW(retry, X, reflected, 0), ROW(emulated, X | E, reflected, 0),
		ROW(fixed, X, reflected, 0), ROW(unknown, X | I | E | F | M, reflected, 0),
		/* a guest is told to wait by a page fault too */
		ROW(retry, A, async, 0), ROW(retry, A | X, async, 0), ROW(unknown, A | X, async, 0),
		/* no room to read behind its back: KVM waited */
		ROW(fixed, A | R | M, fixed, 0), ROW(spurious, A | R, spurious, 0),
		ROW(emulated, A, emulated, 0), ROW(fixed, A | X, reflected, 0),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t flags, verdict = weigh(rows[i].handled, rows[i].seen, &flags);
		uint8_t expected = rows[i].inferred ? MMUSCOPE_INFERRED : 0;

		if (verdict != rows[i].verdict || flags != expected)
			fail_msg("answer %u, seen %#x: verdict %u flags %#x", rows[i].handled,
				 rows[i].seen, verdict, flags);
	}
}

/* It is an inference only where neither KVM's answer nor an event names the verdict. */
static void nothing_else_is_inferred(void **state)
{
	(void)state;
	for (unsigned int seen = 0; seen < 256; seen++) {
		for (uint8_t handled = 0; handled <= MMUSCOPE_verdict_async; handled++) {
			int named = handled || seen & (X | I | E | A | F);
			uint8_t flags, verdict = weigh(handled, seen, &flags);

			assert_int_equal(flags, named ? 0 : MMUSCOPE_INFERRED);
			assert_true(verdict <= MMUSCOPE_verdict_async);
			if (named)
				assert_int_not_equal(verdict, MMUSCOPE_verdict_unknown);
		}
	}
}

/* What a record must say, kept by the test from the begin of the fault on. */
struct track {
	uint64_t now, exit_ts, fault_ts, addr, error, rip, first_gfn, locked, resolved, answered;
	unsigned long opened, emitted, mapped, made;
	uint8_t open, flags, before, level, verdict, seen, known, closed;
};

static uint64_t random64(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void track_open(struct track *t, uint64_t addr, uint64_t error, uint64_t rip)
{
	uint64_t exit_ts = t->known ? t->exit_ts : t->now;
	uint8_t flags = t->known ? t->before : MMUSCOPE_PARTIAL;

	*t = (struct track){ .now = t->now, .opened = t->opened + 1, .emitted = t->emitted,
			     .open = 1, .known = 1, .exit_ts = exit_ts, .flags = flags,
			     .fault_ts = t->now, .addr = addr, .error = error, .rip = rip };
}

/* The handler's part of the record is not closed by its answer. */
static int track_handling(const struct track *t)
{
	return t->open && !t->closed;
}

static void track_handler(struct track *t, struct span *s, unsigned int what, uint64_t r)
{
	int handling = track_handling(t);

	switch (what) {
	case 0:
		span_requested(s, t->now);
		if (handling && !(t->seen & R)) {
			t->seen |= R;
			t->resolved = t->now - t->fault_ts - t->locked;
		}
		break;
	case 1:
		span_mapped(s, 1 + r % 3, r >> 20);
		if (handling && !t->mapped++) {
			t->level = 1 + r % 3;
			t->first_gfn = r >> 20;
		}
		break;
	case 2:
		span_page_made(s);
		t->made += handling;
		break;
	case 3:
		span_handled(s, t->now, r % 6);
		if (handling) {
			t->answered = t->now - t->fault_ts;
			t->verdict = r % 6;
			t->closed = t->verdict != MMUSCOPE_verdict_retry ||
				    t->seen & SPAN_SEEN_ASYNC;
		}
		break;
	default:
		/* it cannot have waited longer than there was time */
		t->now += 50;
		span_locked(s, 50);
		t->locked += handling ? 50 : 0;
	}
}

/* Opens, marks: whatever is neither an end nor the handler's. */
static void track_other(struct track *t, struct span *s, unsigned int what, uint64_t r)
{
	/* Bits that the handler's own events set have their own way in. */
	uint8_t saw = 1U << (2 + r % 6), flag = r & 1 ? MMUSCOPE_SLEPT : MMUSCOPE_PREEMPTED;

	switch (what) {
	case 0:
		span_mmio(s, t->now, r);
		if (!t->open)
			track_open(t, r, PF_RESERVED, MMUSCOPE_UNKNOWN);
		t->seen |= I;
		break;
	case 1:
		span_saw(s, saw);
		t->seen |= t->open ? saw : 0;
		break;
	case 2:
		span_sched(s, flag);
		if (t->open)
			t->flags |= flag;
		else if (t->known)
			t->before |= flag;
		break;
	default:
		span_fault(s, t->now, r, r >> 7, r >> 3);
		if (!t->open)
			track_open(t, r, r >> 7, r >> 3);
	}
}

static void check_record(const struct track *t, const struct span *s, uint64_t dur, uint8_t flags)
{
	const struct mmuscope_fault *r = &s->rec;
	int shadow = s->mode == MMUSCOPE_mode_shadow;
	uint64_t gpa = MMUSCOPE_UNKNOWN;
	struct decode d;

	assert_true(r->hdr.ts == t->now && r->hdr.dur == dur && dur <= t->now);
	if (!t->verdict && !(t->seen & (X | I | E | A | F)))
		flags |= MMUSCOPE_INFERRED;
	assert_int_equal(r->hdr.flags, t->flags | flags);
	assert_true(r->hdr.vm == 5 && r->hdr.vcpu == 2 && r->hdr.size == sizeof(*r));
	assert_int_equal(r->hdr.type, MMUSCOPE_TYPE_fault);
	if (r->verdict != MMUSCOPE_verdict_reflected && !shadow)
		gpa = t->addr;
	else if (r->verdict != MMUSCOPE_verdict_reflected && t->mapped)
		gpa = t->first_gfn << 12 | (t->addr & 0xfff);
	assert_true(r->gpa == gpa);
	assert_true(r->gva == (shadow ? t->addr : MMUSCOPE_UNKNOWN));
	assert_true(r->error == t->error && r->rip == t->rip);
	assert_true(r->handler_ns == t->answered && r->resolve_ns == t->resolved);
	assert_true(r->lock_ns == t->locked && r->lock_ns <= t->now - t->fault_ts);
	/* What marks an address as MMIO maps nothing. */
	assert_int_equal(r->sptes, t->seen & I ? 0 : t->mapped < 255 ? t->mapped : 255);
	assert_int_equal(r->level, t->seen & I || r->verdict == MMUSCOPE_verdict_reflected ? 0 :
			 t->level);
	assert_int_equal(r->pages, t->made < 255 ? t->made : 255);
	decode_fault(s->mode, s->isa, t->error, &d);
	assert_true(r->access == d.access && r->condition == d.condition && r->walk == d.walk);
	assert_int_equal(r->mode, s->mode);
}

static void track_end(struct track *t, struct span *s, unsigned int what)
{
	uint64_t dur = t->now - t->exit_ts;
	uint8_t flags = 0;
	int emitted;

	if (what == 0) {
		emitted = span_exit(s, t->now);
		dur = t->fault_ts - t->exit_ts + t->answered;
		flags = MMUSCOPE_PARTIAL;
	} else if (what == 1) {
		emitted = span_user(s, t->now);
		flags = MMUSCOPE_USER;
	} else {
		emitted = span_entry(s, t->now);
	}
	assert_int_equal(!!emitted, t->open);
	if (emitted) {
		t->emitted++;
		check_record(t, s, dur, flags);
	}
	t->open = 0;
	t->before = 0;
	t->known = what == 0;
	t->exit_ts = t->now;
}

static void walk(uint8_t isa, uint8_t mode, uint64_t seed, unsigned int ends_in)
{
	struct track t = { .now = 1 };
	struct span s;

	memset(&s, 0, sizeof(s));
	span_init(&s, 5, 2, isa, mode);
	for (unsigned int i = 0; i < EVENTS / 4; i++) {
		uint64_t r = random64(&seed);
		unsigned int kind = r >> 40 & 0xff, what = r >> 50 & 0xff;

		t.now += 1 + (r >> 33) % 100;
		if (kind % ends_in == 0)
			track_end(&t, &s, what % 3);
		else if (kind & 0x40)
			track_other(&t, &s, what % 5, random64(&seed));
		else
			track_handler(&t, &s, what % 8, random64(&seed));
		assert_int_equal(s.phase >= SPAN_FAULT, t.open);
		assert_int_equal(s.phase == SPAN_ANSWERED, t.open && t.closed);
		assert_int_equal(t.opened, t.emitted + t.open);
	}
	assert_true(t.emitted > EVENTS / 4 / (8 * ends_in));
}

static void random_walk(void **state)
{
	(void)state;
	walk(MMUSCOPE_isa_vmx, MMUSCOPE_mode_ept, SEED, 5);
	walk(MMUSCOPE_isa_svm, MMUSCOPE_mode_npt, SEED + 1, 3);
	walk(MMUSCOPE_isa_vmx, MMUSCOPE_mode_shadow, SEED + 2, 9);
	walk(MMUSCOPE_isa_svm, MMUSCOPE_mode_shadow, SEED + 3, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(nothing_else_is_inferred),
		cmocka_unit_test(random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
