// SPDX-License-Identifier: GPL-2.0
/* The kernel: what tracing with eBPF rests on. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/host.h"

static const struct host_setting settings[] = {
	{ "bpf_jit", "/proc/sys/net/core/bpf_jit_enable", "0: probes are interpreted, slower" },
	{ "bpf_stats", "/proc/sys/kernel/bpf_stats_enabled", "1: the kernel times every probe" },
	{ "unprivileged_bpf_disabled", "/proc/sys/kernel/unprivileged_bpf_disabled",
	  "not 0: eBPF for root only" },
	{ "kptr_restrict", "/proc/sys/kernel/kptr_restrict", "2: hides symbols even from root" },
};

static void btf_tell(struct host *host)
{
	char path[PATH_MAX], name[HOST_NAME + 4];
	const char *const modules[] = { "kvm", host->vendor };
	bool vmlinux = host_exists(host, "/sys/kernel/btf/vmlinux");

	if (vmlinux)
		host_tell(host, "kernel", "btf.vmlinux", HOST_OK, "types of the kernel", "there");
	else if (host_module_loaded(host))
		host_tell(host, "kernel", "btf.vmlinux", HOST_WARN,
			  "eBPF needs CONFIG_DEBUG_INFO_BTF, the kernel module lacks some fields",
			  "not there");
	else
		host_tell(host, "kernel", "btf.vmlinux", HOST_BAD, "needs CONFIG_DEBUG_INFO_BTF",
			  "not there");
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		char init[PATH_MAX];

		if (!host->loaded || !modules[i][0])
			continue;
		snprintf(name, sizeof(name), "btf.%s", modules[i]);
		snprintf(path, sizeof(path), "/sys/kernel/btf/%s", modules[i]);
		snprintf(init, sizeof(init), "/sys/module/%s/initstate", modules[i]);
		if (host_exists(host, path))
			host_tell(host, "kernel", name, HOST_OK, "types of the module", "there");
		else if (!host_exists(host, init) && vmlinux)
			host_tell(host, "kernel", name, HOST_OK, "the module is built in",
				  "in vmlinux");
		else
			host_tell(host, "kernel", name, HOST_WARN,
				  "costlier hooks instead of fentry", "not there");
	}
}

bool host_hides_lockdown(const struct host *host)
{
	return host_exists(host, "/sys/kernel/security") &&
	       !host_exists(host, "/sys/kernel/security/lsm");
}

static void lockdown_tell(struct host *host)
{
	const char *doc = "confidentiality would forbid tracing";
	char text[HOST_VALUE] = "";

	host_read(host, "/sys/kernel/security/lockdown", text, sizeof(text));
	if (strstr(text, "[confidentiality]"))
		host_tell(host, "kernel", "lockdown", HOST_BAD, doc, "confidentiality");
	else if (*text)
		host_tell(host, "kernel", "lockdown", HOST_OK, doc, "%s",
			  strstr(text, "[integrity]") ? "integrity" : "none");
	else if (host_hides_lockdown(host))
		host_tell(host, "kernel", "lockdown", HOST_INFO,
			  "mount -t securityfs securityfs /sys/kernel/security", "not known");
	else
		host_tell(host, "kernel", "lockdown", HOST_OK, doc, "not there");
}

static void tracefs_tell(struct host *host)
{
	if (host_exists(host, "/sys/kernel/tracing/events") ||
	    host_exists(host, "/sys/kernel/debug/tracing/events"))
		host_tell(host, "kernel", "tracefs", HOST_OK, "describes tracepoints", "mounted");
	else
		host_tell(host, "kernel", "tracefs", HOST_INFO,
			  "mount -t tracefs tracefs /sys/kernel/tracing", "not seen");
}

static void preempt_tell(struct host *host)
{
	char text[HOST_VALUE], *word;

	if (host_read(host, "/sys/kernel/debug/sched/preempt", text, sizeof(text)) <= 0)
		return;
	word = strchr(text, '(');
	if (!word)
		return;
	word++;
	word[strcspn(word, ")")] = '\0';
	host_tell(host, "kernel", "preempt", HOST_INFO,
		  "full, lazy: kprobes, for the kernel skips fentry of preempted tasks", "%s",
		  word);
}

static void memlock_tell(struct host *host)
{
	const char *doc = "limits eBPF before kernel 5.11";
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return;
	if (limit.rlim_cur == RLIM_INFINITY)
		host_tell(host, "kernel", "memlock", HOST_INFO, doc, "unlimited");
	else
		host_tell(host, "kernel", "memlock", HOST_INFO, doc, "%llu KiB",
			  (unsigned long long)limit.rlim_cur / 1024);
}

void host_kernel_examine(struct host *host)
{
	char release[HOST_VALUE];

	if (host_read(host, "/proc/sys/kernel/osrelease", release, sizeof(release)) <= 0)
		snprintf(release, sizeof(release), "not known");
	host_tell(host, "kernel", "release", HOST_INFO, "", "%s", release);
	btf_tell(host);
	tracefs_tell(host);
	lockdown_tell(host);
	host_tell_settings(host, "kernel", settings, sizeof(settings) / sizeof(settings[0]));
	preempt_tell(host);
	memlock_tell(host);
	host_module_examine(host, release);
}
