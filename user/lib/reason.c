// SPDX-License-Identifier: GPL-2.0
#include "lib/reason.h"

#include <asm/kvm.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include <mmuscope/abi.h>

/* Bits above the basic reason: failed entry, enclave, pending MTF. */
#define VMX_BASIC	0xffff

struct reason {
	uint32_t number;
	const char *name;
};

static const struct reason vmx_reasons[] = { VMX_EXIT_REASONS };
static const struct reason svm_reasons[] = { SVM_EXIT_REASONS };

static const char *find(const struct reason *list, size_t nr, uint32_t number)
{
	for (size_t i = 0; i < nr; i++)
		if (list[i].number == number)
			return list[i].name;
	return NULL;
}

const char *reason_name(uint8_t isa, uint32_t reason)
{
	if (isa == MMUSCOPE_isa_vmx)
		return find(vmx_reasons, sizeof(vmx_reasons) / sizeof(vmx_reasons[0]),
			    reason & VMX_BASIC);
	if (isa == MMUSCOPE_isa_svm)
		return find(svm_reasons, sizeof(svm_reasons) / sizeof(svm_reasons[0]), reason);
	return NULL;
}
