// SPDX-License-Identifier: GPL-2.0
#include "cmd/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd/target.h"
#include "lib/clean.h"
#include "lib/kvmstat.h"
#include "lib/proc.h"
#include "model/batch.h"
#include "source/merge.h"
#include "view/view.h"

#define MS		1000000ULL
/*
 * The rings are emptied this often, and records younger than this are held
 * back, because a slower CPU may still have to write an older one.
 */
#define PERIOD_MAX	(100 * MS)
#define PERIOD_MIN	(5 * MS)
/* What a source makes of its rings by itself is at least this. */
#define RING_SMALLEST	(512UL << 10)
/* Takes between two looks at the clock. */
#define LOOK_EVERY	16

/**
 * struct counters - what KVM had counted of a VM when it was first seen
 * @known: it could be read
 */
struct counters {
	uint16_t vm;
	uint32_t pid;
	bool known;
	uint64_t flushes;
	uint64_t requests;
};

struct session {
	struct source *src;
	struct merge *merge;
	struct model *model;
	size_t ring_bytes;
	uint64_t period;
	uint64_t interval_begin;
	uint64_t interval;
	uint64_t begin;
	uint64_t elapsed;
	struct counters *counters;
	size_t nr_counters;
	struct session_tap tap;
	int tap_err;
	bool live;
	bool ended;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Only there to interrupt a sleep when the command ends. */
static void wake(int signal)
{
	(void)signal;
}

void session_catch_signals(void)
{
	/* No SA_RESTART: sleeping must end. After the first one the default is back. */
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESETHAND }, hangup;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* A terminal that goes away ends what was begun there, but for what nohup started. */
	sigaction(SIGHUP, NULL, &hangup);
	if (hangup.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
	action = (struct sigaction){ .sa_handler = wake };
	sigaction(SIGCHLD, &action, NULL);
}

bool session_stopped(void)
{
	return stopped;
}

uint64_t session_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static bool counters_read(uint32_t pid, uint64_t *flushes, uint64_t *requests)
{
	if (kvmstat_read("", pid, "remote_tlb_flush", flushes))
		return false;
	if (kvmstat_read("", pid, "remote_tlb_flush_requests", requests))
		*requests = UINT64_MAX;
	return true;
}

/* Where memory is short there is nothing to compare with. */
static void counters_begin(struct session *s, const struct mmuscope_vm *rec)
{
	struct counters *list = realloc(s->counters, (s->nr_counters + 1) * sizeof(*list)), *c;

	if (!list)
		return;
	s->counters = list;
	c = &list[s->nr_counters++];
	*c = (struct counters){ .vm = rec->hdr.vm, .pid = rec->pid };
	/* A VM that is just being made has no counters yet, and will begin with 0. */
	c->known = rec->op == MMUSCOPE_life_created ||
		   counters_read(rec->pid, &c->flushes, &c->requests);
}

bool session_counted(const struct session *s, uint16_t vm, uint64_t *flushes, uint64_t *requests)
{
	for (size_t i = s->nr_counters; i-- > 0;) {
		const struct counters *c = &s->counters[i];

		if (c->vm != vm)
			continue;
		if (!c->known || !counters_read(c->pid, flushes, requests))
			return false;
		*flushes -= c->flushes;
		if (*requests != UINT64_MAX)
			*requests -= c->requests;
		return true;
	}
	return false;
}

static void name_vm(void *ctx, const struct mmuscope_vm *rec, char *name, size_t size)
{
	char comm[sizeof(rec->comm) + 1] = "";
	struct session *s = ctx;

	memcpy(comm, rec->comm, sizeof(rec->comm));
	proc_vm_name(rec->pid, comm, rec->args, sizeof(rec->args), name, size);
	clean(name, strlen(name));
	if (s->live)
		counters_begin(s, rec);
	if (s->tap.named && !s->tap_err)
		s->tap_err = s->tap.named(s->tap.ctx, rec, name);
}

struct session *session_open(const struct options *o, pid_t root)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		goto err_memory;
	s->period = PERIOD_MAX;
	s->ring_bytes = o->ring_bytes;
	s->live = target_is_live(o);
	s->src = target_open(o, root);
	if (!s->src)
		goto err;
	s->merge = merge_open(s->src);
	s->model = model_new(name_vm, s);
	if (!s->merge || !s->model)
		goto err_memory;
	s->begin = s->interval_begin = session_clock();
	return s;
err_memory:
	fprintf(stderr, "mmuscope: not enough memory\n");
err:
	if (s)
		session_close(s);
	return NULL;
}

void session_close(struct session *s)
{
	if (s->model)
		model_free(s->model);
	if (s->merge)
		merge_close(s->merge);
	if (s->src)
		s->src->ops->close(s->src);
	free(s->counters);
	free(s);
}

void session_set_tap(struct session *s, const struct session_tap *tap)
{
	s->tap = *tap;
}

static int feed_tapped(struct session *s, const struct mmuscope_hdr *rec)
{
	int err = model_feed(s->model, rec);

	if (!err)
		err = s->tap_err;
	if (!err)
		err = s->tap_err = s->tap.record(s->tap.ctx, rec);
	return err;
}

static int feed(struct session *s, const struct mmuscope_hdr *const *recs, unsigned int nr)
{
	int err = 0;

	if (!s->tap.record)
		return batch_feed(s->model, recs, nr) ?: s->tap_err;
	for (unsigned int i = 0; i < nr && !err; i++)
		err = feed_tapped(s, recs[i]);
	return err;
}

