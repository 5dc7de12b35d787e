/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a recording, chunk by chunk. What is damaged is passed over and told; whatever
 * the file holds, memory is bounded and reading ends.
 */
#ifndef FILE_READER_H
#define FILE_READER_H

#include <jansson.h>

#include "file/format.h"
#include "file/layout.h"
#include "file/text.h"

/**
 * struct reader_range - what is wanted of a recording; chunks without any of it are not read
 * @from: smallest time stamp, CLOCK_MONOTONIC ns
 * @to: largest
 * @types: bit per family, as struct chunk has it. Records of state are always read.
 */
struct reader_range {
	uint64_t from;
	uint64_t to;
	uint64_t types;
};

/**
 * struct reader_damage - what could not be read
 * @chunks: whose content was damaged
 * @bytes: that are no chunk, up to the next one
 * @missing: records known to have been written and not found
 * @torn: the recording did not come to its end
 */
struct reader_damage {
	uint64_t chunks;
	uint64_t bytes;
	uint64_t missing;
	bool torn;
};

struct reader;

/**
 * reader_open() - open a recording
 * @err: set to one sentence where it cannot be read
 *
 * Return: the reader, or NULL.
 */
struct reader *reader_open(const char *path, char *err, size_t len);

void reader_close(struct reader *r);

/* What the head tells, and the schema in it. */
const json_t *reader_head(const struct reader *r);
const struct layout *reader_layout(const struct reader *r);

void reader_set_range(struct reader *r, const struct reader_range *range);

/**
 * reader_next() - the next chunk that holds something wanted
 * @chunk: set to its head
 * @content: set to its content, valid until the next call; NULL where only the head was asked for
 *
 * CHUNK_MARK and CHUNK_END are taken into account and handed out, CHUNK_SUMS is handed out.
 * CHUNK_STATE comes only where it says how things were before the first block.
 *
 * Return: 1, 0 at the end, or -errno where the file cannot be read.
 */
int reader_next(struct reader *r, struct chunk *chunk, const uint8_t **content);

/* As reader_next(), without reading what blocks hold. */
int reader_next_head(struct reader *r, struct chunk *chunk);

/* From here on heads are read where they are: what the index has of them may hide damage. */
void reader_forget_index(struct reader *r);

/* Return: whether the file has sums, as far as its index tells. */
bool reader_has_sums(const struct reader *r);

/* The content of the chunk handed out last could not be made sense of. */
void reader_reject(struct reader *r, const struct chunk *chunk);

/* As of what was read; complete at the end. */
const struct totals *reader_totals(const struct reader *r);
const struct reader_damage *reader_damage(const struct reader *r);

/* Bytes of the file, and whether it is a flight recorder's. */
uint64_t reader_bytes(const struct reader *r);
bool reader_is_flight(const struct reader *r);

#endif /* FILE_READER_H */
