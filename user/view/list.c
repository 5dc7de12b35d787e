// SPDX-License-Identifier: GPL-2.0
#include "view/view.h"

void view_list(struct report *r, const struct model *m, uint64_t (*rss)(pid_t pid))
{
	static const struct column columns[] = {
		{ "name", "name", true, 0 },
		{ "pid", "pid", false, 0 },
		{ "vcpus", "vCPUs", false, 0 },
		{ "mode", "mode", true, 0 },
		{ "memory", "memory", false, 0 },
		{ "resident", "resident", false, 1 },
		{ "comm", "command", true, 2 },
	};
	struct section *s = report_section(r, "list", NULL, false);
	struct table *t = section_table(s, "vms", NULL, columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < model_vms(m); i++) {
		const struct vm *vm = model_vm(m, i);
		uint64_t memory = slots_bytes(&vm->slots), resident;
		struct cell *row;

		if (vm->life == MMUSCOPE_life_destroyed)
			continue;
		row = table_row(t);
		resident = vm->pid ? rss(vm->pid) : 0;
		row[0] = cell_text(vm->name);
		row[1] = vm->pid ? cell_id(vm->pid) : (struct cell){ 0 };
		row[2] = cell_count(vm->nr_vcpus);
		row[3] = cell_text(schema_word_text(SET_mode, vm->mode));
		row[4] = memory ? cell_bytes(memory) : (struct cell){ 0 };
		row[5] = resident ? cell_bytes(resident) : (struct cell){ 0 };
		row[6] = cell_text(vm->comm);
	}
	if (t && !t->nr_rows)
		section_note(s, "No VM is running.");
}