/*
 * Hands the model what is there up to @limit, CLOCK_MONOTONIC ns if the source
 * is live. Ends early at @until or at a signal, unless @all. Return: 0 or -errno.
 */
static int drain(struct session *s, uint64_t limit, uint64_t until, bool all)
{
	const struct mmuscope_hdr *recs[MODEL_BATCH];
	unsigned int takes = 0;
	int ret;

	_Static_assert(MODEL_BATCH <= MERGE_TAKE, "that many can be asked for");
	merge_begin(s->merge, s->live ? limit : UINT64_MAX);
	while ((ret = merge_take(s->merge, recs, MODEL_BATCH)) > 0) {
		ret = feed(s, recs, ret);
		if (ret)
			break;
		if (!all && ++takes % LOOK_EVERY == 0 && (stopped || session_clock() >= until))
			break;
	}
	merge_end(s->merge);
	if (ret == -ENODATA)
		s->ended = true;
	return ret < 0 && ret != -ENODATA ? ret : 0;
}

/* A ring that is a quarter full per round might be full before the next one. */
static void adapt(struct session *s)
{
	uint64_t busiest = merge_busiest(s->merge);
	uint64_t ring = s->ring_bytes ? s->ring_bytes : RING_SMALLEST;

	if (busiest > ring / 4)
		s->period = s->period / 2 > PERIOD_MIN ? s->period / 2 : PERIOD_MIN;
	else if (busiest < ring / 16)
		s->period = s->period * 2 < PERIOD_MAX ? s->period * 2 : PERIOD_MAX;
}

/*
 * The collector wakes us early when a ring fills. What is held back then would
 * fill it for good: look often, and hold back little, until it is calm again.
 */
static int pause_for(struct session *s, uint64_t ns)
{
	uint64_t begin = session_clock();
	int ret = s->src->ops->wait(s->src, (ns + MS - 1) / MS);

	if (!ret && session_clock() - begin < ns / 2)
		s->period = PERIOD_MIN;
	return ret == -EINTR ? 0 : ret;
}

static void sleep_for(uint64_t ns)
{
	struct timespec t = { ns / 1000000000ULL, ns % 1000000000ULL };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h. */
#define FIRST_NAMESPACE	0xEFFFFFFC

/* Return: whether the numbers of processes are the kernel's, as they are in records. */
static bool sees_all(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == FIRST_NAMESPACE;
}

/* Where no hook tells of the end of a VM, it is over at @now for which no process is left. */
static int ends_find(struct session *s, uint64_t now)
{
	int err = 0;

	if ((view_seen(s->src, "kvm_destroy_vm") && view_seen(s->src, "kvm_arch_destroy_vm")) ||
	    !sees_all())
		return 0;
	for (size_t i = 0; i < model_vms(s->model) && !err; i++) {
		const struct vm *vm = model_vm(s->model, i);
		const struct mmuscope_vm rec = {
			.hdr = {
				.ts = now, .vm = vm->id, .vcpu = MMUSCOPE_NO_VCPU,
				.type = MMUSCOPE_TYPE_vm, .size = sizeof(rec),
			},
			.pid = vm->pid, .op = MMUSCOPE_life_destroyed,
		};
		const struct mmuscope_hdr *recs[] = { &rec.hdr };

		if (vm->life != MMUSCOPE_life_destroyed && vm->pid && kill(vm->pid, 0) &&
		    errno == ESRCH)
			err = feed(s, recs, 1);
	}
	return err;
}

/*
 * What was collected up to now, and not a record more, belongs to this interval. Where that has
 * failed, only its time is taken.
 */
static int interval_end(struct session *s, int err)
{
	uint64_t now;

	if (!err && s->src->ops->tick)
		err = s->src->ops->tick(s->src);
	now = session_clock();
	if (s->live && !s->ended && !err) {
		sleep_for(s->period);
		err = drain(s, now, UINT64_MAX, true);
		if (!err)
			err = ends_find(s, now);
	}
	s->interval = now - s->interval_begin;
	s->elapsed += s->interval;
	s->interval_begin = now;
	return err;
}

int session_run(struct session *s, uint64_t until, bool (*done)(void *ctx), void *ctx)
{
	uint64_t now = session_clock();
	int err = 0;

	while (!err && !stopped && !s->ended && now < until && !(done && done(ctx))) {
		err = pause_for(s, until - now < s->period ? until - now : s->period);
		if (!err)
			err = drain(s, session_clock() - s->period, until, false);
		adapt(s);
		now = session_clock();
	}
	err = interval_end(s, err);
	if (!err)
		return 0;
	/* Who tapped knows better what is wrong. */
	if (s->tap_err)
		return 1;
	fprintf(stderr, "mmuscope: collecting failed: %s\n", strerror(-err));
	return 1;
}

struct model *session_model(struct session *s)
{
	return s->model;
}

const struct source *session_source(const struct session *s)
{
	return s->src;
}

bool session_ended(const struct session *s)
{
	return s->ended;
}

uint64_t session_begin(const struct session *s)
{
	return s->live ? s->begin : 0;
}

uint64_t session_interval(const struct session *s)
{
	return s->interval;
}

uint64_t session_elapsed(const struct session *s)
{
	/* A source that ends was not live: its own time counts. */
	return s->ended ? model_span(s->model) : s->elapsed;
}
