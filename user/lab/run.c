// SPDX-License-Identifier: GPL-2.0
#include "lab/run.h"

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS	48
#define TEXT		8192

/* Where the driver's time is not enough something hangs. */
#define TIMEOUT		"900"

/**
 * struct command - arguments of a driver, with room for their texts
 */
struct command {
	char *argv[ARGUMENTS];
	size_t argc;
	char text[TEXT];
	size_t used;
};

struct runner {
	const struct lab_place *place;
	const struct lab_result *result;
	const char *kernel;
	sigset_t old;
	pid_t pid[LAB_SIDES];
	size_t started;
	size_t running;
};

__attribute__((format(printf, 2, 3)))
static void command_add(struct command *c, const char *format, ...)
{
	size_t room = TEXT - c->used;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(c->text + c->used, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room || c->argc + 1 >= ARGUMENTS)
		return;
	c->argv[c->argc++] = c->text + c->used;
	c->used += len + 1;
}

static bool place_try(struct lab_place *p, const char *base, const char *lab, const char *guest)
{
	char path[PATH_MAX + 16];

	if (snprintf(path, sizeof(path), "%s/%s/lab", base, lab) >= PATH_MAX ||
	    access(path, X_OK) || !realpath(dirname(path), p->dir))
		return false;
	if (snprintf(path, sizeof(path), "%s/%s", base, guest) < PATH_MAX &&
	    !realpath(path, p->guest))
		*p->guest = '\0';
	return true;
}

int lab_place_find(struct lab_place *p)
{
	char base[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", p->self, sizeof(p->self) - 1);

	if (len < 0)
		return -errno;
	p->self[len] = '\0';
	snprintf(base, sizeof(base), "%s", p->self);
	dirname(base);
	/* In a build folder, else where 'make install' puts it. */
	if (!place_try(p, base, "lab", "tools/lab/guest/mmuscope-guest") &&
	    !place_try(p, base, "../libexec/mmuscope/lab",
		       "../libexec/mmuscope/lab/mmuscope-guest")) {
		fprintf(stderr, "mmuscope: the lab is not installed: there is neither %s/lab nor "
			"%s/../libexec/mmuscope/lab\n", base, base);
		return -ENOENT;
	}
	if (!*p->guest) {
		fprintf(stderr, "mmuscope: the lab's guest program is missing; "
			"'make lab-guest' builds it\n");
		return -ENOENT;
	}
	return 0;
}

/* Each driver has a process group of its own, so that nothing of it is left behind. */
static pid_t start(struct runner *u, char **argv, const char *dir)
{
	pid_t pid = fork();

	if (pid) {
		if (pid > 0)
			setpgid(pid, pid);
		return pid;
	}
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, &u->old, NULL);
	signal(SIGPIPE, SIG_DFL);
	setenv("LAB_QUIET", "1", 1);
	setenv("MMUSCOPE", u->place->self, 1);
	setenv("MMUSCOPE_GUEST", u->place->guest, 1);
	setenv("LAB_RESULTS", dir, 1);
	/* Standard output is the report's. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "mmuscope: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(126);
}

static void add_guests(struct command *c, const struct lab_result *r)
{
	for (size_t i = 0; i < LAB_WORKLOADS; i++)
		if (r->chosen[i])
			command_add(c, "%s=%s", lab_workloads[i].name, lab_workloads[i].guest);
}

static pid_t start_side(struct runner *u, const struct lab_side *s)
{
	struct command c = { .argc = 0 };
	const char *lab = u->place->dir;
	bool amd = s->machine == &lab_machines[LAB_AMD];

	if (!s->emulated) {
		command_add(&c, "%s/host.sh", lab);
	} else {
		command_add(&c, "%s/lab", lab);
		command_add(&c, "run");
		command_add(&c, "--machine");
		command_add(&c, "%s", s->machine->name);
		command_add(&c, "--kernel");
		command_add(&c, "%s", u->kernel);
		command_add(&c, "--mem");
		command_add(&c, "1024");
		command_add(&c, "--timeout");
		command_add(&c, TIMEOUT);
		command_add(&c, "--out");
		command_add(&c, "%s", s->dir);
		command_add(&c, "--add");
		command_add(&c, "%s:/bin/mmuscope", u->place->self);
		/* Bochs counts instructions by itself. */
		if (amd)
			command_add(&c, "--icount");
	}
	command_add(&c, "%s/jobs/measure.sh", lab);
	command_add(&c, "%s", s->emulated ? s->mode : "host");
	command_add(&c, "%s%s%s", s->machine->title, s->emulated ? " " : "",
		    lab_mode_name(s->mode));
	add_guests(&c, u->result);
	return start(u, c.argv, s->dir);
}

