// SPDX-License-Identifier: GPL-2.0
/* What pictures are made of: bins of time, ranges of addresses, shades, and the text in them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scale.h"
#include "model/pictures.h"
#include "render/html.h"
#include "render/render.h"
#include "view/view.h"

#define BEGIN	5000000000ULL
#define SECOND	1000000000ULL

static void bins_widen_and_keep_sums(void **state)
{
	uint64_t count[8] = { 0 }, sum = 0;
	struct bins b;

	(void)state;
	bins_init(&b, BEGIN, 8);
	for (uint64_t i = 0; i < 1000; i++) {
		unsigned int times = bins_reach(&b, BEGIN + i * 1000003);

		bins_fold(count, 8, times);
		assert_true(bins_index(&b, BEGIN + i * 1000003) < b.used);
		assert_true(b.used <= 8);
		count[bins_index(&b, BEGIN + i * 1000003)]++;
	}
	for (size_t i = 0; i < 8; i++)
		sum += count[i];
	assert_int_equal(sum, 1000);
	/* No wider than has to be: more than half of them are used. */
	assert_true(b.used > 4);
	/* The first bin counts just what is before its end. */
	assert_int_equal(count[0], (b.width - 1) / 1000003 + 1);
}

static void bins_take_any_time(void **state)
{
	struct bins b;

	(void)state;
	bins_init(&b, BEGIN, 128);
	bins_reach(&b, 0);
	assert_int_equal(bins_index(&b, 0), 0);
	bins_reach(&b, UINT64_MAX);
	assert_true(bins_index(&b, UINT64_MAX) < 128);
}

static void shades_are_logarithmic(void **state)
{
	(void)state;
	assert_int_equal(scale_step(0, 1000, 8), 0);
	assert_int_equal(scale_step(1, 1000, 8), 1);
	assert_int_equal(scale_step(1000, 1000, 8), 8);
	assert_int_equal(scale_step(31, 1000, 8), 4);
	assert_int_equal(scale_step(1, 1, 8), 8);
	assert_int_equal(scale_step(UINT64_MAX, UINT64_MAX, 8), 8);
	for (uint64_t most = 1; most < 3000; most = most * 2 + 1)
		for (uint64_t n = 1; n < most; n++)
			assert_true(scale_step(n, most, 8) <= scale_step(n + 1, most, 8));
}

/* What the legend says is what the picture shows. */
static void legend_agrees_with_shades(void **state)
{
	static const uint64_t most[] = { 1, 2, 3, 7, 8, 100, 99999, 1ULL << 40, UINT64_MAX - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(most) / sizeof(*most); i++) {
		for (unsigned int step = 1; step <= 8; step++) {
			uint64_t low = scale_low(step, most[i], 8);

			if (low > most[i])
				continue;
			assert_int_equal(scale_step(low, most[i], 8), step);
			assert_true(scale_step(low - 1, most[i], 8) < step);
		}
	}
	/* With two counts there are two shades in the legend. */
	assert_int_equal(scale_low(1, 2, 8), 1);
	assert_int_equal(scale_low(8, 2, 8), 2);
	assert_true(scale_low(3, 2, 8) > 2);
}

static void ticks_are_round(void **state)
{
	(void)state;
	assert_true(scale_tick(10, 5) == 2);
	assert_true(scale_tick(11, 5) == 5);
	assert_true(scale_tick(0.3, 3) > 0.0999 && scale_tick(0.3, 3) < 0.1001);
	assert_true(scale_tick(4.7e9, 5) == 1e9);
	assert_true(scale_tick(0, 5) > 0);
}

static struct mmuscope_fault fault_at(uint64_t ts, uint64_t dur, uint64_t gpa)
{
	return (struct mmuscope_fault){
		.hdr = { .ts = BEGIN + ts, .dur = dur, .vm = 1, .type = MMUSCOPE_TYPE_fault,
			 .size = sizeof(struct mmuscope_fault) },
		.gpa = gpa, .mode = MMUSCOPE_mode_npt, .level = 1,
		.condition = MMUSCOPE_condition_not_present, .verdict = MMUSCOPE_verdict_fixed,
	};
}

/* A long fault lies over many bins, and its time is where it was spent. */
static void time_in_faults_is_spread(void **state)
{
	struct mmuscope_fault f = fault_at(4 * SECOND, 3 * SECOND, 0);
	struct timeline t;
	uint64_t ns = 0, early = 0;

	(void)state;
	timeline_init(&t, BEGIN);
	timeline_feed(&t, &f.hdr);
	/* One that began before the recording counts from there on. */
	f = fault_at(4 * SECOND, 100 * SECOND, 0);
	timeline_feed(&t, &f.hdr);
	for (size_t i = 0; i < TIMELINE_BINS; i++) {
		ns += t.sum[TIMELINE_FAULT_NS][i];
		early += i * t.bins.width < SECOND / 2 ? t.sum[TIMELINE_FAULT_NS][i] : 0;
		assert_true(t.sum[TIMELINE_FAULT_NS][i] <= 2 * t.bins.width);
	}
	assert_int_equal(ns, 7 * SECOND);
	assert_true(early >= SECOND / 2 && early <= SECOND);
	assert_int_equal(t.sum[TIMELINE_FAULTS][bins_index(&t.bins, BEGIN + 4 * SECOND)], 2);
}

