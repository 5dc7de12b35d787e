// SPDX-License-Identifier: GPL-2.0
#include "model/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS	8192	/* of the hash table, power of two */

_Static_assert(SLOTS >= 2 * GROUP_ROWS, "the hash table has room");

static const struct schema_field *field_of(unsigned int type, const char *name)
{
	return schema_field_keyed(schema_event(0), name) ?:
	       schema_field_keyed(schema_event(type), name);
}

/* Where a family has a guest address, from which frame and memslot follow. */
static const struct schema_field *address_of(unsigned int type)
{
	return field_of(type, "gpa") ?: field_of(type, "gfn");
}

bool group_key_find(struct group_key *k, const char *name)
{
	bool any = false;

	*k = (struct group_key){
		.slot = !strcmp(name, "slot"), .gfn = !strcmp(name, "gfn"),
		.cause = !strcmp(name, "cause"),
	};
	snprintf(k->name, sizeof(k->name), "%s", name);
	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++) {
		if (!schema_event(type))
			continue;
		k->field[type] = field_of(type, name);
		if (!k->field[type] && (k->slot || k->gfn))
			k->field[type] = address_of(type);
		if (type == MMUSCOPE_TYPE_fault && k->cause)
			k->field[type] = address_of(type);
		any |= !!k->field[type];
	}
	return any;
}

static bool key_add(struct group *g, const char *name, char *err, size_t len)
{
	struct group_key *k = &g->key[g->nr_keys];

	if (g->nr_keys == GROUP_KEYS) {
		snprintf(err, len, "there are more than %d fields", GROUP_KEYS);
		return false;
	}
	if (!group_key_find(k, name)) {
		snprintf(err, len, "there is no field '%s'", name);
		return false;
	}
	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++) {
		if (k->field[type] && k->field[type]->size > sizeof(union group_value)) {
			snprintf(err, len, "%s is too long a text for that", name);
			return false;
		}
	}
	g->nr_keys++;
	return true;
}

struct group *group_new(const char *keys, char *err, size_t len)
{
	struct group *g = calloc(1, sizeof(*g));
	char *list = strdup(keys), *rest = list, *name;
	bool ok = g && list;

	if (g) {
		g->rows = calloc(GROUP_ROWS, sizeof(*g->rows));
		g->index = calloc(SLOTS, sizeof(*g->index));
		ok = list && g->rows && g->index;
	}
	if (!ok)
		snprintf(err, len, "not enough memory");
	while (ok && (name = strsep(&rest, ",")))
		ok = key_add(g, name, err, len);
	if (ok && !group_types(g)) {
		snprintf(err, len, "no kind of record has all of these fields");
		ok = false;
	}
	free(list);
	if (ok)
		return g;
	group_free(g);
	return NULL;
}

void group_free(struct group *g)
{
	for (size_t i = 0; g && i < g->nr_rows; i++)
		free(g->rows[i].hist);
	if (g) {
		free(g->rows);
		free(g->index);
	}
	free(g);
}

static bool has_keys(const struct group *g, unsigned int type)
{
	for (size_t i = 0; i < g->nr_keys; i++)
		if (!g->key[i].field[type])
			return false;
	return true;
}

uint64_t group_types(const struct group *g)
{
	uint64_t types = 0;

	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++)
		if (schema_event(type) && has_keys(g, type))
			types |= 1ULL << (type < 63 ? type : 63);
	return types;
}

bool group_has_cause(const struct group *g)
{
	for (size_t i = 0; i < g->nr_keys; i++)
		if (g->key[i].cause)
			return true;
	return false;
}

static uint64_t gfn_of(const struct schema_field *f, const struct mmuscope_hdr *rec)
{
	uint64_t value = schema_field_value(f, rec);

	return f->unit == UNIT_ADDR && value != MMUSCOPE_UNKNOWN ? value >> 12 : value;
}

