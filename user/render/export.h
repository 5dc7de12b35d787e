/* SPDX-License-Identifier: GPL-2.0 */
/* Records in formats that other tools open. Memory does not grow with the number of records. */
#ifndef RENDER_EXPORT_H
#define RENDER_EXPORT_H

#include <stdio.h>

#include "render/record.h"

/**
 * struct export_head - what is told of the recording; texts may be NULL
 * @realtime_ns: what the clock of the world showed when the monotonic clock was 0
 */
struct export_head {
	const char *host;
	const char *kernel;
	int64_t realtime_ns;
};

/*
 * Chrome's trace events in JSON, as ui.perfetto.dev opens them. A process per VM; a track per vCPU
 * with its faults, and one per vCPU and other kind of record; where records of a track overlap
 * without one being within the other, as those of several tasks may, a further one. Exits are
 * counters. Times are of the monotonic clock.
 */
struct perfetto;

/* Return: the export, with its begin written to @out, or NULL without memory. */
struct perfetto *perfetto_begin(FILE *out, const struct export_head *head);

/* Return: 0, -ENOMEM or -E2BIG where there are more tracks than can be told apart. */
int perfetto_record(struct perfetto *p, const struct record_line *line);

/* Writes the end and frees. Errors of writing are for ferror(). */
void perfetto_end(struct perfetto *p);

/*
 * The Common Trace Format 1.8: a folder with "metadata", from the schema's tables, and one stream
 * with an event per record, whose time is its end.
 */
struct ctf;

/**
 * ctf_begin() - make the folder
 * @path: must not exist, or be an empty folder
 * @err: set to one sentence where that cannot be done
 *
 * Return: the export, or NULL.
 */
struct ctf *ctf_begin(const char *path, const struct export_head *head, char *err, size_t len);

/* Return: 0 or -errno. */
int ctf_record(struct ctf *c, const struct record_line *line);

/* Writes the rest and the metadata, and frees. Return: 0 or -errno. */
int ctf_end(struct ctf *c);

#endif /* RENDER_EXPORT_H */
