// SPDX-License-Identifier: GPL-2.0
#include "source/hypervisor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mmuscope/abi.h>

static bool parameter_on(const char *path)
{
	FILE *f = fopen(path, "r");
	int c = f ? fgetc(f) : 'N';

	if (f)
		fclose(f);
	return c == 'Y' || c == '1';
}

/* A vendor module of KVM that is neither Intel's nor AMD's. */
static bool other_vendor(void)
{
	DIR *d = opendir("/sys/module");
	struct dirent *e;
	bool found = false;

	while (d && (e = readdir(d)))
		found |= !strncmp(e->d_name, "kvm_", 4);
	if (d)
		closedir(d);
	return found;
}

int hypervisor_detect(uint8_t *isa, uint8_t *tdp)
{
	if (!access("/sys/module/kvm_amd", F_OK)) {
		*isa = MMUSCOPE_isa_svm;
		*tdp = parameter_on("/sys/module/kvm_amd/parameters/npt");
	} else if (!access("/sys/module/kvm_intel", F_OK)) {
		*isa = MMUSCOPE_isa_vmx;
		*tdp = parameter_on("/sys/module/kvm_intel/parameters/ept");
	} else if (!access("/sys/module/kvm", F_OK) && other_vendor()) {
	} else {
		return -ENODEV;
	}
	return 0;
}

/*
 * RET_PF_* are numbered differently from kernel to kernel. BTF of kvm knows
 * them; kernels without it are those that still hand the exit reason to
 * kvm_exit, before the numbers changed the first time.
 */
void hypervisor_verdicts(const struct kernel *k, uint8_t *map, int64_t max)
{
	static const struct {
		const char *name;
		int old;
		uint8_t verdict;
	} known[] = {
		{ "RET_PF_RETRY", 0, MMUSCOPE_verdict_retry },
		{ "RET_PF_EMULATE", 1, MMUSCOPE_verdict_emulated },
		{ "RET_PF_WRITE_PROTECTED", -1, MMUSCOPE_verdict_emulated },
		{ "RET_PF_FIXED", 3, MMUSCOPE_verdict_fixed },
		{ "RET_PF_SPURIOUS", 4, MMUSCOPE_verdict_spurious },
	};
	bool btf = kernel_has_kvm_btf(k);
	int64_t value;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!btf)
			value = known[i].old;
		else if (!kernel_enumerator(k, known[i].name, &value))
			continue;
		if (value >= 0 && value < max)
			map[value] = known[i].verdict;
	}
}

bool hypervisor_tdp_mmu(void)
{
	return parameter_on("/sys/module/kvm/parameters/tdp_mmu");
}
