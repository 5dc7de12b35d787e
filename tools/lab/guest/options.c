// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "options.h"
#include "say.h"

static const struct workload *const workloads[] = {
	&workload_touch,
	&workload_retouch,
	&workload_dirtylog,
	&workload_dirtyring,
	&workload_dirtyclear,
	&workload_ptchurn,
	&workload_directory,
	&workload_demand,
	&workload_switch,
	&workload_invlpg,
	&workload_mmio,
	&workload_rom,
	&workload_slots,
	&workload_mixed,
	&workload_walk,
	&workload_warm,
	&workload_fork,
	&workload_ksm,
	&workload_host,
	&workload_recycle,
	&workload_map,
	&workload_paging,
	&workload_race,
};

enum {
	O_NAME = 256, O_MEM, O_PAGES, O_ROUNDS, O_SPACES, O_VCPUS, O_VMS,
	O_BACKING, O_CPL, O_BELL, O_ACCESS, O_MPROTECT, O_DO, O_GO, O_HOLD, O_READY,
	O_DONE, O_MAP, O_PAGING, O_TIMEOUT, O_JSON, O_HELP,
};

static const struct option longs[] = {
	{ "name", required_argument, NULL, O_NAME },
	{ "mem", required_argument, NULL, O_MEM },
	{ "pages", required_argument, NULL, O_PAGES },
	{ "rounds", required_argument, NULL, O_ROUNDS },
	{ "spaces", required_argument, NULL, O_SPACES },
	{ "vcpus", required_argument, NULL, O_VCPUS },
	{ "vms", required_argument, NULL, O_VMS },
	{ "backing", required_argument, NULL, O_BACKING },
	{ "cpl", required_argument, NULL, O_CPL },
	{ "bell", required_argument, NULL, O_BELL },
	{ "access", required_argument, NULL, O_ACCESS },
	{ "mprotect", no_argument, NULL, O_MPROTECT },
	{ "do", required_argument, NULL, O_DO },
	{ "go-file", required_argument, NULL, O_GO },
	{ "hold-file", required_argument, NULL, O_HOLD },
	{ "ready-file", required_argument, NULL, O_READY },
	{ "done-file", required_argument, NULL, O_DONE },
	{ "map-file", required_argument, NULL, O_MAP },
	{ "paging", required_argument, NULL, O_PAGING },
	{ "timeout", required_argument, NULL, O_TIMEOUT },
	{ "json", no_argument, NULL, O_JSON },
	{ "help", no_argument, NULL, O_HELP },
	{ }
};

static const char help_head[] =
"Usage: mmuscope-guest WORKLOAD [OPTION]...\n"
"       mmuscope-guest list\n"
"Runs a small KVM guest that does a known number of known things, checks its\n"
"result and prints what was done and what KVM counted, as key=value lines.\n"
"\n"
"  --name NAME        name of the VM, as of QEMU (-name guest=NAME works too)\n"
"  --pages N          pages of 4 KiB to work on\n"
"  --mem MB           size of the data memslot (default: as the pages need);\n"
"                     without --pages, all of it is worked on\n"
"  --rounds N         how often\n"
"  --spaces N         address spaces of 'switch' and 'mixed' (default 8)\n"
"  --vcpus N          1 to 16; the pages are shared out among them\n"
"  --vms N            N processes, NAME-1 to NAME-N\n"
"  --backing KIND     4k (default), thp, hugetlb\n"
"  --access A         r, w (default) or x: how 'touch', 'retouch', 'warm' touch\n"
"  --mprotect         'retouch' by mprotect() instead of MADV_DONTNEED\n"
"  --do WHAT          what the host does in 'host'; without, a list of them\n"
"  --cpl 0|3          privilege of the guest code (default 0; 3 where KVM is\n"
"                     software virtualization)\n"
"  --bell port|mmio   how the guest says that it is done (default: port)\n";

