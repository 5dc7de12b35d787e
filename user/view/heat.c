// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

#define PAGE_BITS	12
#define PAGES		(1ULL << 52)	/* guest frames that there can be */
/* Rows without a fault or memslot that are shown rather than jumped over. */
#define GAP_ROWS	3

/* Guest frames, the first and the last. */
struct span {
	uint64_t first, last;
};

static int span_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static uint64_t slot_last(const struct slot *s)
{
	return s->npages > PAGES - s->gfn ? PAGES - 1 : s->gfn + s->npages - 1;
}

/* Return: all that is to be shown, sorted, *@nr of them; NULL when memory is short. */
static struct span *spans_make(const struct heat *h, size_t *nr)
{
	struct span *list = calloc(h->slots.nr + h->nr_lines + 1, sizeof(*list));
	unsigned int bits = h->shift - PAGE_BITS;

	*nr = 0;
	if (!list)
		return NULL;
	for (size_t i = 0; i < h->slots.nr; i++) {
		const struct slot *s = &h->slots.list[i];

		if (s->npages && s->gfn < PAGES)
			list[(*nr)++] = (struct span){ s->gfn, slot_last(s) };
	}
	for (size_t i = 0; i < h->nr_lines; i++) {
		uint64_t at = h->at[i];

		list[(*nr)++] = (struct span){ at << bits, ((at + 1) << bits) - 1 };
	}
	qsort(list, *nr, sizeof(*list), span_compare);
	return list;
}

/* Calls @row, unless NULL, for each row of 2^@bits frames, up to @most. Return: how many. */
static uint64_t rows_walk(const struct span *span, size_t nr, unsigned int bits, uint64_t most,
			  struct heat_row *rows)
{
	uint64_t next = 0, count = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t at = span[i].first >> bits, last = span[i].last >> bits;
		bool jump = !count || at > next + GAP_ROWS;

		if (!jump)
			at = next;
		if (at > last)
			continue;
		if (last - at >= most - count)
			return most + 1;
		for (; at <= last; at++) {
			if (rows) {
				rows[count].gpa = at << bits << PAGE_BITS;
				rows[count].jump = jump && count;
			}
			jump = false;
			count++;
		}
		next = at;
	}
	return count;
}

static void row_slots(struct heat_row *row, uint64_t row_pages, const struct slots *slots)
{
	uint64_t first = row->gpa >> PAGE_BITS, last = first + row_pages - 1;
	const struct slot *found = NULL;

	row->slot = HEAT_NO_SLOT;
	for (size_t i = 0; i < slots->nr; i++) {
		const struct slot *s = &slots->list[i];

		if (!s->npages || s->gfn > last || slot_last(s) < first)
			continue;
		/* KVM repeats memslots in the address space of system management mode. */
		if (found && (found->gfn != s->gfn || found->npages != s->npages))
			row->more_slots = true;
		if (!found || s->gfn < found->gfn) {
			found = s;
			row->slot = s->id;
		}
	}
}

/* Columns in the order of the field's values. Return: where column @i of @h is shown. */
static size_t column_order(const struct heat *h, size_t i)
{
	size_t at = 0;

	for (size_t k = 0; k < h->nr_values; k++)
		at += h->value[k].number < h->value[i].number ||
		      (h->value[k].number == h->value[i].number && k < i);
	return at;
}

static void row_fill(struct heat_map *map, struct heat_row *row, const struct heat *h,
		     const struct heat_line *line, unsigned int fold)
{
	size_t columns = h->by ? h->nr_values : h->bins.used;

	for (size_t i = 0; i < columns; i++) {
		uint64_t *count = &row->count[h->by ? column_order(h, i) : i >> fold];

		*count += line->count[i];
		if (*count > map->most)
			map->most = *count;
	}
	for (size_t i = 0; i < HEAT_LEVELS; i++)
		row->level[i] += line->level[i];
}

static bool rows_fill(struct report *r, struct heat_map *map, const struct heat *h,
		      unsigned int fold)
{
	uint64_t *counts = report_alloc(r, map->nr_rows * map->nr_columns * sizeof(*counts));
	size_t at = 0;

	if (!counts)
		return false;
	for (size_t i = 0; i < map->nr_rows; i++) {
		map->rows[i].count = &counts[i * map->nr_columns];
		row_slots(&map->rows[i], map->row_bytes >> PAGE_BITS, &h->slots);
	}
	for (size_t i = 0; i < h->nr_lines; i++) {
		uint64_t gpa = h->at[i] << h->shift;

		while (gpa - map->rows[at].gpa >= map->row_bytes)
			at++;
		row_fill(map, &map->rows[at], h, h->line[i], fold);
	}
	return true;
}

