/* SPDX-License-Identifier: GPL-2.0 */
/* A chunk's content, packed with zstd as a whole. */
#ifndef FILE_ZIP_H
#define FILE_ZIP_H

#include "lib/bytes.h"

/* Appends to @out what @from becomes at zstd's @level. Return: 0 or -ENOMEM. */
int zip_pack(struct bytes *out, const void *from, size_t len, int level);

/* Appends to @out what zip_pack() was given, @max bytes at most. Return: 0, -ENOMEM or -EINVAL. */
int zip_unpack(struct bytes *out, const uint8_t *content, size_t len, size_t max);

#endif /* FILE_ZIP_H */
