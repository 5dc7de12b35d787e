// SPDX-License-Identifier: GPL-2.0
/*
 * Judges what the lab's jobs left behind: tests/lab/check FOLDER. Prints, per
 * group, "== NAME", cmocka's TAP lines, and a line "! ..." for all that differs.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TESTS_MAX	64
#define NAME_MAX_LEN	32

static void run(void **state)
{
	const struct check *const *c = *state;
	const char *name = ((const char *const *)*state)[1];

	family_mode(!strncmp(name, "shadow", 6) ? "shadow" : result_tdp());
	family_of((*c)->family);
	compare_begin(name);
	(*c)->run(name);
	compare_end();
}

/* "tdp" at the begin of a name stands for the mode of the machine that ran. */
static void name_fill(char to[NAME_MAX_LEN], const char *name)
{
	bool tdp = !strncmp(name, "tdp", 3) && (name[3] == '-' || !name[3]);

	snprintf(to, NAME_MAX_LEN, "%s%s", tdp ? result_tdp() : "", tdp ? name + 3 : name);
}

static int run_group(const struct check *check)
{
	static char names[TESTS_MAX][NAME_MAX_LEN];
	const void *states[TESTS_MAX][2];
	struct CMUnitTest tests[TESTS_MAX];
	size_t n = 0;

	for (; check->names[n] && n < TESTS_MAX; n++) {
		name_fill(names[n], check->names[n]);
		states[n][0] = check;
		states[n][1] = names[n];
		tests[n] = (struct CMUnitTest){
			.name = names[n], .test_func = run, .initial_state = states[n],
		};
	}
	printf("== %s\n", check->group);
	return _cmocka_run_group_tests(check->group, tests, n, NULL, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const struct check *list;
		const char *part;	/* of the job, the last that it needs; NULL: always */
	} lists[] = {
		{ workload_checks, "workloads" }, { work_checks, "workloads" },
		{ vm_checks, "refusals" }, { record_checks, "record" }, { kmod_checks, "kmod" },
		{ translate_checks, "translate" }, { kernel_checks, NULL },
	};
	int failed = 0;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	result_folder(argv[1]);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (lists[i].part && !result_part(lists[i].part))
			continue;
		for (const struct check *c = lists[i].list; c->group; c++)
			failed += run_group(c);
	}
	if (family_write(argv[1])) {
		fprintf(stderr, "check: cannot write to %s\n", argv[1]);
		failed++;
	}
	return failed ? 1 : 0;
}
