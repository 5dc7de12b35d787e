// SPDX-License-Identifier: GPL-2.0
#include "cmd/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <asm/processor-flags.h>

#include <mmuscope/abi.h>

#include "cmd/target.h"
#include "lib/parse.h"
#include "lib/proc.h"
#include "source/hypervisor.h"
#include "source/peek.h"

/* asm/msr-index.h is not for user space. */
#define EFER_LMA	(1ULL << 10)
#define EFER_NX		(1ULL << 11)

#define NO_ROOT		(~0ULL)

struct inspect {
	struct peek *peek;
	const struct peek_area *area;
	pid_t pid;
	char name[256];
	int pagemap;
	int memory;	/* of the owner, or -errno; process_vm_readv() is not in every kernel */
	uint8_t isa;
	uint8_t tdp;
	/* Of the kernel's variables, 0 where they are not known. */
	uint64_t encrypted;
	uint64_t mmio_mask, mmio_value;
	uint64_t accessed;
	struct walk_words words;
};

static int ops_physical(void *ctx, uint64_t address, uint64_t *word)
{
	return peek_physical(((struct inspect *)ctx)->peek, address, word);
}

static int ops_owner(void *ctx, uint64_t hva, void *to, size_t size)
{
	int fd = ((struct inspect *)ctx)->memory;
	ssize_t got;

	if (fd < 0)
		return fd;
	got = pread(fd, to, size, hva);
	/* It is EIO where nothing is mapped. */
	if (got < 0)
		return errno == EIO ? -EFAULT : -errno;
	return got == (ssize_t)size ? 0 : -EFAULT;
}

static int ops_pages(void *ctx, uint64_t hva, size_t nr, uint64_t *entries)
{
	size_t size = nr * sizeof(*entries);
	ssize_t got = pread(((struct inspect *)ctx)->pagemap, entries, size,
			    hva / WALK_PAGE * sizeof(*entries));

	if (got < 0)
		return -errno;
	return got == (ssize_t)size ? 0 : -ENOENT;
}

const struct translate_ops inspect_ops = { ops_physical, ops_owner, ops_pages };

static void variables_read(struct inspect *in)
{
	uint64_t me = 0;

	/* What a kernel does not have or hides stays 0. */
	peek_variable(in->peek, "sme_me_mask", &in->encrypted);
	peek_variable(in->peek, "shadow_me_mask", &me);
	in->encrypted |= me;
	peek_variable(in->peek, "shadow_mmio_mask", &in->mmio_mask);
	peek_variable(in->peek, "shadow_mmio_value", &in->mmio_value);
	peek_variable(in->peek, "shadow_accessed_mask", &in->accessed);
	peek_variable(in->peek, "shadow_host_writable_mask", &in->words.host_writable);
	peek_variable(in->peek, "shadow_mmu_writable_mask", &in->words.mmu_writable);
}

static int pid_each(void *ctx, pid_t pid, const char *name)
{
	struct inspect *in = ctx;

	if (pid != in->pid)
		return 0;
	snprintf(in->name, sizeof(in->name), "%s", name);
	return 1;
}

/* A number is a process. */
static int vm_find(struct inspect *in, const char *name)
{
	uint64_t pid;

	if (parse_number(name, INT_MAX, &pid) || !pid) {
		snprintf(in->name, sizeof(in->name), "%s", name);
		return target_find_vm(name, &in->pid);
	}
	in->pid = pid;
	if (proc_for_each_vm(pid_each, in) == 1)
		return 0;
	fprintf(stderr, "mmuscope: process %d %s\n", in->pid,
		kill(in->pid, 0) && errno == ESRCH ? "does not exist" : "has no VM");
	return -ENOENT;
}

int inspect_look(struct inspect *in)
{
	in->area = peek_look(in->peek, in->pid);
	if (!in->area) {
		fprintf(stderr, "mmuscope: cannot look at VM %s: %s\n", in->name, strerror(errno));
		return -EIO;
	}
	if (!in->area->nr_vms) {
		fprintf(stderr, "mmuscope: VM %s is gone\n", in->name);
		return -ENOENT;
	}
	return 0;
}

