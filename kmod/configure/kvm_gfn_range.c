// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>

u64 test(struct kvm_gfn_range *range);
u64 test(struct kvm_gfn_range *range)
{
	return range->end - range->start;
}
