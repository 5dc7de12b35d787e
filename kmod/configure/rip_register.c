// SPDX-License-Identifier: GPL-2.0
/* RIP among the general registers, and a mask that is a number. */
#include <linux/kvm_host.h>

unsigned long test(struct kvm_vcpu *vcpu);
unsigned long test(struct kvm_vcpu *vcpu)
{
	unsigned int known = vcpu->arch.regs_avail & (1U << VCPU_REGS_RIP);

	return known ? vcpu->arch.regs[VCPU_REGS_RIP] : 0;
}
