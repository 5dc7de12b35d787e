// SPDX-License-Identifier: GPL-2.0
/*
 * How long a tracing command takes until it records, and to go away again:
 *
 *   startup COMMAND...     runs COMMAND with this program behind it, which makes a
 *                          VM: the first record. Prints how long it took until then,
 *                          how long from its end to that of COMMAND, and how long
 *                          COMMAND was on a CPU in both.
 *   startup --tsc-khz      prints how fast the TSC ticks, to read guests' times
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

/* What the traced command tells of itself. */
struct traced {
	uint64_t first;
	uint64_t first_cpu;
	uint64_t end;
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Time on a CPU of the process that started us. */
static uint64_t parent_cpu_ns(void)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", getppid());
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%llu", &ns) != 1)
			ns = 0;
		fclose(f);
	}
	return ns;
}

/* The same, once it has ended; what its own children took is not worth mentioning. */
static uint64_t children_cpu_ns(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000000ULL +
		(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1000ULL;
}

static int tsc_khz(void)
{
	uint64_t ns = clock_ns(), tsc = __rdtsc();

	usleep(200000);
	tsc = __rdtsc() - tsc;
	ns = clock_ns() - ns;
	printf("%llu\n", (unsigned long long)(tsc * 1000000ULL / ns));
	return 0;
}

static int be_traced(int fd)
{
	struct traced t;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
	t.first = clock_ns();
	t.first_cpu = parent_cpu_ns();
	if (vm >= 0)
		close(vm);
	t.end = clock_ns();
	return write(fd, &t, sizeof(t)) != sizeof(t);
}

static int exec_with_us(int argc, char **argv, int fd)
{
	char **args = calloc(argc + 3, sizeof(*args)), number[12], self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (!args || len < 0)
		return 127;
	self[len] = 0;
	snprintf(number, sizeof(number), "%d", fd);
	memcpy(args, argv, argc * sizeof(*args));
	args[argc] = self;
	args[argc + 1] = "--traced";
	args[argc + 2] = number;
	execvp(args[0], args);
	fprintf(stderr, "startup: cannot run %s: %s\n", args[0], strerror(errno));
	return 127;
}

static int measure(int argc, char **argv)
{
	uint64_t begin = clock_ns(), end;
	struct traced t;
	int fds[2], status;
	ssize_t len;
	pid_t pid;

	if (pipe(fds))
		return 1;
	pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0) {
		close(fds[0]);
		_exit(exec_with_us(argc, argv, fds[1]));
	}
	close(fds[1]);
	len = read(fds[0], &t, sizeof(t));
	if (waitpid(pid, &status, 0) != pid || status || len != sizeof(t)) {
		fprintf(stderr, "startup: %s failed\n", argv[0]);
		return 1;
	}
	end = clock_ns();
	printf("start_ns=%llu\nstart_cpu_ns=%llu\ndetach_ns=%llu\ndetach_cpu_ns=%llu\n",
	       (unsigned long long)(t.first - begin), (unsigned long long)t.first_cpu,
	       (unsigned long long)(end - t.end),
	       (unsigned long long)(children_cpu_ns() - t.first_cpu));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--tsc-khz"))
		return tsc_khz();
	if (argc == 3 && !strcmp(argv[1], "--traced"))
		return be_traced(atoi(argv[2]));
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: startup COMMAND [ARGUMENT]...\n"
			"       startup --tsc-khz\n");
		return 2;
	}
	return measure(argc - 1, argv + 1);
}
