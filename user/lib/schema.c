// SPDX-License-Identifier: GPL-2.0
#include "lib/schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define WORDS(set)			static const struct schema_word set##_words[] = {
#define WORD(set, value, name, doc)	{ value, #name, doc },
#define WORDS_END(set)			};
#include <mmuscope/events.def>

static const struct schema_vocabulary vocabularies[SET_COUNT] = {
#define WORDS(set)	[SET_##set] = { #set, set##_words, ARRAY_SIZE(set##_words) },
#include <mmuscope/events.def>
};

/* A function per record, because FIELD does not repeat its record's name: here it is "self". */
#define EVENT(id, name, size, doc)						\
static struct schema_field *name##_fields(size_t *nr)				\
{										\
	typedef struct mmuscope_##name self;					\
	static struct schema_field list[] = {
#define FIELD(type, name, unit, doc)						\
		{ #name, #name, TYPE_##type, UNIT_##unit, offsetof(self, name),	\
		  sizeof(((self *)0)->name), NULL, doc },
#define FIELD_WORD(set, name, doc)						\
		{ #name, #name, TYPE_u8, UNIT_WORD, offsetof(self, name),	\
		  sizeof(((self *)0)->name), &vocabularies[SET_##set], doc },
#define FIELD_TEXT(len, name, doc)						\
		{ #name, #name, TYPE_TEXT, UNIT_TEXT, offsetof(self, name),	\
		  len, NULL, doc },
#define EVENT_END(name)								\
	};									\
	*nr = ARRAY_SIZE(list);							\
	return list;								\
}
#include <mmuscope/events.def>

#define HDR_FIELD(type, name, unit, doc)					\
	{ #name, #name, TYPE_##type, UNIT_##unit,				\
	  offsetof(struct mmuscope_hdr, name), sizeof(((struct mmuscope_hdr *)0)->name), NULL, doc }

static const struct schema_field hdr_fields[] = {
	HDR_FIELD(u64, ts, NS, "CLOCK_MONOTONIC at the end of the activity"),
	HDR_FIELD(u64, dur, NS, "from its begin to its end, 0 for a point in time"),
	HDR_FIELD(u16, vm, ID, "the VM, 0 for none"),
	HDR_FIELD(u16, vcpu, ID, "the vCPU, 65535 for none"),
	HDR_FIELD(u8, type, ID, "record family"),
	HDR_FIELD(u8, flags, HEX, "MMUSCOPE_* of abi.h"),
	HDR_FIELD(u16, size, COUNT, "bytes of the whole record"),
};

static struct schema_event events[MMUSCOPE_TYPES];
static size_t max_size;

/* A record has no key twice: a name that the header has too gets its family before it. */
static void fields_set(struct schema_event *e, struct schema_field *fields)
{
	for (size_t i = 0; i < e->nr; i++) {
		char *key;

		if (schema_field_keyed(&events[0], fields[i].name) &&
		    asprintf(&key, "%s_%s", e->name, fields[i].name) >= 0)
			fields[i].key = key;
	}
	e->fields = fields;
}

__attribute__((constructor)) static void schema_init(void)
{
	events[0] = (struct schema_event){
		0, "hdr", sizeof(struct mmuscope_hdr), "begin of every record",
		hdr_fields, ARRAY_SIZE(hdr_fields),
	};
#define EVENT(number, text, bytes, about)					\
	events[number] = (struct schema_event){					\
		.id = number, .name = #text, .size = bytes, .doc = about,	\
	};									\
	fields_set(&events[number], text##_fields(&events[number].nr));		\
	if (bytes > max_size)							\
		max_size = bytes;
#include <mmuscope/events.def>
}

const struct schema_event *schema_event(unsigned int id)
{
	return id < MMUSCOPE_TYPES && events[id].name ? &events[id] : NULL;
}

const struct schema_event *schema_event_named(const char *name)
{
	for (unsigned int id = 0; id < MMUSCOPE_TYPES; id++)
		if (events[id].name && !strcmp(events[id].name, name))
			return &events[id];
	return NULL;
}

const struct schema_field *schema_field_keyed(const struct schema_event *e, const char *key)
{
	for (size_t i = 0; i < e->nr; i++)
		if (!strcmp(e->fields[i].key, key) && e->fields[i].unit != UNIT_PAD)
			return &e->fields[i];
	return NULL;
}

const struct schema_vocabulary *schema_vocabulary(enum schema_set set)
{
	return &vocabularies[set];
}

const struct schema_word *schema_word(const struct schema_vocabulary *words, uint8_t value)
{
	for (size_t i = 0; i < words->nr; i++)
		if (words->words[i].value == value)
			return &words->words[i];
	return NULL;
}

const char *schema_word_text(enum schema_set set, uint8_t value)
{
	const struct schema_word *word = schema_word(&vocabularies[set], value);

	return word ? word->name : "?";
}

int schema_word_value(const struct schema_vocabulary *words, const char *text)
{
	for (size_t i = 0; i < words->nr; i++)
		if (!strcmp(words->words[i].name, text))
			return words->words[i].value;
	return -ENOENT;
}

uint64_t schema_field_value(const struct schema_field *f, const struct mmuscope_hdr *rec)
{
	const char *at = (const char *)rec + f->offset;

	switch (f->type) {
	case TYPE_u8:
		return *(const uint8_t *)at;
	case TYPE_u16:
		return *(const uint16_t *)at;
	case TYPE_u32:
		return *(const uint32_t *)at;
	case TYPE_s32:
		return (int64_t)*(const int32_t *)at;
	case TYPE_u64:
		return *(const uint64_t *)at;
	case TYPE_TEXT:
		break;
	}
	return 0;
}

size_t schema_max_size(void)
{
	return max_size;
}

static const char *const type_names[] = {
	[TYPE_u8] = "u8", [TYPE_u16] = "u16", [TYPE_u32] = "u32",
	[TYPE_s32] = "s32", [TYPE_u64] = "u64", [TYPE_TEXT] = "text",
};

static void print_event(FILE *out, const struct schema_event *event)
{
	fprintf(out, "%u %s %zu", event->id, event->name, event->size);
	for (size_t i = 0; i < event->nr; i++) {
		const struct schema_field *f = &event->fields[i];

		fprintf(out, " %s:", f->name);
		if (f->words)
			fprintf(out, "%s", f->words->name);
		else if (f->type == TYPE_TEXT)
			fprintf(out, "text%zu", f->size);
		else
			fprintf(out, "%s", type_names[f->type]);
		fprintf(out, "@%zu", f->offset);
	}
	fputc('\n', out);
}

void schema_print_listing(FILE *out)
{
	fprintf(out, "schema %u\n", MMUSCOPE_SCHEMA);
	for (size_t i = 0; i < SET_COUNT; i++) {
		fprintf(out, "%s", vocabularies[i].name);
		for (size_t w = 0; w < vocabularies[i].nr; w++)
			fprintf(out, " %u=%s", vocabularies[i].words[w].value,
				vocabularies[i].words[w].name);
		fputc('\n', out);
	}
	for (unsigned int id = 0; id < MMUSCOPE_TYPES; id++)
		if (events[id].name)
			print_event(out, &events[id]);
}