/* As in a table by this field and the VM, which says whose symbols an address has. */
static const char *column_name(struct report *r, const struct model *m,
			       const struct vm_pictures *p, const union group_value *v)
{
	struct group by = *p->heat.by;
	const struct group_row row = {
		.type = MMUSCOPE_TYPE_fault, .value = { *v, { .number = p->vm->id } },
	};
	struct cell c;

	snprintf(by.key[1].name, sizeof(by.key[1].name), "vm");
	by.nr_keys = 2;
	c = view_key(r, m, &by, &row, 0);
	return c.kind == CELL_TEXT ? c.text :
		report_text(r, "%llu", (unsigned long long)c.number);
}

/* Return: how often columns of time have to be put together in pairs. */
static unsigned int columns_make(struct report *r, struct heat_map *map, const struct model *m,
				 const struct vm_pictures *p, const struct view_window *w,
				 size_t most)
{
	const struct heat *h = &p->heat;
	unsigned int fold;

	if (!h->by) {
		map->across = "time since the begin";
		fold = view_bins(w, &h->bins, most, &map->nr_columns);
		map->step_ns = h->bins.width << fold;
		return fold;
	}
	map->across = h->by->key[0].name;
	map->nr_columns = h->nr_values;
	map->names = report_alloc(r, h->nr_values * sizeof(*map->names));
	for (size_t i = 0; map->names && i < h->nr_values; i++) {
		map->names[column_order(h, i)] = column_name(r, m, p, &h->value[i]);
	}
	return 0;
}

static void notes(struct section *s, const struct heat *h)
{
	if (h->elsewhere)
		section_caption(s, "Of %llu faults the guest-physical address is not known: they "
				"are not in the heat map.", (unsigned long long)h->elsewhere);
	if (h->others)
		section_caption(s, "There are more values of %s than columns (%d): %llu faults are "
				"in none of these.", h->by->key[0].name, HEAT_VALUES,
				(unsigned long long)h->others);
	if (h->faults && !h->slots.nr)
		section_caption(s, "Memslots are not known: the heat map shows where faults were, "
				"not which memory there is.");
}

void view_heat(struct section *s, const struct view_window *w, const struct model *m,
	       const struct vm_pictures *p, const struct view_heat *size)
{
	const struct heat *h = &p->heat;
	struct heat_map map = {
		.key = "heatmap", .faults = h->faults, .begin_ns = w->begin_ns,
	};
	unsigned int bits = h->shift - PAGE_BITS, fold;
	struct span *span;
	size_t nr;

	if (!s || !h->faults) {
		notes(s, h);
		return;
	}
	span = spans_make(h, &nr);
	if (!span) {
		s->report->failed = true;
		return;
	}
	while (rows_walk(span, nr, bits, size->rows, NULL) > size->rows)
		bits++;
	map.nr_rows = rows_walk(span, nr, bits, size->rows, NULL);
	map.row_bytes = 1ULL << (bits + PAGE_BITS);
	map.rows = report_alloc(s->report, map.nr_rows * sizeof(*map.rows));
	if (map.rows)
		rows_walk(span, nr, bits, size->rows, map.rows);
	free(span);
	fold = columns_make(s->report, &map, m, p, w, size->columns);
	map.title = report_text(s->report, "Faults by guest-physical address and %s",
				h->by ? map.across : "time");
	if (map.rows && (!h->by || map.names) && rows_fill(s->report, &map, h, fold))
		section_heat(s, &map);
	notes(s, h);
}

size_t view_heatmaps(struct report *r, const struct model *m, const struct view_window *w,
		     const struct view_heat *size)
{
	size_t nr = 0;

	for (size_t i = 0; i < model_vms(m); i++) {
		const struct vm *vm = model_vm(m, i);
		const struct vm_pictures *p = pictures_of(w->pictures, vm);
		struct section *s;

		if (!view_wants(w, vm) || !p || !(p->heat.faults + p->heat.elsewhere))
			continue;
		s = report_section(r, "heatmaps", report_text(r, "VM %s", vm->name), true);
		section_fact(s, "name", NULL, cell_text(vm->name));
		section_fact(s, "pid", "pid ", vm->pid ? cell_id(vm->pid) : (struct cell){ 0 });
		section_fact(s, "mode", "", cell_text(schema_word_text(SET_mode, vm->mode)));
		section_fact(s, "faults", "faults", cell_count(p->heat.faults));
		view_heat(s, w, m, p, size);
		nr++;
	}
	return nr;
}