/* Return: a file of the owner, or -errno. @path is set to its name. */
static int owner_open(pid_t pid, const char *file, char *path, size_t size)
{
	int fd;

	snprintf(path, size, "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

struct inspect *inspect_open(const char *name)
{
	struct inspect *in = calloc(1, sizeof(*in));
	char msg[256], path[64];

	if (!in) {
		fprintf(stderr, "mmuscope: not enough memory\n");
		return NULL;
	}
	in->pagemap = in->memory = -1;
	if (geteuid()) {
		fprintf(stderr, "mmuscope: looking into a VM needs root\n");
		goto fail;
	}
	if (vm_find(in, name))
		goto fail;
	/* It may be refused where the rest is not, and not everybody needs it. */
	in->memory = owner_open(in->pid, "mem", path, sizeof(path));
	in->pagemap = owner_open(in->pid, "pagemap", path, sizeof(path));
	if (in->pagemap < 0) {
		fprintf(stderr, "mmuscope: cannot read %s: %s\n", path, strerror(-in->pagemap));
		goto fail;
	}
	if (hypervisor_detect(&in->isa, &in->tdp)) {
		fprintf(stderr, "mmuscope: kvm is not loaded: modprobe kvm_intel or kvm_amd "
			"first\n");
		goto fail;
	}
	in->peek = peek_open(msg, sizeof(msg));
	if (!in->peek) {
		fprintf(stderr, "mmuscope: %s\n", msg);
		goto fail;
	}
	variables_read(in);
	if (!inspect_look(in))
		return in;
fail:
	inspect_close(in);
	return NULL;
}

void inspect_close(struct inspect *in)
{
	peek_close(in->peek);
	if (in->pagemap >= 0)
		close(in->pagemap);
	if (in->memory >= 0)
		close(in->memory);
	free(in);
}

pid_t inspect_pid(const struct inspect *in)
{
	return in->pid;
}

const char *inspect_name(const struct inspect *in)
{
	return in->name;
}

const struct peek_area *inspect_area(const struct inspect *in)
{
	return in->area;
}

struct walk_rules inspect_host_rules(struct inspect *in)
{
	struct walk_rules r = { .format = WALK_LONG, .nx = true, .encrypted = in->encrypted };
	uint64_t base = peek_physical_base(in->peek);

	if (!base || !in->area->vms[0].pgd)
		return r;
	/* Only with 5 levels are there kernel addresses below this. */
	r.levels = base >> 47 == 0x1ffff ? 4 : 5;
	r.root = in->area->vms[0].pgd - base;
	return r;
}

/* The SDM's table of paging modes, volume 3, 4.1.1. */
static void guest_rules(struct walk_rules *r, const struct peek_vcpu *v, uint64_t cr3)
{
	*r = (struct walk_rules){ .root = cr3, .nx = v->efer & EFER_NX };
	if (!(v->cr0 & X86_CR0_PG))
		return;
	if (!(v->cr4 & X86_CR4_PAE)) {
		r->format = WALK_32;
		r->levels = 2;
		r->huge_4m = v->cr4 & X86_CR4_PSE;
	} else if (!(v->efer & EFER_LMA)) {
		r->format = WALK_PAE;
		r->levels = 3;
	} else {
		r->format = WALK_LONG;
		r->levels = v->cr4 & X86_CR4_LA57 ? 5 : 4;
	}
}

/* Shadow tables belong to a CR3; KVM keeps those of a few. */
static uint64_t shadow_root(const struct peek_vcpu *v, const struct machine *m)
{
	uint64_t mask = m->guest.format == WALK_LONG ? ~(WALK_PAGE - 1) : ~31ULL;

	if (v->direct)
		return v->roots[0].hpa;
	for (size_t i = 0; i < PEEK_ROOTS; i++)
		if (v->roots[i].hpa != NO_ROOT &&
		    !((v->roots[i].pgd ^ m->guest.root) & mask & INT64_MAX))
			return v->roots[i].hpa;
	return NO_ROOT;
}

static void kvm_rules(const struct inspect *in, const struct peek_vcpu *v, struct machine *m)
{
	if (!v->known || v->nested || !peek_physical_base(in->peek))
		return;
	m->tables = !in->tdp ? TABLES_SHADOW : in->isa == MMUSCOPE_isa_vmx ? TABLES_EPT :
									     TABLES_NPT;
	m->kvm.root = v->roots[0].hpa;
	if (m->tables == TABLES_SHADOW)
		m->kvm.root = shadow_root(v, m);
	if (m->kvm.root == NO_ROOT || !v->level)
		return;
	m->kvm.levels = v->level;
	m->kvm.format = m->tables == TABLES_EPT ? WALK_EPT :
			v->level == 3 ? WALK_PAE : WALK_LONG;
	m->kvm.nx = true;
	m->kvm.made_by_kvm = true;
	m->kvm.mmio_mask = in->mmio_mask;
	m->kvm.mmio_value = in->mmio_value;
	m->kvm.encrypted = in->encrypted;
	m->kvm_by_gpa = m->tables == TABLES_SHADOW && v->direct;
	m->accessed = m->tables == TABLES_EPT && in->accessed;
	m->words = in->words;
}

/* Memslots are found VM by VM. */
static size_t slots_of_first(const struct peek_area *area)
{
	size_t nr = 0;

	while (nr < area->nr_slots && !area->slots[nr].vm)
		nr++;
	return nr;
}

const struct peek_vcpu *inspect_machine(struct inspect *in, const struct inspect_choice *choice,
					struct machine *m)
{
	const struct peek_area *area = in->area;
	const struct peek_vcpu *v = NULL;

	for (size_t i = 0; i < area->nr_vcpus; i++) {
		const struct peek_vcpu *one = &area->vcpus[i];

		if (one->kvm != area->vms[0].kvm)
			continue;
		if (choice->vcpu >= 0 ? one->id == choice->vcpu : !v || one->id < v->id)
			v = one;
	}
	if (!v) {
		if (choice->vcpu >= 0)
			fprintf(stderr, "mmuscope: VM %s has no vCPU %lld\n", in->name,
				(long long)choice->vcpu);
		else
			fprintf(stderr, "mmuscope: VM %s has no vCPU\n", in->name);
		return NULL;
	}
	*m = (struct machine){
		.slots = area->slots, .nr_slots = slots_of_first(area),
		.host = inspect_host_rules(in), .write_protect = v->cr0 & X86_CR0_WP,
		.has_guest = !v->nested || choice->has_cr3,
		.ops = &inspect_ops, .ctx = in,
	};
	guest_rules(&m->guest, v, choice->has_cr3 ? choice->cr3 : v->cr3);
	kvm_rules(in, v, m);
	return v;
}

void inspect_notes(const struct inspect *in, const struct inspect_choice *choice,
		   const struct peek_vcpu *v, const struct machine *m, struct section *s)
{
	if (in->area->nr_vms > 1)
		section_note(s, "The process has %u VMs; this is the one made first.",
			     in->area->nr_vms);
	if (in->area->missed)
		section_note(s, "There are more vCPUs or memslots than mmuscope looks at: %u are "
			     "missing.", in->area->missed);
	if (!peek_physical_base(in->peek))
		section_note(s, "Where the kernel maps physical memory is not known "
			     "(page_offset_base, kptr_restrict): the host's and KVM's page tables "
			     "cannot be read.");
	else if (!v->known)
		section_note(s, "This kernel's struct kvm_mmu is of a shape not known: KVM's page "
			     "tables cannot be read.");
	if (v->nested)
		section_note(s, "The vCPU runs a guest of its guest: its registers and KVM's table "
			     "are that one's. A guest-virtual address takes --cr3.");
	else if (m->tables != TABLES_NONE && !m->kvm.levels)
		section_note(s, "KVM has no table for this %s now, and makes one when the vCPU "
			     "runs next.", m->tables == TABLES_SHADOW ? "CR3" : "vCPU");
	if (!choice->has_cr3 && !v->cr3_read && in->isa == MMUSCOPE_isa_vmx && in->tdp)
		section_note(s, "CR3 is the last one that KVM has read from the CPU, and may be an "
			     "older one; --cr3 takes another.");
	else if (!choice->has_cr3 && v->in_guest)
		section_note(s, "The guest runs: its registers are as of its last exit.");
}
