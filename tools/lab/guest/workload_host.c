// SPDX-License-Identifier: GPL-2.0
/* What the host can do to the memory of a guest, one thing at a time; all pages are mapped. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "say.h"
#include "workload.h"

#define RWX		(PROT_READ | PROT_WRITE | PROT_EXEC)
#define THP_DIR		"/sys/kernel/mm/transparent_hugepage/"
#define SPLIT_FILE	"/sys/kernel/debug/split_huge_pages"
#define MPOL_MF_MOVE	(1 << 1)	/* linux/mempolicy.h */

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21		/* asm-generic/mman-common.h */
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

static int text_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = 20000000 };

	nanosleep(&t, NULL);
}

/* A line of a mapping in smaps, in kB, summed over those that lie within the data. */
static long smaps_sum(const struct vm *vm, const char *key)
{
	unsigned long start, end, from = (uintptr_t)vm->data;
	bool inside = false;
	char line[256];
	long kb, sum = 0;
	FILE *f = fopen("/proc/self/smaps", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start < from + vm->data_size && end > from;
		else if (inside && !strncmp(line, key, strlen(key)) &&
			 sscanf(line + strlen(key), ": %ld", &kb) == 1)
			sum += kb;
	}
	if (f)
		fclose(f);
	return sum;
}

static int do_dontneed(struct vm *vm)
{
	return madvise(vm->data, vm->data_size, MADV_DONTNEED) ? -errno : 0;
}

static int do_mprotect(struct vm *vm)
{
	if (mprotect(vm->data, vm->data_size, PROT_READ) ||
	    mprotect(vm->data, vm->data_size, RWX))
		return -errno;
	return 0;
}

static int do_munmap(struct vm *vm)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

	if (munmap(vm->data, vm->data_size))
		return -errno;
	return mmap(vm->data, vm->data_size, RWX, flags, -1, 0) == MAP_FAILED ? -errno : 0;
}

/* Pages go to another place and come back. */
static int do_mremap(struct vm *vm)
{
	void *to = mmap(NULL, vm->data_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	if (to == MAP_FAILED ||
	    mremap(vm->data, vm->data_size, vm->data_size, flags, to) == MAP_FAILED ||
	    mremap(to, vm->data_size, vm->data_size, flags, vm->data) == MAP_FAILED)
		return -errno;
	return 0;
}

static int do_pageout(struct vm *vm)
{
	for (int i = 0; i < 200; i++) {
		if (madvise(vm->data, vm->data_size, MADV_PAGEOUT))
			return -errno;
		if (smaps_sum(vm, "Rss") * 1024UL < vm->pages * PAGE_SIZE / 100)
			return 0;
		nap();
	}
	say_error("the pages stay in memory: is there swap?");
	return EXIT_SKIP;
}

static int do_soft_dirty(struct vm *vm)
{
	int r = text_write("/proc/self/clear_refs", "4");

	(void)vm;
	return r == -EINVAL ? EXIT_SKIP : r;
}

/* khugepaged does it; what it is told to do is for the whole host. */
static int collapse_setup(struct vm *vm)
{
	(void)vm;
	if (text_write(THP_DIR "khugepaged/scan_sleep_millisecs", "10") ||
	    text_write(THP_DIR "khugepaged/alloc_sleep_millisecs", "10") ||
	    text_write(THP_DIR "khugepaged/pages_to_scan", "100000"))
		return EXIT_SKIP;
	return 0;
}

static int do_collapse(struct vm *vm)
{
	if (madvise(vm->data, vm->data_size, MADV_HUGEPAGE))
		return -errno;
	for (int i = 0; i < 1500; i++) {
		if (smaps_sum(vm, "AnonHugePages") * 1024UL >= vm->pages * PAGE_SIZE)
			return 0;
		nap();
	}
	return -ETIMEDOUT;
}

static int do_split(struct vm *vm)
{
	int r = text_write(SPLIT_FILE, "1");

	(void)vm;
	return r == -ENOENT ? EXIT_SKIP : r;
}

static int split_setup(struct vm *vm)
{
	if (smaps_sum(vm, "AnonHugePages") * 1024UL < vm->pages * PAGE_SIZE) {
		say_error("the memory is not in huge pages");
		return EXIT_SKIP;
	}
	/* Else khugepaged rebuilds some while the others are still being split. */
	return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) ? -errno : 0;
}

