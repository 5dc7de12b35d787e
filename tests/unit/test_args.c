// SPDX-License-Identifier: GPL-2.0
/* Mistakes on the command line: one sentence on stderr, nothing on stdout, exit code 2. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"

#define ARGS_MAX 8

struct outcome {
	int code;
	char out[4096];
	char err[1024];
};

static void read_back(FILE *f, char *text, size_t size)
{
	size_t len;

	rewind(f);
	len = fread(text, 1, size - 1, f);
	text[len] = '\0';
	fclose(f);
}

/* In a process of its own, because options_parse() ends it. */
static void run(int (*cmd)(int, char **), const char *line, struct outcome *o)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char copy[256], *rest = copy, *argv[ARGS_MAX + 1] = { 0 };
	int argc = 0, status;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", line);
	while (argc < ARGS_MAX && (argv[argc] = strsep(&rest, " ")))
		argc++;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		exit(cmd(argc, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	o->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	read_back(out, o->out, sizeof(o->out));
	read_back(err, o->err, sizeof(o->err));
}

static void assert_one_sentence(const struct outcome *o)
{
	assert_int_equal(strncmp(o->err, "mmuscope: ", 10), 0);
	assert_ptr_equal(strchr(o->err, '\n'), o->err + strlen(o->err) - 1);
	assert_string_equal(o->out, "");
}

static void mistakes_are_usage_errors(void **state)
{
	static const char *const lines[] = {
		"stat -d x", "stat -d 0", "stat -d -1", "stat -d", "stat -i 0", "stat -p 0",
		"stat -p x", "stat -p 99999999999", "stat --ring-size 3M", "stat --ring-size 1",
		"stat --ring-size 2G", "stat --vm=", "stat --no-such", "stat -d 1 -- true",
		"stat -p 1 -- true", "stat -p 1 --vm x", "stat -Z",
	};
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		run(cmd_stat, lines[i], &o);
		if (o.code != EXIT_USAGE)
			fail_msg("'%s' gives %d: %s", lines[i], o.code, o.err);
		assert_one_sentence(&o);
	}
	run(cmd_list, "list all", &o);
	assert_int_equal(o.code, EXIT_USAGE);
	assert_one_sentence(&o);
}

static void failures_are_failures(void **state)
{
	static const char *const lines[] = {
		"stat --source nothing", "stat --source synth:colour=1",
		"stat --source synth:vms=0", "stat -o /nonexistent/file --source synth",
		"stat --source synth:records=1 -- /nonexistent/command",
	};
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		run(cmd_stat, lines[i], &o);
		if (o.code != EXIT_FAILED)
			fail_msg("'%s' gives %d: %s", lines[i], o.code, o.err);
		assert_one_sentence(&o);
	}
}

static void help_names_the_options(void **state)
{
	struct outcome o;

	(void)state;
	run(cmd_stat, "stat --help", &o);
	assert_int_equal(o.code, 0);
	assert_string_equal(o.err, "");
	assert_non_null(strstr(o.out, "Usage: mmuscope stat "));
	assert_non_null(strstr(o.out, "--duration"));
	assert_non_null(strstr(o.out, "--json"));
	assert_non_null(strstr(o.out, "--ring-size"));
	assert_null(strstr(o.out, "--source"));
}

static void a_command_gives_its_exit_code(void **state)
{
	struct outcome o;

	(void)state;
	run(cmd_stat, "stat --json --source synth:records=1000 -- false", &o);
	assert_int_equal(o.code, 1);
	assert_string_equal(o.err, "");
	assert_int_equal(strncmp(o.out, "{\"report\": \"stat\"", 17), 0);
	run(cmd_stat, "stat --source synth:records=1000 true", &o);
	assert_int_equal(o.code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_usage_errors),
		cmocka_unit_test(failures_are_failures),
		cmocka_unit_test(help_names_the_options),
		cmocka_unit_test(a_command_gives_its_exit_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