/* The slow machine comes last in the report and is started first. */
static const struct lab_side *side_nr(const struct runner *u, size_t nr)
{
	return &u->result->side[u->result->nr - 1 - nr];
}

static void stop_all(struct runner *u)
{
	for (size_t i = 0; i < u->started; i++)
		if (u->pid[i] > 0)
			kill(-u->pid[i], SIGTERM);
	for (size_t i = 0; i < u->started; i++)
		if (u->pid[i] > 0)
			while (waitpid(u->pid[i], NULL, 0) < 0 && errno == EINTR)
				;
}

/* Return: 0, -EINTR or -EIO; @pid is 0 afterwards where the process has ended. */
static int reap(struct runner *u)
{
	char name[64];
	int status;

	for (size_t i = 0; i < u->started; i++) {
		if (u->pid[i] <= 0 || waitpid(u->pid[i], &status, WNOHANG) != u->pid[i])
			continue;
		u->pid[i] = 0;
		u->running--;
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			continue;
		fprintf(stderr, "mmuscope: %s: the run failed, exit code %d; see %s\n",
			lab_side_name(name, sizeof(name), side_nr(u, i)),
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
			side_nr(u, i)->dir);
		return -EIO;
	}
	return 0;
}

static int wait_event(const sigset_t *set)
{
	int signal;

	do {
		signal = sigwaitinfo(set, NULL);
	} while (signal < 0 && errno == EINTR);
	return signal == SIGCHLD ? 0 : -EINTR;
}

#define LAB_USAGE	2	/* exit code of tools/lab/lab: a word that it does not know */

/* The kernel is fetched before, once for all. */
static int prepare(struct runner *u, const sigset_t *set)
{
	struct command c = { .argc = 0 };
	int status, err = 0;
	pid_t pid;

	command_add(&c, "%s/lab", u->place->dir);
	command_add(&c, "prepare");
	command_add(&c, "--kernel");
	command_add(&c, "%s", u->kernel);
	pid = start(u, c.argv, "");
	if (pid < 0)
		return -EIO;
	while (!err && waitpid(pid, &status, WNOHANG) != pid)
		err = wait_event(set);
	if (err) {
		kill(-pid, SIGTERM);
		waitpid(pid, &status, 0);
		return err;
	}
	/* It has said why. */
	if (!WIFEXITED(status))
		return -ENOENT;
	return WEXITSTATUS(status) == LAB_USAGE ? -EINVAL : WEXITSTATUS(status) ? -ENOENT : 0;
}

static int run_sides(struct runner *u, const sigset_t *set)
{
	const struct lab_result *r = u->result;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int err = 0;

	while (!err && (u->running || u->started < r->nr)) {
		while (u->started < r->nr && u->running < (size_t)(cpus > 0 ? cpus : 1)) {
			u->pid[u->started] = start_side(u, side_nr(u, u->started));
			if (u->pid[u->started++] < 0)
				return -EIO;
			u->running++;
		}
		err = wait_event(set) ?: reap(u);
	}
	return err;
}

int lab_run(const struct lab_place *place, struct lab_result *r, const char *kernel)
{
	struct runner u = { .place = place, .result = r, .kernel = kernel };
	bool emulated = false;
	sigset_t set;
	int err;

	for (size_t i = 0; i < r->nr; i++)
		emulated |= r->side[i].emulated;
	/* Signals are waited for, so that none gets lost before. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &u.old);
	err = emulated ? prepare(&u, &set) : 0;
	if (emulated && !err)
		fprintf(stderr, "mmuscope: booting emulated machines, %zu runs: half a minute each "
			"for amd, twice that for intel\n", r->nr);
	if (!err)
		err = run_sides(&u, &set);
	if (err)
		stop_all(&u);
	sigprocmask(SIG_SETMASK, &u.old, NULL);
	return err;
}
