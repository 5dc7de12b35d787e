// SPDX-License-Identifier: GPL-2.0
#include "file/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bytes.h"

#define SEARCH_BYTES	65536
#define SEGMENTS_MAX	65536
/* Families whose records say how things are. */
#define STATE_TYPES	(1ULL << MMUSCOPE_TYPE_vm | 1ULL << MMUSCOPE_TYPE_vcpu | \
			 1ULL << MMUSCOPE_TYPE_slot)

/* A segment of a flight recorder, by its first chunk. */
struct segment {
	uint64_t seq;
	uint64_t offset;
};

/**
 * struct reader
 * @at: where the next chunk is looked for
 * @end: where there can be none, of the segment or of the file
 * @segments: of a flight recorder, oldest first; @segment is the next one
 * @index: of the chunks, @nr_index of them, where the file has it; @place is the next one
 * @content: of the chunk handed out
 * @totals: the newest that were read
 * @seen: records of the blocks up to now, read or passed over
 * @unread: records of damaged blocks, not yet among what totals say is missing
 * @base: records written before the first that the file has
 */
struct reader {
	int fd;
	uint64_t bytes;
	uint64_t segment_bytes;
	uint64_t at;
	uint64_t end;
	struct segment *segments;
	size_t nr_segments;
	size_t segment;
	struct chunk_place *index;
	size_t nr_index;
	size_t place;
	uint64_t seq;
	bool any;		/* a chunk was handed out, @seq is its number */
	bool any_block;
	bool ended;
	struct bytes content;
	json_t *head;
	struct layout *layout;
	struct reader_range range;
	struct totals totals;
	struct reader_damage damage;
	uint64_t seen;
	uint64_t unread;
	uint64_t base;
	bool base_known;
};

__attribute__((format(printf, 3, 4)))
static int refuse(char *err, size_t len, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, len, format, args);
	va_end(args);
	return -1;
}

