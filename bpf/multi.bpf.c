// SPDX-License-Identifier: GPL-2.0
/*
 * One hook for many functions (kprobe.multi): the kernel takes all of them away in one wait. The
 * cookie of a function is where in the table its program is, one of those that are made for
 * kprobes and kretprobes.
 */
#include "core.bpf.h"
#include "shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, MULTI_MAX);
	__type(key, u32);
	__type(value, u32);
} functions SEC(".maps");

SEC("kprobe.multi")
int multi_entry(struct pt_regs *ctx)
{
	bpf_tail_call(ctx, &functions, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("kretprobe.multi")
int multi_return(struct pt_regs *ctx)
{
	bpf_tail_call(ctx, &functions, bpf_get_attach_cookie(ctx));
	return 0;
}
