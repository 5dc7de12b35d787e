// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU: which instruction set extension it has, and which parts of it matter
 * to guest memory. Registers are asked first (MSR and CPUID devices, or the
 * instruction itself on the machine we run on), /proc/cpuinfo second.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "lib/host.h"

#define MSR_FEATURE_CONTROL	0x3a
#define MSR_VMX_PROCBASED2	0x48b
#define MSR_VM_CR		0xc0010114u
#define CPUID_SVM_LEAF		0x8000000au

#define FEATURE_CONTROL_LOCKED	(1u << 0)
#define FEATURE_CONTROL_VMX	(1u << 2)
#define VM_CR_SVM_DISABLE	(1u << 4)

enum answer { NOT_KNOWN = -1, NO, YES };

/**
 * struct cpuinfo - lines of /proc/cpuinfo of the first CPU, "" when missing
 */
struct cpuinfo {
	char vendor[32];
	char model[80];
	char flags[4096];
	char vmx_flags[1024];
};

/**
 * struct cpu_feature - part of an extension
 * @name: of the fact
 * @flag: its name in /proc/cpuinfo
 * @bit: VMX: bit of the secondary controls; SVM: bit of CPUID 8000000A's EDX
 * @old: listed in the "flags" line by kernels without a "vmx flags" line
 * @module, @param: switch of kvm, @param NULL where there is none
 * @doc: what it does
 */
struct cpu_feature {
	const char *name;
	const char *flag;
	unsigned int bit;
	bool old;
	const char *module;
	const char *param;
	const char *doc;
};

static const struct cpu_feature vmx_features[] = {
	{ "ept", "ept", 1, true, "kvm_intel", "ept",
	  "extended page tables" },
	{ "vpid", "vpid", 5, true, "kvm_intel", "vpid",
	  "TLB entries tagged: no flush at exits" },
	{ "unrestricted_guest", "unrestricted_guest", 7, false, "kvm_intel", "unrestricted_guest",
	  "real mode without emulation" },
	{ "pml", "pml", 17, false, "kvm_intel", "pml",
	  "the CPU lists dirty pages" },
};

static const struct cpu_feature svm_features[] = {
	{ "npt", "npt", 0, true, "kvm_amd", "npt",
	  "nested page tables" },
	{ "nrips", "nrip_save", 3, true, "kvm_amd", "nrips",
	  "next instruction known at exits" },
	{ "flushbyasid", "flushbyasid", 6, true, "kvm_amd", NULL,
	  "TLB flush of one guest only" },
	{ "decodeassists", "decodeassists", 7, true, "kvm_amd", NULL,
	  "less decoding at INVLPG and faults" },
};

static void line_store(char *line, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);
	char *colon;

	/* "flags" must not match "flags2", and only the first CPU counts. */
	if (buf[0] || strncmp(line, key, len) != 0 || (line[len] != '\t' && line[len] != ' ' &&
						       line[len] != ':'))
		return;
	colon = strchr(line, ':');
	if (!colon || colon - line > 24)
		return;
	line[strcspn(line, "\n")] = '\0';
	snprintf(buf, size, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
}

static void cpuinfo_read(const struct host *host, struct cpuinfo *info)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t room = 0;
	FILE *file;

	memset(info, 0, sizeof(*info));
	if (!host_path(host, "/proc/cpuinfo", path, sizeof(path)))
		return;
	file = fopen(path, "re");
	if (!file)
		return;
	while (getline(&line, &room, file) > 0 && line[0] != '\n') {
		line_store(line, "vendor_id", info->vendor, sizeof(info->vendor));
		line_store(line, "model name", info->model, sizeof(info->model));
		line_store(line, "flags", info->flags, sizeof(info->flags));
		line_store(line, "vmx flags", info->vmx_flags, sizeof(info->vmx_flags));
	}
	free(line);
	fclose(file);
}