static int move_to(struct vm *vm, int node)
{
	enum { BATCH = 512 };
	int nodes[BATCH], status[BATCH];
	void *pages[BATCH];

	for (uint64_t i = 0; i < vm->pages; i += BATCH) {
		uint64_t n = vm->pages - i < BATCH ? vm->pages - i : BATCH;

		for (uint64_t j = 0; j < n; j++) {
			pages[j] = vm->data + (i + j) * PAGE_SIZE;
			nodes[j] = node;
		}
		if (syscall(SYS_move_pages, 0, n, pages, nodes, status, MPOL_MF_MOVE) < 0)
			return errno == ENODEV ? EXIT_SKIP : -errno;
	}
	return 0;
}

static int migrate_setup(struct vm *vm)
{
	return move_to(vm, 0);
}

/* To the other node, and in the next round back. */
static int do_migrate(struct vm *vm)
{
	vm->priv = (void *)(uintptr_t)!vm->priv;
	return move_to(vm, vm->priv ? 1 : 0);
}

/* How often NUMA balancing went through all of our memory; -1 where the kernel does not tell. */
static long numa_scans(void)
{
	static const char name[] = "mm->numa_scan_seq";
	FILE *f = fopen("/proc/self/sched", "re");
	char line[128];
	long value = -1;

	while (f && value < 0 && fgets(line, sizeof(line), f)) {
		const char *colon = strchr(line, ':');

		if (colon && !strncmp(line, name, strlen(name)))
			value = strtol(colon + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

/* A pass that was under way at the begin does not count. */
static int do_numa(struct vm *vm)
{
	long before = numa_scans();

	if (before < 0)
		return EXIT_SKIP;
	for (uint64_t i = 0; i < vm->rounds; i++) {
		int r = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, 1);

		if (r || numa_scans() - before >= 2)
			return r;
	}
	return -ETIMEDOUT;
}

/* All is write-protected for a child that ends at once. */
static int do_fork(struct vm *vm)
{
	pid_t pid = fork();

	(void)vm;
	if (!pid)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) < 0 ? -errno : 0;
}

static int shared_setup(struct vm *vm)
{
	int fd = memfd_create("data", MFD_CLOEXEC);
	void *at;

	if (fd < 0 || ftruncate(fd, vm->data_size))
		return -errno;
	at = mmap(vm->data, vm->data_size, RWX, MAP_SHARED | MAP_FIXED, fd, 0);
	vm->priv = (void *)(intptr_t)fd;
	return at == MAP_FAILED ? -errno : 0;
}

static int do_punch(struct vm *vm)
{
	return fallocate((intptr_t)vm->priv, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 vm->data_size) ? -errno : 0;
}

static int do_remove(struct vm *vm)
{
	return madvise(vm->data, vm->data_size, MADV_REMOVE) ? -errno : 0;
}

/* A file in the current directory, whose file system is to be one that writes to a disk. */
static int file_setup(struct vm *vm)
{
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	void *at;

	if (fd < 0 || ftruncate(fd, vm->data_size))
		return -errno;
	at = mmap(vm->data, vm->data_size, RWX, MAP_SHARED | MAP_FIXED, fd, 0);
	return at == MAP_FAILED ? -errno : 0;
}

static int do_msync(struct vm *vm)
{
	return msync(vm->data, vm->data_size, MS_SYNC) ? -errno : 0;
}

/* A page that is on its way from one list to another cannot go now. */
static int page_offline(void *page)
{
	for (int i = 0; i < 100; i++) {
		if (!madvise(page, PAGE_SIZE, MADV_SOFT_OFFLINE))
			return 0;
		if (errno == EINVAL)
			return EXIT_SKIP;
		if (errno != EBUSY && errno != EIO)
			break;
		nap();
	}
	return -errno;
}

/* The frames are lost to the machine until it boots again. */
static int do_offline(struct vm *vm)
{
	int r = 0;

	for (uint64_t i = 0; !r && i < vm->pages; i++)
		r = page_offline(vm->data + i * PAGE_SIZE);
	return r;
}

/*
 * The limit of the control group is set below what it has: the kernel looks which pages were
 * used before it takes any. MMUSCOPE_GUEST_CGROUP is its folder, and we are the only one in it.
 */
static int do_age(struct vm *vm)
{
	const char *group = getenv("MMUSCOPE_GUEST_CGROUP");
	char path[256];
	int r;

	(void)vm;
	if (!group)
		return EXIT_SKIP;
	snprintf(path, sizeof(path), "%s/memory.high", group);
	r = text_write(path, "3M");
	return r ? r : text_write(path, "max");
}

static int uffd_open(struct vm *vm, uint64_t features, uint64_t mode)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)vm->data, .len = vm->data_size }, .mode = mode,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	vm->priv = (void *)(intptr_t)fd;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		return EXIT_SKIP;
	return 0;
}

static int uffd_setup(struct vm *vm)
{
	return uffd_open(vm, UFFD_FEATURE_PAGEFAULT_FLAG_WP, UFFDIO_REGISTER_MODE_WP);
}

