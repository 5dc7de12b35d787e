// SPDX-License-Identifier: GPL-2.0
/* The history of guest pages, and what it says of the next fault. */
#include "refault.h"

static void protected_fault_is(struct model *m, uint8_t verdict, uint8_t mode, unsigned int cause)
{
	struct mmuscope_fault f = fault_of(7);

	f.condition = MMUSCOPE_condition_write_protected;
	f.verdict = verdict;
	f.mode = mode;
	assert_int_equal(feed_fault(m, f), cause);
}

static void first_touch_is_told_from_refault(void **state)
{
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_first_touch);
	assert_false(model_cause(*state)->aged);
	now += 3 * MS;
	zap(*state, 7, 1, MMUSCOPE_cause_numa);
	now += 3 * MS;
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_numa);
	assert_true(model_cause(*state)->aged);
	assert_int_equal(model_cause(*state)->age, 3 * MS + 100000 - 2000);
	/* Its neighbours were never there. */
	assert_int_equal(touch(*state, 6), MMUSCOPE_cause_first_touch);
	assert_int_equal(touch(*state, 8), MMUSCOPE_cause_first_touch);
}

static void older_pages_are_no_first_touch(void **state)
{
	assert_int_equal(touch(*state, 7), CAUSE_UNSEEN);
	zap(*state, 7, 2, MMUSCOPE_cause_reclaim);
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_reclaim);
	/* Nobody saw it mapped, but it is likely to have been. */
	assert_int_equal(touch(*state, 8), MMUSCOPE_cause_reclaim);
	assert_string_equal(cause_text(CAUSE_UNSEEN), "unknown");
}

static void page_that_was_never_mapped_cannot_be_taken(void **state)
{
	zap(*state, 0, 4096, MMUSCOPE_cause_madvise);
	zap(*state, 0, SLOT_PAGES, MMUSCOPE_cause_munmap);
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_first_touch);
}

static void whoever_came_first_took_it(void **state)
{
	touch(*state, 7);
	zap(*state, 7, 1, MMUSCOPE_cause_numa);
	zap(*state, 7, 1, MMUSCOPE_cause_migration);
	zap(*state, 0, 512, MMUSCOPE_cause_madvise);
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_numa);
}

static void mapped_page_that_nobody_took_is_unknown(void **state)
{
	touch(*state, 7);
	assert_int_equal(touch(*state, 7), CAUSE_UNTAKEN);
}

static void lost_records_end_certainty(void **state)
{
	struct mmuscope_lost lost = { .hdr = HDR(lost, 0), .count = 1 };

	lost.hdr.vm = MMUSCOPE_NO_VM;
	feed(*(struct model **)state, lost);
	assert_int_equal(touch(*state, 7), CAUSE_UNSEEN);
}

static void regions_and_edges(void **state)
{
	for (uint64_t gfn = 500; gfn < 1600; gfn++)
		touch(*state, gfn);
	zap(*state, 510, 1030, MMUSCOPE_cause_madvise);
	assert_int_equal(touch(*state, 509), CAUSE_UNTAKEN);
	assert_int_equal(touch(*state, 510), MMUSCOPE_cause_madvise);
	assert_int_equal(touch(*state, 1023), MMUSCOPE_cause_madvise);
	assert_int_equal(touch(*state, 1539), MMUSCOPE_cause_madvise);
	assert_int_equal(touch(*state, 1540), CAUSE_UNTAKEN);
}

static void wide_ranges_wait_for_the_page(void **state)
{
	touch(*state, 7);
	touch(*state, 600000);
	zap(*state, 0, SLOT_PAGES, MMUSCOPE_cause_munmap);
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_munmap);
	zap(*state, 0, SLOT_PAGES, MMUSCOPE_cause_madvise);
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_madvise);
	assert_int_equal(touch(*state, 600000), MMUSCOPE_cause_munmap);
	assert_int_equal(touch(*state, 8), MMUSCOPE_cause_first_touch);
}

