// SPDX-License-Identifier: GPL-2.0
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/pager.h"
#include "lib/parse.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *doc;
} commands[] = {
	{ "stat", cmd_stat, "collect for a while, print tables and histograms per VM" },
	{ "top", cmd_top, "show what happens in each VM now" },
	{ "record", cmd_record, "record to a file what happens" },
	{ "report", cmd_report, "print the tables and histograms of a recording" },
	{ "script", cmd_script, "print the records of a recording" },
	{ "heatmap", cmd_heatmap, "show where in guests' memory the faults of a recording were" },
	{ "diff", cmd_diff, "compare two recordings, or repeated runs, and say what differs" },
	{ "export", cmd_export, "write a recording for Perfetto, CTF readers, flame graphs, CSV" },
	{ "info", cmd_info, "say what a recording holds" },
	{ "explain", cmd_explain, "say what is expensive in each VM, why, and what changes it" },
	{ "list", cmd_list, "list the VMs that are running" },
	{ "slots", cmd_slots, "show the memslots of a VM and what backs them" },
	{ "translate", cmd_translate, "follow an address of a guest to the memory behind it" },
	{ "lab", cmd_lab, "run the same guests under EPT, NPT and shadow paging, compare" },
	{ "doctor", cmd_doctor, "say what this host can do, and what is missing" },
};

static int print_help(FILE *out)
{
	fprintf(out, "Usage: mmuscope COMMAND [OPTION...]\n"
		"Shows what memory virtualization does in each VM of this host.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].doc);
	fprintf(out, "\n  --help     print this help; 'mmuscope COMMAND --help' tells more\n"
		"  --version  print the version\n"
		"  --no-pager before COMMAND: print to the terminal, not through a pager\n\n"
		"Exit code: 0 ok, 1 failure, 2 usage; 'stat' and 'record' have that of a "
		"command\nthat they run.\n");
	return EXIT_OK;
}

static int print_unknown(const char *name)
{
	unsigned int best = 3, distance;
	const char *nearest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		distance = parse_distance(name, commands[i].name);
		if (distance < best) {
			best = distance;
			nearest = commands[i].name;
		}
	}
	if (nearest)
		fprintf(stderr, "mmuscope: there is no command '%s'; did you mean '%s'?\n", name,
			nearest);
	else
		fprintf(stderr, "mmuscope: there is no command '%s'; see 'mmuscope --help'\n",
			name);
	return EXIT_USAGE;
}

/* For completion by the shell. */
static int list_commands(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		puts(commands[i].name);
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	argp_err_exit_status = EXIT_USAGE;
	/* Who pipes into head(1) must not kill a collection before it has cleaned up. */
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "--no-pager")) {
		pager_forbid();
		argc--;
		argv++;
	}
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return print_help(stdout);
	if (!strcmp(argv[1], "--version")) {
		puts("mmuscope " MMUSCOPE_VERSION);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--list-commands"))
		return list_commands();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return print_unknown(argv[1]);
}
