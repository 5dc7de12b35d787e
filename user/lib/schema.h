/* SPDX-License-Identifier: GPL-2.0 */
/* events.def as data: what prints, parses or describes records walks these tables. */
#ifndef LIB_SCHEMA_H
#define LIB_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <mmuscope/abi.h>

/* SET_mode, SET_access ...: the vocabularies, SET_COUNT of them */
enum schema_set {
#define WORDS(set)	SET_##set,
#include <mmuscope/events.def>
	SET_COUNT
};

/* WORDS_mode, WORDS_access ...: number of words of each */
#define WORDS(set)			enum {
#define WORD(set, value, name, doc)	WORDS_##set##_##name,
#define WORDS_END(set)			WORDS_##set };
#include <mmuscope/events.def>

enum schema_type { TYPE_u8, TYPE_u16, TYPE_u32, TYPE_s32, TYPE_u64, TYPE_TEXT };

enum schema_unit {
	UNIT_ADDR, UNIT_GFN, UNIT_NS, UNIT_COUNT, UNIT_ID, UNIT_HEX, UNIT_PAD, UNIT_WORD, UNIT_TEXT
};

struct schema_word {
	uint8_t value;
	const char *name;
	const char *doc;
};

struct schema_vocabulary {
	const char *name;
	const struct schema_word *words;
	size_t nr;
};

/**
 * struct schema_field - one field of a record
 * @name: in the schema, unique in its family
 * @key: how users write and read it: @name, or FAMILY_NAME where the header has that name
 *	 too, as slot_flags
 * @offset: bytes from the begin of the record, header included
 * @size: bytes
 * @words: the vocabulary of a UNIT_WORD, else NULL
 */
struct schema_field {
	const char *name;
	const char *key;
	enum schema_type type;
	enum schema_unit unit;
	size_t offset;
	size_t size;
	const struct schema_vocabulary *words;
	const char *doc;
};

struct schema_event {
	uint8_t id;
	const char *name;
	size_t size;
	const char *doc;
	const struct schema_field *fields;
	size_t nr;
};

/* Return: the record family with this id (0 is the header alone), or NULL. */
const struct schema_event *schema_event(unsigned int id);

/* Return: the record family with this name, or NULL. */
const struct schema_event *schema_event_named(const char *name);

/* Return: the field of @e with this key, or NULL; never padding. */
const struct schema_field *schema_field_keyed(const struct schema_event *e, const char *key);

const struct schema_vocabulary *schema_vocabulary(enum schema_set set);

/* Return: the word for @value, or NULL where this version has none. */
const struct schema_word *schema_word(const struct schema_vocabulary *words, uint8_t value);

/* Return: the text of the word for @value, "?" where this version has none. */
const char *schema_word_text(enum schema_set set, uint8_t value);

/* Return: the value of the word @text, or -ENOENT. */
int schema_word_value(const struct schema_vocabulary *words, const char *text);

/* Return: the number in field @f of @rec, sign-extended; 0 for a TYPE_TEXT. */
uint64_t schema_field_value(const struct schema_field *f, const struct mmuscope_hdr *rec);

/* Return: largest record of this version, in bytes. */
size_t schema_max_size(void);

/* Prints vocabularies and records, one per line, in a form that shows every change of the ABI. */
void schema_print_listing(FILE *out);

#endif /* LIB_SCHEMA_H */