/* More of them than are kept: they are applied to what is there. */
static void many_wide_ranges_lose_nothing(void **state)
{
	for (uint64_t i = 0; i < 40; i++)
		touch(*state, i * 1000);
	for (uint64_t i = 0; i < 40; i++) {
		/* Each ends one page earlier, so that it does not repeat the one before. */
		zap(*state, 0, SLOT_PAGES - i, i % 2 ? MMUSCOPE_cause_reclaim :
		    MMUSCOPE_cause_munmap);
		assert_int_equal(touch(*state, 900000), i == 0 ? MMUSCOPE_cause_first_touch :
				 i % 2 ? MMUSCOPE_cause_reclaim : MMUSCOPE_cause_munmap);
	}
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(touch(*state, i * 1000), MMUSCOPE_cause_munmap);
}

static void part_of_a_huge_page_takes_all_of_it(void **state)
{
	struct mmuscope_fault f = fault_of(1030);

	f.level = 2;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_first_touch);
	zap(*state, 1100, 1, MMUSCOPE_cause_thp_split);
	assert_int_equal(touch(*state, 1024), MMUSCOPE_cause_thp_split);
	assert_int_equal(touch(*state, 1535), MMUSCOPE_cause_thp_split);
	assert_int_equal(touch(*state, 1023), MMUSCOPE_cause_first_touch);
}

static void gigantic_pages(void **state)
{
	struct mmuscope_fault f = fault_of(300000);

	f.level = 3;
	feed_fault(*state, f);
	zap(*state, 300000, 1, MMUSCOPE_cause_munmap);
	assert_int_equal(touch(*state, 262144), MMUSCOPE_cause_munmap);
	assert_int_equal(touch(*state, 524287), MMUSCOPE_cause_munmap);
	assert_int_equal(touch(*state, 524288), MMUSCOPE_cause_first_touch);
}

static void slot_change_drops_everything(void **state)
{
	touch(*state, 7);
	feed_slot(*state, MMUSCOPE_slot_op_move, 0);
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_slot_change);
	assert_int_equal(touch(*state, 9), MMUSCOPE_cause_first_touch);
}

static void write_protection_has_its_own_reasons(void **state)
{
	struct mmuscope_fault f = fault_of(7);
	struct model *m = *state;

	touch(m, 7);
	protected_fault_is(m, MMUSCOPE_verdict_fixed, MMUSCOPE_mode_ept,
			   MMUSCOPE_cause_ksm_break);
	/* Nothing is logged any more, what was write-protected for it may still be. */
	protected_fault_is(m, MMUSCOPE_verdict_fast_fixed, MMUSCOPE_mode_npt,
			   MMUSCOPE_cause_dirty_log);
	f.verdict = MMUSCOPE_verdict_fast_fixed;
	assert_int_equal(feed_fault(m, f), MMUSCOPE_cause_aging);
	/* Now it can have been a look at whether the page is used. */
	protected_fault_is(m, MMUSCOPE_verdict_fast_fixed, MMUSCOPE_mode_ept,
			   MMUSCOPE_cause_aging);
	protected_fault_is(m, MMUSCOPE_verdict_emulated, MMUSCOPE_mode_shadow,
			   MMUSCOPE_cause_pt_write);
	protected_fault_is(m, MMUSCOPE_verdict_fixed, MMUSCOPE_mode_shadow, CAUSE_UNTAKEN);
	feed_slot(m, MMUSCOPE_slot_op_flags, KVM_MEM_LOG_DIRTY_PAGES);
	now += MS;
	protected_fault_is(m, MMUSCOPE_verdict_fixed, MMUSCOPE_mode_ept,
			   MMUSCOPE_cause_dirty_log);
	assert_int_equal(model_cause(m)->age, MS + 100000 - 2000);
	/* After the end of logging too, until each page was written once. */
	feed_slot(m, MMUSCOPE_slot_op_flags, 0);
	protected_fault_is(m, MMUSCOPE_verdict_fixed, MMUSCOPE_mode_ept,
			   MMUSCOPE_cause_dirty_log);
}

static void logging_that_began_before(void **state)
{
	feed_slot(*state, MMUSCOPE_slot_op_found, KVM_MEM_LOG_DIRTY_PAGES);
	protected_fault_is(*state, MMUSCOPE_verdict_fast_fixed, MMUSCOPE_mode_ept,
			   MMUSCOPE_cause_dirty_log);
}

