// SPDX-License-Identifier: GPL-2.0
/* What the host's memory management does to the memory of VMs. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/host.h"

#define THP	"/sys/kernel/mm/transparent_hugepage/"
#define KSM	"/sys/kernel/mm/ksm/"

static const struct host_setting settings[] = {
	{ "thp.enabled", THP "enabled", "huge pages behind guest memory" },
	{ "thp.defrag", THP "defrag", "how hard a fault tries to get one" },
	{ "thp.shmem_enabled", THP "shmem_enabled", "the same for memfd and tmpfs" },
	{ "thp.khugepaged_scan_ms", THP "khugepaged/scan_sleep_millisecs",
	  "pause between scans of khugepaged" },
	{ "ksm.run", KSM "run", "1: merges pages, writes fault then" },
	{ "ksm.pages_sharing", KSM "pages_sharing", "pages saved by merging now" },
	{ "ksm.pages_shared", KSM "pages_shared", "pages that they share" },
	{ "ksm.pages_to_scan", KSM "pages_to_scan", "scanned between two pauses" },
	{ "ksm.sleep_ms", KSM "sleep_millisecs", "the pause" },
	{ "numa.balancing", "/proc/sys/kernel/numa_balancing",
	  "not 0: unmaps pages to sample use" },
	{ "numa.nodes", "/sys/devices/system/node/online", "NUMA nodes" },
	{ "mglru", "/sys/kernel/mm/lru_gen/enabled", "not 0: often scans accessed bits" },
	{ "swappiness", "/proc/sys/vm/swappiness", "reclaim: swap against page cache" },
};

static int size_compare(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return x < y ? -1 : x > y;
}

static void hugepages_tell(struct host *host, unsigned long kb)
{
	char path[PATH_MAX], name[HOST_NAME], total[24], available[24];

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages", kb);
	if (host_read(host, path, total, sizeof(total)) <= 0)
		return;
	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%lukB/free_hugepages", kb);
	if (host_read(host, path, available, sizeof(available)) <= 0)
		snprintf(available, sizeof(available), "?");
	if (kb >= 1024 * 1024)
		snprintf(name, sizeof(name), "hugetlb.%luG", kb / 1024 / 1024);
	else if (kb >= 1024)
		snprintf(name, sizeof(name), "hugetlb.%luM", kb / 1024);
	else
		snprintf(name, sizeof(name), "hugetlb.%luK", kb);
	host_tell(host, "memory", name, HOST_INFO, "reserved huge pages", "%s, %s free", total,
		  available);
}

static void hugetlb_tell(struct host *host)
{
	unsigned long sizes[8];
	char path[PATH_MAX];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	if (!host_path(host, "/sys/kernel/mm/hugepages", path, sizeof(path)))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while (count < sizeof(sizes) / sizeof(sizes[0]) && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "hugepages-%lukB", &sizes[count]) == 1)
			count++;
	closedir(dir);
	qsort(sizes, count, sizeof(sizes[0]), size_compare);
	for (size_t i = 0; i < count; i++)
		hugepages_tell(host, sizes[i]);
}

void host_mm_examine(struct host *host)
{
	host_tell_settings(host, "memory", settings, sizeof(settings) / sizeof(settings[0]));
	hugetlb_tell(host);
}
