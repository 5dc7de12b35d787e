// SPDX-License-Identifier: GPL-2.0
/* Dirty logging: by bitmap and by ring. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "say.h"
#include "workload.h"

/* One bit per page of the slot. */
static size_t bitmap_bytes(struct vm *vm)
{
	return (vm->data_size / PAGE_SIZE + 63) / 64 * 8;
}

static bool bit_test(const uint64_t *map, uint64_t i)
{
	return map[i / 64] >> (i % 64) & 1;
}

/* Round r writes every (1 + r % 3)-th page. */
static uint64_t round_step(uint64_t r)
{
	return 1 + r % 3;
}

static uint64_t round_first(uint64_t r)
{
	return r % round_step(r);
}

static uint64_t round_pages(struct vm *vm, uint64_t r)
{
	uint64_t step = round_step(r);

	return (vm->pages - round_first(r) + step - 1) / step;
}

static uint64_t bitmap_differs(struct vm *vm, const uint64_t *map, uint64_t r)
{
	uint64_t bad = 0;

	for (uint64_t i = 0; i < vm->data_size / PAGE_SIZE; i++) {
		bool want = i < vm->pages &&
			i % round_step(r) == round_first(r);

		bad += bit_test(map, i) != want;
	}
	return bad;
}

static int dirtylog_setup(struct vm *vm)
{
	int64_t writes = 0;

	for (uint64_t r = 0; r < vm->rounds; r++)
		writes += round_pages(vm, r);
	/* Each GET write-protects what was dirty; PML needs no faults for it. */
	vm->expect_tdp = host_has_pml() ? (int64_t)vm->pages : writes;
	vm->expect_shadow = writes;
	/* The first round faults for each page, and a fault empties the buffer. */
	if (host_has_pml())
		vm->expect_pml_full = (writes - round_pages(vm, 0)) / PML_ENTRIES;
	vm->priv = malloc(bitmap_bytes(vm));
	return vm->priv ? vm_set_data_flags(vm, KVM_MEM_LOG_DIRTY_PAGES) :
		-ENOMEM;
}

static int dirtylog_round(struct vm *vm, uint64_t r)
{
	struct kvm_dirty_log log = {
		.slot = SLOT_DATA,
		.dirty_bitmap = vm->priv,
	};
	uint64_t bad;
	int err;

	err = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, round_step(r),
			 round_first(r), 1 + r);
	if (err)
		return err;
	memset(vm->priv, 0, bitmap_bytes(vm));
	if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log))
		return -errno;
	bad = bitmap_differs(vm, vm->priv, r);
	if (!bad)
		return 0;
	say_error("round %llu: %llu pages differ in the dirty bitmap",
		  (unsigned long long)r, (unsigned long long)bad);
	return -EBADMSG;
}

static int dirtylog_run(struct vm *vm)
{
	int err = 0;

	for (uint64_t r = 0; !err && r < vm->rounds; r++)
		err = dirtylog_round(vm, r);
	return err;
}

const struct workload workload_dirtylog = {
	.name = "dirtylog",
	.doc = "write pages under dirty logging, check KVM_GET_DIRTY_LOG",
	.pages = 2048,
	.rounds = 6,
	.setup = dirtylog_setup,
	.run = dirtylog_run,
};

/* Pages of one KVM_CLEAR_DIRTY_LOG, the fewest that it takes. */
#define CLEAR_PAGES 64

static int dirtyclear_prepare(struct vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args = { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE },
	};

	if (!vm_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)) {
		say_error("this KVM cannot clear parts of the dirty log (Linux 5.0 can)");
		return EXIT_SKIP;
	}
	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap) ? -errno : 0;
}

static int dirtyclear_setup(struct vm *vm)
{
	vm->pages -= vm->pages % CLEAR_PAGES;
	vm->expect_shadow = vm->pages / CLEAR_PAGES * vm->rounds;
	vm->expect_tdp = host_has_pml() ? vm->expect_shadow / (int64_t)vm->rounds :
		vm->expect_shadow;
	vm->priv = malloc(bitmap_bytes(vm));
	return vm->priv ? vm_set_data_flags(vm, KVM_MEM_LOG_DIRTY_PAGES) : -ENOMEM;
}

/* As fast as it can: each part has one dirty page, and so each is a flush of its own. */
static int clear_parts(struct vm *vm)
{
	struct kvm_dirty_log log = { .slot = SLOT_DATA, .dirty_bitmap = vm->priv };
	struct kvm_clear_dirty_log part = {
		.slot = SLOT_DATA, .num_pages = CLEAR_PAGES, .dirty_bitmap = vm->priv,
	};

	memset(vm->priv, 0, bitmap_bytes(vm));
	if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log))
		return -errno;
	for (; part.first_page + CLEAR_PAGES <= vm->pages; part.first_page += CLEAR_PAGES) {
		if (*(uint64_t *)part.dirty_bitmap != 1)
			return -EBADMSG;
		if (ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &part))
			return -errno;
		part.dirty_bitmap = (uint64_t *)part.dirty_bitmap + 1;
	}
	return 0;
}

