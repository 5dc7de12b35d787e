// SPDX-License-Identifier: GPL-2.0
/*
 * hostile SECONDS: everything that a program must not do to /dev/mmuscope. Prints a line
 * "NAME=1" for each thing that was answered as it should be, else "NAME=0". For SECONDS
 * it writes nonsense to the pages of the rings that it may write to, while others run
 * guests.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mmuscope/kmod.h>

#define PAGE	4096
#define RING	(64U << 10)
#define TRIES	2000

static int fd;
static unsigned int cpus;

static void says(const char *name, bool is)
{
	printf("%s=%d\n", name, is);
	fflush(stdout);
}

static bool fails(int ret, int want)
{
	return ret < 0 && errno == want;
}

static int hello(void)
{
	struct mmuscope_kmod_hello h = { .abi = MMUSCOPE_KMOD_ABI, .schema = MMUSCOPE_SCHEMA };
	int ret = ioctl(fd, MMUSCOPE_KMOD_HELLO, &h);

	cpus = h.cpus;
	return ret;
}

static struct mmuscope_kmod_start good(void)
{
	struct mmuscope_kmod_start s = {
		.size = sizeof(s), .ring_bytes = RING, .isa = MMUSCOPE_isa_svm, .tdp = 1,
	};

	memset(&s.offsets, 0xff, sizeof(s.offsets));
	return s;
}

static void greeting(void)
{
	struct mmuscope_kmod_hello h = { .abi = 0xdead, .schema = MMUSCOPE_SCHEMA };
	struct mmuscope_kmod_start s = good();

	says("start_before_hello", fails(ioctl(fd, MMUSCOPE_KMOD_START, &s), EPROTO));
	says("hello_nowhere", fails(ioctl(fd, MMUSCOPE_KMOD_HELLO, (void *)8), EFAULT));
	says("hello_other_abi", fails(ioctl(fd, MMUSCOPE_KMOD_HELLO, &h), EPROTO) &&
	     h.abi == MMUSCOPE_KMOD_ABI && h.schema == MMUSCOPE_SCHEMA);
	says("hello", !hello());
	says("unknown_request", fails(ioctl(fd, _IO(0xb5, 0x7f)), ENOTTY));
	says("map_before_start", mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
	     errno == ENXIO);
	says("second_open", fails(open(MMUSCOPE_KMOD_DEVICE, O_RDWR), EBUSY));
}

static bool start_refused(struct mmuscope_kmod_start s)
{
	return fails(ioctl(fd, MMUSCOPE_KMOD_START, &s), EINVAL);
}

static void starts(void)
{
	struct mmuscope_kmod_start s;
	unsigned int started = 0;

	says("start_nowhere", fails(ioctl(fd, MMUSCOPE_KMOD_START, (void *)8), EFAULT));
#define BAD(name, change) do {				\
	s = good();					\
	change;						\
	says("start_" name, start_refused(s));		\
} while (0)
	BAD("size", s.size--);
	BAD("flags", s.flags = 0x80000000);
	BAD("ring_0", s.ring_bytes = 0);
	BAD("ring_odd", s.ring_bytes = RING + 8);
	BAD("ring_tiny", s.ring_bytes = 8);
	BAD("ring_huge", s.ring_bytes = 1U << 31);
	BAD("isa", s.isa = 77);
	BAD("tdp", s.tdp = 2);
	BAD("pad", s.pad[3] = 1);
	BAD("offset_far", s.offsets.page_gfn = 0x7fffffff);
	BAD("offset_behind", s.offsets.svm_vmcb = -100);
	for (int i = 0; i < TRIES; i++) {
		uint32_t *words = (uint32_t *)&s;

		for (size_t w = 0; w < sizeof(s) / sizeof(*words); w++)
			words[w] = random() * 2654435761U;
		if (i % 2)
			s.size = sizeof(s);
		if (!ioctl(fd, MMUSCOPE_KMOD_START, &s)) {
			started++;
			ioctl(fd, MMUSCOPE_KMOD_STOP);
		}
	}
	says("start_random", started < TRIES / 10);
}

static bool map_refused(size_t len, int prot, int flags, uint64_t at)
{
	void *mem = mmap(NULL, len, prot, flags, fd, at);

	if (mem == MAP_FAILED)
		return true;
	munmap(mem, len);
	return false;
}

static void maps(void)
{
	void *data;

	says("map_data_writable", map_refused(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, PAGE));
	says("map_all_writable", map_refused(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0));
	says("map_private", map_refused(PAGE, PROT_READ, MAP_PRIVATE, PAGE));
	says("map_executable", map_refused(PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, PAGE));
	says("map_beyond", map_refused(4 * RING, PROT_READ, MAP_SHARED, 0));
	says("map_behind", map_refused(PAGE, PROT_READ, MAP_SHARED, 4 * RING));
	says("map_no_cpu", map_refused(PAGE, PROT_READ, MAP_SHARED,
				       MMUSCOPE_KMOD_MAP_RING((uint64_t)cpus)));
	says("map_nothing_there", map_refused(PAGE, PROT_READ, MAP_SHARED, 1ULL << 62));
	says("map_exits_writable", map_refused(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
					       MMUSCOPE_KMOD_MAP_EXITS));
	says("map_lost_beyond", map_refused(1 << 30, PROT_READ, MAP_SHARED,
					    MMUSCOPE_KMOD_MAP_LOST));
	data = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	says("map_data", data != MAP_FAILED);
	says("data_made_writable", fails(mprotect(data, PAGE, PROT_READ | PROT_WRITE), EACCES));
	munmap(data, PAGE);
}

static void hooks(void)
{
	struct mmuscope_kmod_hook h = { .index = 0xffffffff };

	says("hook_behind", fails(ioctl(fd, MMUSCOPE_KMOD_HOOK, &h), ENOENT));
	says("hook_nowhere", fails(ioctl(fd, MMUSCOPE_KMOD_HOOK, (void *)8), EFAULT));
	says("stats_nowhere", fails(ioctl(fd, MMUSCOPE_KMOD_STATS, (void *)8), EFAULT));
}

/* The reader's positions: those of fools and of liars. */
static void scribble(unsigned int seconds)
{
	volatile uint64_t *position[64] = { NULL };
	unsigned int n = 0;
	time_t end = time(NULL) + seconds;

	for (unsigned int cpu = 0; cpu < cpus && n < 64; cpu++) {
		void *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				 MMUSCOPE_KMOD_MAP_RING(cpu));

		if (mem != MAP_FAILED)
			position[n++] = mem;
	}
	says("map_positions", n > 0);
	while (time(NULL) < end) {
		for (unsigned int i = 0; i < n; i++) {
			uint64_t value = (uint64_t)random() << 33 ^ random();

			*position[i] = i % 2 ? value : value % (2 * RING);
		}
	}
	for (unsigned int i = 0; i < n; i++)
		munmap((void *)position[i], PAGE);
}

