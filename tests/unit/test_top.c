// SPDX-License-Identifier: GPL-2.0
/* What top shows: rows of VMs, rows by fields, and looking into rows. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "cmd/focus.h"
#include "model/model.h"
#include "view/view.h"

#define SECOND 1000000000ULL

#define HDR(name, vmid, cpu, ns)						\
	{ .ts = SECOND + (ns), .dur = (ns), .vm = (vmid), .vcpu = (cpu),	\
	  .type = MMUSCOPE_TYPE_##name, .size = sizeof(struct mmuscope_##name) }

struct fixture {
	struct model *model;
	struct focus focus;
	struct group *group;
	struct report *report;
};

static void feed(struct fixture *f, const struct mmuscope_hdr *rec)
{
	assert_int_equal(model_feed(f->model, rec), 0);
	assert_int_equal(focus_feed(&f->focus, f->model, rec), 0);
}

static void feed_fault(struct fixture *f, uint16_t vm, uint16_t vcpu, uint64_t ns)
{
	feed(f, &(struct mmuscope_fault){
		.hdr = HDR(fault, vm, vcpu, ns), .mode = MMUSCOPE_mode_ept,
		.condition = MMUSCOPE_condition_not_present, .access = MMUSCOPE_access_write,
		.verdict = MMUSCOPE_verdict_fixed, .level = 2, .rip = 0x1000 + vcpu }.hdr);
}

/* Two VMs: 1 with four faults on two vCPUs, 2 with one; flushes, exits, dirty pages, tables. */
static void feed_all(struct fixture *f)
{
	feed(f, &(struct mmuscope_vm){ .hdr = HDR(vm, 1, MMUSCOPE_NO_VCPU, 0), .pid = 10,
		.op = MMUSCOPE_life_created, .mode = MMUSCOPE_mode_ept, .comm = "web" }.hdr);
	feed(f, &(struct mmuscope_vm){ .hdr = HDR(vm, 2, MMUSCOPE_NO_VCPU, 0), .pid = 20,
		.op = MMUSCOPE_life_created, .mode = MMUSCOPE_mode_npt, .comm = "db" }.hdr);
	feed_fault(f, 1, 0, 1000);
	feed_fault(f, 1, 0, 1000);
	feed_fault(f, 1, 1, 5000);
	feed_fault(f, 1, 1, 5000);
	feed_fault(f, 2, 0, 3000);
	feed(f, &(struct mmuscope_flush){ .hdr = HDR(flush, 1, 1, 10) }.hdr);
	feed(f, &(struct mmuscope_exits){ .hdr = HDR(exits, 1, 1, SECOND), .count = 70 }.hdr);
	feed(f, &(struct mmuscope_exits){ .hdr = HDR(exits, 1, 1, SECOND), .count = 7,
					  .reason = 1 }.hdr);
	feed(f, &(struct mmuscope_dirty){ .hdr = HDR(dirty, 1, MMUSCOPE_NO_VCPU, 10),
					  .op = MMUSCOPE_dirty_op_get, .pages = 33 }.hdr);
	feed(f, &(struct mmuscope_shadow_page){ .hdr = HDR(shadow_page, 1, 1, 0), .level = 2,
						.op = MMUSCOPE_page_op_made }.hdr);
	feed(f, &(struct mmuscope_invalidate){ .hdr = HDR(invalidate, 1, MMUSCOPE_NO_VCPU, 10),
					       .cause = MMUSCOPE_cause_ksm_merge }.hdr);
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.model = model_new(NULL, NULL);
	assert_int_equal(focus_init(&f.focus, NULL), 0);
	f.report = report_new("test");
	*state = &f;
	return !f.model || !f.report;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	model_free(f->model);
	focus_free(&f->focus);
	group_free(f->group);
	report_free(f->report);
	return 0;
}

static const struct cell *cell(const struct table *t, size_t row, const char *key)
{
	for (size_t i = 0; i < t->nr_columns; i++)
		if (!strcmp(t->columns[i].key, key))
			return &t->rows[row * t->nr_columns + i];
	fail_msg("there is no column %s", key);
	return NULL;
}

#define number(t, row, key) ((int)cell(t, row, key)->number)

static struct table *vms(struct fixture *f)
{
	return view_top(f->report, f->model, &(struct view_window){ .elapsed_ns = 2 * SECOND });
}

static struct table *rows(struct fixture *f)
{
	group_free(f->group);
	assert_int_equal(focus_take(&f->focus, &f->group), 0);
	assert_non_null(f->group);
	return view_top_group(f->report, f->group, f->model,
			      &(struct view_window){ .elapsed_ns = 2 * SECOND });
}

