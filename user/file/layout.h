/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The schema that a recording was written with, as its head tells it, and where its
 * fields go in the records of this version.
 */
#ifndef FILE_LAYOUT_H
#define FILE_LAYOUT_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/schema.h"

#define LAYOUT_FIELDS_MAX	250	/* of a family: a column number is a byte */
#define LAYOUT_RECORD_MAX	4096	/* bytes */

/**
 * struct layout_field - one field, in the recording's order
 * @text: bytes if it is text, else 0
 * @own: the same field of this version, NULL where there is none
 */
struct layout_field {
	size_t text;
	const struct schema_field *own;
};

/**
 * struct layout_event - one family
 * @name: as the recording calls it
 * @own: the same family of this version, NULL where there is none
 * @unknown: fields that this version does not know
 */
struct layout_event {
	char name[32];
	const struct schema_event *own;
	struct layout_field *fields;
	size_t nr;
	size_t unknown;
};

/* @event: by id; NULL where there is none */
struct layout {
	struct layout_event *event[256];
};

/* Return: the schema of this version for a head; NULL where memory was short. */
json_t *layout_describe(void);

/**
 * layout_parse() - understand the schema of a head
 * @err: set to one clause where it cannot be understood
 *
 * Return: what it says, to be given to layout_free(), or NULL.
 */
struct layout *layout_parse(const json_t *schema, char *err, size_t len);

void layout_free(struct layout *l);

#endif /* FILE_LAYOUT_H */
