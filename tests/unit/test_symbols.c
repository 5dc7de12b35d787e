// SPDX-License-Identifier: GPL-2.0
/* Functions of guests from maps and ELF files, good ones and others. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/symbols.h"

static char path[64];

/* Where the linker puts the begin of the file. */
extern const char __ehdr_start;

static struct symbols *of(const void *content, size_t len, char *err)
{
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/mmuscope-symbols-%d", getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, len, f), len);
	fclose(f);
	return symbols_open(path, err, 256);
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void a_map_is_searched(void **state)
{
	static const char map[] =
		"ffffffff81000100 T second\n"
		"ffffffff81000000 T first\n"
		"ffffffff81000080 D data\n"
		"ffffffff81000100 t alias_of_second\n"
		"ffffffffc0000000 t in_module\t[kvm]\n";
	char err[256] = "", buf[80];
	struct symbols *s = of(map, sizeof(map) - 1, err);
	struct guests g = { NULL, 0 };
	uint64_t offset;

	(void)state;
	assert_non_null(s);
	assert_string_equal(symbols_find(s, 0xffffffff81000000, &offset), "first");
	assert_int_equal(offset, 0);
	assert_string_equal(symbols_find(s, 0xffffffff810000ff, &offset), "first");
	assert_int_equal(offset, 0xff);
	assert_string_equal(symbols_find(s, 0xffffffff81000101, &offset), "second");
	assert_string_equal(symbols_find(s, 0xffffffffc0000001, &offset), "in_module");
	assert_null(symbols_find(s, 0xffffffffd0000000, &offset));
	assert_null(symbols_find(s, 0x400000, &offset));
	symbols_close(s);

	snprintf(buf, sizeof(buf), "db=%s", path);
	assert_int_equal(guests_add(&g, buf, err, sizeof(err)), 0);
	assert_string_equal(guests_name(&g, "db", 0xffffffff81000104, buf, sizeof(buf)),
			    "second+0x4");
	assert_string_equal(guests_name(&g, "db", 0xffffffff81000100, buf, sizeof(buf)), "second");
	assert_non_null(guests_name(&g, "db:123", 0xffffffff81000100, buf, sizeof(buf)));
	assert_null(guests_name(&g, "db:", 0xffffffff81000100, buf, sizeof(buf)));
	assert_null(guests_name(&g, "db:1a", 0xffffffff81000100, buf, sizeof(buf)));
	assert_null(guests_name(&g, "db2", 0xffffffff81000100, buf, sizeof(buf)));
	assert_null(guests_name(&g, "web", 0xffffffff81000104, buf, sizeof(buf)));
	assert_null(guests_name(&g, NULL, 0xffffffff81000104, buf, sizeof(buf)));
	assert_null(guests_name(NULL, "db", 0xffffffff81000104, buf, sizeof(buf)));
	for (const char *const *bad = (const char *const[]){ "db", "=x", "db=", NULL }; *bad; bad++)
		assert_int_equal(guests_add(&g, *bad, err, sizeof(err)), -1);
	guests_free(&g);
}

/* This program has symbols itself. */
static void an_elf_file_is_read(void **state)
{
	char err[256] = "";
	struct symbols *s = symbols_open("/proc/self/exe", err, sizeof(err));
	uint64_t offset, address = (uintptr_t)an_elf_file_is_read - (uintptr_t)&__ehdr_start;

	(void)state;
	assert_non_null(s);
	/* Where it was not moved it has its addresses. */
	if (!symbols_find(s, address, &offset))
		address = (uintptr_t)an_elf_file_is_read;
	assert_string_equal(symbols_find(s, address, &offset), "an_elf_file_is_read");
	assert_int_equal(offset, 0);
	assert_string_equal(symbols_find(s, address + 5, &offset), "an_elf_file_is_read");
	assert_int_equal(offset, 5);
	symbols_close(s);
}

static void other_files_are_refused_with_a_sentence(void **state)
{
	char err[256] = "", torn[4096];
	static const struct { const char *content, *words; } bad[] = {
		{ "", "no functions" },
		{ "hello\n", "line 1" },
		{ "ffffffff81000000 T a\nffffffff81000000 T\n", "line 2" },
		{ "0000000000000000 T a\n0000000000000000 t b\n", "all addresses are 0" },
		{ "ffffffff81000000 D only_data\n", "no functions" },
		{ "\177ELF", "ELF" },
	};
	FILE *self = fopen("/proc/self/exe", "r");

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(of(bad[i].content, strlen(bad[i].content), err));
		assert_non_null(strstr(err, bad[i].words));
	}
	memset(torn, 'a', sizeof(torn));
	assert_null(of(torn, sizeof(torn), err));
	assert_int_equal(fread(torn, 1, sizeof(torn), self), sizeof(torn));
	fclose(self);
	assert_null(of(torn, sizeof(torn), err));
	assert_null(symbols_open("/nowhere", err, sizeof(err)));
	assert_null(symbols_open("/", err, sizeof(err)));
}

/* What has quotes and semicolons in it does not spoil JSON or folded stacks. */
static void names_are_cleaned(void **state)
{
	static const char map[] = "ffffffff81000000 T a;b\"c\\\033\n";
	char err[256] = "";
	struct symbols *s = of(map, sizeof(map) - 1, err);
	uint64_t offset;

	(void)state;
	assert_non_null(s);
	assert_string_equal(symbols_find(s, 0xffffffff81000000, &offset), "a?b?c??");
	symbols_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_map_is_searched, teardown),
		cmocka_unit_test(an_elf_file_is_read),
		cmocka_unit_test_teardown(other_files_are_refused_with_a_sentence, teardown),
		cmocka_unit_test_teardown(names_are_cleaned, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
