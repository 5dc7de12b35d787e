/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One column of a block: the same field of many records. Its numbers are cut into
 * planes, one per byte of significance, and each plane is packed by itself, because
 * the low bytes of times are noise and the high ones are not. Numbers that are
 * larger than nearly all others are kept apart, so that they do not cost planes.
 */
#ifndef FILE_COLUMN_H
#define FILE_COLUMN_H

#include <zstd.h>

#include "lib/bytes.h"
#include "file/format.h"

/* What packing needs, made once. */
struct packer {
	ZSTD_CCtx *zstd;
	uint8_t *plane;		/* BLOCK_RECORDS_MAX bytes */
};

int packer_init(struct packer *p);
void packer_free(struct packer *p);

/* Adds @nr numbers, which @how and, for TRANSFORM_FIELD, column @ref were applied to. */
void column_put(struct packer *p, struct bytes *out, enum transform how, uint8_t ref,
		const uint64_t *values, size_t nr);

/* Adds a column whose numbers are all @value. */
void column_put_const(struct bytes *out, uint64_t value);

/* Adds @len bytes of text. */
void column_put_text(struct packer *p, struct bytes *out, const uint8_t *text, size_t len);

/* Adds @nr single bytes, without the head that a column has. */
void plane_put(struct packer *p, struct bytes *out, const uint8_t *plane, size_t nr);

/**
 * struct unpacker - what unpacking needs, made once
 * @planes: BLOCK_RECORDS_MAX bytes for each of the eight
 * @text: grows as needed
 */
struct unpacker {
	ZSTD_DCtx *zstd;
	uint8_t *planes;
	struct bytes text;
};

int unpacker_init(struct unpacker *u);
void unpacker_free(struct unpacker *u);

/**
 * struct column - what column_get() found
 * @how: the transform
 * @ref: column that it refers to
 * @same: all numbers are @value, and were not written to @values; @how still applies
 * @text: of a TRANSFORM_TEXT, @text_len bytes
 */
struct column {
	enum transform how;
	uint8_t ref;
	bool same;
	uint64_t value;
	const uint8_t *text;
	size_t text_len;
};

/**
 * column_get() - take the next column from @c
 * @nr: numbers that it has
 * @values: room for them; NULL to pass over the column
 * @text_len: bytes that the column has if it is text
 *
 * What @col points to is valid until the next call. Return: false where the bytes are no column.
 */
bool column_get(struct unpacker *u, struct cursor *c, size_t nr, uint64_t *values,
		size_t text_len, struct column *col);

/* Takes @nr single bytes of plane_put(). Return: them, valid until the next call, or NULL. */
const uint8_t *plane_get(struct unpacker *u, struct cursor *c, size_t nr);

#endif /* FILE_COLUMN_H */
