// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/session.h"
#include "lib/libvirt.h"
#include "lib/mapping.h"
#include "lib/proc.h"
#include "view/view.h"

/* VMs that run show themselves at their next exit; idle ones have timers. */
#define LOOK_NS	200000000ULL

static error_t list_parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		options_share(state);
		return 0;
	case ARGP_KEY_ARG:
		options_error(state, "list takes no argument, but there is '%s'", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp list_argp = {
	.parser = list_parse,
	.doc = "List the VMs that are running.\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &options_collect, 0, NULL, 0 },
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static bool backs_slot(const struct mapping *m, const struct slots *slots)
{
	for (size_t i = 0; i < slots->nr; i++) {
		const struct slot *s = &slots->list[i];

		if (m->start < s->hva + s->npages * SLOT_PAGE && s->hva < m->end)
			return true;
	}
	return false;
}

/* Whole mappings are counted: an owner keeps nothing else in those of its guest's memory. */
static void memory_add(struct vm_memory *mem, const struct mappings *mappings,
		       const struct slots *slots)
{
	uint64_t node[NODES_MAX] = { 0 };

	mem->resident = mem->swapped = mem->huge = 0;
	for (size_t i = 0; i < mappings->nr; i++) {
		const struct mapping *one = &mappings->list[i];

		if (!backs_slot(one, slots))
			continue;
		mem->resident += one->resident;
		mem->swapped += one->swapped;
		mem->huge += one->huge;
		for (size_t n = 0; n < NODES_MAX; n++)
			node[n] += one->node[n];
	}
	mapping_nodes(node, mem->nodes, sizeof(mem->nodes));
}

static void memory_of(void *ctx, const struct vm *vm, struct vm_memory *mem)
{
	const struct libvirt_domain *domain = libvirt_find(ctx, vm->pid, vm->name);
	struct mappings mappings;
	int64_t merged = vm->pid ? proc_merged(vm->pid) : -ENOENT;
	uint64_t rss = vm->pid ? proc_rss(vm->pid) : 0;

	memset(mem, 0, sizeof(*mem));
	/* Without memslots all that is known is of the whole process. */
	mem->resident = rss ? rss : VIEW_UNKNOWN;
	mem->swapped = mem->huge = VIEW_UNKNOWN;
	mem->actual = mem->unused = mem->available = VIEW_UNKNOWN;
	mem->merged = merged < 0 ? VIEW_UNKNOWN : (uint64_t)merged;
	if (vm->slots.nr && rss && !mappings_read(&mappings, vm->pid)) {
		memory_add(mem, &mappings, &vm->slots);
		mappings_free(&mappings);
	}
	if (!domain)
		return;
	snprintf(mem->domain, sizeof(mem->domain), "%s", domain->name);
	mem->actual = domain->actual;
	mem->unused = domain->unused;
	mem->available = domain->available;
}

static struct report *list_report(const struct model *m)
{
	struct report *r = report_new("list");
	struct libvirt_domains domains;
	char why[256];
	int err = libvirt_read(&domains, why, sizeof(why));
	struct view_host host = { !err, memory_of, &domains };

	/* A host without libvirt, or without its daemon, is nothing to tell about. */
	if (err && err != -ENOENT && err != -ENOTCONN)
		fprintf(stderr, "mmuscope: %s; its figures are missing\n", why);
	if (r)
		view_list(r, m, &host);
	libvirt_free(&domains);
	return r;
}

static int list(FILE *out, const struct options *o)
{
	struct session *s = session_open(o, 0);
	int code = EXIT_FAILED;

	if (!s)
		return EXIT_FAILED;
	if (!session_run(s, session_clock() + LOOK_NS, NULL, NULL))
		code = output_report(out, o, list_report(session_model(s)));
	session_close(s);
	return code;
}

int cmd_list(int argc, char **argv)
{
	struct options o = { .name = "mmuscope list" };
	int code, closed;
	FILE *out;

	options_parse(&list_argp, argc, argv, &o);
	out = output_open_paged(&o);
	if (!out)
		return EXIT_FAILED;
	session_catch_signals();
	code = list(out, &o);
	closed = output_close(out);
	return code ? code : closed;
}
