/* SPDX-License-Identifier: GPL-2.0 */
/* What commands that collect have in common: a collection, alone or for the time of a command. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "cmd/child.h"
#include "cmd/options.h"
#include "cmd/session.h"

/**
 * run_fn - the work between attaching and detaching
 * @child: the command that has been started, NULL where there is none
 *
 * Return: an exit code.
 */
typedef int (*run_fn)(void *ctx, struct session *s, struct child *child);

/*
 * Does @work for the options' command, or without one. @prepare, unless NULL, comes before the
 * command is started, with no child: where it does not return EXIT_OK nothing is. Return: an exit
 * code.
 */
int run_collection(const struct options *o, run_fn prepare, run_fn work, void *ctx);

/* For a subcommand's parser, with what it does not take itself: -d, -i and COMMAND. */
error_t run_parse(int key, char *arg, struct argp_state *state);

/* Refuses options that exclude each other; for ARGP_KEY_END. */
void run_check(const struct argp_state *state);

/* Return: whether @s is over, at @end or before, or with @child. */
bool run_over(const struct session *s, const struct child *child, uint64_t end);

#endif /* CMD_RUN_H */
