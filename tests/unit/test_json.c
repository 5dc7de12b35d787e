// SPDX-License-Identifier: GPL-2.0
/* The whole way from records to output: JSON read back, and the same report as text. */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "render/record.h"
#include "render/render.h"
#include "source/merge.h"
#include "view/view.h"

#define ELAPSED 2000000000ULL

struct setup {
	struct source *src;
	struct model *model;
	struct report *report;
	json_t *json;
	char *text;
};

static void make_outputs(struct setup *s)
{
	char *line = NULL;
	size_t size;
	FILE *f = open_memstream(&line, &size);

	assert_int_equal(render_json(f, s->report), 0);
	fclose(f);
	s->json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(s->json);
	free(line);
	f = open_memstream(&s->text, &size);
	render_text(f, s->report, 200, false);
	fclose(f);
}

static void make(struct setup *s, uint64_t lost)
{
	const struct synth_config cfg = {
		.streams = 3, .vms = 2, .vcpus = 2, .records = 50000, .seed = 3, .lost = lost,
	};
	struct view_window w = { .past = true, .elapsed_ns = ELAPSED };
	const struct mmuscope_hdr *rec;
	struct merge *merge;

	s->src = source_synth_open(&cfg);
	w.source = s->src;
	s->model = model_new(NULL, NULL);
	s->report = report_new("stat");
	merge = merge_open(s->src);
	merge_begin(merge, UINT64_MAX);
	while (merge_take(merge, &rec, 1) == 1)
		assert_int_equal(model_feed(s->model, rec), 0);
	merge_close(merge);
	assert_int_equal(model_fold(s->model), 0);
	assert_int_equal(view_stat(s->report, s->model, &w), 2);
	view_collection(s->report, s->model, &w);
	assert_false(report_failed(s->report));
	make_outputs(s);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct setup));
	return !*state;
}

static int teardown(void **state)
{
	struct setup *s = *state;

	json_decref(s->json);
	free(s->text);
	report_free(s->report);
	model_free(s->model);
	s->src->ops->close(s->src);
	free(s);
	return 0;
}

static uint64_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void json_has_the_models_numbers(void **state)
{
	struct setup *s = *state;
	json_t *vms, *row;
	size_t i, j;

	make(s, 0);
	vms = json_object_get(s->json, "vms");
	assert_int_equal(json_array_size(vms), 2);
	for (i = 0; i < 2; i++) {
		const struct vm *vm = model_vm(s->model, i);
		const json_t *v = json_array_get(vms, i);
		uint64_t count = 0, exits = 0, flushes = 0, told = 0;

		assert_string_equal(json_string_value(json_object_get(v, "name")), vm->name);
		assert_int_equal(number(v, "pid"), vm->pid);
		json_array_foreach(json_object_get(v, "faults"), j, row)
			count += number(row, "count");
		assert_int_equal(count, vm->past.records[MMUSCOPE_TYPE_fault]);
		assert_int_equal(number(json_object_get(v, "fault_ns_histogram"), "count"), count);
		json_array_foreach(json_object_get(v, "exits"), j, row)
			told += number(row, "count");
		json_array_foreach(json_object_get(v, "flushes"), j, row)
			flushes += number(row, "count");
		assert_int_equal(flushes, vm->past.records[MMUSCOPE_TYPE_flush]);
		for (j = 0; j < vm->past.nr_exits; j++)
			exits += vm->past.exits[j].count;
		assert_true(exits > 0);
		assert_int_equal(told, exits);
	}
	assert_int_equal(number(json_object_get(s->json, "collection"), "records"), 50000);
}

/* Every number of every table must be in the text too, formatted. */
static void text_has_the_same_numbers(void **state)
{
	static const char *const tables[] = {
		"faults", "flushes", "shadow", "invalidations", "dirty", "exits", "locks",
	};
	struct setup *s = *state;
	char buf[FORMAT_MAX];
	json_t *vm, *row;
	size_t i, j;

	make(s, 0);
	json_array_foreach(json_object_get(s->json, "vms"), i, vm) {
		for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
			json_array_foreach(json_object_get(vm, tables[t]), j, row) {
				assert_non_null(strstr(s->text,
						       format_count(buf, number(row, "count"))));
				if (json_is_integer(json_object_get(row, "ns")))
					assert_non_null(strstr(s->text, format_ns(buf,
							       number(row, "ns"))));
			}
		}
	}
}