static const char help_tail[] =
"  --go-file PATH     print 'ready' and wait for PATH before the measured work\n"
"  --hold-file PATH   keep the VM alive after the work until PATH exists\n"
"  --ready-file PATH  make PATH at the 'ready' point\n"
"  --done-file PATH   make PATH when the measured work is done\n"
"  --map-file PATH    'map' writes there what each address is: GVA, GPA, HVA,\n"
"                     frame, page size, and what read, write and fetch lead to\n"
"  --paging MODE      32, pae or la57: how 'paging' pages\n"
"  --timeout S        die after S seconds (default 120, 0 = never)\n"
"  --json             one JSON object instead of lines\n"
"\n"
"Exit code: 0 the check passed, 1 it failed, 2 wrong usage, 77 not possible\n"
"here.\n\nWorkloads:\n";

static void print_workloads(FILE *f)
{
	for (size_t i = 0; i < sizeof(workloads) / sizeof(*workloads); i++)
		fprintf(f, "  %-10s %s\n", workloads[i]->name,
			workloads[i]->doc);
}

const struct workload *workload_find(const char *name)
{
	for (size_t i = 0; i < sizeof(workloads) / sizeof(*workloads); i++)
		if (!strcmp(workloads[i]->name, name))
			return workloads[i];
	return NULL;
}

static int parse_num(const char *what, const char *text, uint64_t min,
		     uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || *value < min ||
	    *value > max) {
		say_error("--%s wants a number from %llu to %llu, not '%s'",
			  what, (unsigned long long)min,
			  (unsigned long long)max, text);
		return EXIT_USAGE;
	}
	return -1;
}

static int parse_word(const char *what, const char *text,
		      const char *const *words, unsigned int *index)
{
	for (*index = 0; words[*index]; (*index)++)
		if (!strcmp(words[*index], text))
			return -1;
	say_error("--%s does not know '%s'", what, text);
	return EXIT_USAGE;
}

/* QEMU's "-name guest=NAME,debug-threads=on" means NAME. */
static const char *parse_name(const char *text)
{
	char *name = strdup(!strncmp(text, "guest=", 6) ? text + 6 : text);

	if (name)
		name[strcspn(name, ",")] = 0;
	return name;
}

static int parse_number_option(struct options *o, int c, const char *text)
{
	uint64_t v = 0;
	int r = -1;

	switch (c) {
	case O_MEM:
		r = parse_num("mem", text, 1, 1 << 20, &v);
		o->mem = v << 20;
		break;
	case O_PAGES:
		r = parse_num("pages", text, 1, 1 << 26, &o->pages);
		break;
	case O_ROUNDS:
		r = parse_num("rounds", text, 1, 1 << 30, &o->rounds);
		break;
	case O_SPACES:
		r = parse_num("spaces", text, 1, MAX_SPACES, &o->spaces);
		break;
	case O_VCPUS:
		r = parse_num("vcpus", text, 1, MAX_VCPUS, &v);
		o->vcpus = v;
		break;
	case O_VMS:
		r = parse_num("vms", text, 1, 256, &v);
		o->vms = v;
		break;
	case O_TIMEOUT:
		r = parse_num("timeout", text, 0, 86400, &v);
		o->timeout = v;
		break;
	}
	return r;
}

static int parse_word_option(struct options *o, int c, const char *text)
{
	static const char *const backings[] = { "4k", "thp", "hugetlb", NULL };
	static const char *const cpls[] = { "0", "3", NULL };
	static const char *const bells[] = { "port", "mmio", NULL };
	static const char *const accesses[] = { "r", "w", "x", NULL };
	static const char *const pagings[] = { "32", "pae", "la57", NULL };
	unsigned int i = 0;
	int r = -1;

	switch (c) {
	case O_BACKING:
		r = parse_word("backing", text, backings, &i);
		o->backing = i;
		break;
	case O_CPL:
		r = parse_word("cpl", text, cpls, &i);
		o->cpl = i ? 3 : 0;
		break;
	case O_BELL:
		r = parse_word("bell", text, bells, &i);
		o->bell = i;
		break;
	case O_PAGING:
		r = parse_word("paging", text, pagings, &i);
		o->paging = pagings[i];
		break;
	case O_ACCESS:
		r = parse_word("access", text, accesses, &i);
		o->access = r < 0 ? accesses[i][0] : 'w';
		break;
	default:
		return parse_number_option(o, c, text);
	}
	return r;
}