static bool flag_listed(const char *flags, const char *flag)
{
	size_t len = strlen(flag);

	for (const char *at = flags; (at = strstr(at, flag)); at += len)
		if ((at == flags || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

/* Sets eax, ebx, ecx, edx. A leaf that the CPU lacks is an error. */
static int cpuid_read(const struct host *host, uint32_t leaf, uint32_t regs[4])
{
	int err = host_pread(host, "/dev/cpu/0/cpuid", leaf, regs, 4 * sizeof(regs[0]));

#ifdef __x86_64__
	if (err && host->root[0] == '\0')
		err = __get_cpuid(leaf, &regs[0], &regs[1], &regs[2], &regs[3]) ? 0 : -ENODATA;
#endif
	return err;
}

static int msr_read(const struct host *host, uint32_t index, uint64_t *value)
{
	return host_pread(host, "/dev/cpu/0/msr", index, value, sizeof(*value));
}

/* The register that lists the features of the extension. */
static int bits_read(const struct host *host, uint32_t *bits)
{
	uint32_t regs[4];
	uint64_t msr;
	int err;

	if (host->isa == HOST_ISA_VMX) {
		err = msr_read(host, MSR_VMX_PROCBASED2, &msr);
		if (!err)
			*bits = (uint32_t)(msr >> 32);	/* upper half: may be set */
		return err;
	}
	err = cpuid_read(host, CPUID_SVM_LEAF, regs);
	if (!err)
		*bits = regs[3];
	return err;
}

static enum answer feature_find(const struct cpu_feature *feature, const struct cpuinfo *info,
				const uint32_t *bits)
{
	if (flag_listed(info->flags, feature->flag) || flag_listed(info->vmx_flags, feature->flag))
		return YES;
	if (bits)
		return *bits & (1u << feature->bit) ? YES : NO;
	if (info->vmx_flags[0] || feature->old)
		return NO;
	return NOT_KNOWN;
}

static void features_tell(struct host *host, const struct cpuinfo *info,
			  const struct cpu_feature *features, size_t count)
{
	static const char *const switched[] = { "in the CPU, off", "in the CPU, on" };
	uint32_t register_bits;
	const uint32_t *bits = bits_read(host, &register_bits) ? NULL : &register_bits;

	for (size_t i = 0; i < count; i++) {
		const struct cpu_feature *feature = &features[i];
		enum answer found = feature_find(feature, info, bits);
		int on = feature->param ?
			 host_switched(host, feature->module, feature->param) : -1;
		const char *value = "not known";

		if (found == NO)
			value = "not in the CPU";
		else if (on >= 0)
			value = switched[on];
		else if (found == YES)
			value = "in the CPU";
		host_tell(host, "cpu", feature->name, HOST_INFO, feature->doc, "%s", value);
	}
}

/* The kernel hides VMX and SVM when the firmware forbids them. */
static bool firmware_forbids(const struct host *host)
{
	uint64_t msr;

	if (!msr_read(host, MSR_FEATURE_CONTROL, &msr) && (msr & FEATURE_CONTROL_LOCKED))
		return !(msr & FEATURE_CONTROL_VMX);
	return !msr_read(host, MSR_VM_CR, &msr) && (msr & VM_CR_SVM_DISABLE);
}

static bool hidden_in_cpu(const struct host *host)
{
	uint32_t regs[4];

	if (!cpuid_read(host, 1, regs) && (regs[2] & (1u << 5)))
		return true;
	return !cpuid_read(host, 0x80000001u, regs) && (regs[2] & (1u << 2));
}

static void isa_tell(struct host *host, const struct cpuinfo *info)
{
	if (flag_listed(info->flags, "vmx")) {
		host->isa = HOST_ISA_VMX;
		host_tell(host, "cpu", "isa", HOST_OK, "Intel's virtualization extension", "VMX");
	} else if (flag_listed(info->flags, "svm")) {
		host->isa = HOST_ISA_SVM;
		host_tell(host, "cpu", "isa", HOST_OK, "AMD's virtualization extension", "SVM");
	} else if (hidden_in_cpu(host) || firmware_forbids(host)) {
		host_tell(host, "cpu", "isa", HOST_INFO,
			  "the firmware switched VMX or SVM off", "off");
	} else if (flag_listed(info->flags, "hypervisor")) {
		host_tell(host, "cpu", "isa", HOST_INFO,
			  "the hypervisor offers no VMX or SVM", "none");
	} else {
		host_tell(host, "cpu", "isa", HOST_INFO, "the CPU has neither VMX nor SVM", "none");
	}
}

void host_cpu_examine(struct host *host)
{
	struct cpuinfo info;

	cpuinfo_read(host, &info);
	host_tell(host, "cpu", "vendor", HOST_INFO, "", "%s",
		  info.vendor[0] ? info.vendor : "not known");
	host_tell(host, "cpu", "model", HOST_INFO, "", "%s",
		  info.model[0] ? info.model : "not known");
	isa_tell(host, &info);
	if (host->isa == HOST_ISA_VMX)
		features_tell(host, &info, vmx_features,
			      sizeof(vmx_features) / sizeof(vmx_features[0]));
	else if (host->isa == HOST_ISA_SVM)
		features_tell(host, &info, svm_features,
			      sizeof(svm_features) / sizeof(svm_features[0]));
}