static void clearing_the_log_protects_again(void **state)
{
	struct mmuscope_dirty rec = { .hdr = HDR(dirty, 0), .op = MMUSCOPE_dirty_op_clear };

	feed_slot(*state, MMUSCOPE_slot_op_flags, KVM_MEM_LOG_DIRTY_PAGES);
	now += MS;
	rec.hdr.ts = now;
	feed(*(struct model **)state, rec);
	protected_fault_is(*state, MMUSCOPE_verdict_fast_fixed, MMUSCOPE_mode_ept,
			   MMUSCOPE_cause_dirty_log);
	assert_int_equal(model_cause(*state)->age, 100000 - 2000);
}

static void what_is_no_memory_has_no_cause(void **state)
{
	struct mmuscope_fault f = fault_of(7);

	f.condition = MMUSCOPE_condition_reserved;
	f.verdict = MMUSCOPE_verdict_mmio;
	assert_int_equal(feed_fault(*state, f), CAUSE_MMIO);
	f.condition = MMUSCOPE_condition_not_present;
	f.verdict = MMUSCOPE_verdict_user;
	assert_int_equal(feed_fault(*state, f), CAUSE_MMIO);
	f.verdict = MMUSCOPE_verdict_reflected;
	assert_int_equal(feed_fault(*state, f), CAUSE_GUEST);
	f.verdict = MMUSCOPE_verdict_fixed;
	f.gpa = MMUSCOPE_UNKNOWN;
	assert_int_equal(feed_fault(*state, f), CAUSE_NO_ADDRESS);
	/* None of these mapped the page. */
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_first_touch);
	feed_slot(*state, MMUSCOPE_slot_op_flags, KVM_MEM_READONLY);
	protected_fault_is(*state, MMUSCOPE_verdict_user, MMUSCOPE_mode_ept, CAUSE_MMIO);
}

static void retry_maps_nothing(void **state)
{
	struct mmuscope_fault f = fault_of(7);

	touch(*state, 7);
	zap(*state, 7, 1, MMUSCOPE_cause_ksm_merge);
	f.hdr.ts = now += 100000;
	f.verdict = MMUSCOPE_verdict_retry;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_ksm_merge);
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_ksm_merge);
}

/* Both vCPUs missed the page; the one that came second found it mapped. */
static void fault_at_the_same_time_has_the_same_cause(void **state)
{
	struct mmuscope_fault f;

	touch(*state, 7);
	zap(*state, 7, 1, MMUSCOPE_cause_migration);
	touch(*state, 7);
	f = fault_of(7);
	f.hdr.dur = f.hdr.ts - (now - 100000) + 1500;
	f.verdict = MMUSCOPE_verdict_spurious;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_migration);
}

/* The copy on write within the fault came before the mapping; it did not take it away. */
static void own_invalidation_comes_before_the_mapping(void **state)
{
	struct mmuscope_invalidate rec = {
		.hdr = HDR(invalidate, 100), .start = HVA + (7 << 12), .end = HVA + (8 << 12),
		.cause = MMUSCOPE_cause_ksm_break,
	};
	struct mmuscope_fault f;

	touch(*state, 7);
	rec.hdr.vcpu = 0;
	rec.hdr.ts = now += 100000;
	feed(*(struct model **)state, rec);
	f = fault_of(7);
	f.hdr.ts = now = rec.hdr.ts + 300;
	f.hdr.dur = 600;
	f.handler_ns = 200;
	f.condition = MMUSCOPE_condition_write_protected;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_ksm_break);
	assert_int_equal(touch(*state, 7), CAUSE_UNTAKEN);
}

/* Another task's came after the mapping, before the guest ran. */
static void page_taken_before_the_entry_stays_taken(void **state)
{
	struct mmuscope_fault f;

	touch(*state, 7);
	zap(*state, 7, 1, MMUSCOPE_cause_numa);
	f = fault_of(7);
	feed_fault(*state, f);
	zap(*state, 7, 1, MMUSCOPE_cause_reclaim);
	f = fault_of(7);
	f.hdr.ts = now = now - 100000 + 300;
	f.hdr.dur = 100000;
	f.handler_ns = 50;
	feed_fault(*state, f);
	assert_int_equal(touch(*state, 7), MMUSCOPE_cause_reclaim);
}

