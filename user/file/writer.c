// SPDX-License-Identifier: GPL-2.0
#include "file/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "file/block.h"
#include "file/disk.h"
#include "file/state.h"
#include "file/zip.h"

#define SEGMENT_SMALLEST	(1U << 20)	/* any block fits */
#define SEGMENTS		16		/* of a flight recorder with a limit */
#define INDEX_MAX		(CHUNK_STORED_MAX / sizeof(struct chunk_place))
/* Sums are kept where they make the file no larger than by this part. */
#define SUMS_ONE_IN		50
#define SUMS_LEVEL		3	/* whoever records waits for it */

_Static_assert(WRITER_SMALLEST >= 4 * SEGMENT_SMALLEST, "a flight recorder has segments");

/**
 * struct segment - part of a flight recorder's file that is overwritten as a whole
 * @seq: of its first chunk
 * @used: bytes
 * @records: in it, without the state that it begins with
 * @last: largest time stamp in it
 */
struct segment {
	uint64_t seq;
	uint64_t used;
	uint64_t records;
	uint64_t last;
};

/**
 * struct writer
 * @segment_bytes: 0 where the file just grows
 * @begin: of the first segment, or of the chunks behind the head
 * @end: behind the last chunk that was written whole, of the segment or of the file
 * @size: of the file
 * @current: number of the segment being written
 * @head: the preamble and the first chunk, for snapshots
 * @pending: records of state in the block being filled, which are not yet how things are
 * @records: taken: written, in the block being filled, or dropped
 * @held: in the file that just grows
 * @dropped: in blocks that could not be written
 * @sums: what records add up to, packed; of @summed records
 */
struct writer {
	int fd;
	uid_t uid;
	gid_t gid;
	uint64_t max_bytes;
	uint64_t last_ns;
	uint64_t segment_bytes;
	uint64_t begin;
	uint64_t end;
	uint64_t size;
	uint64_t seq;
	struct segment *segments;
	size_t nr_segments;
	size_t current;
	struct bytes head;
	struct block_writer *block;
	struct state *state;
	struct bytes content;
	struct bytes pending;
	struct bytes names;
	struct bytes index;
	uint64_t records;
	uint64_t held;
	uint64_t dropped;
	uint64_t strange;	/* records of no known family, not yet told */
	bool told;		/* some were */
	struct bytes sums;
	uint64_t summed;
	uint64_t now;		/* time stamp of the newest record */
};

static uint64_t segment_offset(const struct writer *w, size_t i)
{
	return w->begin + i * w->segment_bytes;
}

/* Writes a chunk where the last one ended, whether there is room or not. */
static int put_chunk(struct writer *w, struct chunk *c, const void *content)
{
	struct chunk_place place;
	int err;

	c->seq = w->seq;
	chunk_seal(c, content);
	err = disk_write(w->fd, c, sizeof(*c), content, c->stored, w->end);
	if (err)
		return err;
	place = (struct chunk_place){ w->end, *c };
	w->end += sizeof(*c) + c->stored;
	w->size = w->end > w->size ? w->end : w->size;
	w->seq++;
	if (w->segment_bytes) {
		w->segments[w->current].used = w->end - segment_offset(w, w->current);
		if (c->last > w->segments[w->current].last && c->kind == CHUNK_BLOCK)
			w->segments[w->current].last = c->last;
	} else if (w->index.len / sizeof(place) < INDEX_MAX) {
		bytes_put(&w->index, &place, sizeof(place));
	} else {
		w->index.failed = true;
	}
	return 0;
}

static int put_names(struct writer *w, const struct bytes *names)
{
	struct chunk c = { .kind = CHUNK_NAMES, .stored = names->len };

	if (names->failed)
		return -ENOMEM;
	return names->len ? put_chunk(w, &c, names->at) : 0;
}

/* How things are, in as many blocks as it takes, packed by a writer of its own. */
static int put_state(struct writer *w)
{
	struct block_writer *block = block_writer_new();
	size_t nr = state_records(w->state);
	struct bytes content = { 0 };
	int err = block ? 0 : -ENOMEM;

	state_names(w->state, &content);
	if (!err)
		err = put_names(w, &content);
	for (size_t i = 0; i < nr && !err; i++) {
		struct chunk c = { .kind = CHUNK_STATE };

		err = block_writer_add(block, state_record(w->state, i));
		if (err || (i + 1 < nr && block_writer_records(block) < BLOCK_RECORDS))
			continue;
		content.len = 0;
		err = block_writer_pack(block, &c, &content);
		c.stored = content.len;
		if (!err)
			err = put_chunk(w, &c, content.at);
	}
	block_writer_free(block);
	bytes_free(&content);
	return err;
}

