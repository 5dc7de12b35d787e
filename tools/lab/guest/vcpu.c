// SPDX-License-Identifier: GPL-2.0
/* One thread per vCPU, which serves one request after the other. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "say.h"
#include "vm.h"

#define CR0_BITS	0x80010033ull	/* PG WP NE ET MP PE */
#define CR4_BITS	0x00000020ull	/* PAE */
#define EFER_BITS	0x00000d00ull	/* NXE LMA LME */

static struct kvm_segment flat_segment(unsigned int cpl, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = (code ? CODE_SEL : DATA_SEL) + (cpl ? 0x10 : 0) + cpl,
		.type = code ? 11 : 3,
		.present = 1,
		.dpl = cpl,
		.db = !code,
		.s = 1,
		.l = code,
		.g = 1,
	};
}

static int set_sregs(struct vcpu *vcpu)
{
	unsigned int cpl = vcpu->vm->opt->cpl;
	struct kvm_sregs s;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &s))
		return -errno;
	s.cs = flat_segment(cpl, true);
	s.ds = s.es = s.fs = s.gs = s.ss = flat_segment(cpl, false);
	s.tr = (struct kvm_segment){
		.base = TSS_GPA, .limit = 0x67, .selector = 0x40,
		.type = 11, .present = 1,
	};
	s.gdt = (struct kvm_dtable){ .base = GDT_GPA, .limit = DATA_SEL + 7 };
	/*
	 * Up to the gate for page faults, which one workload makes. Else all are empty: an
	 * exception of the guest is a bug and ends as SHUTDOWN.
	 */
	s.idt = (struct kvm_dtable){ .base = IDT_GPA, .limit = (PF_VECTOR + 1) * 16 - 1 };
	s.cr0 = CR0_BITS;
	s.cr3 = vcpu->vm->root;
	s.cr4 = CR4_BITS;
	s.efer = EFER_BITS;
	return ioctl(vcpu->fd, KVM_SET_SREGS, &s) ? -errno : 0;
}

static int set_regs(struct vcpu *vcpu)
{
	struct kvm_regs r = {
		.rip = PAYLOAD_GPA,
		/* As after a call: the stack is 8 off its alignment. */
		.rsp = STACK_GPA + (vcpu->id + 1) * PAGE_SIZE - 8,
		.rdi = COMM_GPA + vcpu->id * PAGE_SIZE,
		/* IOPL 3 lets CPL 3 ring the doorbell port. */
		.rflags = 0x2 | (vcpu->vm->opt->cpl ? 0x3000 : 0),
	};

	return ioctl(vcpu->fd, KVM_SET_REGS, &r) ? -errno : 0;
}

/* Without CPUID, KVM would take NX and wide addresses as reserved bits. */
static int set_cpuid(struct vcpu *vcpu)
{
	const unsigned int max = 256;
	struct kvm_cpuid2 *c;
	int r = 0;

	c = calloc(1, sizeof(*c) + max * sizeof(c->entries[0]));
	if (!c)
		return -ENOMEM;
	c->nent = max;
	if (ioctl(vcpu->vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, c) ||
	    ioctl(vcpu->fd, KVM_SET_CPUID2, c))
		r = -errno;
	free(c);
	return r;
}

static int bad_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs r = { 0 };
	struct kvm_sregs s = { 0 };

	ioctl(vcpu->fd, KVM_GET_REGS, &r);
	ioctl(vcpu->fd, KVM_GET_SREGS, &s);
	say_error("vCPU %u: unexpected exit %u (sub %u) rip %#llx cr2 %#llx rdi %#llx op %u",
		  vcpu->id, run->exit_reason,
		  run->exit_reason == KVM_EXIT_INTERNAL_ERROR ?
		  run->internal.suberror : 0,
		  r.rip, s.cr2, r.rdi, vcpu->comm->op);
	return -EIO;
}

/* 1: doorbell, 0: go on, < 0: error */
static int handle_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct vm *vm = vcpu->vm;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return run->io.port == BELL_PORT ? 1 : bad_exit(vcpu);
	case KVM_EXIT_MMIO:
		if (run->mmio.phys_addr == BELL_GPA)
			return 1;
		vcpu->exits_mmio++;
		if (!vm->mmio)
			return bad_exit(vcpu);
		return vm->mmio(vcpu, run->mmio.phys_addr, run->mmio.is_write,
				run->mmio.data, run->mmio.len);
	case KVM_EXIT_DIRTY_RING_FULL:
		return vm->ring_full ? vm->ring_full(vcpu) : bad_exit(vcpu);
	case KVM_EXIT_INTR:
		return 0;
	default:
		return bad_exit(vcpu);
	}
}

