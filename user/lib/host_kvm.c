// SPDX-License-Identifier: GPL-2.0
/* kvm: its modules, their parameters that matter to memory, and how to change them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/host.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/**
 * struct kvm_param - a parameter worth a line
 * @module: "kvm", "kvm_intel", "kvm_amd"
 * @name: as in /sys/module
 * @doc: what it does
 */
struct kvm_param {
	const char *module;
	const char *name;
	const char *doc;
};

static const struct kvm_param params[] = {
	{ "kvm", "tdp_mmu", "EPT/NPT tables, concurrent faults" },
	{ "kvm", "eager_page_split", "huge pages split as logging begins" },
	{ "kvm", "mmio_caching", "MMIO remembered in page tables" },
	{ "kvm", "nx_huge_pages", "huge pages split when executed" },
	{ "kvm", "nx_huge_pages_recovery_ratio", "1/n of the splits undone per period" },
	{ "kvm", "nx_huge_pages_recovery_period_ms", "the period, 0: by the ratio" },
	{ "kvm", "flush_on_reuse", "TLB flush when a root is used again" },
	{ "kvm_intel", "ept", "extended page tables, N: shadow paging" },
	{ "kvm_intel", "vpid", "tagged TLB entries" },
	{ "kvm_intel", "eptad", "accessed and dirty bits in EPT" },
	{ "kvm_intel", "pml", "page-modification logging" },
	{ "kvm_intel", "unrestricted_guest", "real mode without emulation" },
	{ "kvm_intel", "nested", "VMX for guests" },
	{ "kvm_intel", "enable_shadow_vmcs", "cheaper VMX for guests" },
	{ "kvm_intel", "allow_smaller_maxphyaddr", "fewer address bits, more faults" },
	{ "kvm_intel", "vmentry_l1d_flush", "L1 data cache flushed at entry" },
	{ "kvm_amd", "npt", "nested page tables, N: shadow paging" },
	{ "kvm_amd", "nested", "SVM for guests" },
	{ "kvm_amd", "nrips", "next instruction's address from the CPU" },
	{ "kvm_amd", "sev", "encrypted guest memory" },
	{ "kvm_amd", "sev_es", "encrypted guest registers" },
	{ "kvm_amd", "sev_snp", "guest memory protected from the host" },
};

/* The part of kvm that fits the CPU; with both built in, only one is at work. */
static int vendor_rank(const struct host *host, const char *module)
{
	if (strncmp(module, "kvm_", 4) != 0)
		return 0;
	if (strcmp(module, "kvm_intel") == 0)
		return host->isa == HOST_ISA_VMX ? 3 : 1;
	if (strcmp(module, "kvm_amd") == 0)
		return host->isa == HOST_ISA_SVM ? 3 : 1;
	return 2;
}

static void vendor_find(struct host *host)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int best = 0;
	DIR *dir;

	if (!host_path(host, "/sys/module", path, sizeof(path)))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		int rank = vendor_rank(host, entry->d_name);

		if (rank > best && strlen(entry->d_name) < sizeof(host->vendor)) {
			best = rank;
			strcpy(host->vendor, entry->d_name);
		}
	}
	closedir(dir);
}

static const char *module_wanted(const struct host *host)
{
	if (host->isa == HOST_ISA_VMX)
		return "kvm_intel";
	return host->isa == HOST_ISA_SVM ? "kvm_amd" : "";
}

static void module_tell(struct host *host, const char *module)
{
	char path[PATH_MAX], users[16];
	bool builtin;

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", module);
	builtin = !host_exists(host, path);
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	if (host_read(host, path, users, sizeof(users)) <= 0)
		users[0] = '\0';
	if (strcmp(module, host->vendor) == 0) {
		host->builtin = builtin;
		host->users = users[0] ? atoi(users) : -1;
	}
	if (builtin)
		host_tell(host, "kvm", module, HOST_OK, "", "built in");
	else if (users[0])
		host_tell(host, "kvm", module, HOST_OK, "", "loaded, %s in use", users);
	else
		host_tell(host, "kvm", module, HOST_OK, "", "loaded");
}

static void modules_tell(struct host *host)
{
	host->loaded = host_exists(host, "/sys/module/kvm");
	vendor_find(host);
	if (!host->loaded) {
		host_tell(host, "kvm", "kvm", HOST_BAD,
			  host->isa == HOST_ISA_VMX ? "to load it: modprobe kvm_intel" :
			  host->isa == HOST_ISA_SVM ? "to load it: modprobe kvm_amd" :
			  "it needs VMX or SVM, which are not there", "not loaded");
		return;
	}
	module_tell(host, "kvm");
	if (host->vendor[0])
		module_tell(host, host->vendor);
	else
		host_tell(host, "kvm", "vendor", HOST_BAD,
			  "no VM can run: load kvm_intel or kvm_amd", "not loaded");
}

