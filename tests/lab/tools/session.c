// SPDX-License-Identifier: GPL-2.0
/*
 * session [FAMILY]... [-- COMMAND [ARGUMENT...]]: a session of the kernel module for these
 * kinds of records, all where none is named, while COMMAND runs. Prints "record.NAME=COUNT"
 * for each kind that came. The end of the process is the end of the session.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mmuscope/kmod.h>

#include "lib/schema.h"
#include "source/hypervisor.h"
#include "source/ring.h"

#define RING	(1U << 20)
#define TYPES	32

static bool family_add(struct mmuscope_kmod_start *start, const char *name)
{
	for (unsigned int type = 0; type < TYPES; type++) {
		const struct schema_event *e = schema_event(type);

		if (e && !strcmp(e->name, name)) {
			start->records |= 1U << type;
			return true;
		}
	}
	fprintf(stderr, "session: there is no record %s\n", name);
	return false;
}

static int session_start(struct mmuscope_kmod_start *start, unsigned int *cpus)
{
	struct mmuscope_kmod_hello hello = {
		.abi = MMUSCOPE_KMOD_ABI, .schema = MMUSCOPE_SCHEMA,
	};
	int fd = open(MMUSCOPE_KMOD_DEVICE, O_RDWR | O_CLOEXEC);

	start->size = sizeof(*start);
	start->ring_bytes = RING;
	memset(&start->offsets, 0xff, sizeof(start->offsets));
	if (fd < 0 || hypervisor_detect(&start->isa, &start->tdp) ||
	    ioctl(fd, MMUSCOPE_KMOD_HELLO, &hello) || ioctl(fd, MMUSCOPE_KMOD_START, start)) {
		perror("session");
		return -1;
	}
	*cpus = hello.cpus;
	return fd;
}

static int command_run(char **argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void rings_count(int fd, unsigned int cpus, unsigned long count[TYPES])
{
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		const struct mmuscope_hdr *rec;
		struct ring ring;
		size_t len;

		if (ring_map(&ring, dup(fd), MMUSCOPE_KMOD_MAP_RING(cpu), RING))
			continue;
		while ((rec = ring_next(&ring, &len)))
			count[rec->type % TYPES]++;
		ring_unmap(&ring);
	}
}

int main(int argc, char **argv)
{
	struct mmuscope_kmod_start start = { 0 };
	unsigned long count[TYPES] = { 0 };
	unsigned int cpus;
	int i, fd, code = 0;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!family_add(&start, argv[i]))
			return 2;
	fd = session_start(&start, &cpus);
	if (fd < 0)
		return 1;
	if (i + 1 < argc)
		code = command_run(argv + i + 1);
	rings_count(fd, cpus, count);
	for (unsigned int type = 0; type < TYPES; type++)
		if (count[type])
			printf("record.%s=%lu\n", schema_event(type)->name, count[type]);
	return code;
}
