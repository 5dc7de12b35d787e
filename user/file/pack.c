// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "file/column.h"

#define LEVEL		1
/* A plane that zstd makes smaller by less than this part is not worth unpacking. */
#define WORTH		8
/* Of so many numbers one may be kept apart from the planes. */
#define APART_ONE_IN	64

int packer_init(struct packer *p)
{
	p->zstd = ZSTD_createCCtx();
	p->plane = malloc(BLOCK_RECORDS_MAX);
	return p->zstd && p->plane ? 0 : -ENOMEM;
}

void packer_free(struct packer *p)
{
	ZSTD_freeCCtx(p->zstd);
	free(p->plane);
}

static void pack(struct packer *p, struct bytes *out, const uint8_t *from, size_t len)
{
	size_t bound = ZSTD_compressBound(len), packed;
	struct bytes small = { 0 };
	uint8_t *to = bytes_room(out, bound + 16);

	if (!to)
		return;
	/* The length comes first, and is not known yet: leave room, then move up. */
	packed = ZSTD_compressCCtx(p->zstd, to + 16, bound, from, len, LEVEL);
	if (ZSTD_isError(packed) || packed > len - len / WORTH) {
		bytes_put_u8(out, PLANE_RAW);
		bytes_put(out, from, len);
		return;
	}
	bytes_put_u8(&small, PLANE_ZSTD);
	bytes_put_varint(&small, packed);
	if (small.failed) {
		out->failed = true;
	} else {
		memcpy(to, small.at, small.len);
		memmove(to + small.len, to + 16, packed);
		out->len += small.len + packed;
	}
	bytes_free(&small);
}

void plane_put(struct packer *p, struct bytes *out, const uint8_t *plane, size_t nr)
{
	if (nr && !memcmp(plane, plane + 1, nr - 1)) {
		bytes_put_u8(out, PLANE_CONST);
		bytes_put_u8(out, plane[0]);
		return;
	}
	pack(p, out, plane, nr);
}

static unsigned int bytes_of(uint64_t v)
{
	return v ? (71 - __builtin_clzll(v)) / 8 : 0;
}

/* Return: planes that nearly all of @values fit into; @apart is set to how many do not. */
static unsigned int width_choose(const uint64_t *values, size_t nr, size_t *apart)
{
	size_t by_bytes[9] = { 0 };
	unsigned int width = 8;

	for (size_t i = 0; i < nr; i++)
		by_bytes[bytes_of(values[i])]++;
	*apart = 0;
	while (width && *apart + by_bytes[width] <= nr / APART_ONE_IN)
		*apart += by_bytes[width--];
	return width;
}

static void put_apart(struct bytes *out, const uint64_t *values, size_t nr, unsigned int width)
{
	size_t before = 0;

	for (size_t i = 0; i < nr; i++) {
		if (bytes_of(values[i]) <= width)
			continue;
		bytes_put_varint(out, i - before);
		bytes_put_varint(out, values[i]);
		before = i;
	}
}

void column_put_const(struct bytes *out, uint64_t value)
{
	bytes_put_u8(out, TRANSFORM_CONST << 4);
	bytes_put_varint(out, value);
}

void column_put(struct packer *p, struct bytes *out, enum transform how, uint8_t ref,
		const uint64_t *values, size_t nr)
{
	unsigned int width;
	size_t apart;

	width = width_choose(values, nr, &apart);
	bytes_put_u8(out, how << 4 | width);
	if (how == TRANSFORM_FIELD)
		bytes_put_u8(out, ref);
	bytes_put_varint(out, apart);
	if (apart)
		put_apart(out, values, nr, width);
	for (unsigned int k = 0; k < width; k++) {
		for (size_t i = 0; i < nr; i++)
			p->plane[i] = bytes_of(values[i]) > width ? 0 : values[i] >> 8 * k;
		plane_put(p, out, p->plane, nr);
	}
}

void column_put_text(struct packer *p, struct bytes *out, const uint8_t *text, size_t len)
{
	bytes_put_u8(out, TRANSFORM_TEXT << 4);
	bytes_put_varint(out, len);
	plane_put(p, out, text, len);
}
