/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's types, as far as the collector reads them. Offsets come from
 * the running kernel's BTF (CO-RE); where a kernel calls or types a field
 * differently there is a second flavour of the struct (___name), and the
 * accessor below it is the only place that knows.
 */
#ifndef MMUSCOPE_CORE_BPF_H
#define MMUSCOPE_CORE_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>
#include <asm/ptrace.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <mmuscope/abi.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct qstr {
	const unsigned char *name;
} KERNEL_TYPE;

struct dentry {
	struct qstr d_name;
} KERNEL_TYPE;

struct path {
	struct dentry *dentry;
} KERNEL_TYPE;

struct super_block {
	unsigned long s_magic;
} KERNEL_TYPE;

struct inode {
	struct super_block *i_sb;
} KERNEL_TYPE;

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
} KERNEL_TYPE;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} KERNEL_TYPE;

struct files_struct {
	struct fdtable *fdt;
} KERNEL_TYPE;

struct upid {
	int nr;
} KERNEL_TYPE;

struct pid {
	struct upid numbers[1];
} KERNEL_TYPE;

struct mm_struct {
	void *pgd;
	unsigned long arg_start;
	unsigned long arg_end;
} KERNEL_TYPE;

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	char comm[16];
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct files_struct *files;
	struct mm_struct *mm;
} KERNEL_TYPE;

/* 5.14 renamed task_struct.state. */
struct task_struct___state {
	long state;
} KERNEL_TYPE;

struct task_struct___dunder {
	unsigned int __state;
} KERNEL_TYPE;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL_TYPE;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
} KERNEL_TYPE;

struct mmu_notifier;

typedef struct {
	int counter;
} atomic_t;

struct kvm_vm_stat_generic {
	u64 remote_tlb_flush;
} KERNEL_TYPE;

struct kvm_vm_stat {
	struct kvm_vm_stat_generic generic;
} KERNEL_TYPE;

/* Until 5.13 the counter was unsigned long and not in a struct of its own. */
struct kvm_vm_stat___flat {
	unsigned long remote_tlb_flush;
} KERNEL_TYPE;

struct mmu_notifier_holder {
	void *ops;
};

struct kvm_arch {
	unsigned int indirect_shadow_pages;
} KERNEL_TYPE;

/* The task that takes huge pages back which were split because of the NX bug. */
struct kvm_arch___nx_lpage {
	struct task_struct *nx_lpage_recovery_thread;
} KERNEL_TYPE;

/* By 6.2 it has another name, by 6.13 it is a thread of the VMM, with a time beside it. */
struct kvm_arch___nx {
	void *nx_huge_page_recovery_thread;
	u64 nx_huge_page_last;
} KERNEL_TYPE;

struct vhost_task {
	struct task_struct *task;
} KERNEL_TYPE;

struct kvm {
	struct mm_struct *mm;
	struct kvm_memslots *memslots[1];
	atomic_t online_vcpus;
	struct kvm_vm_stat stat;
	struct mmu_notifier_holder mmu_notifier;
	struct kvm_arch arch;
	int userspace_pid;
	unsigned long mmu_invalidate_seq;
	long mmu_invalidate_in_progress;
} KERNEL_TYPE;

/* By 6.1 the two have their new names. */
struct kvm___notifier {
	unsigned long mmu_notifier_seq;
	long mmu_notifier_count;
} KERNEL_TYPE;

struct kvm___flat {
	struct kvm_vm_stat___flat stat;
} KERNEL_TYPE;

struct kvm_vcpu_stat {
	u64 pf_fixed;
	u64 pf_emulate;
	u64 pf_spurious;
} KERNEL_TYPE;

union kvm_mmu_page_role {
	u32 word;
	struct {
		unsigned int level : 4;
		unsigned int direct : 1;
		unsigned int guest_mode : 1;
	};
} KERNEL_TYPE;

struct kvm_mmu_root_info {
	u64 pgd;
	u64 hpa;
} KERNEL_TYPE;

struct kvm_mmu {
	void *page_fault;
	struct kvm_mmu_root_info root;
	union kvm_mmu_page_role root_role;
	struct kvm_mmu_root_info prev_roots[3];
} KERNEL_TYPE;

/* Until 5.17 the root was not in a struct, and its role in one with that of the guest. */
union kvm_mmu_role {
	struct {
		union kvm_mmu_page_role base;
	};
} KERNEL_TYPE;

struct kvm_mmu___flat {
	u64 root_hpa;
	u64 root_pgd;
	union kvm_mmu_role mmu_role;
} KERNEL_TYPE;

enum kvm_reg { VCPU_EXREG_CR3 };

struct kvm_vcpu_arch {
	unsigned long regs[17];
	u32 regs_avail;
	unsigned long cr0;
	unsigned long cr3;
	unsigned long cr4;
	u64 efer;
	struct kvm_mmu *mmu;
} KERNEL_TYPE;

/* By 7.3 RIP has a place of its own. */
struct kvm_vcpu_arch___rip {
	unsigned long rip;
} KERNEL_TYPE;

struct kvm_vcpu___rip {
	struct kvm_vcpu_arch___rip arch;
} KERNEL_TYPE;

struct kvm_vcpu {
	struct kvm *kvm;
	int mode;
	int vcpu_id;
	struct pid *pid;
	struct kvm_vcpu_stat stat;
	struct kvm_vcpu_arch arch;
} KERNEL_TYPE;

/* enum kvm_reg of asm/kvm_host.h: RIP comes behind the 16 general registers. */
#define VCPU_REGS_RIP 16

/* enum of linux/kvm_host.h: vcpu->mode */
#define IN_GUEST_MODE 1

