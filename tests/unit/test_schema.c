// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/schema.h"

#define GOLDEN "tests/golden/abi.txt"

static char *read_all(FILE *f)
{
	char *text = NULL;
	size_t size = 0;

	if (getdelim(&text, &size, '\0', f) < 0)
		fail_msg("nothing to read");
	return text;
}

/*
 * A change that only appends is made with "test_schema --print > tests/golden/abi.txt".
 * Any other change breaks recordings and collectors that exist.
 */
static void abi_is_as_it_was(void **state)
{
	FILE *f = fopen(GOLDEN, "r");
	char *golden, *now = NULL;
	size_t size;

	(void)state;
	if (!f)
		fail_msg("cannot read " GOLDEN ": %s", strerror(errno));
	golden = read_all(f);
	fclose(f);
	f = open_memstream(&now, &size);
	schema_print_listing(f);
	fclose(f);
	assert_string_equal(now, golden);
	free(now);
	free(golden);
}

static void fields_fill_their_record(void **state)
{
	(void)state;
	for (unsigned int id = 0; id < MMUSCOPE_TYPES; id++) {
		const struct schema_event *e = schema_event(id);
		size_t at = id ? sizeof(struct mmuscope_hdr) : 0;

		assert_non_null(e);
		for (size_t i = 0; i < e->nr; i++) {
			assert_int_equal(e->fields[i].offset, at);
			assert_true(*e->fields[i].doc);
			at += e->fields[i].size;
		}
		assert_int_equal(at, e->size);
		assert_true(e->size <= schema_max_size());
		assert_ptr_equal(schema_event_named(e->name), e);
	}
}

/* Sets one field after the other to all ones, and looks at what all the fields then say. */
static void every_field_reads_its_own_bytes(void **state)
{
	union {
		struct mmuscope_hdr hdr;
		unsigned char bytes[256];
	} rec;

	(void)state;
	for (unsigned int id = 1; id < MMUSCOPE_TYPES; id++) {
		const struct schema_event *e = schema_event(id);

		for (size_t i = 0; i < e->nr; i++) {
			const struct schema_field *f = &e->fields[i];

			if (f->type == TYPE_TEXT)
				continue;
			memset(&rec, 0, sizeof(rec));
			memset(rec.bytes + f->offset, 0xff, f->size);
			for (size_t j = 0; j < e->nr; j++) {
				uint64_t expect = f->size == 8 || f->type == TYPE_s32 ? ~0ULL :
						  (1ULL << (8 * f->size)) - 1;

				assert_true(schema_field_value(&e->fields[j], &rec.hdr) ==
					    (i == j ? expect : 0));
			}
		}
	}
}

static void values_have_their_sign(void **state)
{
	struct mmuscope_split split = { .error = -12, .gfn = MMUSCOPE_UNKNOWN };
	const struct schema_event *e = schema_event(MMUSCOPE_TYPE_split);

	(void)state;
	for (size_t i = 0; i < e->nr; i++) {
		uint64_t value = schema_field_value(&e->fields[i], &split.hdr);

		if (!strcmp(e->fields[i].name, "error"))
			assert_true((int64_t)value == -12);
		if (!strcmp(e->fields[i].name, "gfn"))
			assert_true(value == MMUSCOPE_UNKNOWN);
	}
}

static void words_go_both_ways(void **state)
{
	(void)state;
	for (unsigned int set = 0; set < SET_COUNT; set++) {
		const struct schema_vocabulary *v = schema_vocabulary(set);

		for (size_t i = 0; i < v->nr; i++) {
			const struct schema_word *w = &v->words[i];

			assert_ptr_equal(schema_word(v, w->value), w);
			assert_int_equal(schema_word_value(v, w->name), w->value);
			assert_string_equal(schema_word_text(set, w->value), w->name);
		}
		assert_int_equal(schema_word_value(v, "no such word"), -ENOENT);
	}
	assert_string_equal(schema_word_text(SET_mode, 200), "?");
	assert_string_equal(schema_word_text(SET_notifier, 255), "unknown");
}

static void unknown_events_are_null(void **state)
{
	(void)state;
	assert_null(schema_event(MMUSCOPE_TYPES));
	assert_null(schema_event_named("no such event"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abi_is_as_it_was),
		cmocka_unit_test(fields_fill_their_record),
		cmocka_unit_test(every_field_reads_its_own_bytes),
		cmocka_unit_test(values_have_their_sign),
		cmocka_unit_test(words_go_both_ways),
		cmocka_unit_test(unknown_events_are_null),
	};

	if (argc == 2 && !strcmp(argv[1], "--print")) {
		schema_print_listing(stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
