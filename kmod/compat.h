/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernels. Each HAVE_ is the answer of a try-compile test in
 * configure/; no other file asks which kernel it is built for.
 */
#ifndef MMUSCOPE_COMPAT_H
#define MMUSCOPE_COMPAT_H

#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/sched.h>

#include "configured.h"

/* Which kretprobe an instance belongs to: a function since a kretprobe may go before it. */
static inline struct kretprobe *compat_kretprobe(struct kretprobe_instance *ri)
{
#ifdef HAVE_GET_KRETPROBE
	return get_kretprobe(ri);
#else
	return ri->rp;
#endif
}

/* Whether the task is leaving the CPU of its own accord. */
static inline bool compat_task_sleeps(const struct task_struct *task)
{
#ifdef HAVE_TASK_DUNDER_STATE
	return READ_ONCE(task->__state);
#else
	return READ_ONCE(task->state);
#endif
}

#ifdef HAVE_RIP_REGISTER
static inline bool compat_rip_available(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.regs_avail & (1U << VCPU_REGS_RIP);
}

static inline u64 compat_rip(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.regs[VCPU_REGS_RIP];
}
#else
static inline bool compat_rip_available(const struct kvm_vcpu *vcpu)
{
	return false;
}

static inline u64 compat_rip(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.rip;
}
#endif

/* KVM's counter of remote flushes, in a struct of its own where there is one. */
static inline u64 compat_kvm_flushes(struct kvm *kvm)
{
#ifdef HAVE_KVM_STAT_GENERIC
	return READ_ONCE(kvm->stat.generic.remote_tlb_flush);
#else
	return READ_ONCE(kvm->stat.remote_tlb_flush);
#endif
}

/* Pages of the frames that a notifier goes through; the struct came with the common walk. */
#ifndef HAVE_KVM_GFN_RANGE
struct kvm_gfn_range {
	struct kvm_memory_slot *slot;
	gfn_t start;
	gfn_t end;
};
#endif

/*
 * Which argument of kvm_arch_commit_memory_region() is the old slot: the request of user
 * space before it went with the series that brought the trees.
 */
#ifdef HAVE_SLOT_TREE
#define COMPAT_COMMIT_OLD	1
#else
#define COMPAT_COMMIT_OLD	2
#endif

/* Every memslot that maps something. */
#ifdef HAVE_SLOT_TREE
#define compat_for_each_memslot(slot, slots)				\
	for (int _bucket = 0; _bucket < ARRAY_SIZE((slots)->id_hash); _bucket++) \
		hlist_for_each_entry_rcu(slot, &(slots)->id_hash[_bucket],	\
					 id_node[(slots)->node_idx], true)
#else
#define compat_for_each_memslot(slot, slots)				\
	for ((slot) = (slots)->memslots;				\
	     (slot) < (slots)->memslots + (slots)->used_slots; (slot)++)
#endif

static inline void compat_vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
#ifdef HAVE_VM_FLAGS_CLEAR
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/* Arguments of a module's tracepoint, -ENOENT where the kernel does not keep their number. */
static inline int compat_tracepoint_args(const struct module *mod, const struct tracepoint *tp)
{
#ifdef CONFIG_BPF_EVENTS
	unsigned int i;

	for (i = 0; mod && i < mod->num_bpf_raw_events; i++) {
		if (mod->bpf_raw_events[i].tp == tp)
			return mod->bpf_raw_events[i].num_args;
	}
#endif
	return -ENOENT;
}

#endif /* MMUSCOPE_COMPAT_H */