static struct mmuscope_slot slot_at(uint16_t id, uint64_t gfn, uint64_t npages)
{
	return (struct mmuscope_slot){
		.hdr = { .ts = BEGIN, .vm = 1, .vcpu = MMUSCOPE_NO_VCPU,
			 .type = MMUSCOPE_TYPE_slot, .size = sizeof(struct mmuscope_slot) },
		.slot = id, .gfn = gfn, .npages = npages, .hva = 0x7f0000000000ULL + (gfn << 12),
		.op = MMUSCOPE_slot_op_create,
	};
}

struct fixture {
	struct model *model;
	struct pictures *pictures;
	struct report *report;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
		model_new(NULL, NULL), pictures_new(BEGIN, NULL), report_new("test"),
	};
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	model_free(f->model);
	pictures_free(f->pictures);
	report_free(f->report);
	return 0;
}

static void feed(struct fixture *f, const struct mmuscope_hdr *rec)
{
	assert_int_equal(model_feed(f->model, rec), 0);
	assert_int_equal(pictures_feed(f->pictures, f->model, rec), 0);
}

static void feed_slot(struct fixture *f, uint16_t id, uint64_t gfn, uint64_t npages)
{
	struct mmuscope_slot slot = slot_at(id, gfn, npages);

	feed(f, &slot.hdr);
}

static void feed_fault(struct fixture *f, uint64_t ts, uint64_t gpa)
{
	struct mmuscope_fault fault = fault_at(ts, 1000, gpa);

	feed(f, &fault.hdr);
}

static const struct heat_map *map_make(struct fixture *f, size_t rows, size_t columns,
				       uint64_t elapsed)
{
	const struct view_window w = { .elapsed_ns = elapsed, .pictures = f->pictures };
	const struct view_heat size = { rows, columns };

	if (!view_heatmaps(f->report, f->model, &w, &size))
		return NULL;
	assert_false(report_failed(f->report));
	for (const struct block *b = f->report->sections->blocks; b; b = b->next)
		if (b->kind == BLOCK_HEAT)
			return &b->heat;
	return NULL;
}

static uint64_t map_sum(const struct heat_map *map)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < map->nr_rows; i++)
		for (size_t k = 0; k < map->nr_columns; k++)
			sum += map->rows[i].count[k];
	return sum;
}

static void map_has_slots_and_jumps(void **state)
{
	struct fixture *f = *state;
	const struct heat_map *map;

	feed_slot(f, 0, 0, 16);			/* 64K */
	feed_slot(f, 3, 0x100000, 16);		/* 64K at 4G */
	feed_fault(f, 10, 0x3000);
	feed_fault(f, SECOND, 0x3000);
	feed_fault(f, SECOND, 0x100000000ULL + 0x5000);
	feed_fault(f, SECOND, 0xfee00000);	/* in no memslot */
	map = map_make(f, 64, 16, SECOND);
	assert_non_null(map);
	assert_int_equal(map->row_bytes, 4096);
	assert_int_equal(map->nr_rows, 33);
	assert_int_equal(map->rows[0].slot, 0);
	assert_false(map->rows[0].jump);
	assert_int_equal(map->rows[16].gpa, 0xfee00000);
	assert_int_equal(map->rows[16].slot, HEAT_NO_SLOT);
	assert_true(map->rows[16].jump);
	assert_int_equal(map->rows[17].gpa, 0x100000000ULL);
	assert_int_equal(map->rows[17].slot, 3);
	assert_true(map->rows[17].jump);
	assert_false(map->rows[18].jump);
	assert_int_equal(map->rows[3].count[0], 1);
	assert_int_equal(map_sum(map), 4);
	assert_int_equal(map->most, 1);
	assert_true(map->nr_columns <= 16 && map->nr_columns > 8);
}

/* More ranges than there is room for, times too: nothing is lost. */
static void map_is_bounded_and_keeps_sums(void **state)
{
	struct fixture *f = *state;
	const struct heat_map *map;

	for (uint64_t i = 0; i < 20000; i++)
		feed_fault(f, i * 1234567, i * 7919 % 20011 << 12);
	feed_fault(f, 0, MMUSCOPE_UNKNOWN);
	feed_fault(f, 0, MMUSCOPE_UNKNOWN - 1);	/* no address that there is */
	map = map_make(f, 64, 50, 20000 * 1234567ULL);
	assert_non_null(map);
	assert_true(map->nr_rows <= 64);
	assert_true(map->nr_columns <= 50 && map->nr_columns > 25);
	assert_int_equal(map_sum(map), 20001);
	assert_int_equal(map->faults, 20001);
	/* The one without an address is told of. */
	assert_int_equal(f->report->sections->blocks->next->kind, BLOCK_NOTE);
}

