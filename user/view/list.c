// SPDX-License-Identifier: GPL-2.0
#include "view/view.h"

/* Of a VM: its name, and what is said of it. */
struct row {
	const struct vm *vm;
	const char *name;
	const struct vm_memory *mem;
};

static struct cell bytes_cell(uint64_t bytes)
{
	return bytes == VIEW_UNKNOWN ? (struct cell){ 0 } : cell_bytes(bytes);
}

static struct cell pid_cell(const struct vm *vm)
{
	return vm->pid ? cell_id(vm->pid) : (struct cell){ 0 };
}

static void vms_row(struct table *t, const struct row *r)
{
	uint64_t memory = slots_bytes(&r->vm->slots);
	struct cell *row = table_row(t);

	row[0] = cell_text(r->name);
	row[1] = pid_cell(r->vm);
	row[2] = cell_count(r->vm->nr_vcpus);
	row[3] = cell_text(schema_word_text(SET_mode, r->vm->mode));
	row[4] = memory ? cell_bytes(memory) : (struct cell){ 0 };
	row[5] = bytes_cell(r->mem->resident);
	row[6] = cell_text(r->vm->comm);
}

static void memory_row(struct table *t, const struct row *r)
{
	struct cell *row = table_row(t);

	row[0] = cell_text(r->name);
	row[1] = pid_cell(r->vm);
	row[2] = bytes_cell(r->mem->resident);
	row[3] = bytes_cell(r->mem->swapped);
	if (r->mem->huge != VIEW_UNKNOWN)
		row[4] = cell_percent(r->mem->huge, r->mem->resident);
	row[5] = bytes_cell(r->mem->merged);
	row[6] = cell_text(*r->mem->nodes ? report_text(t->report, "%s", r->mem->nodes) : NULL);
}

static void libvirt_row(struct table *t, const struct row *r)
{
	struct cell *row = table_row(t);

	row[0] = cell_text(r->name);
	row[1] = pid_cell(r->vm);
	row[2] = cell_text(report_text(t->report, "%s", r->mem->domain));
	row[3] = bytes_cell(r->mem->actual);
	row[4] = bytes_cell(r->mem->unused);
	row[5] = bytes_cell(r->mem->available);
}

struct tables {
	struct table *vms;
	struct table *memory;
	struct table *libvirt;
};

static void tables_make(struct tables *t, struct section *s, bool libvirt)
{
	static const struct column vms[] = {
		{ "name", "name", true, 0 },
		{ "pid", "pid", false, 0 },
		{ "vcpus", "vCPUs", false, 0 },
		{ "mode", "mode", true, 0 },
		{ "memory", "memory", false, 0 },
		{ "resident", "resident", false, 1 },
		{ "comm", "command", true, 2 },
	};
	static const struct column memory[] = {
		{ "name", "name", true, 0 },
		{ "pid", "pid", false, 1 },
		{ "resident", "resident", false, 0 },
		{ "swapped", "swapped", false, 0 },
		{ "huge_share", "huge pages", false, 0 },
		{ "merged", "KSM-merged", false, 0 },
		{ "nodes", "NUMA nodes", true, 0 },
	};
	static const struct column domains[] = {
		{ "name", "name", true, 0 },
		{ "pid", "pid", false, 1 },
		{ "domain", "domain", true, 0 },
		{ "actual", "balloon", false, 0 },
		{ "unused", "unused", false, 0 },
		{ "available", "available", false, 0 },
	};

	t->vms = section_table(s, "vms", NULL, vms, ARRAY_SIZE(vms));
	t->memory = section_table(s, "memory", "Memory on the host", memory, ARRAY_SIZE(memory));
	t->libvirt = libvirt ? section_table(s, "libvirt", "What libvirt says", domains,
					     ARRAY_SIZE(domains)) : NULL;
}

void view_list(struct report *r, const struct model *m, const struct view_host *host)
{
	struct section *s = report_section(r, "list", NULL, false);
	struct tables t;

	tables_make(&t, s, host->libvirt);
	for (size_t i = 0; t.vms && t.memory && i < model_vms(m); i++) {
		struct row row = { .vm = model_vm(m, i) };
		struct vm_memory mem;

		if (row.vm->life == MMUSCOPE_life_destroyed)
			continue;
		host->memory(host->ctx, row.vm, &mem);
		row.mem = &mem;
		/* Libvirt names domains whose process' command line does not. */
		row.name = *mem.domain ? report_text(r, "%s", mem.domain) : row.vm->name;
		vms_row(t.vms, &row);
		memory_row(t.memory, &row);
		if (t.libvirt && *mem.domain)
			libvirt_row(t.libvirt, &row);
	}
	if (t.vms && !t.vms->nr_rows)
		section_note(s, "No VM is running.");
}