struct kvm_memory_slot {
	u64 base_gfn;
	unsigned long npages;
	unsigned long userspace_addr;
	u32 flags;
	short id;
} KERNEL_TYPE;

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev;
} KERNEL_TYPE;

struct hlist_head {
	struct hlist_node *first;
} KERNEL_TYPE;

/* By 5.17 memslots are in trees and a hash, before in an array. */
struct kvm_memory_slot___tree {
	struct hlist_node id_node[2];
	struct {
		int any;
	} hva_node[2];
} KERNEL_TYPE;

struct kvm_memslots;

struct kvm_memslots___hash {
	struct hlist_head id_hash[128];
	int node_idx;
} KERNEL_TYPE;

struct kvm_memslots___flat {
	int used_slots;
	struct kvm_memory_slot memslots[0];
} KERNEL_TYPE;

enum mmu_notifier_event { MMU_NOTIFY_UNMAP };

struct mmu_notifier_range {
	unsigned long start;
	unsigned long end;
	enum mmu_notifier_event event;
} KERNEL_TYPE;

struct kvm_gfn_range {
	u64 start;
	u64 end;
} KERNEL_TYPE;

struct vmcb_control_area {
	u32 exit_code;
	u64 exit_info_1;
	u64 exit_info_2;
} KERNEL_TYPE;

struct vmcb {
	struct vmcb_control_area control;
} KERNEL_TYPE;

struct vcpu_svm {
	struct vmcb *vmcb;
} KERNEL_TYPE;

union vmx_exit_reason {
	u32 full;
} KERNEL_TYPE;

struct vcpu_vmx {
	union vmx_exit_reason exit_reason;
	unsigned long exit_qualification;
} KERNEL_TYPE;

/* 5.10 holds a plain number, 6.18 shares the struct with TDX. */
struct vcpu_vmx___plain {
	u32 exit_reason;
} KERNEL_TYPE;

struct vcpu_vt {
	union vmx_exit_reason exit_reason;
	unsigned long exit_qualification;
} KERNEL_TYPE;

struct vcpu_vmx___vt {
	struct vcpu_vt vt;
} KERNEL_TYPE;

/*
 * A hook on a function's entry, or on its return, in both ways that there are:
 * PROG_f by trampoline, PROG_k by kprobe. @call is what they return.
 */
#define ON_ENTRY(fn, prog, call, ...)					\
SEC("fentry/" #fn)							\
int BPF_PROG(prog##_f, ##__VA_ARGS__)					\
{									\
	return call;							\
}									\
									\
SEC("kprobe/" #fn)							\
int BPF_KPROBE(prog##_k, ##__VA_ARGS__)					\
{									\
	return call;							\
}

#define ON_RETURN(fn, prog, call)					\
SEC("fexit/" #fn)							\
int BPF_PROG(prog##_f)							\
{									\
	return call;							\
}									\
									\
SEC("kretprobe/" #fn)							\
int BPF_KRETPROBE(prog##_k)						\
{									\
	return call;							\
}

/* linux/magic.h */
#define ANON_INODE_FS_MAGIC 0x09041934

/* The verifier lets no typed pointer be passed as a number; this is one that it forgets about. */
static __always_inline u64 as_number(const void *ptr)
{
	u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &ptr);
	return number;
}

static __always_inline struct kvm *kvm_of_notifier(struct mmu_notifier *mn)
{
	return (void *)as_number(mn) - bpf_core_field_offset(struct kvm, mmu_notifier);
}

static __always_inline u64 kvm_flushes(struct kvm *kvm)
{
	if (bpf_core_field_exists(kvm->stat.generic.remote_tlb_flush))
		return BPF_CORE_READ(kvm, stat.generic.remote_tlb_flush);
	return BPF_CORE_READ((struct kvm___flat *)kvm, stat.remote_tlb_flush);
}

/*
 * KVM's files are recognized by name, in the one file system that only the
 * kernel fills. Names are compared as numbers: "kvm-vcpu", perhaps with more
 * behind it, and "kvm-vm" with the end of the string.
 */
#define NAME_VCPU	0x757063762d6d766bULL
#define NAME_VM		0x00006d762d6d766bULL
#define NAME_VM_MASK	0x00ffffffffffffffULL

static __always_inline u64 file_name(struct file *file)
{
	u64 name = 0;

	if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) != ANON_INODE_FS_MAGIC)
		return 0;
	bpf_probe_read_kernel(&name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return name;
}

/* The task that recovers NX huge pages for @kvm, NULL while there is none. */
static __always_inline struct task_struct *kvm_nx_task(struct kvm *kvm)
{
	void *arch = (void *)kvm + bpf_core_field_offset(struct kvm, arch);
	struct kvm_arch___nx_lpage *lpage = arch;
	struct kvm_arch___nx *nx = arch;
	void *thread = NULL;

	if (bpf_core_field_exists(lpage->nx_lpage_recovery_thread))
		return BPF_CORE_READ(lpage, nx_lpage_recovery_thread);
	if (bpf_core_field_exists(nx->nx_huge_page_recovery_thread))
		thread = BPF_CORE_READ(nx, nx_huge_page_recovery_thread);
	if (thread && bpf_core_field_exists(nx->nx_huge_page_last))
		return BPF_CORE_READ((struct vhost_task *)thread, task);
	return thread;
}

/* Whether the task is leaving the CPU of its own accord. */
static __always_inline bool task_sleeps(struct task_struct *task)
{
	struct task_struct___dunder *t = (void *)task;

	if (bpf_core_field_exists(t->__state))
		return BPF_CORE_READ(t, __state);
	return BPF_CORE_READ((struct task_struct___state *)task, state);
}

#endif /* MMUSCOPE_CORE_BPF_H */