static int do_uffd(struct vm *vm)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = (uintptr_t)vm->data, .len = vm->data_size },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (ioctl((intptr_t)vm->priv, UFFDIO_WRITEPROTECT, &wp))
		return -errno;
	wp.mode = 0;
	return ioctl((intptr_t)vm->priv, UFFDIO_WRITEPROTECT, &wp) ? -errno : 0;
}

/* As after a migration by post-copy: each page is fetched when it is asked for. */
static void *fetch(void *arg)
{
	int fd = (intptr_t)arg;
	struct uffd_msg msg;

	while (read(fd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_zeropage zero = {
			.range = { .start = msg.arg.pagefault.address & -PAGE_SIZE,
				   .len = PAGE_SIZE },
		};

		/* Who was told by another one that the page is there has to be woken. */
		if (msg.event == UFFD_EVENT_PAGEFAULT && ioctl(fd, UFFDIO_ZEROPAGE, &zero))
			ioctl(fd, UFFDIO_WAKE, &zero.range);
	}
	return NULL;
}

static int lazy_setup(struct vm *vm)
{
	pthread_t thread;
	int r = uffd_open(vm, 0, UFFDIO_REGISTER_MODE_MISSING);

	return r ? r : -pthread_create(&thread, NULL, fetch, vm->priv);
}

static const struct deed {
	const char *name;
	bool drops;		/* what was in the memory */
	int (*setup)(struct vm *vm);	/* before the pages are mapped; or NULL */
	int (*ready)(struct vm *vm);	/* afterwards; or NULL */
	int (*run)(struct vm *vm);
} deeds[] = {
	{ "dontneed", true, NULL, NULL, do_dontneed },
	{ "mprotect", false, NULL, NULL, do_mprotect },
	{ "munmap", true, NULL, NULL, do_munmap },
	{ "mremap", false, NULL, NULL, do_mremap },
	{ "pageout", false, NULL, NULL, do_pageout },
	{ "softdirty", false, NULL, NULL, do_soft_dirty },
	{ "collapse", false, collapse_setup, NULL, do_collapse },
	{ "split", false, NULL, split_setup, do_split },
	{ "migrate", false, NULL, migrate_setup, do_migrate },
	{ "numa", false, NULL, migrate_setup, do_numa },
	{ "fork", false, NULL, NULL, do_fork },
	{ "punch", true, shared_setup, NULL, do_punch },
	{ "remove", true, shared_setup, NULL, do_remove },
	{ "msync", false, file_setup, NULL, do_msync },
	{ "offline", false, NULL, NULL, do_offline },
	{ "age", false, NULL, NULL, do_age },
	{ "uffd", false, uffd_setup, NULL, do_uffd },
	{ "lazy", true, lazy_setup, NULL, do_dontneed },
};

static const struct deed *deed_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		if (!strcmp(deeds[i].name, name))
			return &deeds[i];
	}
	return NULL;
}

static int host_setup(struct vm *vm)
{
	const struct deed *deed = deed_find(vm->opt->deed);
	int r;

	if (!deed) {
		say_error("host wants --do and one of:");
		for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
			say_error("  %s", deeds[i].name);
		return EXIT_USAGE;
	}
	r = deed->setup ? deed->setup(vm) : 0;
	if (r)
		return r;
	data_fill(vm, 1);
	r = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, 1);
	return r || !deed->ready ? r : deed->ready(vm);
}

/* Some look for an end by themselves, and take --rounds for the most they try. */
static uint64_t rounds_of(const struct vm *vm, const struct deed *deed)
{
	return deed->run == do_numa ? 1 : vm->rounds;
}

static int host_run(struct vm *vm)
{
	const struct deed *deed = deed_find(vm->opt->deed);
	int r = 0;

	for (uint64_t i = 1; !r && i <= rounds_of(vm, deed); i++) {
		r = deed->run(vm);
		/* What the guest does next is not the host's deed, nor is what comes after. */
		if (i == 1)
			out_num("deed_to", now_ns());
		if (!r && !deed->drops && data_differs(vm, i))
			r = -EBADMSG;
		if (!r)
			r = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, i + 1);
	}
	return r;
}

static int host_check(struct vm *vm)
{
	return data_differs(vm, rounds_of(vm, deed_find(vm->opt->deed)) + 1) ? -EBADMSG : 0;
}

const struct workload workload_host = {
	.name = "host",
	.doc = "the host does something to the memory (--do WHAT)",
	.pages = 512,
	.rounds = 1,
	.setup = host_setup,
	.run = host_run,
	.check = host_check,
};
