// SPDX-License-Identifier: GPL-2.0
#include "source/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/block.h"
#include "file/zip.h"
#include "lib/clean.h"
#include "lib/schema.h"

#define NAMES_MAX	4096
#define NAME_LEN	64

struct name {
	uint16_t vm;
	uint32_t pid;
	char text[NAME_LEN];
};

/**
 * struct source_file
 * @from: smallest time stamp that is wanted, CLOCK_MONOTONIC
 * @to: largest
 * @begin: of the recording
 * @whole: nothing was given up before the first record
 * @last: largest time stamp that was seen
 * @told: records whose loss was told
 * @lent: somebody may still look at records of the block
 * @chunk: that the block is of
 */
struct source_file {
	struct source base;
	struct file_config cfg;
	struct reader *reader;
	struct block_reader *block;
	struct chunk chunk;
	uint64_t from;
	uint64_t to;
	uint64_t begin;
	bool whole;
	uint64_t last;
	uint64_t told;
	bool lent;
	struct mmuscope_lost lost;
	struct name *names;
	size_t nr_names;
	struct probe_status *probes;
	size_t nr_probes;
};

static struct source_file *of(struct source *src)
{
	return (struct source_file *)src;
}

static void file_close(struct source *src)
{
	struct source_file *f = of(src);

	block_reader_free(f->block);
	if (f->reader)
		reader_close(f->reader);
	free(f->names);
	free(f->probes);
	free(f);
}

static unsigned int file_streams(const struct source *src)
{
	(void)src;
	return 1;
}

static void names_put(struct source_file *f, unsigned int vm, unsigned int pid, const char *text,
		      size_t len)
{
	struct name *n, *grown;
	size_t i = 0;

	while (i < f->nr_names && (f->names[i].vm != vm || f->names[i].pid != pid))
		i++;
	if (i == f->nr_names) {
		if (f->nr_names == NAMES_MAX)
			return;
		grown = realloc(f->names, (f->nr_names + 1) * sizeof(*grown));
		if (!grown)
			return;
		f->names = grown;
		f->nr_names++;
	}
	n = &f->names[i];
	n->vm = vm;
	n->pid = pid;
	snprintf(n->text, sizeof(n->text), "%.*s", (int)len, text);
	clean(n->text, strlen(n->text));
}

/* Lines "vm pid name". */
static void names_read(struct source_file *f, const uint8_t *content, size_t len)
{
	const char *at = (const char *)content, *end = at + len, *stop;
	unsigned int vm, pid;
	char number[32];
	int used;

	for (; at < end; at = stop + 1) {
		stop = memchr(at, '\n', end - at);
		if (!stop)
			return;
		snprintf(number, sizeof(number), "%.*s", (int)(stop - at < 31 ? stop - at : 31),
			 at);
		used = 0;
		/* One blank, and what comes then is of the name. */
		if (sscanf(number, "%u %u%n", &vm, &pid, &used) == 2 && at[used] == ' ' &&
		    ++used < stop - at)
			names_put(f, vm, pid, at + used, stop - at - used);
	}
}

void source_file_name(void *ctx, const struct mmuscope_vm *rec, char *name, size_t size)
{
	const struct source_file *f = ctx;

	for (size_t i = 0; i < f->nr_names; i++) {
		if (f->names[i].vm == rec->hdr.vm && f->names[i].pid == rec->pid) {
			snprintf(name, size, "%s", f->names[i].text);
			return;
		}
	}
	snprintf(name, size, "%.*s:%u", (int)sizeof(rec->comm), rec->comm, rec->pid);
}

const char *source_file_owner(const struct source *src, size_t index, uint32_t *pid)
{
	const struct source_file *f = (const void *)src;

	if (index >= f->nr_names)
		return NULL;
	*pid = f->names[index].pid;
	return f->names[index].text;
}

static bool is_state(const struct mmuscope_hdr *rec)
{
	return rec->type == MMUSCOPE_TYPE_vm || rec->type == MMUSCOPE_TYPE_vcpu ||
	       rec->type == MMUSCOPE_TYPE_slot;
}

/* The next record of the block that is wanted, or NULL. */
static const struct mmuscope_hdr *next_of_block(struct source_file *f)
{
	const struct mmuscope_hdr *rec;

	while ((rec = block_reader_next(f->block))) {
		if (rec->ts >= f->from && rec->ts <= f->to) {
			if (rec->ts > f->last)
				f->last = rec->ts;
			return rec;
		}
		if (is_state(rec))
			return rec;
	}
	return NULL;
}

/* What is missing in the file, as the record that tells of it; 0 where there is nothing to tell. */
static int tell_missing(struct source_file *f, const struct mmuscope_hdr **rec)
{
	uint64_t missing = reader_damage(f->reader)->missing;

	if (missing == f->told)
		return 0;
	f->lost = (struct mmuscope_lost){
		.hdr = { .ts = f->last, .vcpu = MMUSCOPE_NO_VCPU, .type = MMUSCOPE_TYPE_lost,
			 .size = sizeof(f->lost) },
		.count = missing - f->told, .cpu = ~0U,
	};
	f->told = missing;
	*rec = &f->lost.hdr;
	return 1;
}

