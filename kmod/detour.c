// SPDX-License-Identifier: GPL-2.0
/*
 * A function that can be traced begins with a place for a call, which does nothing
 * most of the time. It is made to call detour_entry(), which asks detour_begin()
 * what to do: go on, or call the rest of the function from here and look at what it
 * returns. One call and no trap, and no copy of all registers.
 *
 * Tasks sleep in there: in a function that is hooked, with our code as its caller. So
 * those inside are counted, and the module stays as long as there are any.
 */
#include "detour.h"

#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/static_call.h>
#include <linux/workqueue.h>

#include "compat_direct.h"
#include "detour_slots.h"

#ifdef HAVE_FTRACE_DIRECT

#define CALL_BYTES	5
#define INDEX_SIZE	256	/* a power of two, much more than there are slots */

/* Called by detour_entry.S, and called by it. */
void detour_entry(void);
void *detour_begin(struct hook_call *c, unsigned long back);
void detour_end(struct hook_call *c, unsigned long back);

static void original(void)
{
}

/*
 * The rest of the function that has the slot: a direct jump, made to fit at run time. The
 * indirect call to it must land on a mark, and the rest of a function begins without one.
 */
#define SLOT_DEFINE(n)						\
	void detour_thunk_##n(void);				\
	DEFINE_STATIC_CALL_NULL(detour_original_##n, original);	\
	asm(".pushsection .text, \"ax\"\n"			\
	    ".type detour_thunk_" #n ", @function\n"		\
	    "detour_thunk_" #n ":\n"				\
	    ASM_ENDBR						\
	    "jmp " STATIC_CALL_TRAMP_STR(detour_original_##n) "\n" \
	    ".size detour_thunk_" #n ", . - detour_thunk_" #n "\n" \
	    ".popsection\n");
DETOUR_SLOTS(SLOT_DEFINE)

struct slot {
	void (*thunk)(void);
	struct static_call_key *key;
	void *tramp;
	struct hook_function *h;	/* NULL: free */
	unsigned long ip;
	bool dropped;			/* free when nothing is hooked any more */
};

#define SLOT_INIT(n) {						\
		.thunk = detour_thunk_##n,			\
		.key = &STATIC_CALL_KEY(detour_original_##n),	\
		.tramp = STATIC_CALL_TRAMP_ADDR(detour_original_##n),	\
	},
static struct slot slots[] = { DETOUR_SLOTS(SLOT_INIT) };

#define for_each_slot(s) for ((s) = slots; (s) < slots + ARRAY_SIZE(slots); (s)++)

/* By address; a free place ends a search. Changes only while nothing is hooked. */
static struct slot *index[INDEX_SIZE];
static bool hooked;
/* The session whose calls are looked at, 0: none. */
static u32 live;
static u32 sessions;
static DEFINE_PER_CPU(long, inside);

static unsigned int index_of(unsigned long ip)
{
	/* Functions begin at multiples of 16. */
	return (ip >> 4) ^ (ip >> 12);
}

static __always_inline struct slot *slot_find(unsigned long ip)
{
	unsigned int i = index_of(ip);
	struct slot *s;

	for (; (s = READ_ONCE(index[i % INDEX_SIZE])); i++) {
		if (s->ip == ip)
			return READ_ONCE(s->h) ? s : NULL;
	}
	return NULL;
}

/* Return: what to call for the rest of the function, NULL: go on into it. */
notrace void *detour_begin(struct hook_call *c, unsigned long back)
{
	struct slot *s = slot_find(back - CALL_BYTES);
	void *rest = NULL;

	preempt_disable_notrace();
	c->session = READ_ONCE(live);
	if (likely(s && c->session)) {
		if (s->h->enter)
			s->h->enter(c);
		if (s->h->leave) {
			this_cpu_inc(inside);
			rest = s->thunk;
		}
	}
	preempt_enable_notrace();
	return rest;
}

notrace void detour_end(struct hook_call *c, unsigned long back)
{
	struct hook_function *h;
	struct slot *s;

	preempt_disable_notrace();
	/* The one that it began in may be over, and the slot another function's. */
	if (likely(c->session == READ_ONCE(live))) {
		s = slot_find(back - CALL_BYTES);
		h = s ? READ_ONCE(s->h) : NULL;
		if (h && h->leave)
			h->leave(c);
	}
	this_cpu_dec(inside);
	preempt_enable_notrace();
}

static void index_fill(void)
{
	struct slot *s;
	unsigned int i;

	memset(index, 0, sizeof(index));
	for_each_slot(s) {
		if (!s->h)
			continue;
		for (i = index_of(s->ip); index[i % INDEX_SIZE]; i++)
			;
		index[i % INDEX_SIZE] = s;
	}
}

/* Nothing there, or a call that somebody else has put there. */
static bool callable(unsigned long ip)
{
	static const u8 nothing[CALL_BYTES] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	return !memcmp((void *)ip, nothing, CALL_BYTES) || *(u8 *)ip == 0xe8;
}

int detour_add(struct hook_function *h, unsigned long ip)
{
	struct slot *s;

	if (!callable(ip))
		return -EOPNOTSUPP;
	for_each_slot(s) {
		if (s->h)
			continue;
		s->h = h;
		s->ip = ip;
		return 0;
	}
	return -ENOSPC;
}

void detour_drop(struct hook_function *h)
{
	struct slot *s;

	for_each_slot(s) {
		if (s->h == h)
			s->dropped = true;
	}
}

/* Unhooks everything: nobody is between the call and detour_begin() afterwards. */
static void unhook(void)
{
	if (!hooked)
		return;
	hooked = false;
	compat_direct_unhook((unsigned long)detour_entry);
	synchronize_rcu_tasks();
	synchronize_rcu();
}

static int hook_only(struct slot *s)
{
	int err = compat_direct_add(s->ip);

	return err ? err : compat_direct_hook((unsigned long)detour_entry);
}

/* One that somebody else has a detour at makes the kernel refuse all of them. */
static void refuse_some(void (*refused)(struct hook_function *h, int err))
{
	struct hook_function *h;
	struct slot *s;
	int err;

	for_each_slot(s) {
		if (!s->h)
			continue;
		compat_direct_clear();
		err = hook_only(s);
		if (!err) {
			compat_direct_unhook((unsigned long)detour_entry);
			continue;
		}
		h = s->h;
		s->h = NULL;
		refused(h, err);
	}
	synchronize_rcu_tasks();
}

static int hook_all(void)
{
	struct slot *s;
	bool any = false;
	int err = 0;

	compat_direct_clear();
	for_each_slot(s) {
		if (s->h && !err)
			err = compat_direct_add(s->ip);
		any |= !!s->h;
	}
	if (any && !err)
		err = compat_direct_hook((unsigned long)detour_entry);
	hooked = any && !err;
	return err;
}

void detour_commit(void (*refused)(struct hook_function *h, int err))
{
	struct slot *s;

	unhook();
	for_each_slot(s) {
		if (s->dropped)
			WRITE_ONCE(s->h, NULL);
		s->dropped = false;
	}
	index_fill();
	for_each_slot(s) {
		if (s->h)
			__static_call_update(s->key, s->tramp, (void *)(s->ip + CALL_BYTES));
	}
	if (!hook_all())
		return;
	refuse_some(refused);
	index_fill();
	if (!hook_all())
		return;
	for_each_slot(s) {
		struct hook_function *h = s->h;

		s->h = NULL;
		if (h)
			refused(h, -EBUSY);
	}
	index_fill();
}

void detour_start(void)
{
	WRITE_ONCE(live, ++sessions ? sessions : ++sessions);
}

static long count_inside(void)
{
	unsigned int cpu;
	long n = 0;

	for_each_possible_cpu(cpu)
		n += per_cpu(inside, cpu);
	return n;
}

/* Holds the module while a task is inside: one that waits for a page may do so for long. */
static void drain(struct work_struct *work);
static DECLARE_DELAYED_WORK(drainer, drain);
static bool draining;

static void drain(struct work_struct *work)
{
	if (count_inside()) {
		schedule_delayed_work(&drainer, HZ / 10);
		return;
	}
	/* The last one may still be on its way out. */
	synchronize_rcu_tasks();
	draining = false;
	module_put(THIS_MODULE);
}

void detour_stop(void)
{
	WRITE_ONCE(live, 0);
	/* Handlers are called with preemption disabled. */
	synchronize_rcu();
	if (!count_inside() || draining)
		return;
	draining = true;
	__module_get(THIS_MODULE);
	schedule_delayed_work(&drainer, HZ / 10);
}

void detour_exit(void)
{
	cancel_delayed_work_sync(&drainer);
	synchronize_rcu_tasks();
}

#else /* !HAVE_FTRACE_DIRECT */

int detour_add(struct hook_function *h, unsigned long ip)
{
	return -EOPNOTSUPP;
}

void detour_drop(struct hook_function *h)
{
}

void detour_commit(void (*refused)(struct hook_function *h, int err))
{
}

void detour_start(void)
{
}

void detour_stop(void)
{
}

void detour_exit(void)
{
}

#endif /* HAVE_FTRACE_DIRECT */
