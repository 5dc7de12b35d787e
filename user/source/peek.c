// SPDX-License-Identifier: GPL-2.0
#include "source/peek.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/kallsyms.h"
#include "peek.skel.h"

#define PAGE		4096
#define MARK_WORDS	8
#define PAGEMAP_PFN	((1ULL << 55) - 1)	/* Documentation/admin-guide/mm/pagemap.rst */

/* Where all physical memory is mapped, unless randomized: Documentation/x86/x86_64/mm.rst */
#define BASE_4_LEVELS	0xffff888000000000ULL
#define BASE_5_LEVELS	0xff11000000000000ULL

/* Variables that peek_variable() knows. */
static const char *const variables[] = {
	"page_offset_base", "sme_me_mask", "shadow_me_mask", "shadow_mmio_mask",
	"shadow_mmio_value", "shadow_accessed_mask", "shadow_host_writable_mask",
	"shadow_mmu_writable_mask",
};

#define VARIABLES	(sizeof(variables) / sizeof(variables[0]))

struct peek {
	struct peek_bpf *skel;
	struct bpf_link *iter;
	uint64_t base;
	uint64_t variables[VARIABLES];	/* where they are; 0: not there, or hidden */
};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int peek_kernel(struct peek *p, uint64_t address, uint64_t *word)
{
	struct peek_area *area = &p->skel->bss->area;
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts);

	area->address = address;
	area->err = -EIO;
	if (bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.read_word), &opts))
		return -errno;
	*word = area->word;
	return area->err;
}

int peek_physical(struct peek *p, uint64_t address, uint64_t *word)
{
	if (!p->base)
		return -ENOTSUP;
	return peek_kernel(p, p->base + address, word);
}

uint64_t peek_physical_base(const struct peek *p)
{
	return p->base;
}

static void variables_find(struct peek *p)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	struct kallsym symbol;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (!kallsyms_line(line, &symbol) || !strchr("dDbBrR", symbol.type))
			continue;
		for (size_t i = 0; i < VARIABLES; i++)
			if (!strcmp(symbol.name, variables[i]))
				p->variables[i] = symbol.address;
	}
	if (f)
		fclose(f);
}

int peek_variable(struct peek *p, const char *name, uint64_t *value)
{
	for (size_t i = 0; i < VARIABLES; i++)
		if (!strcmp(variables[i], name) && p->variables[i])
			return peek_kernel(p, p->variables[i], value) ? -ENOENT : 0;
	return -ENOENT;
}

static uint64_t frame_of(const void *address)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)address / PAGE * 8) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry & PAGEMAP_PFN;
}

static bool base_right(struct peek *p, uint64_t base, uint64_t frame, const uint64_t *mark)
{
	uint64_t word;

	for (unsigned int i = 0; i < MARK_WORDS; i++)
		if (peek_kernel(p, base + frame * PAGE + 8 * i, &word) || word != mark[i])
			return false;
	return true;
}

/* A place is the right one when a page of our own is found there, by its frame. */
static void base_find(struct peek *p)
{
	uint64_t places[] = { BASE_4_LEVELS, BASE_5_LEVELS, 0 }, frame;
	uint64_t *mark = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (mark == MAP_FAILED)
		return;
	if (mlock(mark, PAGE) || getrandom(mark, MARK_WORDS * 8, 0) != MARK_WORDS * 8)
		goto out;
	frame = frame_of(mark);
	peek_variable(p, "page_offset_base", &places[2]);
	for (size_t i = 0; frame && !p->base && i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i] && base_right(p, places[i], frame, mark))
			p->base = places[i];
out:
	munmap(mark, PAGE);
}

struct peek *peek_open(char *msg, size_t len)
{
	struct peek *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	snprintf(msg, len, "not enough memory");
	if (!p)
		goto fail;
	libbpf_set_print(silent);
	p->skel = peek_bpf__open_and_load();
	if (!p->skel) {
		err = -errno;
		if (err == -EPERM)
			snprintf(msg, len, "the kernel does not let us read its memory: run as "
				 "root (a locked-down kernel refuses it altogether)");
		else
			snprintf(msg, len, "cannot look into KVM, which takes eBPF and a kernel "
				 "with BTF: %s", strerror(-err));
		goto fail;
	}
	p->iter = bpf_program__attach_iter(p->skel->progs.look, NULL);
	if (!p->iter) {
		err = -errno;
		snprintf(msg, len, "cannot look through the files of tasks: %s", strerror(-err));
		goto fail;
	}
	variables_find(p);
	base_find(p);
	return p;
fail:
	peek_close(p);
	errno = -err;
	return NULL;
}

void peek_close(struct peek *p)
{
	if (!p)
		return;
	bpf_link__destroy(p->iter);
	peek_bpf__destroy(p->skel);
	free(p);
}

const struct peek_area *peek_look(struct peek *p, pid_t pid)
{
	struct peek_area *area = &p->skel->bss->area;
	ssize_t got;
	char c;
	int fd;

	memset(area, 0, sizeof(*area));
	area->pid = pid;
	fd = bpf_iter_create(bpf_link__fd(p->iter));
	if (fd < 0)
		return NULL;
	do
		got = read(fd, &c, sizeof(c));
	while (got > 0 || (got < 0 && errno == EAGAIN));
	close(fd);
	return got < 0 ? NULL : area;
}
