// SPDX-License-Identifier: GPL-2.0
/*
 * KVM with software virtualization (no VMX, no SVM) fires neither exit nor
 * entry. There a fault is what lies between the walk of the guest's tables and
 * the entry that is set.
 */
#include "state.bpf.h"

#define FDS_MAX		65536	/* how many files of a task are looked through */

struct fd_search {
	struct file **fds;
	u64 vcpu;
	u32 pid;
};

static long fd_look(u32 i, void *ctx)
{
	struct fd_search *search = ctx;
	struct kvm_vcpu *vcpu;
	struct file *file = NULL;

	bpf_probe_read_kernel(&file, sizeof(file), search->fds + i);
	if (!file || file_name(file) != NAME_VCPU)
		return 0;
	vcpu = BPF_CORE_READ(file, private_data);
	if ((u32)BPF_CORE_READ(vcpu, pid, numbers[0].nr) != search->pid)
		return 0;
	search->vcpu = (u64)vcpu;
	return 1;
}

/*
 * The vCPU that the running task is, by its open files: KVM notes in the vCPU
 * which thread called KVM_RUN last. 0 where it is none.
 */
__noinline __weak u64 vcpu_by_fd(u32 pid)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct fd_search search = { .fds = BPF_CORE_READ(fdt, fd), .pid = pid };
	u32 max = BPF_CORE_READ(fdt, max_fds);

	if (max > FDS_MAX)
		max = FDS_MAX;
	/* Every kernel on which KVM does without VMX and SVM has the helper. */
	bpf_loop(max, fd_look, &search, 0);
	return search.vcpu;
}

SEC("raw_tp/kvm_mmu_pagetable_walk")
int BPF_PROG(soft_walk, u64 addr, u32 access)
{
	struct vcpu_state *v = vcpu_current();

	if (!v) {
		u64 vcpu = vcpu_by_fd(bpf_get_current_pid_tgid());

		if (!vcpu)
			return 0;
		v = vcpu_traced(vcpu_find(vcpu));
		if (!v)
			return 0;
	}
	v->span.phase = SPAN_GUEST;
	span_fault(&v->span, bpf_ktime_get_ns(), addr, access, MMUSCOPE_UNKNOWN);
	return 0;
}

SEC("raw_tp/kvm_mmu_set_spte")
int BPF_PROG(soft_set_spte, int level, u64 gfn)
{
	struct vcpu_state *v = vcpu_current();
	u64 now;

	if (!v || !(v->span.rec.access & SPAN_SEEN_REQUESTED))
		return 0;
	now = bpf_ktime_get_ns();
	span_mapped(&v->span, level, gfn);
	span_handled(&v->span, now, MMUSCOPE_verdict_unknown);
	if (span_entry(&v->span, now))
		emit(&v->span.rec);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
