// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/inspect.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/session.h"
#include "lib/parse.h"
#include "view/translate.h"

/* With many addresses: registers and roots older than this are read anew. */
#define LOOK_NS 50000000ULL

enum { KEY_GVA = 512, KEY_GPA, KEY_VCPU, KEY_CR3 };

/* struct options comes first: it is what the shared groups see. */
struct translate_options {
	struct options shared;
	const char *vm;
	const char *address;
	bool gpa;
	struct inspect_choice choice;
};

static void parse_eyes(struct translate_options *o, int key, const char *arg,
		       const struct argp_state *state)
{
	uint64_t number;

	if (key == KEY_CR3) {
		if (parse_address(arg, &o->choice.cr3))
			options_error(state, "--cr3 wants a hexadecimal number, not '%s'", arg);
		o->choice.has_cr3 = true;
		return;
	}
	if (parse_number(arg, INT_MAX, &number))
		options_error(state, "--vcpu wants the number of a vCPU, not '%s'", arg);
	o->choice.vcpu = number;
}

static error_t translate_parse(int key, char *arg, struct argp_state *state)
{
	struct translate_options *o = state->input;
	uint64_t address;

	switch (key) {
	case ARGP_KEY_INIT:
		options_share(state);
		return 0;
	case KEY_GVA:
	case KEY_GPA:
		o->gpa = key == KEY_GPA;
		return 0;
	case KEY_VCPU:
	case KEY_CR3:
		parse_eyes(o, key, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (!o->vm)
			o->vm = arg;
		else if (!o->address)
			o->address = arg;
		else
			options_error(state, "translate takes one address, but there is '%s'", arg);
		return 0;
	case ARGP_KEY_END:
		if (!o->vm || !o->address)
			options_error(state, "translate wants a VM and an address");
		if (strcmp(o->address, "-") && parse_address(o->address, &address))
			options_error(state, "an address is a hexadecimal number, not '%s'",
				      o->address);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp translate_argp = {
	.options = (const struct argp_option[]){
		{ NULL, 0, NULL, 0, "What the address is:", 1 },
		{ "gva", KEY_GVA, NULL, 0, "Guest-virtual (default)", 0 },
		{ "gpa", KEY_GPA, NULL, 0, "Guest-physical", 0 },
		{ "vcpu", KEY_VCPU, "N", 0, "Take registers and tables of vCPU N (default: the "
		  "first)", 0 },
		{ "cr3", KEY_CR3, "X", 0, "Use the guest's page table at X, not the one in use",
		  0 },
		{ 0 },
	},
	.parser = translate_parse,
	.args_doc = "VM ADDRESS",
	.doc = "Follow an address of a guest to the memory behind it: through the guest's page "
	       "table, the memslot, the host's page table and KVM's own. VM is a name or a process "
	       "id, ADDRESS hexadecimal; - reads addresses from standard input, one per line.\v"
	       "Exit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static int translate_one(FILE *out, const struct translate_options *o, struct inspect *in,
			 uint64_t address)
{
	struct translate_head head = { inspect_name(in), inspect_pid(in), 0 };
	const struct peek_vcpu *v;
	struct translation t;
	struct machine m;
	struct section *s;
	struct report *r;

	v = inspect_machine(in, &o->choice, &m);
	if (!v)
		return EXIT_FAILED;
	head.vcpu = v->id;
	translate(&t, &m, address, !o->gpa);
	r = report_new("translate");
	if (r) {
		s = view_translation(r, &head, &m, &t);
		inspect_notes(in, &o->choice, v, &m, s);
	}
	return output_report(out, &o->shared, r);
}

static int translate_lines(FILE *out, const struct translate_options *o, struct inspect *in)
{
	uint64_t looked = session_clock(), address;
	unsigned int number = 0;
	int code = EXIT_OK;
	char line[64];

	while (code == EXIT_OK && !session_stopped() && !ferror(out) &&
	       fgets(line, sizeof(line), stdin)) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!*line)
			continue;
		if (parse_address(line, &address)) {
			fprintf(stderr, "mmuscope: line %u: '%s' is no hexadecimal address\n",
				number, line);
			return EXIT_FAILED;
		}
		if (session_clock() - looked > LOOK_NS) {
			if (inspect_look(in))
				return EXIT_FAILED;
			looked = session_clock();
		}
		code = translate_one(out, o, in, address);
	}
	return code;
}

int cmd_translate(int argc, char **argv)
{
	struct translate_options o = {
		.shared = { .name = "mmuscope translate" }, .choice = { .vcpu = -1 },
	};
	int code = EXIT_FAILED, closed;
	struct inspect *in;
	uint64_t address;
	FILE *out;

	options_parse(&translate_argp, argc, argv, &o.shared);
	out = output_open(&o.shared);
	if (!out)
		return EXIT_FAILED;
	session_catch_signals();
	in = inspect_open(o.vm);
	if (in && !parse_address(o.address, &address))
		code = translate_one(out, &o, in, address);
	else if (in)
		code = translate_lines(out, &o, in);
	if (in)
		inspect_close(in);
	closed = output_close(out);
	return code ? code : closed;
}
