/* SPDX-License-Identifier: GPL-2.0 */
/* A command that is run and traced until its end. */
#ifndef CMD_CHILD_H
#define CMD_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct child - a command between fork and end
 * @pid: its process
 * @go: end of a pipe; what is written to it starts the command
 * @error: end of a pipe that gives errno where the command cannot be run
 * @ended: @status is its wait status
 */
struct child {
	pid_t pid;
	int go;
	int error;
	bool ended;
	int status;
};

/* Makes the process, which waits before it runs @command. Return: 0 or -errno. */
int child_prepare(struct child *c, char **command);

/* Runs the command. Return: 0, or -errno where it cannot be run. */
int child_start(struct child *c);

/* Return: whether the command has ended; @child is a struct child. */
bool child_done(void *child);

/* Waits until the command ends by itself, or for a signal. */
void child_wait(struct child *c);

/* Asks the command to end, if need be, and waits for that. */
void child_end(struct child *c);

/* Return: the command's exit code, 128 + signal where a signal ended it. */
int child_code(const struct child *c);

#endif /* CMD_CHILD_H */