static void row_of_a_vm_has_its_sums(void **state)
{
	struct fixture *f = *state;
	struct table *t;

	feed_all(f);
	t = vms(f);
	assert_int_equal(t->nr_rows, 2);
	assert_string_equal(cell(t, 0, "name")->text, "web:10");
	assert_int_equal(number(t, 0, "id"), 1);
	assert_int_equal(number(t, 0, "vcpus"), 2);
	assert_int_equal(number(t, 0, "faults"), 4);
	assert_int_equal(number(t, 0, "ns"), 12000);
	assert_int_equal(number(t, 0, "exits"), 77);
	assert_int_equal(number(t, 0, "dirty_pages"), 33);
	assert_int_equal(number(t, 0, "flushes"), 1);
	assert_int_equal(number(t, 0, "invalidations"), 1);
	assert_int_equal(number(t, 0, "others"), 1);
	assert_true(cell(t, 0, "fault_rate")->real == 2.0);
	/* The exits cover one second of one vCPU. */
	assert_true(cell(t, 0, "share")->real > 0.0011 && cell(t, 0, "share")->real < 0.0013);
	/* It faulted, so there were exits that nobody counted. */
	assert_int_equal(cell(t, 1, "exits")->kind, CELL_NONE);
	assert_int_equal(number(t, 1, "faults"), 1);
}

static size_t few_probes(const struct source *src, const struct probe_status **list)
{
	static const struct probe_status probes[] = {
		{ .name = "kvm_exit", .state = PROBE_MISSING, .lost = "no exits" },
		{ .name = "kvm_flush_remote_tlbs", .state = PROBE_MISSING, .lost = "no flushes" },
		{ .name = "kvm_mmu_notifier_invalidate_range_start", .state = PROBE_FALLBACK,
		  .lost = "no VM" },
		{ .name = "kvm_get_dirty_log_protect", .state = PROBE_FOUND, .lost = "" },
	};

	(void)src;
	*list = probes;
	return sizeof(probes) / sizeof(probes[0]);
}

/* What could not be seen is no zero; what was seen counts all the same. */
static void what_has_no_hook_is_not_known(void **state)
{
	static const struct source_ops ops = { .name = "test", .probes = few_probes };
	const struct source lacking = { .ops = &ops };
	const struct view_window w = { .elapsed_ns = 2 * SECOND, .source = &lacking };
	struct fixture *f = *state;
	struct table *t;

	feed_all(f);
	feed(f, &(struct mmuscope_vm){ .hdr = HDR(vm, 3, MMUSCOPE_NO_VCPU, 0), .pid = 30,
		.op = MMUSCOPE_life_created, .mode = MMUSCOPE_mode_npt, .comm = "idle" }.hdr);
	t = view_top(f->report, f->model, &w);
	assert_int_equal(t->nr_rows, 3);
	assert_int_equal(number(t, 0, "flushes"), 1);
	assert_string_equal(cell(t, 2, "name")->text, "idle:30");
	assert_int_equal(cell(t, 2, "flushes")->kind, CELL_NONE);
	assert_int_equal(cell(t, 2, "flush_rate")->kind, CELL_NONE);
	assert_int_equal(cell(t, 2, "invalidations")->kind, CELL_NONE);
	assert_int_equal(cell(t, 2, "exits")->kind, CELL_NONE);
	assert_int_equal(number(t, 2, "dirty_pages"), 0);
	assert_int_equal(number(t, 2, "faults"), 0);
}

static void no_share_where_records_were_lost(void **state)
{
	struct fixture *f = *state;

	feed_all(f);
	feed(f, &(struct mmuscope_lost){ .hdr = HDR(lost, 0, MMUSCOPE_NO_VCPU, 0), .count = 5,
					 .cpu = 0 }.hdr);
	assert_int_equal(cell(vms(f), 0, "share")->kind, CELL_NONE);
}

static void vm_that_ended_is_shown_as_long_as_it_did_something(void **state)
{
	struct fixture *f = *state;

	feed_all(f);
	feed(f, &(struct mmuscope_vm){ .hdr = HDR(vm, 2, MMUSCOPE_NO_VCPU, 0), .pid = 20,
		.op = MMUSCOPE_life_destroyed, .comm = "db" }.hdr);
	assert_int_equal(vms(f)->nr_rows, 2);
	assert_int_equal(model_fold(f->model), 0);
	assert_int_equal(vms(f)->nr_rows, 1);
}

