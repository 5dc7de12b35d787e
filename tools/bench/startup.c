// SPDX-License-Identifier: GPL-2.0
/*
 * How long a tracing command takes until it records, and to go away again:
 *
 *   startup COMMAND...     runs COMMAND with this program behind it, which makes a
 *                          VM: the first record. Prints how long it took until then,
 *                          how long from its end to that of COMMAND, how long until
 *                          the last BPF program was gone, and how long COMMAND was
 *                          on a CPU.
 *   startup --last         prints the id of the newest BPF program
 *   startup --settle ID S  waits until none is newer than ID, at most S seconds
 *   startup --tsc-khz      prints how fast the TSC ticks, to read guests' times
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

/* The id of a BPF program newer than @id, or 0. */
static uint32_t newer(uint32_t id)
{
	union bpf_attr attr = { .start_id = id };

	return syscall(__NR_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)) ? 0 : attr.next_id;
}

static uint32_t last(void)
{
	uint32_t id = 0, next;

	while ((next = newer(id)))
		id = next;
	return id;
}

/*
 * A program goes when nothing can run it any more, which may be later than the end
 * of the command that loaded it.
 */
static int settle(uint32_t id, unsigned int seconds)
{
	uint64_t end = clock_ns() + seconds * 1000000000ULL;

	while (newer(id)) {
		if (clock_ns() > end)
			return 1;
		usleep(1000);
	}
	return 0;
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
	uint32_t id = last();
	uint64_t begin = clock_ns(), end, cpu;
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
	cpu = children_cpu_ns() - t.first_cpu;
	printf("start_ns=%llu\nstart_cpu_ns=%llu\ndetach_ns=%llu\ndetach_cpu_ns=%llu\n",
	       (unsigned long long)(t.first - begin), (unsigned long long)t.first_cpu,
	       (unsigned long long)(end - t.end),
	       (unsigned long long)cpu);
	if (settle(id, 20)) {
		fprintf(stderr, "startup: BPF programs are left after 20 s\n");
		return 1;
	}
	printf("gone_ns=%llu\n", (unsigned long long)(clock_ns() - t.end));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--tsc-khz"))
		return tsc_khz();
	if (argc == 2 && !strcmp(argv[1], "--last")) {
		printf("%u\n", last());
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "--settle"))
		return settle(strtoul(argv[2], NULL, 0), atoi(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "--traced"))
		return be_traced(atoi(argv[2]));
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: startup COMMAND [ARGUMENT]...\n"
			"       startup --last | --settle ID SECONDS | --tsc-khz\n");
		return 2;
	}
	return measure(argc - 1, argv + 1);
}