static void sessions(unsigned int seconds)
{
	struct mmuscope_kmod_start s = good();
	const uint64_t *producer;

	says("start", !ioctl(fd, MMUSCOPE_KMOD_START, &s));
	says("start_twice", fails(ioctl(fd, MMUSCOPE_KMOD_START, &s), EALREADY));
	maps();
	hooks();
	scribble(seconds);
	producer = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	says("stop", !ioctl(fd, MMUSCOPE_KMOD_STOP));
	says("stop_twice", !ioctl(fd, MMUSCOPE_KMOD_STOP));
	/* Still ours, and nothing is written to it any more. */
	says("map_after_stop", producer != MAP_FAILED && *producer == *producer);
	says("start_again", !ioctl(fd, MMUSCOPE_KMOD_START, &s));
}

static bool nobody_fails(int want)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		_exit(!fails(open(MMUSCOPE_KMOD_DEVICE, O_RDWR), want));
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* Neither the file's mode alone nor what its owner makes of it lets anybody trace. */
static void privileges(void)
{
	struct stat st;

	says("mode_0600", !stat(MMUSCOPE_KMOD_DEVICE, &st) && (st.st_mode & 07777) == 0600 &&
	     !st.st_uid);
	says("nobody_by_mode", nobody_fails(EACCES));
	says("nobody_by_capability", !chmod(MMUSCOPE_KMOD_DEVICE, 0666) && nobody_fails(EPERM));
	says("mode_restored", !chmod(MMUSCOPE_KMOD_DEVICE, 0600));
}

int main(int argc, char **argv)
{
	privileges();
	fd = open(MMUSCOPE_KMOD_DEVICE, O_RDWR);
	if (fd < 0) {
		perror(MMUSCOPE_KMOD_DEVICE);
		return 1;
	}
	srandom(1);
	greeting();
	starts();
	sessions(argc > 1 ? atoi(argv[1]) : 1);
	/* The end of the process is the end of the session. */
	return 0;
}
