// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <linux/log2.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/local.h>

#include "hook.h"
#include "life.h"
#include "mmuscope.h"
#include "ring.h"
#include "state.h"

struct mmuscope_kmod_start config;
struct session_clock session_clock;

static struct mmuscope_kmod_vcpu *exits;
static struct mmuscope_kmod_lost *lost;
static bool running;

/* One increment is one instruction, so that interrupts need not be kept away. */
void count_lost(u32 stage)
{
	local_inc((local_t *)&lost[smp_processor_id()].count[stage % MMUSCOPE_KMOD_STAGES]);
}

static bool start_valid(const struct mmuscope_kmod_start *want)
{
	return want->size == sizeof(*want) && !(want->flags & ~MMUSCOPE_KMOD_THIN) &&
	       is_power_of_2(want->ring_bytes) && want->ring_bytes >= MMUSCOPE_KMOD_RING_MIN &&
	       want->ring_bytes <= MMUSCOPE_KMOD_RING_MAX &&
	       want->isa <= MMUSCOPE_isa_svm && want->tdp <= 1 &&
	       !memchr_inv(want->pad, 0, sizeof(want->pad));
}

static bool offset_valid(s32 offset)
{
	return offset >= -1 && offset < (s32)PAGE_SIZE * 16;
}

static bool offsets_valid(const struct mmuscope_kmod_offsets *o)
{
	return offset_valid(o->fault_goal_level) && offset_valid(o->fault_gfn) &&
	       offset_valid(o->svm_vmcb) && offset_valid(o->vmx_exit_reason) &&
	       offset_valid(o->page_gfn) && offset_valid(o->page_role) &&
	       o->nx_thread >= -1 && o->nx_thread < (s32)sizeof(struct kvm_arch) &&
	       offset_valid(o->nx_task);
}

static void counters_free(void)
{
	vfree(exits);
	vfree(lost);
	exits = NULL;
	lost = NULL;
}

static int counters_alloc(void)
{
	exits = vmalloc_user(MMUSCOPE_KMOD_VCPUS * sizeof(*exits));
	lost = vmalloc_user(nr_cpu_ids * sizeof(*lost));
	if (exits && lost)
		return 0;
	counters_free();
	return -ENOMEM;
}

/* The CPU's counter is good for this if the kernel holds it good for its own clock. */
static void clock_choose(void)
{
	session_clock.mult = 0;
	if (!check_tsc_unstable() && tsc_khz >= 1000)
		session_clock.mult = div_u64((u64)NSEC_PER_MSEC << SESSION_CLOCK_SHIFT, tsc_khz);
}

static int sites_copy(u64 from)
{
	if (!from) {
		/* No address is behind this one. */
		memset(cause_sites, 0xff, sizeof(cause_sites));
		return 0;
	}
	if (copy_from_user(cause_sites, u64_to_user_ptr(from), sizeof(cause_sites)))
		return -EFAULT;
	return 0;
}

int session_start(const struct mmuscope_kmod_start *want)
{
	int err;

	if (running)
		return -EALREADY;
	if (!start_valid(want) || !offsets_valid(&want->offsets))
		return -EINVAL;
	err = sites_copy(want->sites);
	if (err)
		return err;
	config = *want;
	if (!config.records)
		config.records = ~0U;
	clock_choose();
	err = counters_alloc();
	if (err)
		return err;
	err = rings_alloc(config.ring_bytes);
	if (err)
		goto free_counters;
	err = state_alloc(exits);
	if (err)
		goto free_rings;
	running = true;
	hook_start();
	life_find_running();
	return 0;
free_rings:
	rings_free();
free_counters:
	counters_free();
	return err;
}

void session_stop(void)
{
	if (!running)
		return;
	hook_stop();
	running = false;
	state_free();
	rings_free();
	counters_free();
}

bool session_running(void)
{
	return running;
}

static int counters_mmap(struct vm_area_struct *vma, void *what)
{
	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	compat_vm_flags_clear(vma, VM_MAYWRITE);
	return remap_vmalloc_range(vma, what, 0);
}

int session_mmap_exits(struct vm_area_struct *vma)
{
	return counters_mmap(vma, exits);
}

int session_mmap_lost(struct vm_area_struct *vma)
{
	return counters_mmap(vma, lost);
}
