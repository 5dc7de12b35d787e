/* SPDX-License-Identifier: GPL-2.0 */
/* A recording as a source: one stream, in the order of time. */
#ifndef SOURCE_FILE_H
#define SOURCE_FILE_H

#include "file/reader.h"
#include "lib/bytes.h"
#include "source/source.h"

/**
 * struct file_config - what to read
 * @path: of the recording
 * @from_ns: since its begin
 * @to_ns: since its begin, UINT64_MAX for the end
 * @types: bit per family, as struct chunk has it, a hint: others may come too
 *
 * Records of state come whatever their time is: they say whose the others are.
 */
struct file_config {
	const char *path;
	uint64_t from_ns;
	uint64_t to_ns;
	uint64_t types;
};

/* Return: the source, or NULL with one sentence in @err. */
struct source *source_file_open(const struct file_config *cfg, char *err, size_t errlen);

/* The next record, as source_ops.next: those before it are not needed any more. */
int source_file_next(struct source *src, const struct mmuscope_hdr **rec);

/**
 * source_file_sums() - what the records add up to, if the recording says so
 * @sums: of at most @max bytes, appended
 *
 * All of the recording is read, though not unpacked: what it says of itself holds only if it is
 * whole. To be called before the first record is taken; they can all be taken after it.
 *
 * Return: 1, 0 where there are no sums that hold, or -ENOMEM.
 */
int source_file_sums(struct source *src, struct bytes *sums, size_t max);

/* Passes over all records, which somebody has the sums of. */
void source_file_pass(struct source *src);

/* A model_name_fn, whose @ctx is the source: what the VM was called when it was recorded. */
void source_file_name(void *ctx, const struct mmuscope_vm *rec, char *name, size_t size);

/**
 * source_file_owner() - a process that had a VM, by what was read up to now
 * @index: counts from 0
 *
 * Return: what the VM of @pid was called, or NULL where there are no more.
 */
const char *source_file_owner(const struct source *src, size_t index, uint32_t *pid);

/* Return: CLOCK_MONOTONIC ns at which the recording begins. */
uint64_t source_file_begin(const struct source *src);

/* Return: ns between from_ns and to_ns that the recording covers; as of what was read so far. */
uint64_t source_file_elapsed(const struct source *src);

const struct reader *source_file_reader(const struct source *src);

/* Writes a sentence on what could not be read, to be asked at the end. Return: whether any. */
bool source_file_damage(const struct source *src, char *text, size_t len);

#endif /* SOURCE_FILE_H */
