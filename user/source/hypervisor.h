/* SPDX-License-Identifier: GPL-2.0 */
/* What both collectors must know of the KVM that is loaded. */
#ifndef MMUSCOPE_HYPERVISOR_H
#define MMUSCOPE_HYPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "source/kernel.h"

/**
 * hypervisor_detect() - which KVM
 * @isa: of the vendor module, enum mmuscope_isa; unknown means software virtualization
 * @tdp: its ept or npt parameter
 *
 * Return: 0, or -ENODEV where no KVM is ready to run a VM.
 */
int hypervisor_detect(uint8_t *isa, uint8_t *tdp);

/* Fills @map, of @max zeros: RET_PF_* of this kernel to enum mmuscope_verdict. */
void hypervisor_verdicts(const struct kernel *k, uint8_t *map, int64_t max);

/* Whether faults with TDP are handled by the TDP MMU. */
bool hypervisor_tdp_mmu(void);

#endif /* MMUSCOPE_HYPERVISOR_H */