static int take_chunk(struct source_file *f, const uint8_t *content)
{
	int err;

	switch (f->chunk.kind) {
	case CHUNK_NAMES:
		names_read(f, content, f->chunk.stored);
		return 0;
	case CHUNK_STATE:
	case CHUNK_BLOCK:
		err = block_reader_unpack(f->block, &f->chunk, content);
		if (err == -EINVAL)
			reader_reject(f->reader, &f->chunk);
		return err == -EINVAL ? 0 : err;
	}
	return 0;
}

/* Apart from file_next(), which is called for every record and this for every block. */
__attribute__((noinline))
static int next_of_file(struct source_file *f, const struct mmuscope_hdr **rec)
{
	const uint8_t *content;
	int ret;

	for (;;) {
		ret = reader_next(f->reader, &f->chunk, &content);
		if (ret == 1)
			ret = take_chunk(f, content);
		else if (!ret)
			ret = -ENODATA;
		if (ret && ret != -ENODATA)
			return ret;
		if (tell_missing(f, rec))
			return 1;
		if (ret)
			return ret;
		*rec = next_of_block(f);
		if (*rec)
			return 1;
	}
}

static int file_next(struct source *src, unsigned int stream, const struct mmuscope_hdr **rec)
{
	struct source_file *f = of(src);

	int ret = 1;

	(void)stream;
	*rec = next_of_block(f);
	if (!*rec)
		ret = f->lent ? 0 : next_of_file(f, rec);
	f->lent |= ret == 1;
	return ret;
}

static void file_release(struct source *src, unsigned int stream)
{
	(void)stream;
	of(src)->lent = false;
}

static int file_wait(struct source *src, int timeout_ms)
{
	(void)src;
	(void)timeout_ms;
	return 0;
}

static size_t file_probes(const struct source *src, const struct probe_status **list)
{
	const struct source_file *f = (const void *)src;

	*list = f->probes;
	return f->nr_probes;
}

static void file_cost(const struct source *src, struct source_cost *cost)
{
	const struct totals *t = reader_totals(((const struct source_file *)src)->reader);

	*cost = (struct source_cost){
		.records = t->cost_records, .collector_ns = t->cost_ns, .runs = t->cost_runs,
	};
}

static const char *text(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key)) ?: "";
}

static const struct source_ops *ops_named(const char *name);

/* Its length stays. */
static const char *cleaned(const char *text)
{
	clean((char *)text, strlen(text));
	return text;
}

/* The texts stay in the head, which lives as long as the source. */
static int probes_read(struct source_file *f)
{
	const json_t *list = json_object_get(reader_head(f->reader), "probes"), *json;
	size_t i;

	f->probes = calloc(json_array_size(list) + 1, sizeof(*f->probes));
	if (!f->probes)
		return -ENOMEM;
	json_array_foreach(list, i, json) {
		const char *need = text(json, "need"), *state = text(json, "state");

		f->probes[f->nr_probes++] = (struct probe_status){
			.name = cleaned(text(json, "name")),
			.records = cleaned(text(json, "records")),
			.need = !strcmp(need, "required") ? PROBE_REQUIRED :
				!strcmp(need, "wanted") ? PROBE_WANTED : PROBE_OPTIONAL,
			.state = !strcmp(state, "missing") ? PROBE_MISSING :
				 !strcmp(state, "fallback") ? PROBE_FALLBACK : PROBE_FOUND,
			.how = cleaned(text(json, "how")), .why = cleaned(text(json, "why")),
			.lost = cleaned(text(json, "lost")),
		};
	}
	return 0;
}

/*
 * When the recording begins: when it was told to, or, where the records of that time are gone or
 * their clock is none, with the first record there is. Takes a look with a reader of its own.
 */
