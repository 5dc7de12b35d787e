// SPDX-License-Identifier: GPL-2.0
/* Memslots that are made, moved, changed and deleted. */
#include "life.h"
#include "mmuscope.h"

/* A memslot request, for the flushes and zaps on its way. */
static void slot_begin(const struct hook_call *c)
{
	ctx_open((struct kvm *)c->arg[0], CTX_SLOT, MMUSCOPE_origin_slot);
}

static void slot_end(const struct hook_call *c)
{
	ctx_close(CTX_SLOT);
}

/* enum kvm_mr_change has the values of enum mmuscope_slot_op. */
static void slot_changed(const struct hook_call *c)
{
	struct kvm *kvm = (struct kvm *)c->arg[0];
	const unsigned long *arg = c->arg + COMPAT_COMMIT_OLD;
	const struct kvm_memory_slot *old = (const struct kvm_memory_slot *)arg[0];
	const struct kvm_memory_slot *new = (const struct kvm_memory_slot *)arg[1];
	u32 change = arg[2];
	u16 vm = vm_find(kvm, current, life_met(), MMUSCOPE_mode_unknown);

	if (vm)
		slot_emit(vm, change == MMUSCOPE_slot_op_delete ? old : new, change);
}

static struct hook_event events[] = {};

static struct hook_function functions[] = {
	HOOK_FUNCTION("kvm_set_memslot", slot_begin, slot_end),
	HOOK_FUNCTION("kvm_arch_commit_memory_region", slot_changed, NULL),
};

struct hook_family family_slot =
	HOOK_FAMILY(BIT(MMUSCOPE_TYPE_slot) | BIT(MMUSCOPE_TYPE_flush) |
		    BIT(MMUSCOPE_TYPE_shadow_page) | BIT(MMUSCOPE_TYPE_vm));
