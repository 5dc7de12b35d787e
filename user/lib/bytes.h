/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes that are being put together, and bytes that are being taken apart. */
#ifndef LIB_BYTES_H
#define LIB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Takes no more once memory was short, which @failed tells at the end. */
struct bytes {
	uint8_t *at;
	size_t len;
	size_t room;
	bool failed;
};

/* Return: room for @more bytes behind the last one, or NULL. @len is for the caller to raise. */
static inline uint8_t *bytes_room(struct bytes *b, size_t more)
{
	if (b->len + more > b->room) {
		size_t room = 2 * b->room > b->len + more ? 2 * b->room : b->len + more;
		uint8_t *at = b->failed ? NULL : realloc(b->at, room);

		if (!at) {
			b->failed = true;
			return NULL;
		}
		b->at = at;
		b->room = room;
	}
	return b->at + b->len;
}

static inline void bytes_put(struct bytes *b, const void *from, size_t len)
{
	uint8_t *to = bytes_room(b, len);

	if (!to)
		return;
	memcpy(to, from, len);
	b->len += len;
}

static inline void bytes_put_u8(struct bytes *b, uint8_t v)
{
	bytes_put(b, &v, 1);
}

/* Seven bits per byte, the lowest first; the top bit says that more follow. */
static inline void bytes_put_varint(struct bytes *b, uint64_t v)
{
	uint8_t *to = bytes_room(b, 10);

	if (!to)
		return;
	while (v >= 0x80) {
		*to++ = v | 0x80;
		v >>= 7;
	}
	*to++ = v;
	b->len = to - b->at;
}

static inline void bytes_free(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){ 0 };
}

/* Gives zeros once there was not enough, which @bad tells at the end. */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline const uint8_t *cursor_take(struct cursor *c, size_t len)
{
	const uint8_t *at = c->at;

	if (c->bad || (size_t)(c->end - c->at) < len) {
		c->bad = true;
		return NULL;
	}
	c->at += len;
	return at;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *at = cursor_take(c, 1);

	return at ? *at : 0;
}

static inline uint64_t cursor_varint(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(c);

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

#endif /* LIB_BYTES_H */
