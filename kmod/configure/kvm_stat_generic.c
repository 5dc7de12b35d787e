// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>

u64 test(struct kvm *kvm);
u64 test(struct kvm *kvm)
{
	return kvm->stat.generic.remote_tlb_flush;
}
