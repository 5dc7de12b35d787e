// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/site.h"

static struct cause_site sites[CAUSE_SITES];

/* As /proc/kallsyms shows it: the kernel in the order of addresses, modules in none. */
static const char symbols[] =
	"0000000000001000 T do_madvise\n"
	"0000000000001400 t helper\n"
	"0000000000001800 T migrate_pages\n"
	"0000000000001900 t migrate_misplaced_page\n"
	"0000000000001a00 d do_wp_page\n"
	"0000000000001b00 t __pfx_shrink_folio_list\n"
	"0000000000001b10 t shrink_folio_list.constprop.0\n"
	"0000000000001f00 t after\n"
	"0000000000009000 t shrink_folio_list.cold\n"
	"000000000000b400 t other\t[kvm]\n"
	"000000000000b000 t kvm_mmu_zap_oldest_mmu_pages.isra.0\t[kvm]\n"
	"000000000000b100 t beside\t[kvm]\n"
	"000000000000b800 T wp_page_copy\n";

static int read_text(const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;
	struct site_search search;
	struct kallsym symbol;

	assert_non_null(copy);
	sites_begin(&search, sites);
	while ((line = strsep(&rest, "\n")))
		if (kallsyms_line(line, &symbol))
			assert_int_equal(sites_take(&search, &symbol), 0);
	free(copy);
	return sites_end(&search);
}

static void functions_are_found(void **state)
{
	static const struct cause_site expect[] = {
		{ 0x1000, 0x400, MMUSCOPE_cause_madvise, 0, 0 },
		{ 0x1800, 0x100, MMUSCOPE_cause_migration, 0, 0 },
		{ 0x1900, 0x200, MMUSCOPE_cause_numa, MMUSCOPE_cause_migration, 0 },
		{ 0x1b10, 0x3f0, MMUSCOPE_cause_reclaim, 0, 0 },
		{ 0x9000, 0x2000, MMUSCOPE_cause_reclaim, 0, 0 },
		{ 0xb000, 0x100, MMUSCOPE_cause_recycling, 0, 0 },
		{ 0xb800, 0x10000, MMUSCOPE_cause_ksm_break, 0, 0 },
	};

	(void)state;
	assert_int_equal(read_text(symbols), 7);
	assert_memory_equal(sites, expect, sizeof(expect));
	for (size_t i = 7; i < CAUSE_SITES; i++)
		assert_true(sites[i].start == UINT64_MAX);
}

/* Two names of one function end at the same place. */
static void aliases_have_one_size(void **state)
{
	(void)state;
	assert_int_equal(read_text("1000 t do_munmap\n1000 T __do_munmap\n1100 t other\n"
				   "f00 t before\n"), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(sites[i].start, 0x1000);
		assert_int_equal(sites[i].size, 0x100);
	}
}

/* What is no symbol is none, and what it is of is no part of its name. */
static void lines_of_symbols(void **state)
{
	char module[] = "ffffffffc0aB12 d kvm_rebooting\t[kvm]\n";
	static const char *const none[] = {
		"", "\n", "1000", "1000 t", "1000 t ", "1000 t \n", "1000  t name", "xyz t name",
		"1000 type name", "1000\tt\tname", " t name", "1 0 name",
		"1ffffffffc0001000 t name",
	};
	struct kallsym symbol;
	char line[32];

	(void)state;
	assert_true(kallsyms_line(module, &symbol));
	assert_true(symbol.address == 0xffffffffc0ab12);
	assert_int_equal(symbol.type, 'd');
	assert_string_equal(symbol.name, "kvm_rebooting");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		snprintf(line, sizeof(line), "%s", none[i]);
		assert_false(kallsyms_line(line, &symbol));
	}
}

/* A search by halves finds all of them: the table is sorted, and has room. */
static void every_row_can_be_found(void **state)
{
	static const char *const names[] = {
#define SITE(function, cause)			#function,
#define SITE_OVER(function, cause, tool)	#function,
#include "source/site.def"
	};
	static char text[65536];
	size_t nr = sizeof(names) / sizeof(names[0]), at = 0;

	(void)state;
	for (size_t i = 0; i < nr; i++)
		at += snprintf(text + at, sizeof(text) - at, "%zx t %s\n", 4096 * (i + 1),
			       names[i]);
	assert_int_equal(read_text(text), nr);
	/* Some kernels have a part or two of each. */
	assert_true(2 * nr <= CAUSE_SITES);
}

/* What an unprivileged reader gets. */
static void hidden_addresses_are_no_functions(void **state)
{
	(void)state;
	assert_int_equal(read_text("0000000000000000 T do_madvise\n"), 0);
	assert_int_equal(cause_outward(sites, 0x1001, 0), MMUSCOPE_cause_unknown);
}

