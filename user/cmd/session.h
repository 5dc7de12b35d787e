/* SPDX-License-Identifier: GPL-2.0 */
/* A collection under way: source, merge and model, driven by the clock. */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/options.h"
#include "model/model.h"
#include "source/source.h"

struct session;

/**
 * session_open() - attach, or begin whatever the source does
 * @root: only VMs of this process and its descendants, 0 for all
 *
 * Return: the session, or NULL after one sentence on stderr.
 */
struct session *session_open(const struct options *o, pid_t root);

void session_close(struct session *s);

/**
 * struct session_tap - who else wants to see what the model is fed with
 * @named: a VM was given a name; called before @record for the same record
 * @record: return 0, or -errno to end the collection
 */
struct session_tap {
	int (*named)(void *ctx, const struct mmuscope_vm *rec, const char *name);
	int (*record)(void *ctx, const struct mmuscope_hdr *rec);
	void *ctx;
};

void session_set_tap(struct session *s, const struct session_tap *tap);

/**
 * session_run() - collect
 * @until: CLOCK_MONOTONIC ns at which to return, UINT64_MAX for never
 * @done: asked often whether to return before that; may be NULL
 *
 * Also returns at the end of the source and when session_stopped(). What was collected until the
 * return is in the running interval of the model.
 *
 * Return: 0, or 1 after one sentence on stderr.
 */
int session_run(struct session *s, uint64_t until, bool (*done)(void *ctx), void *ctx);

struct model *session_model(struct session *s);
const struct source *session_source(const struct session *s);

/* Return: whether the source will never give a record again. */
bool session_ended(const struct session *s);

/* Return: CLOCK_MONOTONIC ns at which collecting began, 0 where the source is not live. */
uint64_t session_begin(const struct session *s);

/* Return: ns collected: by the last session_run(), and by all; made-up where the source is. */
uint64_t session_interval(const struct session *s);
uint64_t session_elapsed(const struct session *s);

/**
 * session_counted() - what KVM itself counted of a VM since it was first seen
 * @flushes: set to remote_tlb_flush, @requests to remote_tlb_flush_requests, UINT64_MAX where
 *	KVM does not have that
 *
 * Return: whether it is known: the VM is there, its process has no other, and debugfs is mounted.
 */
bool session_counted(const struct session *s, uint16_t vm, uint64_t *flushes, uint64_t *requests);

/* CLOCK_MONOTONIC in ns. */
uint64_t session_clock(void);

/* Makes SIGINT and SIGTERM stop collections; a second one ends the process. */
void session_catch_signals(void);

/* Return: whether a signal asked to stop. */
bool session_stopped(void);

#endif /* CMD_SESSION_H */
