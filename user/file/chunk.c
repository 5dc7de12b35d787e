// SPDX-License-Identifier: GPL-2.0
#include <zlib.h>

#include "file/format.h"

bool chunk_sums_ignored;

static uint32_t sum(const void *bytes, size_t len)
{
	return crc32(0, bytes, len);
}

void chunk_seal(struct chunk *c, const void *content)
{
	c->magic = CHUNK_MAGIC;
	c->sum = sum(content, c->stored);
	c->head_sum = sum(c, offsetof(struct chunk, head_sum));
}

bool chunk_is(const struct chunk *c)
{
	if (c->magic != CHUNK_MAGIC || c->stored > CHUNK_STORED_MAX)
		return false;
	return chunk_sums_ignored || c->head_sum == sum(c, offsetof(struct chunk, head_sum));
}

bool chunk_holds(const struct chunk *c, const void *content)
{
	return chunk_sums_ignored || c->sum == sum(content, c->stored);
}
