// SPDX-License-Identifier: GPL-2.0
#include "cmd/pager.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/format.h"

static pid_t pager;
static bool forbidden;

/* Nothing but what a signal handler may do. */
static void wait_for_it(void)
{
	close(STDOUT_FILENO);
	while (pager && waitpid(pager, NULL, 0) < 0 && errno == EINTR)
		;
	pager = 0;
}

static void at_exit(void)
{
	fflush(stdout);
	wait_for_it();
}

/* The shell must not have the terminal back while the pager is still on it. */
static void at_signal(int number)
{
	wait_for_it();
	signal(number, SIG_DFL);
	raise(number);
}

static bool is_program(const char *file)
{
	struct stat st;

	return !stat(file, &st) && S_ISREG(st.st_mode) && !access(file, X_OK);
}

static bool is_there(const char *program)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	while (path && *path) {
		size_t len = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, program);
		if (is_program(file))
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

/* What is more than the name of a program and its arguments the shell understands. */
static bool can_run(const char *command)
{
	size_t len = strcspn(command, " \t");
	char program[PATH_MAX];

	if (len >= sizeof(program) || command[strcspn(command, "=$`'\"\\(;|&<>~")])
		return true;
	snprintf(program, sizeof(program), "%.*s", (int)len, command);
	return strchr(program, '/') ? is_program(program) : is_there(program);
}

/* Return: the command, NULL where there is to be none. */
static const char *choose(void)
{
	const char *command = getenv("MMUSCOPE_PAGER") ?: getenv("PAGER");

	if (!command)
		command = is_there("less") ? "less" : "";
	command += strspn(command, " \t");
	if (!*command || !strcmp(command, "cat"))
		return NULL;
	if (can_run(command))
		return command;
	fprintf(stderr, "mmuscope: there is no pager '%s' (MMUSCOPE_PAGER, PAGER): printed "
		"without\n", command);
	return NULL;
}

void pager_forbid(void)
{
	forbidden = true;
}

void pager_start(void)
{
	const char *command = choose(), *term = getenv("TERM");
	int ends[2];

	if (forbidden || !isatty(STDOUT_FILENO) || !command)
		return;
	if (!term || !strcmp(term, "dumb") || pipe(ends))
		return;
	format_remember();
	pager = fork();
	if (!pager) {
		dup2(ends[0], STDIN_FILENO);
		close(ends[0]);
		close(ends[1]);
		signal(SIGPIPE, SIG_DFL);
		/* What fits is printed as without a pager; colours are kept; the screen as well. */
		setenv("LESS", "FRX", 0);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	if (pager > 0)
		dup2(ends[1], STDOUT_FILENO);
	else
		pager = 0;
	close(ends[0]);
	close(ends[1]);
	atexit(at_exit);
	signal(SIGINT, at_signal);
	signal(SIGTERM, at_signal);
	signal(SIGHUP, at_signal);
}
