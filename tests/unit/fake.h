/* SPDX-License-Identifier: GPL-2.0 */
/* A source whose every step the test decides. */
#ifndef FAKE_H
#define FAKE_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "source/source.h"

#define FAKE_STREAMS	4
#define FAKE_RECORDS	8192

/**
 * struct fake - records by stream
 * @nr: records that there are so far
 * @given: records given
 * @kept: begin of those not released
 * @ended: no more will come
 * @error: what next() returns instead, unless 0
 */
struct fake {
	struct source src;
	struct fake_stream {
		struct mmuscope_vm rec[FAKE_RECORDS];
		size_t nr, given, kept;
		bool ended;
		int error;
	} streams[FAKE_STREAMS];
};

static unsigned int fake_streams(const struct source *src)
{
	(void)src;
	return FAKE_STREAMS;
}

static int fake_next(struct source *src, unsigned int stream, const struct mmuscope_hdr **rec)
{
	struct fake_stream *s = &((struct fake *)src)->streams[stream];

	if (s->error)
		return s->error;
	if (s->given == s->nr)
		return s->ended ? -ENODATA : 0;
	*rec = &s->rec[s->given++].hdr;
	return 1;
}

/* Whoever reads a record after its release finds rubbish. */
static void fake_release(struct source *src, unsigned int stream)
{
	struct fake_stream *s = &((struct fake *)src)->streams[stream];

	memset(&s->rec[s->kept], 0xee, (s->given - s->kept) * sizeof(s->rec[0]));
	s->kept = s->given;
}

static const struct source_ops fake_ops = {
	.name = "fake", .streams = fake_streams, .next = fake_next, .release = fake_release,
};

static inline struct fake *fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	f->src.ops = &fake_ops;
	return f;
}

static inline void fake_add(struct fake *f, unsigned int stream, uint8_t type, uint64_t ts)
{
	struct fake_stream *s = &f->streams[stream];

	s->rec[s->nr++].hdr = (struct mmuscope_hdr){
		.ts = ts, .vm = 1 + stream, .type = type, .size = sizeof(struct mmuscope_vm),
	};
}

static inline void fake_end(struct fake *f)
{
	for (unsigned int i = 0; i < FAKE_STREAMS; i++)
		f->streams[i].ended = true;
}

#endif /* FAKE_H */