static uint64_t walks_in(const json_t *vm, const char *table, const char *column,
			 const char *word, const char *on)
{
	uint64_t count = 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(vm, table), i, row) {
		const char *is = json_string_value(json_object_get(row, "on"));

		assert_true(!strcmp(is, "access") || !strcmp(is, "page walk"));
		if (!strcmp(is, on) &&
		    (!column || !strcmp(json_string_value(json_object_get(row, column)), word)))
			count += number(row, "count");
	}
	return count;
}

/* Faults of the walk of the guest's page tables, in every table and in the text. */
static void walks_are_told_apart(void **state)
{
	static const char *const on[] = { "access", "page walk" };
	struct setup *s = *state;
	char buf[FORMAT_MAX];
	uint64_t count;
	json_t *vm;
	size_t i;

	make(s, 0);
	json_array_foreach(json_object_get(s->json, "vms"), i, vm) {
		for (size_t walk = 0; walk < 2; walk++) {
			count = walks_in(vm, "faults", NULL, NULL, on[walk]);
			assert_true(count > 0);
			assert_int_equal(walks_in(vm, "levels", NULL, NULL, on[walk]), count);
			assert_int_equal(walks_in(vm, "phases", "phase", "exit to entry", on[walk]),
					 count);
			assert_non_null(strstr(s->text, format_count(buf, count)));
		}
		assert_int_equal(walks_in(vm, "circumstances", "which",
					  "on the walk of guest page tables", "page walk"), count);
	}
	assert_non_null(strstr(s->text, "page walk"));
}

static void shares_add_up(void **state)
{
	struct setup *s = *state;
	json_t *vm, *row;
	size_t i, j;

	make(s, 0);
	json_array_foreach(json_object_get(s->json, "vms"), i, vm) {
		double sum = 0;

		json_array_foreach(json_object_get(vm, "faults"), j, row)
			sum += json_real_value(json_object_get(row, "share"));
		assert_true(sum > 99.999 && sum < 100.001);
	}
}

static void rates_are_per_second(void **state)
{
	struct setup *s = *state;
	json_t *row;

	make(s, 0);
	row = json_array_get(json_object_get(json_array_get(json_object_get(s->json, "vms"), 0),
					     "faults"), 0);
	assert_true(json_real_value(json_object_get(row, "rate")) == number(row, "count") / 2.0);
}

static void loss_takes_the_shares_away(void **state)
{
	struct setup *s = *state;
	json_t *vm, *row;
	size_t i, j;

	make(s, 1700);
	json_array_foreach(json_object_get(s->json, "vms"), i, vm) {
		json_array_foreach(json_object_get(vm, "faults"), j, row)
			assert_true(json_is_null(json_object_get(row, "share")));
		/* Exits are counted elsewhere, where a full ring does no harm. */
		json_array_foreach(json_object_get(vm, "exits"), j, row)
			assert_true(json_is_real(json_object_get(row, "share")));
	}
	assert_int_equal(number(json_object_get(s->json, "collection"), "lost"), 1700);
	assert_non_null(strstr(s->text, "Records were lost"));
	assert_non_null(strstr(s->text, "ring 1,700"));
}

/* One in some thousands is less than the last digit of a share, and told all the same. */
static void little_loss_leaves_the_shares(void **state)
{
	struct setup *s = *state;
	json_t *vm, *row;
	size_t i, j;

	make(s, 2);
	json_array_foreach(json_object_get(s->json, "vms"), i, vm)
		json_array_foreach(json_object_get(vm, "faults"), j, row)
			assert_true(json_is_real(json_object_get(row, "share")));
	assert_int_equal(number(json_object_get(s->json, "collection"), "lost"), 2);
	assert_non_null(strstr(s->text, "ring 2"));
}

