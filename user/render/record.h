/* SPDX-License-Identifier: GPL-2.0 */
/* Single records, one per line, from the tables of the schema alone. */
#ifndef RENDER_RECORD_H
#define RENDER_RECORD_H

#include <stdint.h>
#include <stdio.h>

#include <mmuscope/abi.h>

#include "lib/schema.h"
#include "lib/symbols.h"

/**
 * struct record_line - a record to print
 * @rec: of a family of this version
 * @begin: time stamp of the recording's begin
 * @vm: what the VM is called, NULL for none
 * @guests: whose symbols are known, or NULL
 */
struct record_line {
	const struct mmuscope_hdr *rec;
	uint64_t begin;
	const char *vm;
	const struct guests *guests;
};

/* "      0.012345678 web1/0  fault  12.3us access=write ..." */
void record_text(FILE *out, const struct record_line *line);

/* One JSON object. Addresses and bits are hexadecimal texts, what is not known is null. */
void record_json(FILE *out, const struct record_line *line);

/* The flags and fields as members of an object: "flags": [...], "gpa": ... */
void record_json_fields(FILE *out, const struct record_line *line);

/* In double quotes. Bytes that are no ASCII may be no UTF-8 either: they become '?'. */
void record_quoted(FILE *out, const char *text);

/*
 * Text of field @f up to its end, to @text, which has room for the field; arguments have a NUL
 * between them, which becomes a blank. Return: its length, without a NUL behind it.
 */
size_t record_get_text(const struct schema_field *f, const struct mmuscope_hdr *rec, char *text);

/*
 * Columns for all fields that families of @types have, a bit for each as struct chunk has it, and
 * for the function of the instruction pointer where @guests are known.
 */
void record_csv_head(FILE *out, uint64_t types, const struct guests *guests);
void record_csv(FILE *out, const struct record_line *line, uint64_t types);

#endif /* RENDER_RECORD_H */
