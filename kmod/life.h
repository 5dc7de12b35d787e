/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers for VMs and vCPUs: given at first sight, taken back when they are destroyed. */
#ifndef MMUSCOPE_LIFE_H
#define MMUSCOPE_LIFE_H

#include "mmuscope.h"

/* @exits: by slot. Return: 0 or -ENOMEM. */
int life_alloc(struct mmuscope_kmod_vcpu *exits);
void life_free(void);

/* The state of a vCPU that the running task runs, made where it has none; NULL: not traced. */
struct vcpu_state *vcpu_find(struct kvm_vcpu *vcpu);

/* The vCPU that a task is, by its task_id(); NULL: none. */
struct vcpu_state *vcpu_find_task(u64 tid);

/* From then on what is met for the first time was made while the session ran. */
void life_all_found(void);

/* Of what is met for the first time: enum mmuscope_life. */
u8 life_met(void);

/*
 * A VM that is there already, whether it was met before or not. Return: its number if its memslots
 * are still to be told, and it is traced; else 0.
 */
u16 vm_found(struct kvm *kvm, struct task_struct *task);

/* A vCPU that is there already: @tid is the thread that ran it last. */
void vcpu_found(struct kvm_vcpu *vcpu, struct task_struct *task, u64 tid);

void vcpu_forget(struct kvm_vcpu *vcpu);

/* The thread is no vCPU any more; the vCPU stays. */
void vcpu_leave(struct vcpu_state *v);

void vm_forget(struct kvm *kvm, struct task_struct *task);

/* Writes a record of each memslot of a VM that was found. */
void slots_found(u16 vm, struct kvm *kvm);

/* Finds VMs, vCPUs and memslots through the files of all tasks. */
void life_find_running(void);

#endif /* MMUSCOPE_LIFE_H */
