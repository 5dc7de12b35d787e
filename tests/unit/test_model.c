// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

#define HDR(name, number, ns)						\
	{ .ts = 1000000 + (ns), .dur = (ns), .vm = (number), .vcpu = 0,	\
	  .type = MMUSCOPE_TYPE_##name, .size = sizeof(struct mmuscope_##name) }

/* All faults here are of a walk. */
#define WALKED(n)	(STATS_WALKS * (n) + 1)

static void name_by_pid(void *ctx, const struct mmuscope_vm *rec, char *name, size_t size)
{
	snprintf(name, size, "%s-%u", (const char *)ctx, rec->pid);
}

static int setup(void **state)
{
	*state = model_new(name_by_pid, "guest");
	return !*state;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static void feed_vm(struct model *m, uint16_t id, uint32_t pid, uint8_t op)
{
	struct mmuscope_vm vm = {
		.hdr = HDR(vm, id, 0), .pid = pid, .op = op, .mode = MMUSCOPE_mode_npt,
		.isa = MMUSCOPE_isa_svm, .comm = "qemu",
	};

	vm.hdr.vcpu = MMUSCOPE_NO_VCPU;
	assert_int_equal(model_feed(m, &vm.hdr), 0);
}

static void feed_fault(struct model *m, uint16_t vm, uint64_t ns)
{
	struct mmuscope_fault fault = {
		.hdr = HDR(fault, vm, ns), .mode = MMUSCOPE_mode_ept,
		.condition = MMUSCOPE_condition_not_present, .access = MMUSCOPE_access_write,
		.verdict = MMUSCOPE_verdict_fixed, .level = 2, .handler_ns = ns / 2, .walk = 1,
	};

	fault.hdr.flags = MMUSCOPE_SLEPT;
	assert_int_equal(model_feed(m, &fault.hdr), 0);
}

/* Of a fault of 1,000 ns with these parts, where @part of the time went. */
static uint64_t part_of(uint8_t flags, uint32_t handler, uint32_t resolve, enum stats_time part)
{
	struct mmuscope_fault fault = {
		.hdr = HDR(fault, 1, 1000), .mode = MMUSCOPE_mode_npt,
		.condition = MMUSCOPE_condition_not_present, .verdict = MMUSCOPE_verdict_retry,
		.handler_ns = handler, .resolve_ns = resolve, .gpa = MMUSCOPE_UNKNOWN,
	};
	struct model *m = model_new(NULL, NULL);
	uint64_t all = 0, ns = 0;

	assert_non_null(m);
	fault.hdr.flags = flags;
	assert_int_equal(model_feed(m, &fault.hdr), 0);
	for (size_t i = 0; i < CAUSES; i++) {
		const uint64_t *times = &model_vm(m, 0)->now.count[COUNT_TIME + i * STATS_TIMES];

		for (size_t k = 0; k < STATS_TIMES; k++)
			all += times[k];
		ns += times[part];
	}
	assert_int_equal(all, 1000);
	model_free(m);
	return ns;
}

static void time_of_a_fault_by_its_parts(void **state)
{
	(void)state;
	assert_int_equal(part_of(0, 600, 200, TIME_HOST), 200);
	assert_int_equal(part_of(0, 600, 200, TIME_MAP), 400);
	assert_int_equal(part_of(0, 600, 200, TIME_OUTSIDE), 400);
	assert_int_equal(part_of(MMUSCOPE_SLEPT, 600, 200, TIME_ASLEEP), 200);
	assert_int_equal(part_of(MMUSCOPE_SLEPT, 600, 200, TIME_OUTSIDE), 400);
	/* Tried again: of the handler or of nothing the time was measured. */
	assert_int_equal(part_of(MMUSCOPE_SLEPT, 600, 0, TIME_ASLEEP), 600);
	assert_int_equal(part_of(0, 600, 0, TIME_MAP), 600);
	assert_int_equal(part_of(0, 0, 0, TIME_UNKNOWN), 1000);
	assert_int_equal(part_of(MMUSCOPE_SLEPT, 0, 0, TIME_ASLEEP), 1000);
	assert_int_equal(part_of(MMUSCOPE_SLEPT | MMUSCOPE_USER, 0, 0, TIME_USER), 1000);
}

static void vms_are_named_and_counted(void **state)
{
	struct model *m = *state;

	feed_vm(m, 1, 10, MMUSCOPE_life_found);
	feed_vm(m, 2, 20, MMUSCOPE_life_created);
	assert_int_equal(model_vms(m), 2);
	assert_string_equal(model_vm(m, 0)->name, "guest-10");
	assert_string_equal(model_vm(m, 1)->name, "guest-20");
	assert_int_equal(model_vm(m, 1)->mode, MMUSCOPE_mode_npt);
	assert_int_equal(model_vm(m, 1)->pid, 20);
	feed_vm(m, 2, 0, MMUSCOPE_life_destroyed);
	assert_int_equal(model_vms(m), 2);
	assert_int_equal(model_vm(m, 1)->life, MMUSCOPE_life_destroyed);
	assert_int_equal(model_vm(m, 1)->pid, 20);
}

static void same_name_is_told_apart(void **state)
{
	struct model *m = *state;

	feed_vm(m, 1, 10, MMUSCOPE_life_found);
	feed_vm(m, 2, 10, MMUSCOPE_life_found);
	assert_string_equal(model_vm(m, 0)->name, "guest-10");
	assert_string_equal(model_vm(m, 1)->name, "guest-10#2");
}

static void number_of_a_dead_vm_is_a_new_vm(void **state)
{
	struct model *m = *state;

	feed_vm(m, 1, 10, MMUSCOPE_life_created);
	feed_fault(m, 1, 100);
	feed_vm(m, 1, 10, MMUSCOPE_life_destroyed);
	feed_vm(m, 1, 30, MMUSCOPE_life_created);
	feed_fault(m, 1, 100);
	feed_fault(m, 1, 100);
	assert_int_equal(model_vms(m), 2);
	assert_int_equal(model_vm(m, 0)->now.records[MMUSCOPE_TYPE_fault], 1);
	assert_int_equal(model_vm(m, 1)->now.records[MMUSCOPE_TYPE_fault], 2);
	assert_string_equal(model_vm(m, 1)->name, "guest-30");
}

static void vm_without_introduction_is_counted(void **state)
{
	feed_fault(*state, 7, 100);
	assert_int_equal(model_vms(*state), 1);
	assert_string_equal(model_vm(*state, 0)->name, "vm-7");
	assert_int_equal(model_vm(*state, 0)->nr_vcpus, 1);
}

static void faults_are_keyed(void **state)
{
	const struct fault_key key = {
		MMUSCOPE_mode_ept, MMUSCOPE_condition_not_present, MMUSCOPE_access_write,
		MMUSCOPE_verdict_fixed, 1,
	};
	const struct vm_stats *st;
	struct fault_key back;

	feed_fault(*state, 1, 1000);
	feed_fault(*state, 1, 3000);
	st = &model_vm(*state, 0)->now;
	assert_non_null(st->hist[stats_fault_index(key)]);
	assert_int_equal(st->hist[stats_fault_index(key)]->count, 2);
	assert_int_equal(st->hist[stats_fault_index(key)]->sum, 4000);
	/* Of a walk, all of it: what is of accesses stays empty. */
	assert_int_equal(st->hist[HIST_PHASE + WALKED(PHASE_HANDLER)]->sum, 2000);
	assert_null(st->hist[HIST_PHASE + STATS_WALKS * PHASE_HANDLER]);
	assert_null(st->hist[HIST_PHASE + WALKED(PHASE_LOCK)]);
	assert_int_equal(st->hist[HIST_LEVEL + WALKED(2)]->count, 2);
	assert_null(st->hist[HIST_LEVEL + STATS_WALKS * 2]);
	assert_int_equal(st->count[COUNT_SLEPT + 1], 2);
	assert_int_equal(st->count[COUNT_SLEPT], 0);
	assert_int_equal(st->count[COUNT_USER + 1], 0);
	for (size_t i = HIST_FAULT; i < HIST_PHASE; i++) {
		back = stats_fault_key(i);
		assert_int_equal(stats_fault_index(back), i);
	}
}

/* Enumerations of a newer collector must not write anywhere else. */
static void strange_values_stay_inside(void **state)
{
	union {
		struct mmuscope_hdr hdr;
		unsigned char bytes[256];
	} rec;

	for (unsigned int type = 0; type < 256; type++) {
		memset(&rec, 0xff, sizeof(rec));
		rec.hdr.type = type;
		rec.hdr.size = 200;
		rec.hdr.vm = 3;
		rec.hdr.vcpu = 0;
		assert_int_equal(model_feed(*state, &rec.hdr), 0);
	}
	/* 256 minus the known ones */
	assert_int_equal(model_now(*state)->records[0], 256 - (MMUSCOPE_TYPES - 1));
}

static void short_records_are_padded(void **state)
{
	struct mmuscope_fault fault = { .hdr = HDR(fault, 1, 500), .lock_ns = 99 };

	fault.hdr.size = offsetof(struct mmuscope_fault, lock_ns);
	assert_int_equal(model_feed(*state, &fault.hdr), 0);
	assert_null(model_vm(*state, 0)->now.hist[HIST_PHASE + WALKED(PHASE_LOCK)]);
	assert_int_equal(model_vm(*state, 0)->now.records[MMUSCOPE_TYPE_fault], 1);
}

static void feed_invalidate(struct model *m, uint8_t event, const char *comm, uint64_t ns)
{
	struct mmuscope_invalidate rec = {
		.hdr = HDR(invalidate, 1, ns), .event = event, .gfns = 3,
	};

	memcpy(rec.comm, comm, strnlen(comm, sizeof(rec.comm)));
	assert_int_equal(model_feed(m, &rec.hdr), 0);
}

static void invalidations_go_by_event_and_task(void **state)
{
	const struct notify *n;

	feed_invalidate(*state, MMUSCOPE_notifier_clear, "ksmd", 100);
	feed_invalidate(*state, MMUSCOPE_notifier_unmap, "ksmd", 100);
	feed_invalidate(*state, MMUSCOPE_notifier_clear, "kswapd0", 100);
	feed_invalidate(*state, MMUSCOPE_notifier_clear, "ksmd", 300);
	n = &model_vm(*state, 0)->now.notify;
	assert_int_equal(n->nr, 3);
	assert_int_equal(n->rows[0].hist->count, 2);
	assert_int_equal(n->rows[0].hist->sum, 400);
	assert_int_equal(n->rows[0].gfns, 6);
}

/* Many rows, so that their places in the hash table collide. */
static void rows_that_collide_are_told_apart(void **state)
{
	const struct notify *n;

	for (unsigned int i = 0; i < 2 * (NOTIFY_ROWS - 1); i++)
		feed_invalidate(*state, i / 2, "kcompactd0", 1);
	n = &model_vm(*state, 0)->now.notify;
	assert_int_equal(n->nr, NOTIFY_ROWS - 1);
	for (size_t i = 0; i < n->nr; i++) {
		assert_int_equal(n->rows[i].event, i);
		assert_int_equal(n->rows[i].hist->count, 2);
	}
}

static void too_many_tasks_become_others(void **state)
{
	const struct notify *n;
	uint64_t sum = 0;
	char comm[16];

	for (int i = 0; i < 3 * NOTIFY_ROWS; i++) {
		snprintf(comm, sizeof(comm), "task-%d", i);
		feed_invalidate(*state, MMUSCOPE_notifier_clear, comm, 1);
		if (i == NOTIFY_ROWS)
			assert_int_equal(model_fold(*state), 0);
	}
	assert_int_equal(model_fold(*state), 0);
	n = &model_vm(*state, 0)->past.notify;
	assert_int_equal(n->nr, NOTIFY_ROWS + 1);
	assert_string_equal(n->rows[NOTIFY_ROWS].comm, NOTIFY_OTHER);
	for (size_t i = 0; i < n->nr; i++)
		sum += n->rows[i].hist->count;
	assert_int_equal(sum, 3 * NOTIFY_ROWS);
}

static void feed_exits(struct model *m, uint16_t vcpu, uint64_t ts, uint32_t reason)
{
	struct mmuscope_exits rec = {
		.hdr = HDR(exits, 1, 0), .count = 10, .ns = 50, .reason = reason,
		.isa = MMUSCOPE_isa_vmx,
	};

	rec.hdr.ts = ts;
	rec.hdr.dur = 1000;
	rec.hdr.vcpu = vcpu;
	assert_int_equal(model_feed(m, &rec.hdr), 0);
}

/* Two reasons of one vCPU cover the same time; another vCPU has its own. */
static void vcpu_time_is_counted_once(void **state)
{
	feed_exits(*state, 0, 2000, 48);
	feed_exits(*state, 0, 2000, 12);
	feed_exits(*state, 1, 2001, 48);
	feed_exits(*state, 0, 3000, 48);
	assert_int_equal(model_vm(*state, 0)->now.vcpu_ns, 3000);
	assert_int_equal(model_vm(*state, 0)->now.nr_exits, 2);
	assert_int_equal(model_vm(*state, 0)->now.exits[0].count, 30);
	assert_int_equal(model_vm(*state, 0)->isa, MMUSCOPE_isa_vmx);
}

static void feed_slot(struct model *m, uint16_t id, uint8_t op, uint64_t hva)
{
	struct mmuscope_slot rec = {
		.hdr = HDR(slot, 1, 0), .slot = id, .op = op, .npages = 256, .hva = hva,
	};

	assert_int_equal(model_feed(m, &rec.hdr), 0);
}

static void memory_follows_the_slots(void **state)
{
	const struct vm *vm;

	feed_slot(*state, 0, MMUSCOPE_slot_op_found, 1 << 20);
	vm = model_vm(*state, 0);
	assert_int_equal(slots_bytes(&vm->slots), 1 << 20);
	feed_slot(*state, 1, MMUSCOPE_slot_op_create, 2 << 20);
	feed_slot(*state, 2, MMUSCOPE_slot_op_create, 2 << 20);
	assert_int_equal(slots_bytes(&vm->slots), 2 << 20);
	feed_slot(*state, 0, MMUSCOPE_slot_op_delete, 0);
	assert_int_equal(slots_bytes(&vm->slots), 1 << 20);
	assert_int_equal(vm->now.count[COUNT_SLOT + MMUSCOPE_slot_op_create], 2);
}

static void lost_and_unattributed_are_in_the_ledger(void **state)
{
	struct mmuscope_lost lost = {
		.hdr = HDR(lost, 0, 0), .count = 42, .cpu = 5, .stage = MMUSCOPE_stage_ring,
	};

	feed_fault(*state, MMUSCOPE_NO_VM, 10);
	assert_int_equal(model_feed(*state, &lost.hdr), 0);
	assert_int_equal(model_vms(*state), 0);
	assert_int_equal(model_now(*state)->unattributed[MMUSCOPE_TYPE_fault], 1);
	assert_int_equal(model_now(*state)->unattributed[MMUSCOPE_TYPE_lost], 0);
	assert_int_equal(model_now(*state)->lost[MMUSCOPE_stage_ring], 42);
	assert_int_equal(model_now(*state)->lost_cpus[5], 42);
	assert_int_equal(model_fold(*state), 0);
	assert_int_equal(model_now(*state)->lost[MMUSCOPE_stage_ring], 0);
	assert_int_equal(model_past(*state)->lost[MMUSCOPE_stage_ring], 42);
	assert_int_equal(model_past(*state)->lost_cpus[5], 42);
}

static void folding_adds_and_empties(void **state)
{
	const struct vm *vm;

	feed_fault(*state, 1, 1000);
	vm = model_vm(*state, 0);
	assert_int_equal(model_fold(*state), 0);
	assert_null(vm->now.hist[HIST_LEVEL + WALKED(2)]);
	feed_fault(*state, 1, 3000);
	assert_int_equal(vm->now.hist[HIST_LEVEL + WALKED(2)]->max, 3000);
	assert_int_equal(vm->now.hist[HIST_LEVEL + WALKED(2)]->count, 1);
	assert_int_equal(model_fold(*state), 0);
	assert_int_equal(vm->past.hist[HIST_LEVEL + WALKED(2)]->count, 2);
	assert_int_equal(vm->past.hist[HIST_LEVEL + WALKED(2)]->sum, 4000);
	assert_int_equal(vm->past.count[COUNT_SLEPT + 1], 2);
	assert_int_equal(model_past(*state)->records[MMUSCOPE_TYPE_fault], 2);
}

/* Of any family and size, with anything in it: nothing behind its end is looked at. */
static void expecting_changes_nothing(void **state)
{
	static const uint64_t words[] = {
		0, 1, 4096, 512 << 12, 1ULL << 37, 1ULL << 52, MMUSCOPE_UNKNOWN - 4096,
		MMUSCOPE_UNKNOWN,
	};

	feed_fault(*state, 1, 1000);
	for (uint8_t type = 0; type < MMUSCOPE_TYPES; type++) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			size_t size = type % 2 ? 24 : 32;
			struct mmuscope_hdr *rec = calloc(1, size);

			*rec = (struct mmuscope_hdr){ .vm = i % 3, .type = type, .size = size };
			if (size > sizeof(*rec))
				memcpy(rec + 1, &words[i], sizeof(words[i]));
			model_expect(*state, rec);
			free(rec);
		}
	}
	assert_int_equal(model_vms(*state), 1);
	assert_int_equal(model_now(*state)->records[MMUSCOPE_TYPE_fault], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vms_are_named_and_counted),
		TEST(same_name_is_told_apart),
		TEST(number_of_a_dead_vm_is_a_new_vm),
		TEST(vm_without_introduction_is_counted),
		TEST(faults_are_keyed),
		TEST(strange_values_stay_inside),
		TEST(short_records_are_padded),
		TEST(invalidations_go_by_event_and_task),
		TEST(rows_that_collide_are_told_apart),
		TEST(too_many_tasks_become_others),
		TEST(vcpu_time_is_counted_once),
		TEST(memory_follows_the_slots),
		TEST(lost_and_unattributed_are_in_the_ledger),
		TEST(time_of_a_fault_by_its_parts),
		TEST(folding_adds_and_empties),
		TEST(expecting_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
