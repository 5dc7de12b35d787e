// SPDX-License-Identifier: GPL-2.0
#include "file/layout.h"

#include <stdarg.h>
#include <string.h>

static const char *const types[] = {
	[TYPE_u8] = "u8", [TYPE_u16] = "u16", [TYPE_u32] = "u32",
	[TYPE_s32] = "s32", [TYPE_u64] = "u64", [TYPE_TEXT] = "text",
};

static const char *const units[] = {
	[UNIT_ADDR] = "addr", [UNIT_GFN] = "gfn", [UNIT_NS] = "ns", [UNIT_COUNT] = "count",
	[UNIT_ID] = "id", [UNIT_HEX] = "hex", [UNIT_PAD] = "pad", [UNIT_WORD] = "word",
	[UNIT_TEXT] = "text",
};

static json_t *words_describe(const struct schema_vocabulary *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->nr; i++)
		json_array_append_new(list, json_pack("{siss}", "value", v->words[i].value,
						      "name", v->words[i].name));
	return list;
}

static json_t *field_describe(const struct schema_field *f)
{
	json_t *root = json_pack("{sssssssIsI}", "name", f->name, "type", types[f->type],
				 "unit", units[f->unit], "offset", (json_int_t)f->offset,
				 "size", (json_int_t)f->size);

	if (f->words)
		json_object_set_new(root, "words", json_string(f->words->name));
	return root;
}

static json_t *event_describe(const struct schema_event *e)
{
	json_t *fields = json_array();

	for (size_t i = 0; i < e->nr; i++)
		json_array_append_new(fields, field_describe(&e->fields[i]));
	return json_pack("{sisssIso}", "id", e->id, "name", e->name,
			 "size", (json_int_t)e->size, "fields", fields);
}

json_t *layout_describe(void)
{
	json_t *words = json_object(), *events = json_array();

	for (size_t i = 0; i < SET_COUNT; i++) {
		const struct schema_vocabulary *v = schema_vocabulary(i);

		json_object_set_new(words, v->name, words_describe(v));
	}
	for (unsigned int id = 0; id < MMUSCOPE_TYPES; id++)
		if (schema_event(id))
			json_array_append_new(events, event_describe(schema_event(id)));
	return json_pack("{sisoso}", "version", MMUSCOPE_SCHEMA, "words", words,
			 "events", events);
}

__attribute__((format(printf, 3, 4)))
static int refuse(char *err, size_t len, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, len, format, args);
	va_end(args);
	return -1;
}

static const struct schema_field *own_field(const struct schema_event *own, const char *name,
					    bool text)
{
	for (size_t i = 0; own && i < own->nr; i++) {
		const struct schema_field *f = &own->fields[i];

		if (!strcmp(f->name, name) && (f->type == TYPE_TEXT) == text)
			return f;
	}
	return NULL;
}

static int field_parse(struct layout_event *e, const json_t *json, char *err, size_t len)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *type = json_string_value(json_object_get(json, "type"));
	json_int_t size = json_integer_value(json_object_get(json, "size"));
	struct layout_field *f = &e->fields[e->nr];
	bool text = type && !strcmp(type, types[TYPE_TEXT]);

	if (!name || !type || size < 1 || size > LAYOUT_RECORD_MAX || (!text && size > 8))
		return refuse(err, len, "field %zu of '%s' in its schema is no field", e->nr,
			      e->name);
	f->text = text ? size : 0;
	f->own = own_field(e->own, name, text);
	e->unknown += !f->own;
	e->nr++;
	return 0;
}

/* Names of families are printed, also in sentences about what is wrong with them. */
static bool is_name(const char *name)
{
	return name && *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static int event_parse(struct layout *l, const json_t *json, char *err, size_t len)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	json_int_t id = json_integer_value(json_object_get(json, "id"));
	const json_t *fields = json_object_get(json, "fields");
	struct layout_event *e;
	size_t nr = json_array_size(fields);

	if (!is_name(name) || strlen(name) >= sizeof(e->name) || id < 0 || id > 255 ||
	    nr > LAYOUT_FIELDS_MAX || l->event[id])
		return refuse(err, len, "family %d in its schema is none", (int)id);
	e = calloc(1, sizeof(*e));
	l->event[id] = e;
	if (e)
		e->fields = calloc(nr + 1, sizeof(*e->fields));
	if (!e || !e->fields)
		return refuse(err, len, "not enough memory");
	strcpy(e->name, name);
	e->own = schema_event(id);
	if (e->own && strcmp(e->own->name, name))
		return refuse(err, len, "its records %d are '%s', which are '%s' here", (int)id,
			      name, e->own->name);
	for (size_t i = 0; i < nr; i++)
		if (field_parse(e, json_array_get(fields, i), err, len))
			return -1;
	return 0;
}

struct layout *layout_parse(const json_t *schema, char *err, size_t len)
{
	const json_t *events = json_object_get(schema, "events");
	struct layout *l = calloc(1, sizeof(*l));
	size_t nr = json_array_size(events);
	int bad = 0;

	if (!l || !nr)
		bad = refuse(err, len, l ? "its head tells no schema" : "not enough memory");
	for (size_t i = 0; !bad && i < nr; i++)
		bad = event_parse(l, json_array_get(events, i), err, len);
	if (!bad)
		return l;
	layout_free(l);
	return NULL;
}

void layout_free(struct layout *l)
{
	for (size_t i = 0; l && i < 256; i++) {
		if (l->event[i])
			free(l->event[i]->fields);
		free(l->event[i]);
	}
	free(l);
}
