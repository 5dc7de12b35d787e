// SPDX-License-Identifier: GPL-2.0
#include "dev.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>

#include <mmuscope/kmod.h>

#include "hook.h"
#include "ring.h"
#include "session.h"

/* Who has the device open; there is one, and what follows is done for one at a time. */
static struct {
	bool open;
	bool greeted;
	pid_t pid;
	char comm[TASK_COMM_LEN];
} holder;

static DEFINE_MUTEX(dev_lock);

static int dev_open(struct inode *inode, struct file *file)
{
	int err = 0;

	if (!perfmon_capable())
		return -EPERM;
	mutex_lock(&dev_lock);
	if (holder.open) {
		err = -EBUSY;
	} else {
		holder.open = true;
		holder.greeted = false;
		holder.pid = task_tgid_nr(current);
		get_task_comm(holder.comm, current);
	}
	mutex_unlock(&dev_lock);
	return err ? err : nonseekable_open(inode, file);
}

static int dev_release(struct inode *inode, struct file *file)
{
	mutex_lock(&dev_lock);
	session_stop();
	holder.open = false;
	mutex_unlock(&dev_lock);
	return 0;
}

static long request_hello(void __user *arg)
{
	struct mmuscope_kmod_hello hello, mine = {
		.abi = MMUSCOPE_KMOD_ABI, .schema = MMUSCOPE_SCHEMA, .cpus = nr_cpu_ids,
	};

	if (copy_from_user(&hello, arg, sizeof(hello)) || copy_to_user(arg, &mine, sizeof(mine)))
		return -EFAULT;
	if (hello.abi != mine.abi || hello.schema != mine.schema)
		return -EPROTO;
	holder.greeted = true;
	return 0;
}

static long request_start(void __user *arg)
{
	struct mmuscope_kmod_start start;

	if (copy_from_user(&start, arg, sizeof(start)))
		return -EFAULT;
	return session_start(&start);
}

static long request_hook(void __user *arg)
{
	struct mmuscope_kmod_hook in, hook = {};
	int err;

	if (copy_from_user(&in, arg, sizeof(in)))
		return -EFAULT;
	hook.index = in.index;
	err = hook_describe(&hook);
	if (err)
		return err;
	return copy_to_user(arg, &hook, sizeof(hook)) ? -EFAULT : 0;
}

static long request_stats(void __user *arg)
{
	struct mmuscope_kmod_stats stats = {};

	if (session_running()) {
		stats.records = rings_records();
		stats.missed = hook_missed();
	}
	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static long request(unsigned int cmd, void __user *arg)
{
	if (cmd == MMUSCOPE_KMOD_HELLO)
		return request_hello(arg);
	if (!holder.greeted)
		return -EPROTO;
	switch (cmd) {
	case MMUSCOPE_KMOD_START:
		return request_start(arg);
	case MMUSCOPE_KMOD_STOP:
		session_stop();
		return 0;
	case MMUSCOPE_KMOD_HOOK:
		return request_hook(arg);
	case MMUSCOPE_KMOD_STATS:
		return request_stats(arg);
	}
	return -ENOTTY;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	long ret;

	mutex_lock(&dev_lock);
	ret = request(cmd, (void __user *)arg);
	mutex_unlock(&dev_lock);
	return ret;
}

static int map(struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;

	if (!session_running())
		return -ENXIO;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EINVAL;
	if (offset == MMUSCOPE_KMOD_MAP_EXITS)
		return session_mmap_exits(vma);
	if (offset == MMUSCOPE_KMOD_MAP_LOST)
		return session_mmap_lost(vma);
	if (offset >> 32 >= nr_cpu_ids)
		return -EINVAL;
	return ring_mmap(vma, offset >> 32, (offset & U32_MAX) >> PAGE_SHIFT);
}

static int dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	int err;

	/* Not waited for: mmap() holds the lock that copying from user space may want. */
	if (!mutex_trylock(&dev_lock))
		return -EAGAIN;
	err = map(vma);
	mutex_unlock(&dev_lock);
	return err;
}

static __poll_t dev_poll(struct file *file, poll_table *wait)
{
	__poll_t ready;

	mutex_lock(&dev_lock);
	ready = rings_poll(file, wait);
	mutex_unlock(&dev_lock);
	return ready;
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.open = dev_open,
	.release = dev_release,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = dev_mmap,
	.poll = dev_poll,
	.llseek = noop_llseek,
};

static ssize_t holder_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	ssize_t len = 0;

	mutex_lock(&dev_lock);
	if (holder.open)
		len = sysfs_emit(buf, "%d %s\n", holder.pid, holder.comm);
	mutex_unlock(&dev_lock);
	return len;
}

static ssize_t records_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u64 records = 0;

	mutex_lock(&dev_lock);
	if (session_running())
		records = rings_records();
	mutex_unlock(&dev_lock);
	return sysfs_emit(buf, "%llu\n", records);
}

static DEVICE_ATTR_ADMIN_RO(holder);
static DEVICE_ATTR_ADMIN_RO(records);

static struct attribute *dev_attrs[] = {
	&dev_attr_holder.attr,
	&dev_attr_records.attr,
	NULL
};

ATTRIBUTE_GROUPS(dev);

static struct miscdevice dev_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mmuscope",
	.mode = 0600,
	.fops = &dev_fops,
	.groups = dev_groups,
};

int dev_init(void)
{
	return misc_register(&dev_misc);
}

void dev_exit(void)
{
	misc_deregister(&dev_misc);
}
