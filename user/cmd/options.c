// SPDX-License-Identifier: GPL-2.0
#include "cmd/options.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/format.h"
#include "lib/parse.h"

enum { KEY_VM = OPTIONS_KEY + 1, KEY_RING_SIZE, KEY_SOURCE, KEY_JSON };

void options_error(const struct argp_state *state, const char *format, ...)
{
	const struct options *o = state->input;
	va_list args;

	fprintf(stderr, "mmuscope: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; see '%s --help'\n", o->name);
	exit(EXIT_USAGE);
}

static size_t parse_ring_size(const struct argp_state *state, const char *arg)
{
	const long page = sysconf(_SC_PAGESIZE);
	uint64_t bytes;

	if (parse_bytes(arg, &bytes) || bytes < (uint64_t)page || bytes > 1UL << 30 ||
	    bytes & (bytes - 1))
		options_error(state, "--ring-size wants a power of two from %ldK to 1G, not '%s'",
			      page >> 10, arg);
	return bytes;
}

enum collector_kind options_collector(const struct argp_state *state, const char *arg)
{
	static const char *const names[] = {
		[COLLECTOR_AUTO] = "auto", [COLLECTOR_BPF] = "bpf", [COLLECTOR_KMOD] = "kmod",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(arg, names[i]))
			return i;
	}
	options_error(state, "--collector wants bpf, kmod or auto, not '%s'", arg);
}

static error_t collect_parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t number;

	switch (key) {
	case 'p':
		if (parse_number(arg, INT_MAX, &number) || !number)
			options_error(state, "-p wants a process id, not '%s'", arg);
		o->pid = number;
		return 0;
	case KEY_VM:
		if (!*arg)
			options_error(state, "--vm wants the name of a VM");
		o->vm = arg;
		return 0;
	case KEY_RING_SIZE:
		o->ring_bytes = parse_ring_size(state, arg);
		return 0;
	case OPTIONS_COLLECTOR:
		o->collector = options_collector(state, arg);
		return 0;
	case KEY_SOURCE:
		o->source = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp options_collect = {
	.options = (const struct argp_option[]){
		{ NULL, 0, NULL, 0, "What is collected:", 1 },
		{ "pid", 'p', "PID", 0, "Only VMs of this process", 0 },
		{ "vm", KEY_VM, "NAME", 0, "Only the VM of this name", 0 },
		{ "ring-size", KEY_RING_SIZE, "BYTES", 0,
		  "Buffer per CPU, a power of two; K, M and G are understood "
		  "(default: by number of CPUs)", 0 },
		{ "collector", OPTIONS_COLLECTOR, "WHICH", 0,
		  "bpf, kmod (the kernel module) or auto (default): eBPF where it has all that is "
		  "wanted, else the module", 0 },
		/* For tests and benchmarks. */
		{ "source", KEY_SOURCE, "SOURCE", OPTION_HIDDEN,
		  "synth[:records=N,streams=N,vms=N,vcpus=N,seed=N,lost=N]: made-up records", 0 },
		{ 0 },
	},
	.parser = collect_parse,
};

static error_t output_parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case KEY_JSON:
		o->json = true;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp options_output = {
	.options = (const struct argp_option[]){
		{ NULL, 0, NULL, 0, "Output:", 2 },
		{ "json", KEY_JSON, NULL, 0, "Print JSON, one object per line", 0 },
		{ "output", 'o', "FILE", 0, "Print to FILE", 0 },
		{ 0 },
	},
	.parser = output_parse,
};

static error_t help_parse(int key, char *arg, struct argp_state *state)
{
	const struct options *o = state->input;

	(void)arg;
	if (key != 'h')
		return ARGP_ERR_UNKNOWN;
	state->name = (char *)o->name;
	argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
	return 0;
}

const struct argp options_help = {
	.options = (const struct argp_option[]){
		{ "help", 'h', NULL, 0, "Print this help", -1 },
		{ 0 },
	},
	.parser = help_parse,
};

void options_share(struct argp_state *state)
{
	for (size_t i = 0; state->root_argp->children[i].argp; i++)
		state->child_inputs[i] = state->input;
	/* Without a stream argp does not add "Try --help" to getopt's sentence. */
	state->err_stream = NULL;
}

/* For completion by the shell: "--pid=PID", one per line. */
static void list(const struct argp *argp)
{
	for (const struct argp_option *o = argp->options; o && (o->name || o->doc); o++)
		if (o->name && !(o->flags & OPTION_HIDDEN))
			printf("--%s%s%s\n", o->name, o->arg ? "=" : "", o->arg ?: "");
	for (const struct argp_child *c = argp->children; c && c->argp; c++)
		list(c->argp);
}

/* argp's help has 79 columns, whatever there is. */
static void help_fit(void)
{
	char format[32];

	if (format_width(stdout) >= 80)
		return;
	snprintf(format, sizeof(format), "rmargin=%u", format_width(stdout) - 1);
	setenv("ARGP_HELP_FMT", format, 0);
}

void options_parse(const struct argp *argp, int argc, char **argv, struct options *o)
{
	if (argc == 2 && !strcmp(argv[1], "--list-options")) {
		list(argp);
		exit(EXIT_OK);
	}
	help_fit();
	/* The begin of getopt's sentences. */
	argv[0] = "mmuscope";
	if (argp_parse(argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP, NULL, o))
		exit(EXIT_USAGE);
}
