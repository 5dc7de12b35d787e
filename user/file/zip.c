// SPDX-License-Identifier: GPL-2.0
#include "file/zip.h"

#include <errno.h>
#include <zstd.h>

int zip_pack(struct bytes *out, const void *from, size_t len, int level)
{
	size_t bound = ZSTD_compressBound(len);
	uint8_t *to = bytes_room(out, bound);
	size_t packed = to ? ZSTD_compress(to, bound, from, len, level) : 0;

	if (!to || ZSTD_isError(packed))
		return -ENOMEM;
	out->len += packed;
	return 0;
}

int zip_unpack(struct bytes *out, const uint8_t *content, size_t len, size_t max)
{
	unsigned long long size = ZSTD_getFrameContentSize(content, len);
	uint8_t *to;

	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > max)
		return -EINVAL;
	to = bytes_room(out, size + 1);
	if (!to)
		return -ENOMEM;
	if (ZSTD_decompress(to, size, content, len) != size)
		return -EINVAL;
	out->len += size;
	return 0;
}