static int parse_option(struct options *o, int c, const char *text)
{
	switch (c) {
	case O_NAME:
		o->name = parse_name(text);
		return -1;
	case O_MPROTECT:
		o->mprotect = true;
		return -1;
	case O_DO:
		o->deed = text;
		return -1;
	case O_GO:
		o->go_file = text;
		return -1;
	case O_HOLD:
		o->hold_file = text;
		return -1;
	case O_READY:
		o->ready_file = text;
		return -1;
	case O_DONE:
		o->done_file = text;
		return -1;
	case O_MAP:
		o->map_file = text;
		return -1;
	case O_JSON:
		o->json = true;
		return -1;
	case O_HELP:
		fputs(help_head, stdout);
		fputs(help_tail, stdout);
		print_workloads(stdout);
		return EXIT_OK;
	case '?':
		return EXIT_USAGE;
	default:
		return parse_word_option(o, c, text);
	}
}

static int finish(struct options *o, int argc, char **argv)
{
	if (optind + 1 != argc) {
		say_error("one workload is wanted; --help lists them");
		return EXIT_USAGE;
	}
	o->workload = argv[optind];
	if (!strcmp(o->workload, "list")) {
		print_workloads(stdout);
		return EXIT_OK;
	}
	if (!workload_find(o->workload)) {
		say_error("there is no workload '%s'; 'list' shows them",
			  o->workload);
		return EXIT_USAGE;
	}
	if (o->mem && o->pages * PAGE_SIZE > o->mem) {
		say_error("--pages is more than fits into --mem");
		return EXIT_USAGE;
	}
	return -1;
}

int options_parse(struct options *o, int argc, char **argv)
{
	int c, r;

	*o = (struct options){
		.name = "guest", .vcpus = 1, .vms = 1, .spaces = 8,
		.timeout = 120, .access = 'w',
	};
	while ((c = getopt_long_only(argc, argv, "", longs, NULL)) != -1) {
		r = parse_option(o, c, optarg);
		if (r >= 0)
			return r;
	}
	return finish(o, argc, argv);
}

/* Is @arg the option @name (with one dash or two)? 2 if its value follows. */
static int option_width(const char *arg, const char *name)
{
	size_t len = strlen(name);

	if (*arg != '-')
		return 0;
	arg += arg[1] == '-' ? 2 : 1;
	if (strncmp(arg, name, len))
		return 0;
	return arg[len] == '=' ? 1 : arg[len] ? 0 : 2;
}

/* Executed anew, so that each command line names its own VM, once. */
static void exec_one(const struct options *o, unsigned int nr, int argc,
		     char **argv)
{
	char **args = calloc(argc + 5, sizeof(*args)), *name;
	int n = 0;

	if (!args || asprintf(&name, "guest=%s-%u", o->name, nr) < 0)
		return;
	args[n++] = argv[0];
	args[n++] = "-name";
	args[n++] = name;
	for (int i = 1; i < argc; i++) {
		int width = option_width(argv[i], "name");

		width = width ? width : option_width(argv[i], "vms");
		if (width)
			i += width - 1;
		else
			args[n++] = argv[i];
	}
	execv("/proc/self/exe", args);
}

static pid_t start_one(const struct options *o, unsigned int nr, int argc,
		       char **argv)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	exec_one(o, nr, argc, argv);
	_exit(EXIT_CHECK);
}

int options_run_many(const struct options *o, int argc, char **argv)
{
	int status, worst = 0;
	unsigned int n = 0;

	fflush(stdout);
	for (unsigned int i = 1; i <= o->vms; i++) {
		if (start_one(o, i, argc, argv) < 0) {
			say_error("cannot start VM %u: %s", i, strerror(errno));
			worst = EXIT_CHECK;
			break;
		}
		n++;
	}
	while (n-- && wait(&status) > 0) {
		int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_CHECK;

		/* A failure counts more than "not possible here". */
		if (code && (!worst || worst == EXIT_SKIP))
			worst = code;
	}
	return worst;
}
