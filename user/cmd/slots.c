// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/inspect.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "view/memslots.h"

/* struct options comes first: it is what the shared groups see. */
struct slots_options {
	struct options shared;
	const char *vm;
};

static error_t slots_parse(int key, char *arg, struct argp_state *state)
{
	struct slots_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_share(state);
		return 0;
	case ARGP_KEY_ARG:
		if (o->vm)
			options_error(state, "slots takes one VM, but there is '%s'", arg);
		o->vm = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->vm)
			options_error(state, "slots wants a VM");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp slots_argp = {
	.parser = slots_parse,
	.args_doc = "VM",
	.doc = "Show the memslots of a VM and what backs them on the host. VM is a name or a "
	       "process id.\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

/* Return: how many memslots a VMM can have, whose numbers come before KVM's own; 0: not known. */
static unsigned int slots_of_vmm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int nr = fd < 0 ? 0 : ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);

	if (fd >= 0)
		close(fd);
	return nr > 0 ? nr : 0;
}

/* A process may have several VMs; their memslots follow each other. */
static int slots_add(struct report *r, struct inspect *in, const struct mappings *mappings)
{
	const struct peek_area *area = inspect_area(in);
	unsigned int own = slots_of_vmm();
	struct view_progress progress;
	size_t from = 0, to = 0;
	int err = 0;

	for (unsigned int i = 0; !err && i < area->nr_vms; i++) {
		struct section *s = report_section(r, "vms", report_text(r, "VM %s",
									 inspect_name(in)),
						   true);
		struct memslots m = {
			.mappings = mappings, .host = inspect_host_rules(in),
			.ops = &inspect_ops, .ctx = in, .own = own,
		};

		while (to < area->nr_slots && area->slots[to].vm == i)
			to++;
		m.slots = &area->slots[from];
		m.nr = to - from;
		from = to;
		section_fact(s, "name", NULL, cell_text(inspect_name(in)));
		section_fact(s, "pid", "pid ", cell_id(inspect_pid(in)));
		section_fact(s, "memslots_count", "memslots", cell_count(m.nr));
		view_progress(s, progress_of(&area->vms[i], &progress) ? &progress : NULL);
		if (s)
			err = view_memslots(s, &m);
		if (!m.host.levels)
			section_note(s, "The host's page tables cannot be read: how much is mapped "
				     "by huge pages is not known.");
		if (area->missed)
			section_note(s, "There are more memslots than mmuscope looks at.");
	}
	return err;
}

static int slots(FILE *out, const struct slots_options *o)
{
	struct inspect *in = inspect_open(o->vm);
	struct mappings mappings;
	struct report *r = NULL;
	int code = EXIT_FAILED, err;

	if (!in)
		return EXIT_FAILED;
	err = mappings_read(&mappings, inspect_pid(in));
	if (!err) {
		r = report_new("slots");
		err = r ? slots_add(r, in, &mappings) : 0;
		mappings_free(&mappings);
	}
	if (!err) {
		code = output_report(out, &o->shared, r);
	} else {
		fprintf(stderr, "mmuscope: cannot read the memory map of process %d: %s\n",
			inspect_pid(in), strerror(-err));
		if (r)
			report_free(r);
	}
	inspect_close(in);
	return code;
}

int cmd_slots(int argc, char **argv)
{
	struct slots_options o = { .shared = { .name = "mmuscope slots" } };
	int code, closed;
	FILE *out;

	options_parse(&slots_argp, argc, argv, &o.shared);
	out = output_open(&o.shared);
	if (!out)
		return EXIT_FAILED;
	code = slots(out, &o);
	closed = output_close(out);
	return code ? code : closed;
}
