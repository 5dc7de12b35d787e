/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes a recording. At any moment the file can be read up to the last chunk that was
 * written; writer_mark() makes that a chunk that is not older than the caller likes.
 */
#ifndef FILE_WRITER_H
#define FILE_WRITER_H

#include <jansson.h>
#include <sys/types.h>

#include <mmuscope/abi.h>

#include "file/text.h"

/* The smallest flight recorder, in bytes. */
#define WRITER_SMALLEST	(4U << 20)

/**
 * struct writer_config
 * @path: of the file, which is replaced
 * @head: what the recording says of itself besides the schema
 * @max_bytes: size that the file must not exceed, at least WRITER_SMALLEST; 0 for any
 * @last_ns: what is older may be given up; 0 to keep all
 * @uid: who is to own files that did not exist before; 0 for the caller
 * @gid: the same
 *
 * With either limit the file is a flight recorder: the newest records replace the oldest.
 */
struct writer_config {
	const char *path;
	const json_t *head;
	uint64_t max_bytes;
	uint64_t last_ns;
	uid_t uid;
	gid_t gid;
};

struct writer;

/* Return: the writer, or NULL with errno set. */
struct writer *writer_open(const struct writer_config *cfg);

/*
 * All return 0 or -errno, after which only writer_records(), writer_dropped(), writer_bytes(),
 * writer_end() and writer_close() may be called.
 */
int writer_add(struct writer *w, const struct mmuscope_hdr *rec);
int writer_name(struct writer *w, uint16_t vm, uint32_t pid, const char *name);

/* Writes what there is, and @t, whose records are filled in. */
int writer_mark(struct writer *w, struct totals *t);

/* Copies what the file holds to a new one, which is a whole recording. */
int writer_snapshot(struct writer *w, const char *path, struct totals *t);

/**
 * writer_sums() - keep what the records add up to, so that a reader need not read them
 * @sums: @len bytes
 * @records: that were added up; where the file will hold others, sums are left out, as they are in
 *	     a flight recorder and where they are large compared to it
 *
 * To be called before writer_end(). Return: 0 or -ENOMEM.
 */
int writer_sums(struct writer *w, const void *sums, size_t len, uint64_t records);

/* Writes what makes the recording complete. Possible also after an error. */
int writer_end(struct writer *w, struct totals *t);

void writer_close(struct writer *w);

/* What the file has: records, of a flight recorder those that are still there, and bytes. */
uint64_t writer_records(const struct writer *w);
/* Records that were taken but are not written: for good once writer_end() has returned. */
uint64_t writer_dropped(const struct writer *w);
uint64_t writer_bytes(const struct writer *w);

#endif /* FILE_WRITER_H */
