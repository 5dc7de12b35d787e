// SPDX-License-Identifier: GPL-2.0
/* Pieces of /proc/PID/smaps and numa_maps as kernels print them. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/libvirt.h"
#include "lib/mapping.h"

static const char smaps[] =
	"55d3c0a00000-55d3c0a04000 r-xp 00001000 fe:01 1234567            "
	"/usr/bin/qemu-system-x86_64\n"
	"Size:                 16 kB\n"
	"KernelPageSize:        4 kB\n"
	"MMUPageSize:           4 kB\n"
	"Rss:                  12 kB\n"
	"Swap:                  0 kB\n"
	"VmFlags: rd ex mr mw me sd \n"
	"7f0000000000-7f0040000000 rw-p 00000000 00:00 0 \n"
	"Size:            1048576 kB\n"
	"KernelPageSize:        4 kB\n"
	"MMUPageSize:           4 kB\n"
	"Rss:              524288 kB\n"
	"Anonymous:        524288 kB\n"
	"AnonHugePages:    262144 kB\n"
	"Swap:                 64 kB\n"
	"SwapPss:              64 kB\n"
	"VmFlags: rd wr mr mw me ac sd hg \n"
	"7f0080000000-7f00c0000000 rw-s 00000000 00:0f 42                 "
	"/dev/hugepages/ram \x1b[2J (deleted)\n"
	"Size:            1048576 kB\n"
	"KernelPageSize:     2048 kB\n"
	"MMUPageSize:        2048 kB\n"
	"Rss:                   0 kB\n"
	"Shared_Hugetlb:   409600 kB\n"
	"Private_Hugetlb:   2048 kB\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"
	"Size:                  4 kB\n";

static const char numa_maps[] =
	"55d3c0a00000 default file=/usr/bin/qemu-system-x86_64 mapped=3 N0=3 kernelpagesize_kB=4\n"
	"7f0000000000 bind:0-1 anon=131072 dirty=131072 active=0 N0=98304 N1=32768 "
	"kernelpagesize_kB=4\n"
	"7f0080000000 prefer:1 file=/dev/hugepages/ram\\040(deleted) huge dirty=201 N1=201 "
	"kernelpagesize_kB=2048\n"
	"7f00deadb000 default anon=1 N7=1 kernelpagesize_kB=4\n"
	"7f0080000000\n"
	"nonsense\n";

static FILE *file_of(const char *text)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(f);
	return f;
}

static void captured(void **state)
{
	struct mappings m = { 0 };
	char nodes[64];
	FILE *f;

	(void)state;
	f = file_of(smaps);
	assert_int_equal(mappings_parse_smaps(&m, f), 0);
	fclose(f);
	f = file_of(numa_maps);
	mappings_parse_numa(&m, f);
	fclose(f);
	assert_int_equal(m.nr, 4);
	assert_int_equal(m.list[0].start, 0x55d3c0a00000);
	assert_int_equal(m.list[0].end, 0x55d3c0a04000);
	assert_string_equal(m.list[0].name, "/usr/bin/qemu-system-x86_64");
	assert_int_equal(m.list[0].resident, 12 << 10);
	assert_int_equal(m.list[0].page, 4096);
	assert_string_equal(m.list[1].name, "");
	assert_int_equal(m.list[1].resident, 512 << 20);
	assert_int_equal(m.list[1].huge, 256 << 20);
	assert_int_equal(m.list[1].swapped, 64 << 10);
	assert_string_equal(mapping_nodes(m.list[1].node, nodes, sizeof(nodes)),
			    "0 (75%), 1 (25%)");
	/* An escape sequence in a file's name does not reach the terminal. */
	assert_string_equal(m.list[2].name, "/dev/hugepages/ram ?[2J (deleted)");
	assert_int_equal(m.list[2].page, 2 << 20);
	assert_int_equal(m.list[2].resident, 402 << 20);
	assert_int_equal(m.list[2].huge, 402 << 20);
	assert_int_equal(m.list[2].node[1], 402 << 20);
	assert_string_equal(mapping_nodes(m.list[2].node, nodes, sizeof(nodes)), "1");
	assert_string_equal(m.list[3].name, "[vsyscall]");
	assert_string_equal(mapping_nodes(m.list[3].node, nodes, sizeof(nodes)), "");
	mappings_free(&m);
}

static void node_numbers(void **state)
{
	uint64_t node[NODES_MAX];
	char nodes[16];

	(void)state;
	for (unsigned int i = 0; i < NODES_MAX; i++)
		node[i] = 1;
	/* What does not fit is cut. */
	mapping_nodes(node, nodes, sizeof(nodes));
	assert_true(strlen(nodes) < sizeof(nodes));
}

static void nothing_and_nonsense(void **state)
{
	struct mappings m = { 0 };
	FILE *f;

	(void)state;
	f = file_of("Rss: 4 kB\nx\n\n");
	assert_int_equal(mappings_parse_smaps(&m, f), 0);
	rewind(f);
	mappings_parse_numa(&m, f);
	fclose(f);
	assert_int_equal(m.nr, 0);
	mappings_free(&m);
	assert_true(mappings_read(&m, 0x7fffffff) < 0);
}

/* A mapping of our own, in which some pages are touched. */
static void own_process(void **state)
{
	const size_t size = 64 << 12;
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mapping *found = NULL;
	struct mappings m;

	(void)state;
	assert_true(at != MAP_FAILED);
	/* Neighbours of the same kind would be one mapping with it. */
	assert_int_equal(mprotect(at, 4096, PROT_NONE), 0);
	assert_int_equal(mprotect(at + size - 4096, 4096, PROT_NONE), 0);
	for (unsigned int i = 1; i < 8; i++)
		at[i << 12] = 1;
	assert_int_equal(mappings_read(&m, getpid()), 0);
	for (size_t i = 0; i < m.nr; i++)
		if (m.list[i].start == (uint64_t)at + 4096)
			found = &m.list[i];
	assert_non_null(found);
	assert_int_equal(found->end, (uint64_t)at + size - 4096);
	assert_int_equal(found->resident, 7 << 12);
	mappings_free(&m);
	munmap(at, size);
}

static void domains(void **state)
{
	struct libvirt_domain list[] = {
		{ .name = "noted", .pid = 42 }, { .name = "by-name" },
	};
	struct libvirt_domains d = { list, 2 };

	(void)state;
	assert_ptr_equal(libvirt_find(&d, 42, "another"), &list[0]);
	assert_ptr_equal(libvirt_find(&d, 43, "by-name"), &list[1]);
	/* It is another process, though it has the name. */
	assert_null(libvirt_find(&d, 43, "noted"));
	assert_null(libvirt_find(&d, 43, "third"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured),
		cmocka_unit_test(node_numbers),
		cmocka_unit_test(nothing_and_nonsense),
		cmocka_unit_test(own_process),
		cmocka_unit_test(domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