/* They were mapped with the first page, and so are owed to what took them last. */
static void neighbours_are_mapped_along(void **state)
{
	struct mmuscope_fault f;

	for (uint64_t gfn = 16; gfn < 32; gfn++)
		touch(*state, gfn);
	zap(*state, 16, 16, MMUSCOPE_cause_munmap);
	f = fault_of(18);
	f.sptes = 8;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_munmap);
	zap(*state, 16, 16, MMUSCOPE_cause_numa);
	assert_int_equal(touch(*state, 23), MMUSCOPE_cause_numa);
	assert_int_equal(touch(*state, 18), MMUSCOPE_cause_numa);
	assert_int_equal(touch(*state, 24), MMUSCOPE_cause_munmap);
}

/* Which of them it was not is not told: they fault for what they would have faulted for before. */
static void neighbours_may_be_left_out(void **state)
{
	struct history_sizes sizes;
	struct mmuscope_fault f;

	for (uint64_t gfn = 16; gfn < 22; gfn++)
		touch(*state, gfn);
	zap(*state, 16, 4, MMUSCOPE_cause_numa);
	f = fault_of(18);
	f.sptes = 3;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_numa);
	model_sizes(*state, model_vm(*state, 0), &sizes);
	assert_int_equal(sizes.pages[1], 8);
	assert_int_equal(touch(*state, 16), MMUSCOPE_cause_numa);
	assert_int_equal(touch(*state, 22), MMUSCOPE_cause_first_touch);
	/* Now they are there. */
	assert_int_equal(touch(*state, 16), CAUSE_UNTAKEN);
	zap(*state, 16, 8, MMUSCOPE_cause_ksm_merge);
	assert_int_equal(touch(*state, 17), MMUSCOPE_cause_ksm_merge);
	assert_int_equal(touch(*state, 22), MMUSCOPE_cause_ksm_merge);
}

static void neighbours_that_nobody_saw(void **state)
{
	struct mmuscope_fault f = fault_of(18);

	f.sptes = 3;
	assert_int_equal(feed_fault(*state, f), CAUSE_UNSEEN);
	assert_int_equal(touch(*state, 19), CAUSE_UNSEEN);
	assert_int_equal(touch(*state, 19), CAUSE_UNTAKEN);
}

static void page_table_pages_take_their_frames(void **state)
{
	struct mmuscope_shadow_page rec = {
		.hdr = HDR(shadow_page, 0), .gfn = 1024, .op = MMUSCOPE_page_op_zapped,
		.origin = MMUSCOPE_origin_nx, .level = 1, .direct = 1,
	};
	struct mmuscope_invalidate inv = {
		.hdr = HDR(invalidate, 1000), .start = HVA + (1024 << 12),
		.end = HVA + (1536 << 12), .cause = MMUSCOPE_cause_thp_collapse,
	};

	touch(*state, 1030);
	rec.hdr.ts = now += 100000;
	feed(*(struct model **)state, rec);
	assert_int_equal(touch(*state, 1030), MMUSCOPE_cause_nx_huge_page);
	/* Within an invalidation, whose record follows. */
	rec.origin = MMUSCOPE_origin_invalidate;
	rec.hdr.ts = now += 100000;
	feed(*(struct model **)state, rec);
	inv.hdr.ts = now += 500;
	feed(*(struct model **)state, inv);
	assert_int_equal(touch(*state, 1030), MMUSCOPE_cause_thp_collapse);
}