static void text_fits_its_width(void **state)
{
	struct setup *s = *state;

	make(s, 0);
	for (unsigned int width = 60; width < 200; width++) {
		char *text = NULL, *rest, *line;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		render_text(f, s->report, width, false);
		fclose(f);
		rest = text;
		while ((line = strsep(&rest, "\n")))
			if (strlen(line) > width)
				fail_msg("%u columns: '%s'", width, line);
		free(text);
	}
}

static void name_filter(void **state)
{
	struct setup *s = *state;
	struct report *r = report_new("stat");
	struct view_window w = { .past = true, .elapsed_ns = ELAPSED };

	make(s, 0);
	w.name = model_vm(s->model, 1)->name;
	assert_int_equal(view_stat(r, s->model, &w), 1);
	assert_string_equal(r->sections->facts[0].cell.text, w.name);
	w.name = "nobody";
	assert_int_equal(view_stat(r, s->model, &w), 0);
	report_free(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A record of each family: no reader can tell which of two values of one name is meant. */
static void records_have_no_key_twice(void **state)
{
	(void)state;
	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++) {
		struct mmuscope_vm room = { .hdr.type = type };
		const struct record_line line = { .rec = &room.hdr, .vm = "vm" };
		json_error_t error;
		char *text = NULL;
		json_t *json;
		size_t size;
		FILE *f;

		f = open_memstream(&text, &size);
		record_json(f, &line);
		fclose(f);
		json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
		if (!json)
			fail_msg("%s: %s", error.text, text);
		json_decref(json);
		free(text);
	}
}

static size_t no_lock_waits(const struct source *src, const struct probe_status **list)
{
	static const struct probe_status probes[] = {
		{ .name = "kvm_sched_out", .state = PROBE_FOUND },
		{ .name = "contention_begin", .state = PROBE_MISSING, .lost = "no waits" },
		{ .name = "kvm_userspace_exit", .state = PROBE_FOUND },
	};

	(void)src;
	*list = probes;
	return sizeof(probes) / sizeof(probes[0]);
}

/* What could not be seen is no zero. */
static void parts_without_a_hook_are_not_known(void **state)
{
	static const struct source_ops ops = { .name = "test", .probes = no_lock_waits };
	const struct source lacking = { .ops = &ops };
	const struct view_window w = { .past = true, .elapsed_ns = ELAPSED, .source = &lacking };
	struct setup *s = *state;
	json_t *row, *times;
	size_t i;

	make(s, 0);
	for (int seen = 1; seen >= 0; seen--) {
		times = json_object_get(json_array_get(json_object_get(s->json, "vms"), 0),
					"fault_times");
		assert_true(json_array_size(times) > 0);
		json_array_foreach(times, i, row) {
			assert_true(json_is_real(json_object_get(row, "lock")) == seen);
			assert_true(json_is_null(json_object_get(row, "lock")) != seen);
			assert_true(json_is_real(json_object_get(row, "asleep")));
			assert_true(json_is_real(json_object_get(row, "host")) == seen);
		}
		json_decref(s->json);
		free(s->text);
		report_free(s->report);
		s->report = report_new("stat");
		view_stat(s->report, s->model, &w);
		make_outputs(s);
	}
}

static void columns_have_no_name_twice(void **state)
{
	char *text = NULL, *save = NULL, *name[256];
	size_t size, nr = 0;
	FILE *f;

	(void)state;
	f = open_memstream(&text, &size);
	record_csv_head(f, UINT64_MAX, NULL);
	fclose(f);
	for (char *at = strtok_r(text, ",\n", &save); at; at = strtok_r(NULL, ",\n", &save)) {
		for (size_t i = 0; i < nr; i++)
			assert_string_not_equal(name[i], at);
		name[nr++] = at;
	}
	assert_true(nr > MMUSCOPE_TYPES);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(json_has_the_models_numbers),
		TEST(text_has_the_same_numbers),
		TEST(walks_are_told_apart),
		TEST(shares_add_up),
		TEST(rates_are_per_second),
		TEST(loss_takes_the_shares_away),
		TEST(little_loss_leaves_the_shares),
		TEST(text_fits_its_width),
		TEST(name_filter),
		TEST(parts_without_a_hook_are_not_known),
		cmocka_unit_test(records_have_no_key_twice),
		cmocka_unit_test(columns_have_no_name_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
