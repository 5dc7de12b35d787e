// SPDX-License-Identifier: GPL-2.0
/* Selecting, sorting and filtering rows of a table. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "render/grid.h"
#include "render/layout.h"
#include "render/render.h"

#define ROWS 5
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const struct column columns[] = {
	{ "id", NULL, false, 0 }, { "name", "name", true, 0 }, { "ns", "time", false, 0 },
	{ "rate", "/s", false, 1 },
};

struct fixture {
	struct report *report;
	struct table *table;
	struct grid grid;
};

/* alpha 10, beta 20, ... so that by time they are the other way round. */
static void fill(struct fixture *f, uint64_t factor)
{
	static const char *const names[ROWS] = { "alpha", "beta", "gamma", "delta", "epsilon" };

	if (f->report)
		report_free(f->report);
	f->report = report_new("test");
	f->table = section_table(report_section(f->report, "s", NULL, false), "t", NULL, columns,
				 ARRAY_SIZE(columns));
	for (size_t i = 0; i < ROWS; i++) {
		struct cell *row = table_row(f->table);

		row[0] = cell_id(i);
		row[1] = cell_text(names[i]);
		row[2] = cell_ns((i + 1) * 10 * factor % 70);
		row[3] = cell_rate(i, 1000000000);
	}
	assert_int_equal(grid_show(&f->grid, f->table), 0);
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	strcpy(f.grid.sort, "ns");
	fill(&f, 1);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	grid_free(&f->grid);
	report_free(f->report);
	return 0;
}

static const char *selected(const struct fixture *f)
{
	const struct cell *row = grid_selected(&f->grid);

	return row ? row[1].text : "none";
}

static void first_row_is_selected_and_ends_are_ends(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(selected(f), "epsilon");
	grid_move(&f->grid, -3);
	assert_string_equal(selected(f), "epsilon");
	grid_move(&f->grid, 1);
	assert_string_equal(selected(f), "delta");
	grid_move(&f->grid, 100);
	assert_string_equal(selected(f), "alpha");
	grid_move(&f->grid, -4);
	assert_string_equal(selected(f), "epsilon");
}

static void selection_follows_its_row(void **state)
{
	struct fixture *f = *state;

	/* Whichever is first stays selected as long as nobody chose. */
	fill(f, 5);
	assert_string_equal(selected(f), "delta");
	grid_move(&f->grid, 1);
	assert_string_equal(selected(f), "alpha");
	fill(f, 1);
	assert_string_equal(selected(f), "alpha");
	assert_int_equal(f->grid.at, 4);
}

static void filter_leaves_rows_and_selection(void **state)
{
	struct fixture *f = *state;

	strcpy(f->grid.filter, "LTA");
	assert_int_equal(grid_show(&f->grid, f->table), 0);
	assert_int_equal(f->grid.nr, 1);
	assert_string_equal(selected(f), "delta");
	strcpy(f->grid.filter, "nobody");
	assert_int_equal(grid_show(&f->grid, f->table), 0);
	assert_string_equal(selected(f), "none");
	grid_move(&f->grid, 1);
	grid_scroll(&f->grid, 3);
	*f->grid.filter = '\0';
	assert_int_equal(grid_show(&f->grid, f->table), 0);
	assert_int_equal(f->grid.nr, ROWS);
	assert_string_equal(selected(f), "epsilon");
}

static void sorts_by_columns_that_are_shown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(grid_sort_next(&f->grid, -1), 0);
	assert_string_equal(f->grid.sort, "name");
	assert_string_equal(selected(f), "alpha");
	/* The first column has no head. */
	grid_sort_next(&f->grid, -1);
	assert_string_equal(f->grid.sort, "rate");
	f->grid.no_room = 1 << 3;
	grid_sort_next(&f->grid, 1);
	grid_sort_next(&f->grid, 1);
	grid_sort_next(&f->grid, 1);
	assert_string_equal(f->grid.sort, "name");
	f->grid.reverse = true;
	grid_show(&f->grid, f->table);
	assert_string_equal(selected(f), "gamma");
}

static void selected_row_is_on_the_screen(void **state)
{
	struct fixture *f = *state;

	grid_move(&f->grid, 4);
	grid_scroll(&f->grid, 2);
	assert_int_equal(f->grid.top, 3);
	grid_move(&f->grid, -2);
	grid_scroll(&f->grid, 2);
	assert_int_equal(f->grid.top, 2);
	/* A larger screen has no empty lines below rows while there are some above. */
	grid_scroll(&f->grid, 4);
	assert_int_equal(f->grid.top, 1);
	grid_scroll(&f->grid, 40);
	assert_int_equal(f->grid.top, 0);
	grid_scroll(&f->grid, 0);
}