static void huge_pages_break_and_come_back(void **state)
{
	struct mmuscope_fault f = fault_of(1024);
	struct history_sizes sizes;
	const struct vm *vm;

	f.level = 2;
	feed_fault(*state, f);
	zap(*state, 1024, 512, MMUSCOPE_cause_thp_split);
	assert_int_equal(touch(*state, 1025), MMUSCOPE_cause_thp_split);
	assert_int_equal(model_cause(*state)->change, HISTORY_BROKEN);
	touch(*state, 1026);
	assert_int_equal(model_cause(*state)->change, HISTORY_SAME);
	vm = model_vm(*state, 0);
	model_sizes(*state, vm, &sizes);
	assert_int_equal(sizes.pages[0], 510);
	assert_int_equal(sizes.pages[1], 2);
	assert_int_equal(sizes.pages[2], 0);
	assert_int_equal(sizes.broken, 1);
	zap(*state, 1024, 512, MMUSCOPE_cause_thp_collapse);
	f.hdr.ts = now += 5 * MS;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_thp_split);
	assert_int_equal(model_cause(*state)->change, HISTORY_REBUILT);
	assert_int_equal(model_cause(*state)->broken_ns, 5 * MS + 200000);
	model_sizes(*state, vm, &sizes);
	assert_int_equal(sizes.pages[2], 512);
	assert_int_equal(sizes.broken, 0);
	assert_int_equal(vm->now.count[COUNT_BROKEN + MMUSCOPE_cause_thp_split], 1);
	assert_int_equal(vm->now.hist[HIST_BROKEN]->count, 1);
}

/* KVM replaces a huge page by a table in which only the page is that it was asked for. */
static void parts_of_a_broken_page_fault_for_what_broke_it(void **state)
{
	struct mmuscope_fault f = fault_of(1024);

	f.level = 2;
	feed_fault(*state, f);
	f = fault_of(1025);
	f.condition = MMUSCOPE_condition_exec_denied;
	f.access = MMUSCOPE_access_exec;
	assert_int_equal(feed_fault(*state, f), MMUSCOPE_cause_nx_huge_page);
	assert_int_equal(touch(*state, 1026), MMUSCOPE_cause_nx_huge_page);
	assert_int_equal(touch(*state, 1026), CAUSE_UNTAKEN);
	zap(*state, 1027, 1, MMUSCOPE_cause_ksm_merge);
	assert_int_equal(touch(*state, 1027), MMUSCOPE_cause_ksm_merge);
	/* Whole again, and whatever takes a part of it then. */
	f = fault_of(1024);
	f.level = 2;
	feed_fault(*state, f);
	assert_int_equal(touch(*state, 1028), CAUSE_UNTAKEN);
}

static void faults_are_counted_by_cause(void **state)
{
	const struct vm_stats *st = &model_vm(*state, 0)->now;

	touch(*state, 7);
	touch(*state, 8);
	zap(*state, 7, 1, MMUSCOPE_cause_numa);
	touch(*state, 7);
	assert_int_equal(st->hist[HIST_CAUSE + MMUSCOPE_cause_first_touch]->count, 2);
	assert_null(st->hist[HIST_AGE + MMUSCOPE_cause_first_touch]);
	assert_int_equal(st->hist[HIST_CAUSE + MMUSCOPE_cause_numa]->sum, 2000);
	assert_int_equal(st->hist[HIST_AGE + MMUSCOPE_cause_numa]->sum, 98000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_touch_is_told_from_refault),
		TEST_OLD(older_pages_are_no_first_touch),
		TEST(page_that_was_never_mapped_cannot_be_taken),
		TEST(whoever_came_first_took_it),
		TEST(mapped_page_that_nobody_took_is_unknown),
		TEST(lost_records_end_certainty),
		TEST(regions_and_edges),
		TEST(wide_ranges_wait_for_the_page),
		TEST(many_wide_ranges_lose_nothing),
		TEST(part_of_a_huge_page_takes_all_of_it),
		TEST(gigantic_pages),
		TEST(slot_change_drops_everything),
		TEST(write_protection_has_its_own_reasons),
		TEST_OLD(logging_that_began_before), TEST(clearing_the_log_protects_again),
		TEST(what_is_no_memory_has_no_cause),
		TEST(retry_maps_nothing),
		TEST(fault_at_the_same_time_has_the_same_cause),
		TEST(own_invalidation_comes_before_the_mapping),
		TEST(page_taken_before_the_entry_stays_taken),
		TEST(neighbours_are_mapped_along), TEST(neighbours_may_be_left_out),
		TEST_OLD(neighbours_that_nobody_saw),
		TEST(page_table_pages_take_their_frames),
		TEST(huge_pages_break_and_come_back),
		TEST(parts_of_a_broken_page_fault_for_what_broke_it),
		TEST(faults_are_counted_by_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
