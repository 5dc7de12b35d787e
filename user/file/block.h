/* SPDX-License-Identifier: GPL-2.0 */
/* A block: records, by family and column. */
#ifndef FILE_BLOCK_H
#define FILE_BLOCK_H

#include <mmuscope/abi.h>

#include "lib/bytes.h"
#include "file/format.h"
#include "file/layout.h"

/* Records of a block as written: more would pack better and not fit into a CPU's cache. */
#define BLOCK_RECORDS	8192

struct block_writer;

struct block_writer *block_writer_new(void);
void block_writer_free(struct block_writer *w);

/*
 * Takes @rec in, of a family of this version; what is missing at its end becomes 0.
 * Return: 0, -ENOMEM, or -EINVAL where the family is not known.
 */
int block_writer_add(struct block_writer *w, const struct mmuscope_hdr *rec);

size_t block_writer_records(const struct block_writer *w);

/*
 * Packs what was taken in and forgets it. Fills records, first, last and types of @chunk.
 * Return: 0 or -ENOMEM; @out holds the content of the chunk.
 */
int block_writer_pack(struct block_writer *w, struct chunk *chunk, struct bytes *out);

struct block_reader;

struct block_reader *block_reader_new(const struct layout *layout);
void block_reader_free(struct block_reader *r);

/**
 * block_reader_unpack() - begin to read a block
 * @chunk: its head
 * @content: its content, not needed after the return
 *
 * Return: 0, -ENOMEM, or -EINVAL where it is damaged.
 */
int block_reader_unpack(struct block_reader *r, const struct chunk *chunk, const uint8_t *content);

/*
 * Return: the next record, NULL behind the last. Valid until the next block_reader_unpack(). One
 * of a family that this version does not know has its header only.
 */
struct mmuscope_hdr *block_reader_next(struct block_reader *r);

#endif /* FILE_BLOCK_H */