static int serve_request(struct vcpu *vcpu)
{
	int r;

	do {
		r = ioctl(vcpu->fd, KVM_RUN, 0);
		if (r && errno != EINTR && errno != EAGAIN) {
			say_error("vCPU %u: KVM_RUN: %s", vcpu->id,
				  strerror(errno));
			return -errno;
		}
		r = r ? 0 : handle_exit(vcpu);
	} while (!r);
	return r < 0 ? r : 0;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16];
	int r;

	snprintf(name, sizeof(name), "CPU %u/KVM", vcpu->id);
	pthread_setname_np(pthread_self(), name);
	pthread_mutex_lock(&vcpu->lock);
	for (;;) {
		while (vcpu->state == VCPU_IDLE)
			pthread_cond_wait(&vcpu->cond, &vcpu->lock);
		if (vcpu->state == VCPU_QUIT)
			break;
		pthread_mutex_unlock(&vcpu->lock);
		r = serve_request(vcpu);
		pthread_mutex_lock(&vcpu->lock);
		vcpu->result = r;
		vcpu->state = VCPU_IDLE;
		pthread_cond_broadcast(&vcpu->cond);
	}
	pthread_mutex_unlock(&vcpu->lock);
	return NULL;
}

static int map_ring(struct vcpu *vcpu)
{
	void *p;

	if (!vcpu->vm->ring_bytes)
		return 0;
	p = mmap(NULL, vcpu->vm->ring_bytes, PROT_READ | PROT_WRITE,
		 MAP_SHARED, vcpu->fd, KVM_DIRTY_LOG_PAGE_OFFSET * PAGE_SIZE);
	if (p == MAP_FAILED)
		return -errno;
	vcpu->ring = p;
	return 0;
}

int vcpu_create(struct vm *vm, unsigned int id)
{
	int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct vcpu *vcpu = &vm->vcpus[id];
	int r;

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->comm = (struct comm *)((uint8_t *)vm->infra + COMM_GPA +
				     id * PAGE_SIZE);
	vcpu->comm->bell = vm->opt->bell;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0)
		return -errno;
	vm->nr_vcpus = id + 1;
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		return -errno;
	r = map_ring(vcpu);
	if (!r)
		r = set_cpuid(vcpu);
	if (!r)
		r = set_sregs(vcpu);
	if (!r)
		r = set_regs(vcpu);
	if (r)
		return r;
	pthread_mutex_init(&vcpu->lock, NULL);
	pthread_cond_init(&vcpu->cond, NULL);
	return -pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->thread) {
		pthread_mutex_lock(&vcpu->lock);
		vcpu->state = VCPU_QUIT;
		pthread_cond_broadcast(&vcpu->cond);
		pthread_mutex_unlock(&vcpu->lock);
		pthread_join(vcpu->thread, NULL);
	}
	close(vcpu->fd);
}

void vcpu_start(struct vcpu *vcpu, enum op op, const uint64_t *arg,
		unsigned int args)
{
	pthread_mutex_lock(&vcpu->lock);
	memcpy(vcpu->comm->arg, arg, args * sizeof(*arg));
	vcpu->comm->op = op;
	vcpu->state = VCPU_BUSY;
	pthread_cond_broadcast(&vcpu->cond);
	pthread_mutex_unlock(&vcpu->lock);
}

int vcpu_wait(struct vcpu *vcpu)
{
	int r;

	pthread_mutex_lock(&vcpu->lock);
	while (vcpu->state == VCPU_BUSY)
		pthread_cond_wait(&vcpu->cond, &vcpu->lock);
	r = vcpu->result;
	pthread_mutex_unlock(&vcpu->lock);
	return r;
}

int vcpu_call(struct vcpu *vcpu, enum op op, const uint64_t *arg,
	      unsigned int args)
{
	vcpu_start(vcpu, op, arg, args);
	return vcpu_wait(vcpu);
}