static uint64_t slot_of(const struct model *m, const struct schema_field *f,
			const struct mmuscope_hdr *rec)
{
	const struct vm *vm = model_vm_of(m, rec->vm);
	uint64_t gfn = gfn_of(f, rec);
	const struct slot *s;

	s = vm ? slots_find(&vm->slots, gfn) : NULL;
	return s ? s->id : GROUP_SLOT_NONE;
}

union group_value group_value(const struct group_key *k, const struct model *m,
			      const struct mmuscope_hdr *rec)
{
	const struct schema_field *f = k->field[rec->type];
	union group_value v;

	memset(&v, 0, sizeof(v));
	if (k->slot && strcmp(f->name, "slot"))
		v.number = slot_of(m, f, rec);
	else if (k->gfn)
		v.number = gfn_of(f, rec);
	else if (k->cause && rec->type == MMUSCOPE_TYPE_fault)
		v.number = cause_plain(model_cause(m)->cause);
	else if (f->type == TYPE_TEXT)
		memcpy(v.text, (const char *)rec + f->offset, f->size);
	else
		v.number = schema_field_value(f, rec);
	return v;
}

static size_t hash(const struct group_row *row, size_t nr_keys)
{
	uint64_t h = row->type, words[2];

	for (size_t i = 0; i < nr_keys; i++) {
		memcpy(words, &row->value[i], sizeof(words));
		h = (h ^ words[0] ^ words[1] << 1) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	return h % SLOTS;
}

/* Return: the row like @like, NULL where there is no room for it; @err is set without memory. */
static struct group_row *row_get(struct group *g, const struct group_row *like, int *err)
{
	size_t at = hash(like, g->nr_keys);
	struct group_row *row;

	for (; g->index[at]; at = (at + 1) % SLOTS) {
		row = &g->rows[g->index[at] - 1];
		if (row->type == like->type &&
		    !memcmp(row->value, like->value, g->nr_keys * sizeof(row->value[0])))
			return row;
	}
	if (g->nr_rows == GROUP_ROWS)
		return NULL;
	row = &g->rows[g->nr_rows];
	*row = *like;
	row->hist = hist_new();
	if (!row->hist) {
		*err = -ENOMEM;
		return NULL;
	}
	g->index[at] = ++g->nr_rows;
	return row;
}

struct group_row *group_row(struct group *g, const struct model *m,
			    const struct mmuscope_hdr *rec, int *err)
{
	struct group_row like = { .type = rec->type };

	for (size_t i = 0; i < g->nr_keys; i++)
		like.value[i] = group_value(&g->key[i], m, rec);
	return row_get(g, &like, err);
}

int group_feed(struct group *g, const struct model *m, const struct mmuscope_hdr *rec)
{
	struct group_row *row;
	int err = 0;

	if (rec->type >= MMUSCOPE_TYPES || !schema_event(rec->type) || !has_keys(g, rec->type))
		return 0;
	row = group_row(g, m, rec, &err);
	if (err)
		return err;
	if (row) {
		hist_add(row->hist, rec->dur);
		row->amount += stats_amount(rec);
	} else {
		g->others++;
	}
	g->ns[rec->type] += rec->dur;
	return 0;
}

/* Fields of one name can be different things: the level of a page table, and that of a mapping. */
static bool field_alike(const struct group_key *k, unsigned int a, unsigned int b)
{
	const struct schema_field *x = k->field[a], *y = k->field[b];

	return x == y || k->slot || k->cause || (x->words && x->words == y->words) ||
	       (x->unit == y->unit && !strcmp(x->doc, y->doc));
}

bool group_alike(const struct group *g, unsigned int a, unsigned int b)
{
	for (size_t i = 0; i < g->nr_keys; i++)
		if (!field_alike(&g->key[i], a, b))
			return false;
	return true;
}

bool group_picked(const struct group_pick *p, const struct model *m, const struct mmuscope_hdr *rec)
{
	union group_value v;

	if (rec->type >= MMUSCOPE_TYPES || !p->key.field[rec->type] ||
	    !field_alike(&p->key, p->type, rec->type))
		return false;
	v = group_value(&p->key, m, rec);
	return !memcmp(&v, &p->value, sizeof(v));
}