static size_t segment_oldest(const struct writer *w)
{
	size_t oldest = 0;

	for (size_t i = 1; i < w->nr_segments; i++)
		if (w->segments[i].seq < w->segments[oldest].seq)
			oldest = i;
	return oldest;
}

/* The segment to write next: one that is given up, or a new one. */
static int segment_choose(struct writer *w, size_t *index)
{
	size_t oldest = segment_oldest(w);
	struct segment *grown;
	bool full, expired;

	full = w->max_bytes &&
	       segment_offset(w, w->nr_segments + 1) > w->max_bytes;
	expired = w->last_ns && w->nr_segments > 1 &&
		  w->now - w->segments[oldest].last > w->last_ns && w->now > w->last_ns;
	*index = oldest;
	if (full || expired)
		return 0;
	grown = realloc(w->segments, (w->nr_segments + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	w->segments = grown;
	*index = w->nr_segments++;
	return 0;
}

static int segment_begin(struct writer *w)
{
	size_t index;
	int err = segment_choose(w, &index);

	if (err)
		return err;
	w->current = index;
	w->segments[index] = (struct segment){ .seq = w->seq };
	w->end = segment_offset(w, index);
	return put_state(w);
}

/* Writes a chunk, in a new segment where the old one has no room left. */
static int add_chunk(struct writer *w, struct chunk *c, const void *content)
{
	uint64_t need = sizeof(*c) + c->stored;
	int err = 0;

	if (w->segment_bytes && w->end + need > segment_offset(w, w->current + 1)) {
		err = segment_begin(w);
		if (!err && w->end + need > segment_offset(w, w->current + 1))
			err = -EFBIG;
	}
	return err ? err : put_chunk(w, c, content);
}

static int add_names(struct writer *w)
{
	struct chunk c = { .kind = CHUNK_NAMES, .stored = w->names.len };
	int err = 0;

	if (w->names.len)
		err = w->names.failed ? -ENOMEM : add_chunk(w, &c, w->names.at);
	w->names.len = 0;
	return err;
}

static int pending_feed(struct writer *w)
{
	const struct mmuscope_hdr *rec;
	int err = w->pending.failed ? -ENOMEM : 0;

	for (size_t at = 0; at < w->pending.len && !err; at += rec->size) {
		rec = (const struct mmuscope_hdr *)(w->pending.at + at);
		err = state_feed(w->state, rec);
	}
	w->pending.len = 0;
	return err;
}

static int put_block(struct writer *w)
{
	struct chunk c = { .kind = CHUNK_BLOCK };
	int err;

	w->content.len = 0;
	err = block_writer_pack(w->block, &c, &w->content);
	c.stored = w->content.len;
	if (!err)
		err = add_chunk(w, &c, w->content.at);
	if (err) {
		w->dropped += c.records;
		return err;
	}
	if (w->segment_bytes)
		w->segments[w->current].records += c.records;
	else
		w->held += c.records;
	return pending_feed(w);
}

/* Names go before the records that need them. */
static int flush(struct writer *w)
{
	int err = add_names(w);

	return err || !block_writer_records(w->block) ? err : put_block(w);
}

int writer_name(struct writer *w, uint16_t vm, uint32_t pid, const char *name)
{
	/* What came before is of the VM by its name before. */
	int err = state_has_name(w->state, vm) ? flush(w) : 0;

	if (err)
		return err;
	state_put_name(&w->names, vm, pid, name);
	return state_name(w->state, vm, pid, name);
}

static int take(struct writer *w, const struct mmuscope_hdr *rec)
{
	int err = block_writer_add(w->block, rec);

	if (err == -EINVAL) {
		w->strange++;
		return 0;
	}
	w->records++;
	return err;
}

int writer_add(struct writer *w, const struct mmuscope_hdr *rec)
{
	int err = 0;

	if (block_writer_records(w->block) == BLOCK_RECORDS)
		err = flush(w);
	if (!err) {
		err = take(w, rec);
	} else {
		w->records++;
		w->dropped++;
	}
	if (rec->type == MMUSCOPE_TYPE_vm || rec->type == MMUSCOPE_TYPE_vcpu ||
	    rec->type == MMUSCOPE_TYPE_slot)
		bytes_put(&w->pending, rec, rec->size);
	if (rec->ts > w->now)
		w->now = rec->ts;
	return err;
}

/* What could not be kept is told as what it is: lost. */
static int tell_strange(struct writer *w)
{
	struct mmuscope_lost lost = {
		.hdr = { .ts = w->now, .vcpu = MMUSCOPE_NO_VCPU, .type = MMUSCOPE_TYPE_lost,
			 .size = sizeof(lost) },
		.count = w->strange, .cpu = ~0U,
	};

	if (!w->strange)
		return 0;
	w->strange = 0;
	w->told = true;
	return writer_add(w, &lost.hdr);
}

static int put_totals(struct writer *w, enum chunk_kind kind, struct totals *t)
{
	struct chunk c = { .kind = kind };
	int err;

	t->records = w->records - block_writer_records(w->block);
	w->content.len = 0;
	err = totals_pack(t, &w->content);
	c.stored = w->content.len;
	return err ? err : add_chunk(w, &c, w->content.at);
}

int writer_mark(struct writer *w, struct totals *t)
{
	int err = tell_strange(w);

	if (!err)
		err = flush(w);
	if (!err)
		err = put_totals(w, CHUNK_MARK, t);
	/* Only begins to write to the disk: waiting for it would make rings overflow. */
	sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return err;
}

static int put_index(struct writer *w)
{
	struct file_trailer trailer = { .index = w->end, .magic = TRAILER_MAGIC };
	struct chunk c = { .kind = CHUNK_INDEX, .stored = w->index.len };
	struct bytes index = w->index;
	int err;

	/* The heads of the chunks tell the same, more slowly. */
	if (index.failed)
		return 0;
	memset(&w->index, 0, sizeof(w->index));
	err = put_chunk(w, &c, index.at);
	bytes_free(&index);
	return err ? err : disk_write(w->fd, &trailer, sizeof(trailer), NULL, 0, w->end);
}

int writer_sums(struct writer *w, const void *sums, size_t len, uint64_t records)
{
	w->sums.len = 0;
	w->summed = records;
	return zip_pack(&w->sums, sums, len, SUMS_LEVEL);
}

/*
 * What was added up is to be what a reader finds: all records, and none that the writer made; and
 * it is found by the index.
 */
static int put_sums(struct writer *w)
{
	struct chunk c = { .kind = CHUNK_SUMS, .stored = w->sums.len };
	/* This chunk, and the end. */
	const size_t places = w->index.len / sizeof(struct chunk_place) + 2;

	if (!w->sums.len || w->segment_bytes || w->dropped || w->told || w->summed != w->records ||
	    w->sums.len > w->end / SUMS_ONE_IN || w->sums.len > CHUNK_STORED_MAX ||
	    w->index.failed || places > INDEX_MAX)
		return 0;
	/* Without them the recording is whole too: what of them there was room for goes. */
	if (put_chunk(w, &c, w->sums.at) && ftruncate(w->fd, w->end) && errno != EINVAL)
		return -errno;
	return 0;
}

int writer_end(struct writer *w, struct totals *t)
{
	int err;

	/* What of a chunk could be written before the disk was full is in the way. */
	if (!w->segment_bytes && ftruncate(w->fd, w->end) && errno != EINVAL)
		return -errno;
	err = tell_strange(w);
	if (!err)
		err = flush(w);
	if (!err)
		err = put_sums(w);
	if (!err)
		err = put_totals(w, CHUNK_END, t);
	if (!err && !w->segment_bytes)
		err = put_index(w);
	if (!err && close(w->fd))
		err = -errno;
	if (!err)
		w->fd = -1;
	return err;
}

uint64_t writer_records(const struct writer *w)
{
	uint64_t records = w->held;

	for (size_t i = 0; i < w->nr_segments; i++)
		records += w->segments[i].records;
	return records;
}

uint64_t writer_dropped(const struct writer *w)
{
	return w->dropped + block_writer_records(w->block);
}

uint64_t writer_bytes(const struct writer *w)
{
	return w->size;
}

static int copy_segments(struct writer *w, int fd)
{
	uint64_t after = 0;
	int err = 0;

	for (size_t n = 0; n < w->nr_segments && !err; n++) {
		size_t next = w->nr_segments;

		for (size_t i = 0; i < w->nr_segments; i++)
			if (w->segments[i].seq >= after &&
			    (next == w->nr_segments || w->segments[i].seq < w->segments[next].seq))
				next = i;
		after = w->segments[next].seq + 1;
		err = disk_copy(w->fd, fd, segment_offset(w, next), w->segments[next].used);
	}
	return err;
}

int writer_snapshot(struct writer *w, const char *path, struct totals *t)
{
	struct file_preamble plain = { FILE_MAGIC, FILE_FORMAT, 0, 0 };
	struct chunk end = { .kind = CHUNK_END };
	int fd, err;

	err = writer_mark(w, t);
	if (err)
		return err;
	fd = disk_open(path, w->uid, w->gid);
	if (fd < 0)
		return -errno;
	memcpy(w->head.at, &plain, sizeof(plain));
	err = disk_write(fd, w->head.at, w->head.len, NULL, 0, 0);
	if (!err && lseek(fd, w->head.len, SEEK_SET) < 0)
		err = -errno;
	if (!err)
		err = copy_segments(w, fd);
	w->content.len = 0;
	if (!err)
		err = totals_pack(t, &w->content);
	end.stored = w->content.len;
	end.seq = w->seq;
	if (!err) {
		chunk_seal(&end, w->content.at);
		err = disk_write(fd, &end, sizeof(end), w->content.at, end.stored,
				 lseek(fd, 0, SEEK_CUR));
	}
	if (close(fd) && !err)
		err = -errno;
	return err;
}

static int put_head(struct writer *w, const json_t *head)
{
	struct file_preamble preamble = { FILE_MAGIC, FILE_FORMAT, 0, w->segment_bytes };
	struct chunk c = { .kind = CHUNK_HEAD, .seq = w->seq++ };
	json_t *json = json_copy((json_t *)head), *schema = layout_describe();
	int err = -ENOMEM;

	if (json && schema && !json_object_set(json, "schema", schema))
		err = text_pack(json, &w->content);
	json_decref(schema);
	json_decref(json);
	if (err)
		return err;
	c.stored = w->content.len;
	chunk_seal(&c, w->content.at);
	bytes_put(&w->head, &preamble, sizeof(preamble));
	bytes_put(&w->head, &c, sizeof(c));
	bytes_put(&w->head, w->content.at, w->content.len);
	if (w->head.failed)
		return -ENOMEM;
	w->begin = w->end = w->head.len;
	if (w->segment_bytes)
		w->begin = (w->head.len + FILE_ALIGN - 1) / FILE_ALIGN * FILE_ALIGN;
	err = disk_write(w->fd, w->head.at, w->head.len, NULL, 0, 0);
	return !err && w->segment_bytes ? segment_begin(w) : err;
}

static void segments_size(struct writer *w, const struct writer_config *cfg)
{
	w->max_bytes = cfg->max_bytes;
	w->last_ns = cfg->last_ns;
	if (!w->max_bytes && !w->last_ns)
		return;
	w->segment_bytes = w->max_bytes / SEGMENTS & ~(FILE_ALIGN - 1ULL);
	if (w->segment_bytes < SEGMENT_SMALLEST)
		w->segment_bytes = SEGMENT_SMALLEST;
}

struct writer *writer_open(const struct writer_config *cfg)
{
	struct writer *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return NULL;
	segments_size(w, cfg);
	w->block = block_writer_new();
	w->state = state_new();
	w->uid = cfg->uid;
	w->gid = cfg->gid;
	w->fd = disk_open(cfg->path, w->uid, w->gid);
	if (w->fd < 0)
		err = -errno;
	else if (w->block && w->state)
		err = put_head(w, cfg->head);
	if (!err)
		return w;
	writer_close(w);
	errno = -err;
	return NULL;
}

void writer_close(struct writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	block_writer_free(w->block);
	state_free(w->state);
	free(w->segments);
	bytes_free(&w->head);
	bytes_free(&w->content);
	bytes_free(&w->pending);
	bytes_free(&w->names);
	bytes_free(&w->index);
	bytes_free(&w->sums);
	free(w);
}
