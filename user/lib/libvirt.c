// SPDX-License-Identifier: GPL-2.0
/*
 * The library is loaded when it is wanted, so that neither building nor running needs it.
 * What is called has been the same since libvirt 0.9.13.
 */
#include "lib/libvirt.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY		"libvirt.so.0"
#define PATIENCE_MS	5000
#define KIB		1024

/* libvirt/libvirt-domain.h */
#define LIST_ACTIVE	1
#define STAT_UNUSED	4
#define STAT_AVAILABLE	5
#define STAT_ACTUAL	6
#define STATS_MAX	32

struct memory_stat {
	int tag;
	unsigned long long kib;
};

struct library {
	void *(*open)(const char *uri);
	int (*close)(void *connection);
	int (*list)(void *connection, void ***domains, unsigned int flags);
	const char *(*name)(void *domain);
	int (*stats)(void *domain, struct memory_stat *stats, unsigned int nr,
		     unsigned int flags);
	int (*free)(void *domain);
	void (*set_error)(void *data, void (*handler)(void *data, void *error));
	const char *(*last_error)(void);
};

/* How the process that asks ends, beside 0. */
enum { ASK_NO_LIBRARY = 2, ASK_NO_CONNECTION, ASK_FAILED };

/* Errors are told by us, not by libvirt on standard error. */
static void be_silent(void *data, void *error)
{
	(void)data;
	(void)error;
}

static int library_load(struct library *l)
{
	const struct {
		void *at;
		const char *name;
	} symbols[] = {
		{ &l->open, "virConnectOpenReadOnly" }, { &l->close, "virConnectClose" },
		{ &l->list, "virConnectListAllDomains" }, { &l->name, "virDomainGetName" },
		{ &l->stats, "virDomainMemoryStats" }, { &l->free, "virDomainFree" },
		{ &l->set_error, "virSetErrorFunc" },
		{ &l->last_error, "virGetLastErrorMessage" },
	};
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol)
			return -ENOENT;
		memcpy(symbols[i].at, &symbol, sizeof(symbol));
	}
	return handle ? 0 : -ENOENT;
}

/* Drivers that run a process per domain note its id; there is no call that tells it. */
static pid_t noted_pid(const char *name)
{
	static const char *const drivers[] = { "qemu", "ch" };
	char path[256];
	int pid = 0;

	for (size_t i = 0; !pid && i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "/run/libvirt/%s/%s.pid", drivers[i], name);
		f = fopen(path, "re");
		if (f && fscanf(f, "%d", &pid) != 1)
			pid = 0;
		if (f)
			fclose(f);
	}
	return pid;
}

static void domain_ask(const struct library *l, void *domain, struct libvirt_domain *d)
{
	struct memory_stat stats[STATS_MAX];
	int nr = l->stats(domain, stats, STATS_MAX, 0);

	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", l->name(domain));
	d->pid = noted_pid(d->name);
	d->actual = d->unused = d->available = LIBVIRT_UNKNOWN;
	for (int i = 0; i < nr; i++) {
		if (stats[i].tag == STAT_ACTUAL)
			d->actual = stats[i].kib * KIB;
		else if (stats[i].tag == STAT_UNUSED)
			d->unused = stats[i].kib * KIB;
		else if (stats[i].tag == STAT_AVAILABLE)
			d->available = stats[i].kib * KIB;
	}
}

/* In a process of its own: domains go to @fd, or a sentence on what is wrong. */
static int ask(int fd)
{
	struct libvirt_domain d;
	void *connection, **domains;
	struct library l;
	const char *why;
	int nr;

	if (library_load(&l))
		return ASK_NO_LIBRARY;
	l.set_error(NULL, be_silent);
	connection = l.open(NULL);
	nr = connection ? l.list(connection, &domains, LIST_ACTIVE) : -1;
	if (nr < 0) {
		why = l.last_error();
		if (write(fd, why, strlen(why)) < 0)
			return ASK_FAILED;
		return connection ? ASK_FAILED : ASK_NO_CONNECTION;
	}
	for (int i = 0; i < nr; i++) {
		domain_ask(&l, domains[i], &d);
		if (write(fd, &d, sizeof(d)) != sizeof(d))
			return ASK_FAILED;
		l.free(domains[i]);
	}
	l.close(connection);
	return 0;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* All that comes until the other end is closed, within our patience. Return: bytes or -errno. */
static ssize_t answer_read(int fd, char **answer)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long end = now_ms() + PATIENCE_MS, left;
	size_t room = 4096, used = 0;
	ssize_t got;

	*answer = malloc(room);
	while (*answer) {
		left = end - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left) <= 0)
			continue;
		got = read(fd, *answer + used, room - used);
		if (got <= 0)
			return got < 0 ? -errno : (ssize_t)used;
		used += got;
		if (used == room) {
			char *grown = realloc(*answer, room *= 2);

			if (!grown)
				return -ENOMEM;
			*answer = grown;
		}
	}
	return -ENOMEM;
}

static int judge(struct libvirt_domains *d, int status, char *answer, size_t size, char *why,
		 size_t len)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : ASK_FAILED;

	if (code == ASK_NO_LIBRARY) {
		snprintf(why, len, "libvirt is not installed");
		return -ENOENT;
	}
	if (code) {
		snprintf(why, len, "libvirt does not answer: %.*s",
			 size ? (int)size : (int)strlen("its library failed"),
			 size ? answer : "its library failed");
		return code == ASK_NO_CONNECTION ? -ENOTCONN : -EIO;
	}
	d->list = (void *)answer;
	d->nr = size / sizeof(*d->list);
	return 0;
}

int libvirt_read(struct libvirt_domains *d, char *why, size_t len)
{
	int fds[2], status = 0, err;
	char *answer = NULL;
	ssize_t size;
	pid_t pid;

	*d = (struct libvirt_domains){ 0 };
	snprintf(why, len, "libvirt cannot be asked");
	if (pipe(fds))
		return -errno;
	pid = fork();
	if (pid < 0) {
		err = -errno;
		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		/* The libraries behind it print as well. */
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		close(fds[0]);
		_exit(ask(fds[1]));
	}
	close(fds[1]);
	size = answer_read(fds[0], &answer);
	close(fds[0]);
	if (size < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (size == -ETIMEDOUT)
		snprintf(why, len, "libvirt did not answer within %d seconds",
			 PATIENCE_MS / 1000);
	err = size < 0 ? size : judge(d, status, answer, size, why, len);
	if (err)
		free(answer);
	return err;
}

void libvirt_free(struct libvirt_domains *d)
{
	free(d->list);
	*d = (struct libvirt_domains){ 0 };
}

const struct libvirt_domain *libvirt_find(const struct libvirt_domains *d, pid_t pid,
					  const char *name)
{
	for (size_t i = 0; i < d->nr; i++)
		if (d->list[i].pid && d->list[i].pid == pid)
			return &d->list[i];
	for (size_t i = 0; i < d->nr; i++)
		if (!d->list[i].pid && !strcmp(d->list[i].name, name))
			return &d->list[i];
	return NULL;
}