static void map_takes_any_slot(void **state)
{
	struct fixture *f = *state;
	const struct heat_map *map;

	feed_slot(f, 1, UINT64_MAX - 1, UINT64_MAX);
	feed_slot(f, 2, 5, UINT64_MAX);
	feed_slot(f, 4, 1ULL << 51, 1ULL << 51);
	feed_slot(f, 5, 0, 0);
	feed_fault(f, 1, 0);
	map = map_make(f, 2, 2, 0);
	assert_non_null(map);
	assert_true(map->nr_rows <= 2);
	assert_int_equal(map_sum(map), 1);
}

static char *rendered(const struct report *r, bool page)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (page)
		render_html(out, r, r->sections->title);
	else
		render_svg(out, r, r->sections->title);
	fclose(out);
	return text;
}

static void hostile_names_stay_text(void **state)
{
	static const char name[] = "</title><script>alert(\"1\")</script>&'"
		"\x01\xff\xc0\x80\xed\xa0\x80";
	struct fixture *f = *state;
	struct mmuscope_vm vm = {
		.hdr = { .ts = BEGIN, .vm = 1, .vcpu = MMUSCOPE_NO_VCPU,
			 .type = MMUSCOPE_TYPE_vm, .size = sizeof(vm) },
		.pid = 1, .op = MMUSCOPE_life_found, .comm = "<b>&\"'\x1b[0m\xfe",
	};
	struct section *s;
	char *text;

	feed(f, &vm.hdr);
	feed_fault(f, 1, 0);
	s = report_section(f->report, "first", name, false);
	section_fact(s, "fact", name, cell_text(name));
	section_note(s, "%s", name);
	assert_null(map_make(f, 8, 8, SECOND));
	for (int page = 0; page < 2; page++) {
		text = rendered(f->report, page);
		assert_null(strstr(text, "<script"));
		assert_null(strstr(text, "<b>"));
		assert_non_null(strstr(text, "&lt;b&gt;&amp;&quot;&#39;"));
		for (const char *c = text; *c; c++)
			assert_false((*c > 0 && *c < ' ' && *c != '\n' && *c != '\t') ||
				     *c == '\xff' || *c == '\xfe' || *c == '\xc0' ||
				     *c == '\xed');
		free(text);
	}
}

/* "<0.1%" is text too. */
static void small_shares_stay_text(void **state)
{
	struct shares_row row = { "row", { 1, 1000000 } };
	const struct shares shares = {
		.title = "t", .part = { "a", "b" }, .nr_parts = 2, .rows = &row, .nr = 1,
	};
	struct section *s;
	struct fixture *f = *state;
	char *text;

	s = report_section(f->report, "first", "title", false);
	section_shares(s, &shares);
	text = rendered(f->report, true);
	assert_null(strstr(text, "<0"));
	assert_non_null(strstr(text, "a: 1, &lt;0.1%"));
	free(text);
}

static void assert_text(const char *text, const char *as)
{
	char *got = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&got, &len);

	html_text(out, text);
	fclose(out);
	assert_string_equal(got, as);
	free(got);
}

static void text_is_utf8(void **state)
{
	(void)state;
	assert_text("plain", "plain");
	assert_text("\u00fc\u20ac\U0001f600", "\u00fc\u20ac\U0001f600");
	assert_text("a\xe2\x82", "a\ufffd\ufffd");		/* cut off */
	assert_text("\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd");	/* beyond the last */
	assert_text("\xef\xbf\xbf", "\ufffd\ufffd\ufffd");	/* U+FFFF is in no XML */
	assert_text("\x7f\r", "\ufffd\ufffd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_widen_and_keep_sums),
		cmocka_unit_test(bins_take_any_time),
		cmocka_unit_test(shades_are_logarithmic),
		cmocka_unit_test(legend_agrees_with_shades),
		cmocka_unit_test(ticks_are_round),
		cmocka_unit_test(time_in_faults_is_spread),
		cmocka_unit_test_setup_teardown(map_has_slots_and_jumps, setup, teardown),
		cmocka_unit_test_setup_teardown(map_is_bounded_and_keeps_sums, setup, teardown),
		cmocka_unit_test_setup_teardown(map_takes_any_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_names_stay_text, setup, teardown),
		cmocka_unit_test_setup_teardown(small_shares_stay_text, setup, teardown),
		cmocka_unit_test(text_is_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
