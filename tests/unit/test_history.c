// SPDX-License-Identifier: GPL-2.0
/* The storage of the page history, straight. */
#include "unit.h"

#include "model/history.h"

/* With room for very little. */
static void bounds_hold_and_are_told(void **state)
{
	struct history *h = history_new(4, 8);
	struct vm_history v = { 0 };
	struct history_use use;
	uint64_t broken;

	(void)state;
	history_begin(h, &v, true, 1);
	assert_true(history_complete(h, &v));
	for (uint64_t i = 0; i < 8; i++)
		history_map(h, &v, i * 512, 1, 0, 10 + i, &broken);
	history_usage(h, &use);
	assert_int_equal(use.evicted, 0);
	assert_true(history_complete(h, &v));
	for (uint64_t i = 8; i < 1000; i++) {
		history_map(h, &v, i * 512, 1 + i % 2, 0, 10 + i, &broken);
		assert_int_not_equal(history_look(h, &v, HISTORY_GFN, i * 512), 0);
		history_usage(h, &use);
		assert_true(use.bytes <= use.max);
	}
	/* Words of pages for 8 regions, and 4 times 64 regions at all. */
	assert_true(use.evicted >= 1000 - 4 * 64);
	assert_false(history_complete(h, &v));
	/* The oldest went, those of late are there. */
	assert_int_equal(history_look(h, &v, HISTORY_GFN, 0), 0);
	assert_int_not_equal(history_look(h, &v, HISTORY_GFN, 998 * 512), 0);
	history_free(h);
}

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (random_state >> 33) % n;
}

#define PLAIN_MAPPED	255

/* time << 8 | cause or PLAIN_MAPPED; 0 never. Return: what @take makes of it. */
static uint64_t plain_take(uint64_t old, uint64_t take, uint64_t begin, bool created)
{
	if ((old & 255) == PLAIN_MAPPED || (!old && !created))
		return take;
	if (old && !(old & 255) && (take & 255) && old >> 8 >= begin)
		return old | (take & 255);
	return old;
}

static void plain_compare(uint64_t word, uint64_t plain)
{
	if (!plain)
		assert_int_equal(history_state(word), HISTORY_NONE);
	else if ((plain & 255) == PLAIN_MAPPED)
		assert_int_equal(history_state(word), HISTORY_MAPPED_4K);
	else
		assert_int_equal(history_state(word), HISTORY_TAKEN);
	if (history_state(word) == HISTORY_TAKEN)
		assert_int_equal(history_cause(word), plain & 255);
	assert_int_equal(history_time(word), plain >> 8);
}

/* Against a plain array that is told the same. @all: one in so many takes all pages. */
static void random_history(uint64_t pages, bool created, unsigned int all)
{
	uint64_t *plain = test_calloc(pages, sizeof(*plain)), broken;
	struct history *h = history_new(HISTORY_BLOCKS_MAX, HISTORY_LEAVES_MAX);
	struct history_sizes sizes = { 0 };
	uint64_t mapped = 0, taken = 0;
	struct vm_history v;

	history_begin(h, &v, created, 1);
	for (uint64_t t = 1; t < 4000; t++) {
		uint64_t page = random_below(pages), n = 1ULL << random_below(20);
		uint64_t begin = t > 30 ? t - random_below(30) : t;
		uint8_t cause = random_below(19);

		if (random_below(3)) {
			history_map(h, &v, page, 1, cause, t, &broken);
			plain[page] = t << 8 | PLAIN_MAPPED;
			continue;
		}
		n = random_below(all) ? 1 + random_below(n) : pages;
		if (n > pages - page)
			n = pages - page;
		history_take(h, &v, HISTORY_GFN, page, n, cause, begin, t);
		for (uint64_t i = page; i < page + n; i++)
			plain[i] = plain_take(plain[i], t << 8 | cause, begin, created);
	}
	for (uint64_t i = 0; i < pages; i++) {
		plain_compare(history_look(h, &v, HISTORY_GFN, i), plain[i]);
		mapped += (plain[i] & 255) == PLAIN_MAPPED;
		taken += plain[i] && (plain[i] & 255) != PLAIN_MAPPED;
	}
	history_measure(h, &v, &sizes);
	assert_int_equal(sizes.pages[0], taken);
	assert_int_equal(sizes.pages[1], mapped);
	test_free(plain);
	history_free(h);
}

static void random_histories_are_those_of_an_array(void **state)
{
	(void)state;
	random_history(4096 * 512, true, 20);
	/* Few regions, so that each has words of pages; ends within them. */
	for (unsigned int i = 0; i < 20; i++)
		random_history(3 * 512, i % 2, 100);
}

/* A wide range that begins in the middle of region 5; its pages have one word at first. */
static void wide_ranges_end_within_regions(void **state)
{
	const uint64_t page = 5 * 512, cut = page + 100, pages = 600 * 512;
	struct history *h = history_new(HISTORY_BLOCKS_MAX, HISTORY_LEAVES_MAX);
	struct history_sizes sizes = { 0 };
	struct vm_history v;

	(void)state;
	history_begin(h, &v, false, 1);
	history_take(h, &v, HISTORY_GFN, page, 512, 0, 10, 10);
	history_take(h, &v, HISTORY_GFN, cut, pages, 7, 5, 20);
	assert_int_equal(v.nr_wide, 1);
	history_measure(h, &v, &sizes);
	assert_int_equal(sizes.pages[0], 512);
	/* So many more that it is forgotten. */
	for (unsigned int i = 1; i <= HISTORY_WIDE; i++)
		history_take(h, &v, HISTORY_GFN, (uint64_t)i << 30, pages, 0, 30 + i, 30 + i);
	assert_int_equal(v.nr_wide, HISTORY_WIDE);
	assert_int_equal(history_cause(history_look(h, &v, HISTORY_GFN, cut - 1)), 0);
	assert_int_equal(history_cause(history_look(h, &v, HISTORY_GFN, cut)), 7);
	assert_int_equal(history_cause(history_look(h, &v, HISTORY_GFN, page + 511)), 7);
	history_free(h);
}

/* Of a huge page that was split a wide range takes a part; what comes then, the rest. */
static void wide_ranges_take_a_part_of_what_was_split(void **state)
{
	struct history *h = history_new(HISTORY_BLOCKS_MAX, HISTORY_LEAVES_MAX);
	struct history_sizes sizes = { 0 };
	struct vm_history v;
	uint64_t broken;

	(void)state;
	history_begin(h, &v, true, 1);
	history_map(h, &v, 0, 2, 0, 10, &broken);
	history_split(h, &v, 0, 11);
	history_take(h, &v, HISTORY_GFN, 100, 600 * 512, 7, 20, 20);
	history_measure(h, &v, &sizes);
	assert_int_equal(sizes.pages[0], 412);
	assert_int_equal(sizes.pages[1], 100);
	history_take(h, &v, HISTORY_GFN, 0, 512, 8, 30, 30);
	assert_int_equal(history_cause(history_look(h, &v, HISTORY_GFN, 99)), 8);
	assert_int_equal(history_cause(history_look(h, &v, HISTORY_GFN, 300)), 7);
	history_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_hold_and_are_told),
		cmocka_unit_test(wide_ranges_take_a_part_of_what_was_split),
		cmocka_unit_test(wide_ranges_end_within_regions),
		cmocka_unit_test(random_histories_are_those_of_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
