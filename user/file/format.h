/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a recording consists of, byte by byte; docs/recording-format.md tells it in words.
 * All numbers are little-endian.
 */
#ifndef FILE_FORMAT_H
#define FILE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_MAGIC	"MMUSCOPE"
#define FILE_FORMAT	1
#define CHUNK_MAGIC	0x4b43534dU	/* "MSCK" */
#define FILE_ALIGN	4096		/* where the first segment begins */

/**
 * struct file_preamble - first bytes of a recording
 * @segment: bytes of a segment of a flight recorder, 0 where chunks just follow each other
 */
struct file_preamble {
	char magic[8];
	uint32_t format;
	uint32_t zero;
	uint64_t segment;
};

/* New kinds may come: who does not know one passes over it. */
enum chunk_kind {
	CHUNK_HEAD = 1,		/* JSON, zstd: the schema, the host, what was recorded */
	CHUNK_NAMES = 2,	/* text: a line "vm pid name" per VM */
	CHUNK_STATE = 3,	/* a block that repeats how things are */
	CHUNK_BLOCK = 4,	/* records */
	CHUNK_MARK = 5,		/* JSON: totals so far */
	CHUNK_INDEX = 6,	/* struct chunk_place of each chunk before */
	CHUNK_END = 7,		/* JSON: the totals; nothing follows */
	CHUNK_SUMS = 8,		/* zstd: what the records add up to, for the same version */
};

/**
 * struct chunk - head of a chunk, in front of its content
 * @seq: number of the chunk; gaps mean that chunks are missing
 * @stored: bytes of the content
 * @records: in it
 * @first: smallest time stamp of them
 * @last: largest
 * @types: bit per record family among them, the last for all from 63 on
 * @sum: CRC-32 of the content
 * @head_sum: CRC-32 of all above
 */
struct chunk {
	uint32_t magic;
	uint8_t kind;
	uint8_t zero[3];
	uint64_t seq;
	uint32_t stored;
	uint32_t records;
	uint64_t first;
	uint64_t last;
	uint64_t types;
	uint32_t sum;
	uint32_t head_sum;
};

/* Where a chunk is, and its head; what the index consists of. */
struct chunk_place {
	uint64_t offset;
	struct chunk chunk;
};

#define TRAILER_MAGIC	"MSCKEND\n"

/* Last bytes of a recording that came to its end, unless it is a flight recorder. */
struct file_trailer {
	uint64_t index;		/* where the CHUNK_INDEX is */
	char magic[8];
};

_Static_assert(sizeof(struct file_preamble) == 24, "preamble");
_Static_assert(sizeof(struct chunk) == 56, "chunk");
_Static_assert(sizeof(struct chunk_place) == 64, "chunk_place");

/* What no recording exceeds: damage must not make a reader allocate more. */
#define CHUNK_STORED_MAX	(16U << 20)
#define HEAD_TEXT_MAX		(4U << 20)
#define BLOCK_RECORDS_MAX	65536U
#define BLOCK_BYTES_MAX		(16U << 20)	/* of records, unpacked */

/* How the numbers of a column were made smaller; see docs/recording-format.md. */
enum transform {
	TRANSFORM_PLAIN = 0,	/* not at all */
	TRANSFORM_CONST = 1,	/* one value for all */
	TRANSFORM_DELTA = 2,	/* less the record's before, of the family */
	TRANSFORM_WHO = 3,	/* less the last one's of the same vCPU, in the family */
	TRANSFORM_FIELD = 4,	/* less an earlier column of the record */
	TRANSFORM_GAP = 5,	/* of a time stamp: from the last end on that vCPU to the begin */
	TRANSFORM_TEXT = 6,	/* bytes */
};

enum plane_codec { PLANE_CONST = 0, PLANE_RAW = 1, PLANE_ZSTD = 2 };

/* The columns of each family begin with these; its fields follow. */
enum { COLUMN_FLAGS, COLUMN_WHO, COLUMN_DUR, COLUMN_TS, COLUMN_FIELDS };

static inline uint64_t zigzag(uint64_t v)
{
	return v << 1 ^ (uint64_t)((int64_t)v >> 63);
}

static inline uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ -(v & 1);
}

/* Sets the sums of @c, whose other members are filled in. */
void chunk_seal(struct chunk *c, const void *content);

/* Return: whether @c is the head of a chunk, and whether @content is what it had. */
bool chunk_is(const struct chunk *c);
bool chunk_holds(const struct chunk *c, const void *content);

/* For a fuzzer, which would not get past the sums. */
extern bool chunk_sums_ignored;

#endif /* FILE_FORMAT_H */