static void empty_table_has_no_row(void **state)
{
	struct fixture *f = *state;

	grid_reset(&f->grid);
	assert_null(grid_selected(&f->grid));
	grid_move(&f->grid, 1);
	assert_int_equal(grid_sort_next(&f->grid, 1), 0);
	assert_int_equal(grid_show(&f->grid, NULL), 0);
	assert_null(grid_selected(&f->grid));
}

static void columns_leave_and_texts_are_cut(void **state)
{
	struct fixture *f = *state;
	struct layout l;

	layout_make(&l, f->table, 80, 1, 6);
	assert_int_equal(l.width[0], 0);
	assert_int_equal(l.width[1], strlen("epsilon"));
	assert_int_equal(l.width[2], 6);
	assert_int_equal(l.width[3], 6);
	layout_make(&l, f->table, 15, 1, 6);
	assert_int_equal(l.width[3], 0);
	assert_int_equal(l.width[1], 7);
	layout_make(&l, f->table, 13, 1, 6);
	assert_int_equal(l.width[1], 6);
}

/* A report of one VM, or of two. Return: its text, to be freed. */
static char *text_of(struct steady *keep, unsigned int width, const char *name, uint64_t ns,
		     const char *second)
{
	struct report *r = report_new("test");
	struct table *t = section_table(report_section(r, "s", NULL, false), "t", NULL, columns,
					ARRAY_SIZE(columns));
	const char *const names[] = { name, second };
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
		struct cell *row = table_row(t);

		row[1] = cell_text(names[i]);
		row[2] = cell_ns(ns);
		row[3] = cell_rate(ns, 1000000000);
	}
	render_text_steady(out, r, width, false, keep);
	fclose(out);
	report_free(r);
	return text;
}

/* The line of @text that has @part, of which there is one at most. */
static char *line_of(const char *text, const char *part)
{
	const char *at = strstr(text, part);

	if (!at)
		return strdup("");
	while (at > text && at[-1] != '\n')
		at--;
	return strndup(at, strcspn(at, "\n"));
}

/* Who reads a pipe finds each column where it was, whatever comes later. */
static void columns_stay(void **state)
{
	static const unsigned int widths[] = { 19, 24, 40, 80 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct steady keep = { 0 };
		char *none = text_of(&keep, widths[i], NULL, 0, NULL);
		char *first = text_of(&keep, widths[i], "vm1", 7, NULL);
		char *then = text_of(&keep, widths[i], "a-name-that-is-longer", 123456789, "vm2");
		char *head = line_of(first, "name"), *again = line_of(then, "name");
		char *row = line_of(first, "vm1"), *other = line_of(then, "vm2");

		print_message("# %s", then);
		assert_null(strstr(none, "name"));
		assert_string_equal(head, again);
		assert_int_equal(strlen(row), strlen(head));
		assert_int_equal(strlen(other), strlen(head));
		assert_true(strlen(head) <= widths[i]);
		free(none);
		free(first);
		free(then);
		free(head);
		free(again);
		free(row);
		free(other);
	}
}

/* What has no room is longer than the others, but not another number. */
static void a_number_is_never_cut(void **state)
{
	struct steady keep = { .made = true, .width = { 0, 4, 4, 0 } };
	char *text = text_of(&keep, 80, "vm-long", 123456789, NULL);

	(void)state;
	assert_non_null(strstr(text, "123ms"));
	assert_non_null(strstr(text, "vm-~ "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(first_row_is_selected_and_ends_are_ends, setup,
						teardown),
		cmocka_unit_test_setup_teardown(selection_follows_its_row, setup, teardown),
		cmocka_unit_test_setup_teardown(filter_leaves_rows_and_selection, setup, teardown),
		cmocka_unit_test_setup_teardown(sorts_by_columns_that_are_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(selected_row_is_on_the_screen, setup, teardown),
		cmocka_unit_test_setup_teardown(empty_table_has_no_row, setup, teardown),
		cmocka_unit_test_setup_teardown(columns_leave_and_texts_are_cut, setup, teardown),
		cmocka_unit_test(columns_stay),
		cmocka_unit_test(a_number_is_never_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