static void vcpus_of_a_vm(void **state)
{
	struct fixture *f = *state;
	char path[FOCUS_PATH];
	struct table *t;

	feed_all(f);
	t = vms(f);
	assert_int_equal(focus_open(&f->focus, f->model, NULL, t->rows), 0);
	feed_all(f);
	t = rows(f);
	focus_path(&f->focus, path);
	assert_string_equal(path, "web:10, by vCPU");
	/* 0, 1, and what no vCPU did. */
	assert_int_equal(t->nr_rows, 3);
	assert_string_equal(cell(t, 0, "vcpu")->text, "1");
	assert_int_equal(number(t, 0, "ns"), 10000);
	assert_int_equal(number(t, 0, "faults"), 2);
	assert_int_equal(number(t, 0, "flushes"), 1);
	assert_int_equal(number(t, 0, "exits"), 77);
	assert_int_equal(number(t, 0, "others"), 1);
	assert_true(cell(t, 0, "share")->real > 83.3 && cell(t, 0, "share")->real < 83.4);
	assert_string_equal(cell(t, 1, "vcpu")->text, "0");
	assert_int_equal(number(t, 1, "faults"), 2);
	assert_string_equal(cell(t, 2, "vcpu")->text, "none");
	assert_int_equal(number(t, 2, "dirty_pages"), 33);
}

static void rows_can_be_opened_and_closed(void **state)
{
	struct fixture *f = *state;
	char path[FOCUS_PATH];
	struct table *t;

	feed_all(f);
	assert_int_equal(focus_open(&f->focus, f->model, NULL, vms(f)->rows), 0);
	feed_all(f);
	t = rows(f);
	assert_int_equal(focus_open(&f->focus, f->model, f->group, t->rows), 0);
	focus_path(&f->focus, path);
	assert_string_equal(path, "web:10 > vcpu 1, by kind of fault");
	feed_all(f);
	t = rows(f);
	assert_int_equal(t->nr_rows, 1);
	assert_int_equal(number(t, 0, "faults"), 2);
	assert_string_equal(cell(t, 0, "access")->text, "write");
	/* Of what is picked already there is but one row: these are left out. */
	assert_int_equal(focus_turn(&f->focus, -1), 0);
	assert_int_equal(focus_turn(&f->focus, 1), 0);
	assert_int_equal(focus_open(&f->focus, f->model, f->group, t->rows), 0);
	focus_path(&f->focus, path);
	assert_string_equal(path, "web:10 > vcpu 1 > condition not_present > access write > "
			    "verdict fixed, by cause");
	assert_int_equal(focus_close(&f->focus), 0);
	assert_int_equal(focus_close(&f->focus), 0);
	focus_path(&f->focus, path);
	assert_string_equal(path, "web:10, by vCPU");
	assert_int_equal(focus_close(&f->focus), 0);
	assert_true(focus_on_vms(&f->focus));
	assert_int_equal(focus_close(&f->focus), -ENOENT);
}

/* Levels of mappings and of page tables are not the same. */
static void what_only_has_the_same_name_stays_apart(void **state)
{
	struct fixture *f = *state;
	struct table *t;

	assert_int_equal(focus_init(&f->focus, "level"), 0);
	feed_all(f);
	t = rows(f);
	assert_int_equal(t->nr_rows, 2);
	assert_string_equal(cell(t, 0, "level")->text, "2M");
	assert_int_equal(number(t, 0, "faults"), 5);
	assert_int_equal(number(t, 0, "others"), 0);
	assert_int_equal(number(t, 1, "others"), 1);
	assert_int_equal(focus_open(&f->focus, f->model, f->group, t->rows), 0);
	feed_all(f);
	t = rows(f);
	assert_int_equal(number(t, 0, "others") + number(t, 1, "others"), 0);
}

static void causes_without_faults_have_times_of_their_own(void **state)
{
	struct fixture *f = *state;
	struct table *t;

	assert_int_equal(focus_init(&f->focus, "cause,comm"), 0);
	feed_all(f);
	t = rows(f);
	assert_int_equal(t->nr_rows, 1);
	assert_string_equal(t->columns[2].key, "invalidation_rate");
	assert_int_equal(number(t, 0, "ns"), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(row_of_a_vm_has_its_sums, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_no_hook_is_not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(no_share_where_records_were_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(vm_that_ended_is_shown_as_long_as_it_did_something,
						setup, teardown),
		cmocka_unit_test_setup_teardown(vcpus_of_a_vm, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_can_be_opened_and_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_only_has_the_same_name_stays_apart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(causes_without_faults_have_times_of_their_own,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
