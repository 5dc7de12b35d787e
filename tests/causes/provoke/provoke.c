// SPDX-License-Identifier: GPL-2.0
/*
 * Makes happen what explain has rules for and what no guest can do for sure:
 *
 *   insmod provoke.ko slow=FUNCTION	each call of it takes SLOW_US longer
 *   insmod provoke.ko wrap=PID		the sequence of invalidations of the process's VM is
 *					near 2^31
 *
 * For the lab's machines only, never for a host that is used.
 */
#include <linux/delay.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/task.h>

#define SLOW_US		200
#define NEAR_WRAP	(BIT(31) - 1000)

static char *slow;
module_param(slow, charp, 0400);
MODULE_PARM_DESC(slow, "Function that is made slower");

static int wrap;
module_param(wrap, int, 0400);
MODULE_PARM_DESC(wrap, "Process whose VM has had many invalidations");

static int slow_down(struct kprobe *probe, struct pt_regs *regs)
{
	udelay(SLOW_US);
	return 0;
}

static struct kprobe slow_probe = { .pre_handler = slow_down };

/* Files of VMs are anonymous inodes, and their name is all that tells. */
static int sequence_set(const void *found, struct file *file, unsigned int fd)
{
	struct kvm *kvm = file->private_data;

	if (strcmp(file->f_path.dentry->d_name.name, "kvm-vm"))
		return 0;
	write_lock(&kvm->mmu_lock);
	kvm->mmu_invalidate_seq = NEAR_WRAP;
	write_unlock(&kvm->mmu_lock);
	*(bool *)found = true;
	return 1;
}

static int wrap_do(void)
{
	struct task_struct *task;
	bool found = false;
	struct pid *pid;

	pid = find_get_pid(wrap);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return -ESRCH;
	task_lock(task);
	if (task->files)
		iterate_fd(task->files, 0, sequence_set, &found);
	task_unlock(task);
	put_task_struct(task);
	return found ? 0 : -ENOENT;
}

static int __init provoke_init(void)
{
	int err;

	if (wrap) {
		err = wrap_do();
		if (err)
			return err;
	}
	if (!slow)
		return 0;
	slow_probe.symbol_name = slow;
	return register_kprobe(&slow_probe);
}

static void __exit provoke_exit(void)
{
	if (slow)
		unregister_kprobe(&slow_probe);
}

module_init(provoke_init);
module_exit(provoke_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What mmuscope's rules look for, provoked in the lab");