static void what_no_function_names_is_told(void **state)
{
	char text[512];

	(void)state;
	read_text(symbols);
	assert_true(sites_missing(sites, text, sizeof(text)) > 5);
	assert_non_null(strstr(text, "thp_split"));
	assert_null(strstr(text, "madvise"));
	assert_null(strstr(text, "numa"));
	/* Cut off, not beyond the end. */
	memset(text, 'x', sizeof(text));
	sites_missing(sites, text, 8);
	assert_int_equal(strlen(text), 7);
}

static uint8_t cause_of(const uint64_t *ips)
{
	uint8_t cause = MMUSCOPE_cause_unknown;

	for (; *ips; ips++)
		cause = cause_outward(sites, *ips, cause);
	return cause;
}

#define CAUSE(...) cause_of((const uint64_t[]){ __VA_ARGS__, 0 })

static void the_innermost_tells(void **state)
{
	(void)state;
	read_text(symbols);
	assert_int_equal(CAUSE(0x1500, 0x1b20, 0x1010), MMUSCOPE_cause_reclaim);
	assert_int_equal(CAUSE(0x1500, 0x9005, 0x1010), MMUSCOPE_cause_reclaim);
	assert_int_equal(CAUSE(0x1500, 0x1010), MMUSCOPE_cause_madvise);
	assert_int_equal(CAUSE(0x1500, 0x5000, 0xfffff000), MMUSCOPE_cause_unknown);
	assert_int_equal(CAUSE(0x10), MMUSCOPE_cause_unknown);
}

static void an_outer_one_can_be_the_reason(void **state)
{
	(void)state;
	read_text(symbols);
	assert_int_equal(CAUSE(0x1810), MMUSCOPE_cause_migration);
	assert_int_equal(CAUSE(0x1810, 0x1910), MMUSCOPE_cause_numa);
	assert_int_equal(CAUSE(0x1810, 0x1010), MMUSCOPE_cause_migration);
	assert_int_equal(CAUSE(0x1b20, 0x1910), MMUSCOPE_cause_reclaim);
}

/* A return address is behind the call: that can be the next function's first byte. */
static void a_call_at_the_end_of_a_function(void **state)
{
	(void)state;
	read_text(symbols);
	assert_int_equal(CAUSE(0x1400), MMUSCOPE_cause_madvise);
	assert_int_equal(CAUSE(0x1000), MMUSCOPE_cause_unknown);
	assert_int_equal(CAUSE(0x1001), MMUSCOPE_cause_madvise);
	assert_int_equal(CAUSE(0x1401), MMUSCOPE_cause_unknown);
}

/* A full table: the search must reach every place. */
static void every_place_is_reached(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CAUSE_SITES; i++)
		sites[i] = (struct cause_site){
			.start = 0x1000 + i * 0x10, .size = 8, .cause = 1 + i % 19,
		};
	for (uint32_t i = 0; i < CAUSE_SITES; i++) {
		uint64_t start = 0x1000 + i * 0x10;

		assert_int_equal(CAUSE(start + 1), 1 + i % 19);
		assert_int_equal(CAUSE(start + 8), 1 + i % 19);
		assert_int_equal(CAUSE(start + 9), MMUSCOPE_cause_unknown);
	}
}

static uint8_t guess(uint8_t event, const char *name)
{
	char comm[16] = "";

	strcpy(comm, name);
	return cause_inferred(event, comm);
}

static void tasks_and_events_are_a_guess(void **state)
{
	(void)state;
	assert_int_equal(guess(MMUSCOPE_notifier_clear, "ksmd"), MMUSCOPE_cause_ksm_merge);
	assert_int_equal(guess(MMUSCOPE_notifier_clear, "khugepaged"),
			 MMUSCOPE_cause_thp_collapse);
	assert_int_equal(guess(MMUSCOPE_notifier_clear, "kswapd0"), MMUSCOPE_cause_reclaim);
	assert_int_equal(guess(MMUSCOPE_notifier_clear, "kcompactd1"), MMUSCOPE_cause_migration);
	assert_int_equal(guess(MMUSCOPE_notifier_clear, "ksmdx"), MMUSCOPE_cause_unknown);
	assert_int_equal(guess(MMUSCOPE_notifier_clear, ""), MMUSCOPE_cause_unknown);
	assert_int_equal(guess(MMUSCOPE_notifier_unmap, ""), MMUSCOPE_cause_munmap);
	assert_int_equal(guess(MMUSCOPE_notifier_protection_vma, ""), MMUSCOPE_cause_unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found),
		cmocka_unit_test(aliases_have_one_size),
		cmocka_unit_test(lines_of_symbols),
		cmocka_unit_test(every_row_can_be_found),
		cmocka_unit_test(hidden_addresses_are_no_functions),
		cmocka_unit_test(what_no_function_names_is_told),
		cmocka_unit_test(the_innermost_tells),
		cmocka_unit_test(an_outer_one_can_be_the_reason),
		cmocka_unit_test(a_call_at_the_end_of_a_function),
		cmocka_unit_test(every_place_is_reached),
		cmocka_unit_test(tasks_and_events_are_a_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