static void mode_tell(struct host *host)
{
	const char *mode = "not known";
	int on;

	if (strcmp(host->vendor, "kvm_intel") == 0) {
		on = host_switched(host, "kvm_intel", "ept");
		mode = on < 0 ? mode : on ? "EPT" : "shadow paging";
	} else if (strcmp(host->vendor, "kvm_amd") == 0) {
		on = host_switched(host, "kvm_amd", "npt");
		mode = on < 0 ? mode : on ? "NPT" : "shadow paging";
	} else if (strcmp(host->vendor, "kvm_pvm") == 0) {
		mode = "shadow paging";
	} else if (!host->vendor[0]) {
		return;
	}
	host_tell(host, "kvm", "mode", HOST_INFO, "how guest memory is virtualized", "%s", mode);
}

static void device_tell(struct host *host)
{
	char path[PATH_MAX];
	int fd;

	if (!host_path(host, "/dev/kvm", path, sizeof(path)))
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		host_tell(host, "kvm", "/dev/kvm", HOST_OK, "VMs can be made", "accessible");
	} else if (errno == ENOENT || errno == ENXIO || errno == ENODEV) {
		host_tell(host, "kvm", "/dev/kvm", host->loaded ? HOST_WARN : HOST_INFO,
			  "no VM can be made", "not there");
	} else if (errno == EBUSY) {
		host_tell(host, "kvm", "/dev/kvm", HOST_WARN,
			  "another hypervisor holds the CPU", "busy");
	} else {
		host_tell(host, "kvm", "/dev/kvm", HOST_INFO,
			  "root and the device's group may use it", "no permission");
	}
}

static void params_tell(struct host *host)
{
	char name[HOST_NAME], value[HOST_VALUE];

	for (size_t i = 0; i < COUNT(params); i++) {
		const struct kvm_param *param = &params[i];

		if (strcmp(param->module, "kvm") != 0 && strcmp(param->module, host->vendor) != 0)
			continue;
		if (host_param(host, param->module, param->name, value, sizeof(value)) < 0)
			continue;
		/* kvm.nx_huge_pages_recovery_period_ms is the longest and just fits. */
		snprintf(name, sizeof(name), "%s.%s", param->module, param->name);
		host_tell(host, "kvm", name, HOST_INFO, param->doc, "%s",
			  value[0] ? value : "(empty)");
	}
}

void host_kvm_examine(struct host *host)
{
	modules_tell(host);
	mode_tell(host);
	device_tell(host);
	params_tell(host);
}

/**
 * struct kvm_way - a way to virtualize memory and the parameters that choose it
 */
struct kvm_way {
	const char *module;
	const char *feature;
	const char *title;
	const char *params;
};

static const struct kvm_way ways[] = {
	{ "kvm_intel", "ept", "EPT and VPID on", "ept=1 vpid=1" },
	{ "kvm_intel", NULL, "EPT off, shadow paging", "ept=0" },
	{ "kvm_amd", "npt", "NPT on", "npt=1" },
	{ "kvm_amd", NULL, "NPT off, shadow paging", "npt=0" },
};

static void command_write(const struct host *host, const struct kvm_way *way, char *buf,
			  size_t size)
{
	size_t used = 0;

	if (!host->vendor[0]) {
		snprintf(buf, size, "modprobe %s %s", way->module, way->params);
	} else if (!host->builtin) {
		snprintf(buf, size, "modprobe -r %s && modprobe %s %s", way->module, way->module,
			 way->params);
	} else {
		/* "ept=1 vpid=1" -> "kvm_intel.ept=1 kvm_intel.vpid=1" */
		for (const char *at = way->params; at && used < size;) {
			size_t len = strcspn(at, " ");

			used += (size_t)snprintf(buf + used, size - used, "%s%s.%.*s",
						 used ? " " : "", way->module, (int)len, at);
			at = at[len] ? at + len + 1 : NULL;
		}
	}
}

/* The CPU has @feature, or nobody knows that it has not. */
static bool feature_possible(const struct host *host, const char *feature)
{
	const struct host_fact *fact = host_find(host, "cpu", feature);

	return !fact || strcmp(fact->value, "not in the CPU") != 0;
}

size_t host_advise(const struct host *host, struct host_advice *advice)
{
	const char *module = host->vendor[0] ? host->vendor : module_wanted(host);
	const struct kvm_way *keep = NULL;
	size_t count = 0;

	for (size_t i = 0; i < COUNT(ways); i++) {
		const struct kvm_way *way = &ways[i];

		if (strcmp(way->module, module) != 0 ||
		    (way->feature && !feature_possible(host, way->feature)))
			continue;
		snprintf(advice[count].title, sizeof(advice[count].title), "%s%s", way->title,
			 host->builtin ? ": kernel command line, then reboot" : "");
		command_write(host, way, advice[count].command, sizeof(advice[count].command));
		keep = keep ? keep : way;
		count++;
	}
	if (keep && !host->builtin) {
		snprintf(advice[count].title, sizeof(advice[count].title),
			 "%s at every load of the module", keep->title);
		snprintf(advice[count].command, sizeof(advice[count].command),
			 "echo 'options %s %s' > /etc/modprobe.d/%s.conf", module, keep->params,
			 module);
		count++;
	}
	return count;
}
