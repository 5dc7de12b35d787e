/* SPDX-License-Identifier: GPL-2.0 */
/* Recordings that tests make and take apart. */
#ifndef RECORDING_H
#define RECORDING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/writer.h"
#include "lib/schema.h"
#include "source/file.h"

/* A record of any family; the largest one gives it its room. */
union any {
	struct mmuscope_hdr hdr;
#define EVENT(id, name, size, doc)	struct mmuscope_##name name;
#include <mmuscope/events.def>
};

static uint64_t seed;

static inline uint64_t random_u64(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Mostly small, sometimes anything. */
static inline uint64_t random_value(void)
{
	uint64_t v = random_u64();

	return v % 100 ? v >> (8 + v % 56) : v;
}

/* Every byte may be set, also of padding; text has no control characters, which reading takes. */
static inline void random_record(union any *r, uint8_t type, uint64_t ts)
{
	const struct schema_event *e = schema_event(type);

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < e->nr; i++) {
		uint64_t v = random_value();
		char *to = (char *)r + e->fields[i].offset;

		if (e->fields[i].type == TYPE_TEXT)
			for (size_t k = 0; k < e->fields[i].size; k++)
				to[k] = random_u64() % 4 ? 'a' + random_u64() % 26 : 0;
		else
			memcpy(to, &v, e->fields[i].size);
	}
	r->hdr = (struct mmuscope_hdr){
		.ts = ts, .dur = random_value() >> 8, .vm = 1 + random_u64() % 3,
		.vcpu = random_u64() % 4 ? random_u64() % 5 : MMUSCOPE_NO_VCPU, .type = type,
		.flags = random_u64() % 8 ? 0 : random_u64(), .size = e->size,
	};
}

static inline const char *recording_path(void)
{
	static char path[64];

	if (!*path)
		snprintf(path, sizeof(path), "/tmp/mmuscope-test-%d.data", getpid());
	return path;
}

static inline json_t *recording_head(void)
{
	return json_pack("{sss{sI}}", "source", "synth", "clock", "monotonic_ns",
			 (json_int_t)1000);
}

static inline struct writer *recording_begin(uint64_t max_bytes, uint64_t last_ns)
{
	json_t *head = recording_head();
	const struct writer_config cfg = {
		.path = recording_path(), .head = head, .max_bytes = max_bytes,
		.last_ns = last_ns,
	};
	struct writer *w = writer_open(&cfg);

	json_decref(head);
	assert_non_null(w);
	return w;
}

static inline struct source *recording_read(uint64_t from, uint64_t to)
{
	const struct file_config cfg = {
		.path = recording_path(), .from_ns = from, .to_ns = to, .types = UINT64_MAX,
	};
	char err[256];
	struct source *src = source_file_open(&cfg, err, sizeof(err));

	if (!src)
		print_message("%s\n", err);
	return src;
}

/* The whole file, to be freed. */
static inline char *recording_bytes(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *bytes;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*len = ftell(f);
	rewind(f);
	bytes = malloc(*len + 1);
	assert_int_equal(fread(bytes, 1, *len, f), *len);
	fclose(f);
	return bytes;
}

static inline void recording_replace(const char *bytes, size_t len)
{
	FILE *f = fopen(recording_path(), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

#endif /* RECORDING_H */