static int begin_find(struct source_file *f, char *err, size_t len)
{
	const json_t *clock = json_object_get(reader_head(f->reader), "clock");
	uint64_t begin = json_integer_value(json_object_get(clock, "monotonic_ns"));
	struct reader *r = reader_open(f->cfg.path, err, len);
	struct chunk c = { .kind = CHUNK_HEAD };

	if (!r)
		return -EINVAL;
	do
		f->whole |= c.seq == 1;
	while (c.kind != CHUNK_BLOCK && reader_next_head(r, &c) == 1);
	f->whole |= c.seq == 1;
	f->begin = (!f->whole || !begin) && c.kind == CHUNK_BLOCK ? c.first : begin;
	reader_close(r);
	return 0;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void range_set(struct source_file *f)
{
	struct reader_range range;

	/* What came before the begin counts too. */
	f->from = f->cfg.from_ns ? add(f->begin, f->cfg.from_ns) : 0;
	f->to = add(f->begin, f->cfg.to_ns);
	range = (struct reader_range){ f->from, f->to, f->cfg.types };
	reader_set_range(f->reader, &range);
}

struct source *source_file_open(const struct file_config *cfg, char *err, size_t len)
{
	struct source_file *f = calloc(1, sizeof(*f));

	snprintf(err, len, "not enough memory");
	if (!f)
		return NULL;
	f->cfg = *cfg;
	f->reader = reader_open(cfg->path, err, len);
	if (!f->reader || begin_find(f, err, len))
		goto fail;
	f->block = block_reader_new(reader_layout(f->reader));
	if (!f->block || probes_read(f)) {
		snprintf(err, len, "not enough memory");
		goto fail;
	}
	f->base.ops = ops_named(text(reader_head(f->reader), "source"));
	range_set(f);
	return &f->base;
fail:
	file_close(&f->base);
	return NULL;
}

#define FILE_OPS(called)						\
	{								\
		.name = called, .close = file_close, .streams = file_streams,	\
		.next = file_next, .release = file_release, .wait = file_wait,	\
		.probes = file_probes, .cost = file_cost,		\
	}

/* A report names the collector that its figures come from, also when they were recorded. */
static const struct source_ops *ops_named(const char *name)
{
	static const struct source_ops known[] = {
		FILE_OPS("file"), FILE_OPS("bpf"), FILE_OPS("kmod"), FILE_OPS("synth"),
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return &known[i];
	return &known[0];
}

int source_file_next(struct source *src, const struct mmuscope_hdr **rec)
{
	file_release(src, 0);
	return file_next(src, 0, rec);
}

/* Of blocks only the CRC is looked at. Return: as source_file_sums(). */
static int sums_read(struct source_file *f, struct reader *r, struct bytes *sums, size_t max)
{
	const struct reader_damage *d = reader_damage(r);
	const uint8_t *content;
	struct chunk c;
	int ret;

	while ((ret = reader_next(r, &c, &content)) == 1) {
		if (c.kind == CHUNK_NAMES)
			names_read(f, content, c.stored);
		if (c.kind != CHUNK_SUMS)
			continue;
		sums->len = 0;
		ret = zip_unpack(sums, content, c.stored, max);
		if (ret)
			break;
	}
	if (ret == -ENOMEM)
		return ret;
	return !ret && sums->len && !d->chunks && !d->bytes && !d->missing && !d->torn;
}

int source_file_sums(struct source *src, struct bytes *sums, size_t max)
{
	struct source_file *f = of(src);
	struct reader *r;
	char why[256];
	int ret;

	if (f->cfg.from_ns || f->cfg.to_ns != UINT64_MAX || !reader_has_sums(f->reader))
		return 0;
	r = reader_open(f->cfg.path, why, sizeof(why));
	if (!r)
		return 0;
	/* The heads of chunks count as well as what the index says of them. */
	reader_forget_index(r);
	ret = sums_read(f, r, sums, max);
	reader_close(r);
	return ret;
}

void source_file_pass(struct source *src)
{
	struct chunk c;

	/* Totals are in chunks between the others. */
	while (reader_next_head(of(src)->reader, &c) == 1)
		;
}

uint64_t source_file_begin(const struct source *src)
{
	return ((const struct source_file *)src)->begin;
}

uint64_t source_file_elapsed(const struct source *src)
{
	const struct source_file *f = (const void *)src;
	const struct totals *t = reader_totals(f->reader);
	uint64_t all = t->elapsed_ns, from, to;

	/* Of a flight recorder only what is still there counts. */
	if (!f->whole)
		all = t->at > f->begin ? t->at - f->begin : 0;
	if (reader_damage(f->reader)->torn && f->last > add(f->begin, all))
		all = f->last - f->begin;
	from = f->cfg.from_ns < all ? f->cfg.from_ns : all;
	to = f->cfg.to_ns < all ? f->cfg.to_ns : all;
	return to > from ? to - from : 0;
}

const struct reader *source_file_reader(const struct source *src)
{
	return ((const struct source_file *)src)->reader;
}

bool source_file_damage(const struct source *src, char *out, size_t len)
{
	const struct source_file *f = (const void *)src;
	const struct reader_damage *d = reader_damage(f->reader);
	unsigned long long missing = d->missing, bytes = d->bytes, chunks = d->chunks;

	if (missing && !chunks && !bytes)
		snprintf(out, len, "'%s' is damaged: at least %llu records are missing",
			 f->cfg.path, missing);
	else if (chunks || missing || (bytes && !d->torn))
		snprintf(out, len, "'%s' is damaged: %llu of its chunks and %llu bytes cannot be "
			 "read, at least %llu records are missing", f->cfg.path, chunks, bytes,
			 missing);
	else if (d->torn)
		snprintf(out, len, "'%s' did not come to its end: what was written after "
			 "the last whole block is missing", f->cfg.path);
	return chunks || missing || bytes || d->torn;
}
