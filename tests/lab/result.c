// SPDX-License-Identifier: GPL-2.0
#include "result.h"

#include "family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORTS_MAX	32

static const char *folder;
static const char *test_name;
static unsigned int differing;

static struct {
	char *name;
	json_t *json;
} reports[REPORTS_MAX];

void result_folder(const char *path)
{
	folder = path;
}

char *result_text(const char *name, const char *suffix)
{
	char *path = NULL, *text = NULL;
	size_t len = 0;
	FILE *f;

	if (asprintf(&path, "%s/%s%s", folder, name, suffix) < 0)
		return NULL;
	f = fopen(path, "re");
	free(path);
	if (!f)
		return NULL;
	if (getdelim(&text, &len, '\0', f) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(f);
	return text;
}

bool result_is_reference(void)
{
	char *release = result_text("kernel", "");
	bool is = release && !strncmp(release, "6.1.", 4);

	free(release);
	return is;
}

const char *result_tdp(void)
{
	char *word = result_word("machine", "", "tdp");
	const char *tdp = word && !strcmp(word, "ept") ? "ept" : "npt";

	free(word);
	return tdp;
}

bool result_kmod(void)
{
	char *collector = result_text("collector", "");
	bool is = collector && !strcmp(collector, "kmod\n");

	free(collector);
	return is;
}

bool result_part(const char *part)
{
	char *text = result_text(part, ".part");

	free(text);
	return text;
}

char *result_word(const char *name, const char *suffix, const char *key)
{
	char *text = result_text(name, suffix), *rest = text, *line, *word = NULL;
	size_t len = strlen(key);

	while (!word && rest && (line = strsep(&rest, "\n")))
		if (!strncmp(line, key, len) && line[len] == '=')
			word = strdup(line + len + 1);
	free(text);
	return word;
}

long long result_number(const char *name, const char *suffix, const char *key)
{
	char *word = result_word(name, suffix, key);
	long long number = word ? strtoll(word, NULL, 0) : ABSENT;

	free(word);
	return number;
}

json_t *result_report(const char *name)
{
	json_error_t error;
	char *text;
	size_t i;

	for (i = 0; i < REPORTS_MAX && reports[i].name; i++)
		if (!strcmp(reports[i].name, name))
			return reports[i].json;
	text = result_text(name, ".json");
	if (!text || i == REPORTS_MAX)
		give_up("there is no report %s", name);
	reports[i].json = json_loads(text, 0, &error);
	free(text);
	if (!reports[i].json)
		give_up("report %s: %s", name, error.text);
	reports[i].name = strdup(name);
	return reports[i].json;
}

json_t *result_vm(json_t *report, const char *name)
{
	json_t *vm, *found = NULL;
	size_t i, n = 0;

	json_array_foreach(json_object_get(report, "vms"), i, vm) {
		if (strcmp(fact_word(vm, "name"), name))
			continue;
		found = vm;
		n++;
	}
	if (n != 1)
		give_up("%zu VMs are named %s", n, name);
	return found;
}

size_t result_vms(json_t *report)
{
	return json_array_size(json_object_get(report, "vms"));
}

long long fact(json_t *section, const char *key)
{
	json_t *value = json_object_get(section, key);

	return json_is_integer(value) ? json_integer_value(value) : ABSENT;
}

const char *fact_word(json_t *section, const char *key)
{
	return json_string_value(json_object_get(section, key)) ?: "";
}

static bool row_is(json_t *row, va_list pairs)
{
	const char *column;

	while ((column = va_arg(pairs, const char *)))
		if (strcmp(fact_word(row, column), va_arg(pairs, const char *)))
			return false;
	return true;
}

long long rows(json_t *section, const char *table, const char *column, ...)
{
	json_t *list = json_object_get(section, table), *row;
	long long sum = 0;
	va_list pairs;
	size_t i;

	json_array_foreach(list, i, row) {
		va_start(pairs, column);
		if (row_is(row, pairs) && fact(row, column) > 0)
			sum += fact(row, column);
		va_end(pairs);
	}
	return sum;
}

void compare_begin(const char *name)
{
	test_name = name;
	differing = 0;
}

void compare_end(void)
{
	if (differing)
		fail();
}

static void differ(const char *format, va_list args)
{
	differing++;
	printf("! %s: ", test_name);
	vprintf(format, args);
	putchar('\n');
}

void same(const char *what, long long got, const char *oracle, long long want)
{
	if (want == ABSENT || !family_open())
		return;
	family_compared(got == want, got || want);
	if (got != want)
		holds(false, "%s %lld, %s %lld", what, got, oracle, want);
}

void holds(bool is, const char *format, ...)
{
	va_list args;

	if (!family_open())
		return;
	family_compared(is, false);
	if (is)
		return;
	va_start(args, format);
	differ(format, args);
	va_end(args);
}

void give_up(const char *format, ...)
{
	va_list args;

	family_compared(false, false);
	va_start(args, format);
	differ(format, args);
	va_end(args);
	fail();
	/* It does not come back, and does not say so. */
	abort();
}
