// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "file/column.h"

#define PLANES	8

int unpacker_init(struct unpacker *u)
{
	u->zstd = ZSTD_createDCtx();
	u->planes = malloc(PLANES * (size_t)BLOCK_RECORDS_MAX);
	return u->zstd && u->planes ? 0 : -ENOMEM;
}

void unpacker_free(struct unpacker *u)
{
	ZSTD_freeDCtx(u->zstd);
	free(u->planes);
	bytes_free(&u->text);
}

/*
 * One plane of @nr bytes. Return: its bytes, at @room or in the chunk itself; NULL
 * where all are @same, where it is to be passed over, or where @c is bad.
 */
static const uint8_t *plane_read(struct unpacker *u, struct cursor *c, size_t nr, uint8_t *room,
				 uint8_t *same)
{
	uint8_t codec = cursor_u8(c);
	const uint8_t *from;
	size_t len;

	*same = 0;
	switch (codec) {
	case PLANE_CONST:
		*same = cursor_u8(c);
		return NULL;
	case PLANE_RAW:
		return cursor_take(c, nr);
	case PLANE_ZSTD:
		len = cursor_varint(c);
		from = cursor_take(c, len);
		if (!from || !room)
			return NULL;
		if (ZSTD_decompressDCtx(u->zstd, room, nr, from, len) == nr)
			return room;
	}
	c->bad = true;
	return NULL;
}

const uint8_t *plane_get(struct unpacker *u, struct cursor *c, size_t nr)
{
	uint8_t same;
	const uint8_t *plane = plane_read(u, c, nr, u->planes, &same);

	if (c->bad)
		return NULL;
	if (plane)
		return plane;
	memset(u->planes, same, nr);
	return u->planes;
}

/* @values: @base and what is in the @nr_planes planes, each at its place. */
__attribute__((target_clones("avx2", "default")))
static void planes_join(uint64_t *values, size_t nr, uint64_t base, const uint8_t *const *plane,
			const unsigned int *shift, unsigned int nr_planes)
{
	const uint8_t *a = plane[0], *b = plane[1], *c = plane[2];
	unsigned int as = shift[0], bs = shift[1], cs = shift[2];
	unsigned int done = nr_planes < 3 ? nr_planes : 3;

	switch (done) {
	case 0:
		for (size_t i = 0; i < nr; i++)
			values[i] = base;
		break;
	case 1:
		for (size_t i = 0; i < nr; i++)
			values[i] = base | (uint64_t)a[i] << as;
		break;
	case 2:
		for (size_t i = 0; i < nr; i++)
			values[i] = base | (uint64_t)a[i] << as | (uint64_t)b[i] << bs;
		break;
	case 3:
		for (size_t i = 0; i < nr; i++)
			values[i] = base | (uint64_t)a[i] << as | (uint64_t)b[i] << bs |
				    (uint64_t)c[i] << cs;
		break;
	}
	for (; done < nr_planes; done++)
		for (size_t i = 0; i < nr; i++)
			values[i] |= (uint64_t)plane[done][i] << shift[done];
}

/* The numbers kept apart, put where they belong; only passed over without @values. */
static void apart_read(struct cursor *c, size_t apart, size_t nr, uint64_t *values)
{
	size_t at = 0;

	for (size_t i = 0; i < apart && !c->bad; i++) {
		uint64_t step = cursor_varint(c), value = cursor_varint(c);

		if (step >= nr - at) {
			c->bad = true;
			return;
		}
		at += step;
		if (values)
			values[at] = value;
	}
}

static bool text_get(struct unpacker *u, struct cursor *c, bool wanted, size_t text_len,
		     struct column *col)
{
	uint8_t same, *room = NULL;

	col->text_len = cursor_varint(c);
	if (col->text_len != text_len)
		return false;
	u->text.len = 0;
	if (wanted) {
		room = bytes_room(&u->text, col->text_len + 1);
		if (!room)
			return false;
	}
	col->text = plane_read(u, c, col->text_len, room, &same);
	if (!col->text && room) {
		memset(room, same, col->text_len);
		col->text = room;
	}
	return !c->bad;
}

bool column_get(struct unpacker *u, struct cursor *c, size_t nr, uint64_t *values,
		size_t text_len, struct column *col)
{
	const uint8_t *plane[PLANES] = { NULL };
	unsigned int shift[PLANES] = { 0 }, nr_planes = 0, width;
	struct cursor apart_at;
	uint64_t base = 0;
	bool varies = false;
	size_t apart;
	uint8_t byte = cursor_u8(c), same;

	*col = (struct column){ .how = byte >> 4 };
	width = byte & 15;
	if (col->how == TRANSFORM_CONST) {
		col->same = true;
		col->value = cursor_varint(c);
		return !c->bad;
	}
	if (col->how == TRANSFORM_TEXT)
		return text_get(u, c, values, text_len, col);
	if (col->how > TRANSFORM_TEXT || width > PLANES)
		return false;
	if (col->how == TRANSFORM_FIELD)
		col->ref = cursor_u8(c);
	apart = cursor_varint(c);
	if (apart > nr)
		return false;
	apart_at = *c;
	apart_read(c, apart, nr, NULL);
	for (unsigned int k = 0; k < width && !c->bad; k++) {
		uint8_t *room = values ? u->planes + k * (size_t)BLOCK_RECORDS_MAX : NULL;

		/* Passed over or not, a plane of other than one value makes them differ. */
		varies |= c->at < c->end && *c->at != PLANE_CONST;
		plane[nr_planes] = plane_read(u, c, nr, room, &same);
		shift[nr_planes] = 8 * k;
		base |= (uint64_t)same << 8 * k;
		nr_planes += !!plane[nr_planes];
	}
	if (c->bad)
		return false;
	if (!apart && !varies) {
		col->same = true;
		col->value = base;
		return true;
	}
	if (!values)
		return true;
	planes_join(values, nr, base, plane, shift, nr_planes);
	apart_read(&apart_at, apart, nr, values);
	return true;
}
