// SPDX-License-Identifier: GPL-2.0
#include "lib/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* QEMU's command lines with many devices are long; names come early in them. */
#define CMDLINE_MAX	65536
#define PATH_LEN	64
#define VM_LINK		"anon_inode:kvm-vm"

static ssize_t proc_read(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[PATH_LEN];
	ssize_t len, all = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((size_t)all < size - 1) {
		len = read(fd, buf + all, size - 1 - all);
		if (len <= 0)
			break;
		all += len;
	}
	close(fd);
	buf[all] = '\0';
	return all;
}

/* The value behind "KEY=" in QEMU's comma-separated list, where ",," is a comma. */
static bool list_value(const char *list, const char *key, char *out, size_t size)
{
	size_t keylen = strlen(key), n = 0;
	const char *p = list;

	while (strncmp(p, key, keylen) || p[keylen] != '=') {
		do
			p = strchr(p, ',');
		while (p && p[1] == ',' && (p += 2));
		if (!p++)
			return false;
	}
	for (p += keylen + 1; *p && n < size - 1; p++) {
		if (*p == ',' && *++p != ',')
			break;
		out[n++] = *p;
	}
	out[n] = '\0';
	return n > 0;
}

/* "NAME", "NAME,debug-threads=on", "guest=NAME,..." */
static bool qemu_name(const char *arg, char *out, size_t size)
{
	size_t len = strcspn(arg, ",");

	if (list_value(arg, "guest", out, size))
		return true;
	if (!len || memchr(arg, '=', len))
		return false;
	snprintf(out, size, "%.*s", (int)len, arg);
	return true;
}

/* "/run/web.sock", "path=/run/web.sock": the socket's stem is what tools call the VM. */
static bool socket_name(const char *arg, char *out, size_t size)
{
	const char *base, *dot;
	char path[256];

	if (!list_value(arg, "path", path, sizeof(path)))
		snprintf(path, sizeof(path), "%s", arg);
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	dot = strrchr(base, '.');
	snprintf(out, size, "%.*s", dot > base ? (int)(dot - base) : (int)strlen(base), base);
	return *out;
}

static bool plain_name(const char *arg, char *out, size_t size)
{
	snprintf(out, size, "%s", arg);
	return *out;
}

/* @program: begin of the VMM's name, NULL for any */
static const struct name_option {
	const char *program;
	const char *option;
	bool (*parse)(const char *arg, char *out, size_t size);
} name_options[] = {
	{ NULL, "-name", qemu_name },
	{ NULL, "--name", qemu_name },
	{ "firecracker", "--id", plain_name },
	{ "cloud-hyperviso", "--api-socket", socket_name },
};

static bool parse_option(const char *program, const char *arg, const char *next, char *name,
			 size_t size)
{
	for (size_t i = 0; i < sizeof(name_options) / sizeof(name_options[0]); i++) {
		const struct name_option *o = &name_options[i];
		size_t len = strlen(o->option);

		if (o->program && strncmp(program, o->program, strlen(o->program)))
			continue;
		if (strncmp(arg, o->option, len))
			continue;
		if (arg[len] == '=' && o->parse(arg + len + 1, name, size))
			return true;
		if (!arg[len] && next && o->parse(next, name, size))
			return true;
	}
	return false;
}

int proc_parse_name(const char *cmdline, size_t len, char *name, size_t size)
{
	const char *end = cmdline + len, *arg = cmdline, *slash;

	slash = memrchr(cmdline, '/', strnlen(cmdline, len));
	if (slash)
		cmdline = slash + 1;
	while (arg < end) {
		const char *next = arg + strnlen(arg, end - arg) + 1;

		if (parse_option(cmdline, arg, next < end ? next : NULL, name, size))
			return 0;
		arg = next;
	}
	return -ENOENT;
}

/* A name is printed on terminals: no escape sequences from somebody else's command line. */
static void clean_name(char *name)
{
	for (; *name; name++)
		if (iscntrl((unsigned char)*name))
			*name = '?';
}

static bool cmdline_name(pid_t pid, char *name, size_t size)
{
	char *cmdline = malloc(CMDLINE_MAX);
	ssize_t len = cmdline ? proc_read(pid, "cmdline", cmdline, CMDLINE_MAX) : -ENOMEM;
	bool found = len > 0 && !proc_parse_name(cmdline, len, name, size);

	free(cmdline);
	return found;
}

void proc_vm_name(pid_t pid, const char *comm, const char *args, size_t len, char *name,
		  size_t size)
{
	/* The last argument of a cut command line is perhaps no whole one. */
	if (len > 1 && args[len - 2])
		len--;
	while (len && args[len - 1])
		len--;
	/*
	 * Reading a command line holds the process's memory, and that holds its vCPUs: a VM that
	 * ends meanwhile would live on until we are done.
	 */
	if ((!len || proc_parse_name(args, len, name, size)) && !cmdline_name(pid, name, size))
		snprintf(name, size, "%s:%d", comm, pid);
	clean_name(name);
}

uint64_t proc_rss(pid_t pid)
{
	unsigned long long total, resident;
	char text[256];

	if (proc_read(pid, "statm", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%llu %llu", &total, &resident) != 2)
		return 0;
	return resident * sysconf(_SC_PAGESIZE);
}

/* By 6.1 it is in a file of its own, later among others as well. */
int64_t proc_merged(pid_t pid)
{
	long long pages;
	char text[32];

	if (proc_read(pid, "ksm_merging_pages", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%lld", &pages) != 1)
		return -ENOENT;
	return pages * sysconf(_SC_PAGESIZE);
}

static bool holds_vm(pid_t pid)
{
	char path[PATH_LEN], target[PATH_LEN];
	bool found = false;
	struct dirent *d;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (d = readdir(dir))) {
		len = readlinkat(dirfd(dir), d->d_name, target, sizeof(target));
		found = len == strlen(VM_LINK) && !memcmp(target, VM_LINK, len);
	}
	closedir(dir);
	return found;
}

int proc_for_each_vm(int (*each)(void *ctx, pid_t pid, const char *name), void *ctx)
{
	char comm[32], name[256];
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (d = readdir(dir))) {
		pid_t pid = atoi(d->d_name);

		if (pid <= 0 || !holds_vm(pid))
			continue;
		if (proc_read(pid, "comm", comm, sizeof(comm)) <= 0)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		proc_vm_name(pid, comm, NULL, 0, name, sizeof(name));
		err = each(ctx, pid, name);
	}
	closedir(dir);
	return err;
}
