// SPDX-License-Identifier: GPL-2.0
/* The end of VMs and vCPUs, and what is there when tracing begins. */
#include "life.h"

#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>

/*
 * A new vCPU makes its page tables' root before it enters for the first time:
 * this is where it is seen first.
 */
static void vcpu_load_begin(const struct hook_call *c)
{
	struct vcpu_state *v = vcpu_of((struct kvm_vcpu *)c->arg[0]);

	if (v)
		flush_asked(v, MMUSCOPE_cause_new_root);
}

/* Any request of the VMM to a VM; what is done for it belongs to that VM. */
static void ioctl_begin(const struct hook_call *c)
{
	const struct file *file = (const struct file *)c->arg[0];

	ctx_open(file->private_data, CTX_IOCTL, MMUSCOPE_origin_ioctl);
}

static void ioctl_end(const struct hook_call *c)
{
	ctx_close(CTX_IOCTL);
}

static void vcpu_destroy_begin(const struct hook_call *c)
{
	vcpu_forget((struct kvm_vcpu *)c->arg[0]);
}

static void vm_destroy_begin(const struct hook_call *call)
{
	struct kvm *kvm = (struct kvm *)call->arg[0];
	struct vcpu_state *v = vcpu_current();
	u16 id = vm_id(kvm);
	struct task_ctx *c;

	/* The task may be a vCPU of this VM: its state goes before the VM does. */
	if (v)
		vcpu_leave(v);
	if (!id)
		return;
	c = ctx_begin(CTX_DESTROY, id, MMUSCOPE_origin_destroy);
	if (c)
		c->kvm = kvm;
}

/*
 * kvm_destroy_vm() ends after the VM's memory was freed and perhaps used again.
 * It is forgotten at the end of kvm_arch_destroy_vm(), when its vCPUs and page
 * tables are gone.
 */
static void vm_destroy_end(const struct hook_call *call)
{
	struct task_ctx *c = ctx_current();

	if (!c || !ctx_end(c, CTX_DESTROY))
		return;
	vm_forget(c->kvm, current);
	ctx_leave(c);
}

/* KVM's files are recognized by name, in the one file system that only the kernel fills. */
static const char *file_name(const struct file *file)
{
	if (file_inode(file)->i_sb->s_magic != ANON_INODE_FS_MAGIC)
		return "";
	return (const char *)file->f_path.dentry->d_name.name;
}

static int file_found(const void *data, struct file *file, unsigned int fd)
{
	struct task_struct *task = (struct task_struct *)data;
	const char *name = file_name(file);

	preempt_disable();
	if (!strncmp(name, "kvm-vcpu", 8)) {
		struct kvm_vcpu *vcpu = file->private_data;
		u64 tid = (u64)task->tgid << 32 | (u32)pid_nr(rcu_dereference(vcpu->pid));

		vcpu_found(vcpu, task, tid);
	} else if (!strcmp(name, "kvm-vm")) {
		struct kvm *kvm = file->private_data;
		u16 vm = vm_found(kvm, task);

		if (vm)
			slots_found(vm, kvm);
	}
	preempt_enable();
	return 0;
}

void life_find_running(void)
{
	struct task_struct *leader, *task;

	rcu_read_lock();
	for_each_process_thread(leader, task) {
		task_lock(task);
		/* Threads of a process have the same table of files, most often. */
		if (task->files && (task == leader || task->files != leader->files))
			iterate_fd(task->files, 0, file_found, task);
		task_unlock(task);
	}
	rcu_read_unlock();
	life_all_found();
}

static struct hook_event events[] = {};

static struct hook_function functions[] = {
	HOOK_FUNCTION("kvm_vm_ioctl", ioctl_begin, ioctl_end),
	HOOK_FUNCTION("kvm_mmu_load", vcpu_load_begin, NULL),
	HOOK_FUNCTION("kvm_arch_destroy_vm", NULL, vm_destroy_end),
	HOOK_FUNCTION("kvm_destroy_vm", vm_destroy_begin, NULL),
	HOOK_FUNCTION("kvm_arch_vcpu_destroy", vcpu_destroy_begin, NULL),
};

/* Without these no record has the right VM. */
struct hook_family family_life = HOOK_FAMILY(~0U);
