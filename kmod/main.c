// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel module of mmuscope: a collector like the one in bpf/, for hosts where
 * eBPF cannot go. It does nothing until its device is opened and told to start.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "dev.h"
#include "hook.h"

static int __init mmuscope_init(void)
{
	int err;

	err = hook_init();
	if (err)
		return err;
	err = dev_init();
	if (err)
		hook_exit();
	return err;
}

static void __exit mmuscope_exit(void)
{
	dev_exit();
	hook_exit();
}

module_init(mmuscope_init);
module_exit(mmuscope_exit);

MODULE_DESCRIPTION("What memory virtualization costs KVM guests: collector of mmuscope");
MODULE_LICENSE("GPL");
