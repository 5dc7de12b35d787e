// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <jansson.h>

#include "render/render.h"

/* Every json_*_new() below takes NULL for "memory was short" and passes it on. */

static json_t *cell_json(const struct cell *c)
{
	switch (c->kind) {
	case CELL_TEXT:
		return json_string(c->text) ?: json_string("?");
	case CELL_COUNT:
	case CELL_ID:
	case CELL_NS:
	case CELL_BYTES:
		return json_integer(c->number);
	case CELL_RATE:
	case CELL_PERCENT:
	case CELL_CHANGE:
	case CELL_CHANCE:
		return json_real(c->real);
	case CELL_NONE:
		break;
	}
	return json_null();
}

static json_t *table_json(const struct table *t)
{
	json_t *rows = json_array();

	for (size_t r = 0; r < t->nr_rows; r++) {
		json_t *row = json_object();

		for (size_t i = 0; i < t->nr_columns; i++)
			json_object_set_new(row, t->columns[i].key,
					    cell_json(&t->rows[r * t->nr_columns + i]));
		if (json_array_append_new(rows, row))
			goto err;
	}
	return rows;
err:
	json_decref(rows);
	return NULL;
}

static json_t *histogram_json(const struct histogram *g)
{
	json_t *root = json_object(), *bars = json_array();

	json_object_set_new(root, "count", json_integer(g->count));
	json_object_set_new(root, "sum", json_integer(g->sum));
	json_object_set_new(root, "min", json_integer(g->min));
	json_object_set_new(root, "max", json_integer(g->max));
	for (size_t i = 0; i < HISTOGRAM_PERCENTILES; i++)
		json_object_set_new(root, histogram_percentiles[i].key,
				    json_integer(g->percentile[i]));
	for (size_t i = 0; i < g->nr_bars; i++)
		json_array_append_new(bars, json_pack("{sIsIsI}",
						      "low", (json_int_t)g->bars[i].low,
						      "high", (json_int_t)g->bars[i].high,
						      "count", (json_int_t)g->bars[i].count));
	json_object_set_new(root, "buckets", bars);
	return root;
}

static json_t *series_json(const struct series *s)
{
	json_t *values = json_array();

	for (size_t i = 0; i < s->nr; i++)
		json_array_append_new(values, json_real(s->value[i]));
	return json_pack("{sIsIso}", "begin_ns", (json_int_t)s->begin_ns, "step_ns",
			 (json_int_t)s->step_ns, "values", values);
}

static json_t *heat_row_json(const struct heat_map *h, const struct heat_row *row)
{
	json_t *counts = json_array();

	for (size_t i = 0; i < h->nr_columns; i++)
		json_array_append_new(counts, json_integer(row->count[i]));
	return json_pack("{sIso*so}", "gpa", (json_int_t)row->gpa, "slot",
			 row->slot == HEAT_NO_SLOT ? json_null() : json_integer(row->slot),
			 "counts", counts);
}

static json_t *heat_json(const struct heat_map *h)
{
	json_t *rows = json_array(), *names = h->names ? json_array() : NULL;

	for (size_t i = 0; i < h->nr_rows; i++)
		json_array_append_new(rows, heat_row_json(h, &h->rows[i]));
	for (size_t i = 0; h->names && i < h->nr_columns; i++)
		json_array_append_new(names, json_string(h->names[i]));
	return json_pack("{sIsIsIso*so}", "row_bytes", (json_int_t)h->row_bytes, "begin_ns",
			 (json_int_t)h->begin_ns, "step_ns", (json_int_t)h->step_ns, "columns",
			 names, "rows", rows);
}

static int block_add(json_t *root, json_t *notes, const struct block *b)
{
	switch (b->kind) {
	case BLOCK_TABLE:
		return json_object_set_new(root, b->table.key, table_json(&b->table));
	case BLOCK_HISTOGRAM:
		return json_object_set_new(root, b->histogram.key, histogram_json(&b->histogram));
	case BLOCK_NOTE:
		return json_array_append_new(notes, json_string(b->note));
	case BLOCK_SERIES:
		return json_object_set_new(root, b->series.key, series_json(&b->series));
	case BLOCK_HEAT:
		return json_object_set_new(root, b->heat.key, heat_json(&b->heat));
	case BLOCK_SHARES:
		break;
	}
	return 0;
}

static json_t *section_json(const struct section *s)
{
	json_t *root = json_object(), *notes = json_array();
	int err = 0;

	for (size_t i = 0; i < s->nr_facts; i++)
		err |= json_object_set_new(root, s->facts[i].key, cell_json(&s->facts[i].cell));
	for (const struct block *b = s->blocks; b; b = b->next)
		err |= block_add(root, notes, b);
	if (json_array_size(notes))
		err |= json_object_set(root, "notes", notes);
	json_decref(notes);
	if (!err)
		return root;
	json_decref(root);
	return NULL;
}

/* Sections that may be several become an array, the others are objects. */
static int section_add(json_t *root, const struct section *s)
{
	json_t *list;

	if (!s->list)
		return json_object_set_new(root, s->key, section_json(s));
	list = json_object_get(root, s->key);
	if (!list) {
		list = json_array();
		if (json_object_set_new(root, s->key, list))
			return -1;
	}
	/* One without anything in it says that there is none. */
	return s->nr_facts || s->blocks ? json_array_append_new(list, section_json(s)) : 0;
}

int render_json(FILE *out, const struct report *r)
{
	json_t *root = json_pack("{ss}", "report", r->key);
	int err = 0;

	for (const struct section *s = r->sections; s; s = s->next)
		err |= section_add(root, s);
	if (!err)
		err = json_dumpf(root, out, JSON_REAL_PRECISION(12));
	json_decref(root);
	if (err)
		return ferror(out) ? 0 : -ENOMEM;
	fputc('\n', out);
	return 0;
}