static int dirtyclear_run(struct vm *vm)
{
	int err = 0;

	for (uint64_t r = 0; !err && r < vm->rounds; r++) {
		err = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, CLEAR_PAGES, 0, 1 + r);
		if (!err)
			err = clear_parts(vm);
	}
	return err;
}

const struct workload workload_dirtyclear = {
	.name = "dirtyclear",
	.doc = "write one page of 64 under dirty logging, clear the log part by part",
	.pages = 262144,
	.rounds = 4,
	.prepare = dirtyclear_prepare,
	.setup = dirtyclear_setup,
	.run = dirtyclear_run,
};

#define RING_ENTRIES 1024

struct ring_state {
	pthread_mutex_t lock;
	uint8_t *seen;		/* times a page was reported this round */
	uint64_t entries;
	uint64_t fulls;
	uint64_t foreign;	/* entries of other slots or beyond the end */
};

static int dirtyring_prepare(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING };
	uint32_t max = vm_cap(vm, KVM_CAP_DIRTY_LOG_RING);

	if (!max) {
		cap.cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL;
		max = vm_cap(vm, KVM_CAP_DIRTY_LOG_RING_ACQ_REL);
	}
	if (!max) {
		say_error("this KVM has no dirty ring (Linux 5.11 has it)");
		return EXIT_SKIP;
	}
	vm->ring_bytes = RING_ENTRIES * sizeof(struct kvm_dirty_gfn);
	if (vm->ring_bytes > max)
		vm->ring_bytes = max;
	cap.args[0] = vm->ring_bytes;
	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap) ? -errno : 0;
}

/* Takes all entries out of one vCPU's ring; called with the lock held. */
static void ring_take(struct vcpu *vcpu, struct ring_state *s)
{
	uint32_t entries = vcpu->vm->ring_bytes / sizeof(struct kvm_dirty_gfn);

	for (;;) {
		struct kvm_dirty_gfn *e =
			&vcpu->ring[vcpu->ring_next % entries];

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) !=
		    KVM_DIRTY_GFN_F_DIRTY)
			return;
		if (e->slot == SLOT_DATA && e->offset < vcpu->vm->pages)
			s->seen[e->offset]++;
		else
			s->foreign++;
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET,
				 __ATOMIC_RELEASE);
		vcpu->ring_next++;
		s->entries++;
	}
}

static int ring_full(struct vcpu *vcpu)
{
	struct ring_state *s = vcpu->vm->priv;
	int r;

	pthread_mutex_lock(&s->lock);
	s->fulls++;
	ring_take(vcpu, s);
	r = ioctl(vcpu->vm->fd, KVM_RESET_DIRTY_RINGS, 0);
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? -errno : 0;
}

static int dirtyring_setup(struct vm *vm)
{
	struct ring_state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->seen = malloc(vm->pages);
	vm->priv = s;
	vm->ring_full = ring_full;
	vm->expect_shadow = vm->pages * vm->rounds;
	vm->expect_tdp = host_has_pml() ? (int64_t)vm->pages :
		vm->expect_shadow;
	if (host_has_pml())
		vm->expect_pml_full = vm->pages * (vm->rounds - 1) / PML_ENTRIES;
	return s->seen ? vm_set_data_flags(vm, KVM_MEM_LOG_DIRTY_PAGES) :
		-ENOMEM;
}

static int dirtyring_round(struct vm *vm, uint64_t r)
{
	struct ring_state *s = vm->priv;
	uint64_t bad = 0;
	int err;

	memset(s->seen, 0, vm->pages);
	err = share_call(vm, OP_WRITE, DATA_GVA, vm->pages, 1, 0, 1 + r);
	if (err)
		return err;
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		ring_take(&vm->vcpus[i], s);
	if (ioctl(vm->fd, KVM_RESET_DIRTY_RINGS, 0) < 0)
		return -errno;
	for (uint64_t i = 0; i < vm->pages; i++)
		bad += !s->seen[i];
	if (!bad && !s->foreign)
		return 0;
	say_error("round %llu: %llu pages not reported, %llu others reported",
		  (unsigned long long)r, (unsigned long long)bad,
		  (unsigned long long)s->foreign);
	return -EBADMSG;
}

static int dirtyring_run(struct vm *vm)
{
	int err = 0;

	for (uint64_t r = 0; !err && r < vm->rounds; r++)
		err = dirtyring_round(vm, r);
	return err;
}

static int dirtyring_check(struct vm *vm)
{
	struct ring_state *s = vm->priv;

	out_num("ring_entries", s->entries);
	out_num("ring_fulls", s->fulls);
	/*
	 * The fault that fills the ring exits before the store is done; the
	 * reset protects the page again, so it faults and is reported twice.
	 */
	vm->expect_shadow += s->fulls;
	if (!host_has_pml())
		vm->expect_tdp += s->fulls;
	return 0;
}

const struct workload workload_dirtyring = {
	.name = "dirtyring",
	.doc = "write pages, collect them from the dirty rings, check them",
	.pages = 2048,
	.rounds = 4,
	.prepare = dirtyring_prepare,
	.setup = dirtyring_setup,
	.run = dirtyring_run,
	.check = dirtyring_check,
};