/* Return: whether all @len bytes are there. */
static bool read_at(const struct reader *r, uint64_t offset, void *to, size_t len)
{
	char *at = to;

	while (len) {
		ssize_t n = pread(r->fd, at, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		offset += n;
		len -= n;
	}
	return true;
}

static bool head_at(const struct reader *r, uint64_t offset, uint64_t end, struct chunk *c)
{
	return offset <= end && end - offset >= sizeof(*c) && read_at(r, offset, c, sizeof(*c)) &&
	       chunk_is(c) && c->stored <= end - offset - sizeof(*c);
}

static bool content_read(struct reader *r, uint64_t offset, const struct chunk *c)
{
	uint8_t *to;

	r->content.len = 0;
	to = bytes_room(&r->content, c->stored + 1);
	return to && read_at(r, offset + sizeof(*c), to, c->stored) && chunk_holds(c, to);
}

static int preamble_read(struct reader *r, const char *path, char *err, size_t len)
{
	struct file_preamble p;

	if (!read_at(r, 0, &p, sizeof(p)) || memcmp(p.magic, FILE_MAGIC, sizeof(p.magic)))
		return refuse(err, len, "'%s' is not a recording of mmuscope", path);
	if (p.format != FILE_FORMAT)
		return refuse(err, len, "'%s' is in format %u, and this mmuscope reads format %u "
			      "only: use the version that recorded it", path, p.format,
			      FILE_FORMAT);
	if (p.segment && (p.segment % FILE_ALIGN || r->bytes / p.segment >= SEGMENTS_MAX))
		return refuse(err, len, "the first bytes of '%s' are damaged: nothing of it can "
			      "be read", path);
	r->segment_bytes = p.segment;
	return 0;
}

static int head_read(struct reader *r, const char *path, char *err, size_t len)
{
	char why[160] = "";
	struct chunk c;

	if (!head_at(r, sizeof(struct file_preamble), r->bytes, &c) || c.kind != CHUNK_HEAD ||
	    !content_read(r, sizeof(struct file_preamble), &c))
		return refuse(err, len, "the head of '%s' is damaged or missing: nothing of it "
			      "can be read", path);
	r->head = text_unpack(r->content.at, c.stored);
	r->layout = layout_parse(json_object_get(r->head, "schema"), why, sizeof(why));
	if (!r->layout)
		return refuse(err, len, "'%s' cannot be understood: %s", path, why);
	r->at = sizeof(struct file_preamble) + sizeof(c) + c.stored;
	r->end = r->bytes;
	return 0;
}

static int segment_compare(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int segments_find(struct reader *r)
{
	uint64_t offset = (r->at + FILE_ALIGN - 1) / FILE_ALIGN * FILE_ALIGN;
	struct chunk c;

	r->segments = calloc(r->bytes / r->segment_bytes + 1, sizeof(*r->segments));
	if (!r->segments)
		return -1;
	for (; offset < r->bytes; offset += r->segment_bytes)
		if (head_at(r, offset, r->bytes, &c))
			r->segments[r->nr_segments++] = (struct segment){ c.seq, offset };
	qsort(r->segments, r->nr_segments, sizeof(*r->segments), segment_compare);
	r->at = r->end = 0;
	return 0;
}

/* The index only saves time: where it is not right it is as if there was none. */
static void index_read(struct reader *r)
{
	struct file_trailer t;
	uint64_t before = r->at;
	struct chunk c;

	if (r->bytes < sizeof(t) || !read_at(r, r->bytes - sizeof(t), &t, sizeof(t)) ||
	    memcmp(t.magic, TRAILER_MAGIC, sizeof(t.magic)) ||
	    !head_at(r, t.index, r->bytes, &c) || c.kind != CHUNK_INDEX ||
	    !content_read(r, t.index, &c))
		return;
	r->nr_index = c.stored / sizeof(*r->index);
	r->index = malloc(c.stored + 1);
	if (!r->index)
		return;
	memcpy(r->index, r->content.at, c.stored);
	for (size_t i = 0; i < r->nr_index; i++) {
		const struct chunk_place *p = &r->index[i];

		if (p->offset != before || !chunk_is(&p->chunk)) {
			free(r->index);
			r->index = NULL;
			return;
		}
		before = p->offset + sizeof(p->chunk) + p->chunk.stored;
	}
}

struct reader *reader_open(const char *path, char *err, size_t len)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct stat st;

	if (!r) {
		refuse(err, len, "not enough memory");
		return NULL;
	}
	r->range = (struct reader_range){ 0, UINT64_MAX, UINT64_MAX };
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (r->fd < 0 || fstat(r->fd, &st)) {
		refuse(err, len, "cannot read '%s': %s", path, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		refuse(err, len, "'%s' is not a file", path);
		goto fail;
	}
	r->bytes = st.st_size;
	if (preamble_read(r, path, err, len) || head_read(r, path, err, len))
		goto fail;
	if (!r->segment_bytes)
		index_read(r);
	else if (segments_find(r)) {
		refuse(err, len, "not enough memory");
		goto fail;
	}
	return r;
fail:
	reader_close(r);
	return NULL;
}

void reader_close(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	free(r->segments);
	free(r->index);
	bytes_free(&r->content);
	json_decref(r->head);
	layout_free(r->layout);
	free(r);
}

/* Whether the @len bytes at @at can be the begin of a chunk, as far as they tell. */
static bool may_be_head(const char *at, size_t len)
{
	struct chunk c = { .magic = 0 };

	memcpy(&c, at, len < sizeof(c) ? len : sizeof(c));
	return c.magic == CHUNK_MAGIC && (len < sizeof(c) || chunk_is(&c));
}

/* From what is no chunk to the next that is one and can follow. Return: whether there is. */
static bool search(struct reader *r, struct chunk *c)
{
	uint64_t begin = r->at, from = r->at + 1;
	char buf[SEARCH_BYTES];

	while (from < r->end && r->end - from >= sizeof(*c)) {
		size_t want = r->end - from < sizeof(buf) ? r->end - from : sizeof(buf);
		const char *at = buf, *stop = buf + want - 3;

		if (!read_at(r, from, buf, want))
			break;
		while ((at = memchr(at, CHUNK_MAGIC & 0xff, stop - at))) {
			uint64_t offset = from + (at - buf);
			bool may_be = may_be_head(at, buf + want - at);

			at++;
			if (may_be && head_at(r, offset, r->end, c) &&
			    (!r->any || c->seq > r->seq)) {
				r->damage.bytes += offset - begin;
				r->at = offset;
				return true;
			}
		}
		from += want - 3;
	}
	return false;
}

/* The next head of a file without an index, or of a segment. */
static bool next_in_row(struct reader *r, struct chunk *c)
{
	if (r->at >= r->end)
		return false;
	if (head_at(r, r->at, r->end, c) && (!r->any || c->seq == r->seq + 1))
		return true;
	/* What follows in a segment is older, from before it was overwritten. */
	if (r->segment_bytes)
		return false;
	if (search(r, c))
		return true;
	r->damage.bytes += r->end - r->at;
	return false;
}

/* Finds the next chunk; r->at is set to its offset. */
static bool next_place(struct reader *r, struct chunk *c)
{
	if (r->index) {
		if (r->place == r->nr_index)
			return false;
		r->at = r->index[r->place].offset;
		*c = r->index[r->place++].chunk;
		return true;
	}
	while (!next_in_row(r, c)) {
		if (r->segment == r->nr_segments)
			return false;
		r->at = r->segments[r->segment++].offset;
		r->end = r->at + r->segment_bytes < r->bytes ? r->at + r->segment_bytes : r->bytes;
		r->any = false;
	}
	return true;
}

static bool is_wanted(const struct reader *r, const struct chunk *c)
{
	switch (c->kind) {
	case CHUNK_STATE:
		return !r->any_block;
	case CHUNK_BLOCK:
		return c->types & STATE_TYPES || (c->types & r->range.types &&
			c->first <= r->range.to && c->last >= r->range.from);
	case CHUNK_NAMES:
	case CHUNK_MARK:
	case CHUNK_END:
	case CHUNK_SUMS:
		return true;
	}
	return false;
}

static void totals_take(struct reader *r, const struct chunk *c)
{
	uint64_t known;

	totals_unpack(&r->totals, r->content.at, c->stored);
	r->ended = c->kind == CHUNK_END;
	/* The first records of a flight recorder are gone, and not lost. */
	if (!r->base_known)
		r->base = r->totals.records - r->seen - r->unread;
	r->base_known = true;
	r->unread = 0;
	known = r->base + r->seen + r->damage.missing;
	if (r->totals.records > known)
		r->damage.missing += r->totals.records - known;
}

/* Return: as reader_next(). */
static int next(struct reader *r, struct chunk *c, bool contents)
{
	while (!r->ended && next_place(r, c)) {
		uint64_t at = r->at;
		bool totals = c->kind == CHUNK_MARK || c->kind == CHUNK_END;

		r->at += sizeof(*c) + c->stored;
		/* Nothing was written before the first chunk behind the head. */
		r->base_known |= c->seq == 1;
		r->seq = c->seq;
		r->any = true;
		if (!is_wanted(r, c)) {
			r->seen += c->kind == CHUNK_BLOCK ? c->records : 0;
			r->any_block |= c->kind == CHUNK_BLOCK;
			continue;
		}
		if ((contents || totals) && !content_read(r, at, c)) {
			if (r->content.failed)
				return -ENOMEM;
			r->damage.chunks++;
			r->unread += c->kind == CHUNK_BLOCK ? c->records : 0;
			continue;
		}
		r->seen += c->kind == CHUNK_BLOCK ? c->records : 0;
		r->any_block |= c->kind == CHUNK_BLOCK;
		if (totals)
			totals_take(r, c);
		return 1;
	}
	r->damage.torn = !r->ended;
	r->damage.missing += r->unread;
	r->unread = 0;
	return 0;
}

int reader_next(struct reader *r, struct chunk *chunk, const uint8_t **content)
{
	int ret = next(r, chunk, true);

	*content = r->content.at;
	return ret;
}

int reader_next_head(struct reader *r, struct chunk *chunk)
{
	return next(r, chunk, false);
}

void reader_forget_index(struct reader *r)
{
	free(r->index);
	r->index = NULL;
}

bool reader_has_sums(const struct reader *r)
{
	for (size_t i = 0; r->index && i < r->nr_index; i++)
		if (r->index[i].chunk.kind == CHUNK_SUMS)
			return true;
	return false;
}

void reader_reject(struct reader *r, const struct chunk *chunk)
{
	r->damage.chunks++;
	if (chunk->kind == CHUNK_BLOCK) {
		r->seen -= chunk->records;
		r->unread += chunk->records;
	}
}

const json_t *reader_head(const struct reader *r)
{
	return r->head;
}

const struct layout *reader_layout(const struct reader *r)
{
	return r->layout;
}

void reader_set_range(struct reader *r, const struct reader_range *range)
{
	r->range = *range;
}

const struct totals *reader_totals(const struct reader *r)
{
	return &r->totals;
}

const struct reader_damage *reader_damage(const struct reader *r)
{
	return &r->damage;
}

uint64_t reader_bytes(const struct reader *r)
{
	return r->bytes;
}

bool reader_is_flight(const struct reader *r)
{
	return r->segment_bytes;
}
