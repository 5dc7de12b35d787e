// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "view/view.h"

struct cell *view_hist_cells(const struct vm_view *v, struct cell *row, const struct hist *h)
{
	*row++ = cell_count(h->count);
	*row++ = cell_rate(h->count, v->elapsed_ns);
	/* What happens at one point in time has no duration. */
	if (!h->max)
		return row + 5;
	*row++ = cell_ns(h->sum);
	*row++ = cell_ns(hist_percentile(h, 50));
	*row++ = cell_ns(hist_percentile(h, 90));
	*row++ = cell_ns(hist_percentile(h, 99));
	*row++ = cell_ns(h->max);
	return row;
}

struct cell view_share(bool is_true, uint64_t part, uint64_t whole)
{
	return is_true ? cell_percent(part, whole) : (struct cell){ .kind = CELL_NONE };
}

const char *view_level(unsigned int level)
{
	static const char *const names[STATS_LEVELS] = { "nothing", "4K", "2M", "1G" };

	return names[level];
}

uint64_t view_lost(const struct ledger *l)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < WORDS_stage; i++)
		lost += l->lost[i];
	return lost;
}

bool view_lost_much(const struct ledger *l)
{
	uint64_t records = 0;

	for (size_t i = 0; i < MMUSCOPE_TYPES; i++)
		records += l->records[i];
	return l->lost[MMUSCOPE_stage_vms] || l->lost[MMUSCOPE_stage_vcpus] ||
	       view_lost(l) * 2000 > records;
}

bool view_exits_complete(const struct ledger *l)
{
	/* Exits are counted in tables, not in rings: only these stages can miss some. */
	return !l->lost[MMUSCOPE_stage_vcpus] && !l->lost[MMUSCOPE_stage_vms] &&
	       !l->lost[MMUSCOPE_stage_merge] && !l->lost[MMUSCOPE_stage_probe] &&
	       !l->lost[MMUSCOPE_stage_unknown];
}

static void stat_facts(const struct vm_view *v)
{
	const struct vm *vm = v->vm;
	uint64_t bytes = slots_bytes(&vm->slots);

	section_fact(v->section, "name", NULL, cell_text(vm->name));
	section_fact(v->section, "id", NULL, cell_id(vm->id));
	section_fact(v->section, "pid", "pid ", vm->pid ? cell_id(vm->pid) : (struct cell){ 0 });
	section_fact(v->section, "mode", "", cell_text(schema_word_text(SET_mode, vm->mode)));
	section_fact(v->section, "vcpus", vm->nr_vcpus == 1 ? "vCPU" : "vCPUs",
		     cell_count(vm->nr_vcpus));
	section_fact(v->section, "memory", "memory",
		     bytes ? cell_bytes(bytes) : (struct cell){ 0 });
	section_fact(v->section, "life", NULL, cell_text(schema_word_text(SET_life, vm->life)));
}

static bool stats_empty(const struct vm_stats *st)
{
	for (size_t i = 0; i < MMUSCOPE_TYPES; i++)
		if (st->records[i])
			return false;
	return true;
}

bool view_wants(const struct view_window *w, const struct vm *vm)
{
	return (!w->name || !strcmp(w->name, vm->name)) && (!w->pid || w->pid == vm->pid);
}

/* As many as can be told apart where a picture is as wide as a hand. */
static void stat_pictures(const struct vm_view *v, const struct view_window *w)
{
	static const struct view_heat size = { .rows = 64, .columns = 64 };
	const struct vm_pictures *p = w->pictures ? pictures_of(w->pictures, v->vm) : NULL;

	if (!p)
		return;
	view_timeline(v->section, w, &p->timeline);
	view_heat(v->section, w, v->model, p, &size);
}

static void stat_vm(struct report *r, const struct model *m, const struct vm *vm,
		    const struct view_window *w)
{
	const struct ledger *l = w->past ? model_past(m) : model_now(m);
	const char *end = vm->life == MMUSCOPE_life_destroyed ? " (ended)" : "";
	struct vm_view v = {
		.model = m,
		.vm = vm,
		.st = w->past ? &vm->past : &vm->now,
		.section = report_section(r, "vms", report_text(r, "VM %s%s", vm->name, end), true),
		.window = w,
		.elapsed_ns = w->elapsed_ns,
		.shares = !view_lost_much(l),
		.exit_shares = view_exits_complete(l),
	};

	stat_facts(&v);
	stat_pictures(&v, w);
	view_faults(&v);
	view_causes(&v);
	view_times(&v);
	view_stuck(&v);
	view_flushes(&v);
	view_shadow(&v);
	view_invalidations(&v);
	view_dirty(&v);
	view_huge_pages(&v);
	view_slots(&v);
	view_locks(&v);
	view_other(&v);
	view_exits(&v);
}

size_t view_stat(struct report *r, const struct model *m, const struct view_window *w)
{
	size_t nr = 0;

	for (size_t i = 0; i < model_vms(m); i++) {
		const struct vm *vm = model_vm(m, i);

		if (!view_wants(w, vm))
			continue;
		/* In an interval, a VM that is gone has nothing to say. */
		if (stats_empty(w->past ? &vm->past : &vm->now) &&
		    vm->life == MMUSCOPE_life_destroyed)
			continue;
		stat_vm(r, m, vm, w);
		nr++;
	}
	if (!nr)
		report_section(r, "vms", NULL, true);
	return nr;
}
