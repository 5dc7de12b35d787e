/* SPDX-License-Identifier: GPL-2.0 */
/* The mappings of a process: what is behind each, and how much of it is there. */
#ifndef LIB_MAPPING_H
#define LIB_MAPPING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define NODES_MAX 64

/**
 * struct mapping - one of /proc/PID/smaps, with its line of /proc/PID/numa_maps
 * @start, @end: addresses, the end is the first one behind
 * @name: the file, "[heap]" and the like, "" for anonymous memory; may be cut
 * @page: bytes of the pages it is made of: 4 KiB unless hugetlbfs
 * @resident: bytes in memory, with those of hugetlbfs
 * @swapped: bytes in swap
 * @huge: of @resident, mapped by huge page-table entries
 * @node: bytes on each NUMA node, where the kernel tells
 */
struct mapping {
	uint64_t start, end;
	char name[160];
	uint64_t page;
	uint64_t resident;
	uint64_t swapped;
	uint64_t huge;
	uint64_t node[NODES_MAX];
};

struct mappings {
	struct mapping *list;
	size_t nr;
};

/* Reads those of @pid, in order of address. Return: 0 or -errno; free with mappings_free(). */
int mappings_read(struct mappings *m, pid_t pid);
void mappings_free(struct mappings *m);

/* What mappings_read() is made of. Return: 0 or -ENOMEM. What is not understood is skipped. */
int mappings_parse_smaps(struct mappings *m, FILE *f);
void mappings_parse_numa(struct mappings *m, FILE *f);

/**
 * mapping_nodes() - nodes in words: "0", or "0 (75%), 1 (25%)"
 * @node: bytes on each of NODES_MAX
 * @text: set, "" where no byte is on any
 */
const char *mapping_nodes(const uint64_t *node, char *text, size_t size);

#endif /* LIB_MAPPING_H */
