// SPDX-License-Identifier: GPL-2.0
#include "view/view.h"

static void row_fill(struct report *r, const struct vm *vm, const struct view_window *w,
		     struct cell *row, bool shares)
{
	const struct vm_stats *st = w->past ? &vm->past : &vm->now;
	uint64_t bytes = slots_bytes(&vm->slots);
	struct hist faults;

	bool flushes = st->records[MMUSCOPE_TYPE_flush] ||
		       view_seen(w->source, "kvm_flush_remote_tlbs");

	hist_init(&faults);
	for (size_t i = HIST_FAULT; i < HIST_PHASE; i++)
		if (st->hist[i])
			hist_merge(&faults, st->hist[i]);
	*row++ = cell_text(report_text(r, "%s", vm->name));
	*row++ = cell_text(schema_word_text(SET_mode, vm->mode));
	*row++ = cell_count(vm->nr_vcpus);
	*row++ = bytes ? cell_bytes(bytes) : (struct cell){ 0 };
	*row++ = cell_count(faults.count);
	*row++ = cell_rate(faults.count, w->elapsed_ns);
	*row++ = cell_ns(faults.sum);
	*row++ = view_share(shares, faults.sum, st->vcpu_ns);
	if (faults.count) {
		row[0] = cell_ns(hist_percentile(&faults, 50));
		row[1] = cell_ns(hist_percentile(&faults, 99));
		row[2] = cell_ns(faults.max);
	}
	row += 3;
	*row = flushes ? cell_count(st->records[MMUSCOPE_TYPE_flush]) : (struct cell){ 0 };
}

void view_overview(struct report *r, const struct model *m, const struct view_window *w)
{
	static const struct column columns[] = {
		{ "name", "VM", true, 0 }, { "mode", "mode", true, 0 },
		{ "vcpus", "vCPUs", false, 4 }, { "memory", "memory", false, 3 },
		{ "faults", "faults", false, 0 }, { "rate", "/s", false, 5 },
		{ "ns", "time", false, 0 }, { "share", "%vCPU time", false, 0 },
		{ "p50", "p50", false, 6 }, { "p99", "p99", false, 1 },
		{ "max", "max", false, 2 }, { "flushes", "flushes", false, 0 },
	};
	struct table *t = section_table(report_section(r, "overview", "VMs", false), "vms", NULL,
					columns, ARRAY_SIZE(columns));
	bool shares = !view_lost_much(w->past ? model_past(m) : model_now(m));

	for (size_t i = 0; i < model_vms(m); i++)
		if (view_wants(w, model_vm(m, i)))
			row_fill(r, model_vm(m, i), w, table_row(t), shares);
	table_sort(t, "ns");
}
