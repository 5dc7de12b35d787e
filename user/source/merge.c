// SPDX-License-Identifier: GPL-2.0
#include "source/merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/schema.h"

/*
 * The window is copied when the source gets its memory back, so doing that for
 * many records at once makes the copies rare: one record in 8 at most.
 */
#define RELEASE_EVERY	(16 * MERGE_WINDOW)
/* Of a stream that has them, as many records are taken at once as the window has. */
#define ROOM		(2 * MERGE_WINDOW)
/* All of the window can be copies, and what was put into it late since that was looked at. */
#define COPIES		(2 * ROOM + MERGE_TAKE)
#define NO_KEY		UINT64_MAX

/* What is to come of a stream: what it is ordered by, see key_of(). */
struct item {
	uint64_t key;
	const struct mmuscope_hdr *rec;
};

enum stream_state { STREAM_OPEN, STREAM_DRY, STREAM_ENDED };

/**
 * struct stream - the window of one stream
 * @head: the oldest item of the window
 * @refill: with this one as the oldest there are too few; NULL where no more can be had
 * @end: behind the newest, where there is an item with no key
 * @window: room for ROOM items and that one, sorted
 * @copies: room for COPIES private copies, twice: of the half that is not @half nothing is used
 * @used: bytes of @half
 * @taken: records taken since the last release
 * @bytes: bytes taken since the round began
 * @late: records that came too late, not yet told
 */
struct stream {
	struct item *head;
	struct item *refill;
	struct item *end;
	struct item *window;
	enum stream_state state;
	unsigned int half;
	char *copies;
	size_t used;
	unsigned int taken;
	uint64_t bytes;
	uint64_t late;
};

/**
 * struct merge
 * @tree: keys: [0] the winner, the losers from [1] on
 * @nr_leaves: streams, to the next power of two; @stream_bits its logarithm
 * @base: of keys, once @based; time stamps before it, and such a limit, are as if they were it
 * @now: time stamp of the last record handed out
 * @due: a stream has so much to give back, or so many copies, that it is time
 * @filled: the round's first look at every stream was taken
 * @err: of the source, to be told once the records before it are
 * @late: sum over the streams
 */
struct merge {
	struct source *src;
	unsigned int nr_streams;
	struct stream *streams;
	uint64_t *tree;
	unsigned int nr_leaves;
	unsigned int stream_bits;
	uint64_t base;
	bool based;
	unsigned int nr_ended;
	size_t slot_size;
	uint64_t limit;
	uint64_t now;
	bool due;
	bool filled;
	int err;
	uint64_t late;
	struct mmuscope_lost lost;
};

static void stream_free(struct stream *s)
{
	free(s->window);
	free(s->copies);
}

static int stream_init(struct stream *s, size_t slot_size)
{
	s->window = calloc(ROOM + 1, sizeof(*s->window));
	s->copies = malloc(2 * COPIES * slot_size);
	if (!s->window || !s->copies)
		return -ENOMEM;
	s->head = s->end = s->window;
	s->end->key = NO_KEY;
	return 0;
}

struct merge *merge_open(struct source *src)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->src = src;
	m->nr_streams = src->ops->streams(src);
	m->slot_size = schema_max_size();
	m->streams = calloc(m->nr_streams, sizeof(*m->streams));
	for (m->nr_leaves = 1; m->nr_leaves < m->nr_streams; m->nr_leaves *= 2)
		m->stream_bits++;
	m->tree = calloc(2 * m->nr_leaves, sizeof(*m->tree));
	if (!m->streams || !m->tree)
		goto err;
	for (unsigned int i = 0; i < m->nr_streams; i++)
		if (stream_init(&m->streams[i], m->slot_size))
			goto err;
	return m;
err:
	merge_close(m);
	return NULL;
}

void merge_close(struct merge *m)
{
	for (unsigned int i = 0; m->streams && i < m->nr_streams; i++)
		stream_free(&m->streams[i]);
	free(m->streams);
	free(m->tree);
	free(m);
}

/* Other streams may begin with what is older than the first record that is seen: 19 hours. */
#define OLDER	(1ULL << 46)

/*
 * What orders records, in one word: time since the base, and the stream's number, which makes
 * the order the same every time. 54 bits of time are left with 1024 streams: 208 days. What is
 * later than that is of a broken recording, and comes last in any order.
 */
static inline uint64_t key_of(const struct merge *m, unsigned int index, uint64_t ts)
{
	const uint64_t most = (NO_KEY >> m->stream_bits) - 1;
	uint64_t time = ts > m->base ? ts - m->base : 0;

	return (time < most ? time : most) << m->stream_bits | index;
}

/* Fields that a newer collector appended are cut off: nothing here would read them. */
static void item_copy(const struct merge *m, struct stream *s, struct item *item)
{
	size_t size = item->rec->size < m->slot_size ? item->rec->size : m->slot_size;
	char *half = s->copies + s->half * COPIES * m->slot_size;
	struct mmuscope_hdr *copy = (struct mmuscope_hdr *)(half + s->used);

	memcpy(copy, item->rec, size);
	copy->size = size;
	item->rec = copy;
	s->used += (size + 7) & ~(size_t)7;
}

/* After this the window does not depend on the source's memory, nor on the copies before. */
static void stream_release(struct merge *m, unsigned int index)
{
	struct stream *s = &m->streams[index];

	if (!s->taken)
		return;
	s->half = !s->half;
	s->used = 0;
	for (struct item *item = s->head; item < s->end; item++)
		item_copy(m, s, item);
	m->src->ops->release(m->src, index);
	s->taken = 0;
}

static bool stream_due(const struct merge *m, const struct stream *s)
{
	return s->taken >= RELEASE_EVERY || s->used > ROOM * m->slot_size;
}

/* The records that were handed out last are not needed any more. */
static void take_back(struct merge *m)
{
	for (unsigned int i = 0; m->due && i < m->nr_streams; i++)
		if (stream_due(m, &m->streams[i]))
			stream_release(m, i);
	m->due = false;
}

/* Records that say how things are, and not what happened when. */
static bool is_state(const struct mmuscope_hdr *rec)
{
	return rec->type == MMUSCOPE_TYPE_vm || rec->type == MMUSCOPE_TYPE_vcpu ||
	       rec->type == MMUSCOPE_TYPE_slot || rec->type == MMUSCOPE_TYPE_lost;
}

/* Return: whether the record goes into the window after all. */
static bool admit_late(struct merge *m, struct stream *s, struct item *item)
{
	if (!is_state(item->rec)) {
		s->late++;
		m->late++;
		return false;
	}
	item_copy(m, s, item);
	((struct mmuscope_hdr *)item->rec)->ts = m->now;
	item->key = key_of(m, s - m->streams, m->now);
	return true;
}

static void stream_insert(struct merge *m, struct stream *s, uint64_t key,
			  const struct mmuscope_hdr *rec)
{
	struct item item = { key, rec }, *at = s->end;

	if (rec->ts < m->now && !admit_late(m, s, &item))
		return;
	for (; at > s->head && at[-1].key > item.key; at--)
		*at = at[-1];
	*at = item;
	s->end++;
}

/* What the source said instead of giving a record. Return: 0, or its error. */
static int stream_stop(struct merge *m, struct stream *s, int ret)
{
	s->state = ret ? STREAM_ENDED : STREAM_DRY;
	if (ret == -ENODATA)
		m->nr_ended++;
	return ret == -ENODATA ? 0 : ret;
}

static void base_set(struct merge *m, uint64_t ts)
{
	m->based = true;
	m->base = ts > OLDER ? ts - OLDER : 0;
}

/* Takes what the source has, as far as there is room in the window. */
static int stream_take(struct merge *m, struct stream *s, unsigned int index)
{
	uint64_t newest = s->end > s->head ? s->end[-1].key : key_of(m, index, m->now), key;
	const struct item *full = s->window + ROOM;
	const struct source_ops *ops = m->src->ops;
	const struct mmuscope_hdr *rec;
	struct item *end = s->end;
	unsigned int taken = 0;
	uint64_t bytes = 0;
	int ret = 1;

	while (end < full && (ret = ops->next(m->src, index, &rec)) == 1) {
		if (__builtin_expect(!m->based, 0))
			base_set(m, rec->ts);
		taken++;
		bytes += rec->size;
		key = key_of(m, index, rec->ts);
		if (__builtin_expect(key < newest, 0)) {
			s->end = end;
			stream_insert(m, s, key, rec);
			end = s->end;
			continue;
		}
		newest = key;
		*end++ = (struct item){ key, rec };
	}
	s->end = end;
	s->taken += taken;
	s->bytes += bytes;
	return ret == 1 ? 0 : stream_stop(m, s, ret);
}

/* Fills the window of stream @index as far as there is something. */
static int stream_fill(struct merge *m, unsigned int index)
{
	struct stream *s = &m->streams[index];
	size_t nr = s->end - s->head;
	int err;

	memmove(s->window, s->head, nr * sizeof(*s->head));
	s->head = s->window;
	s->end = s->window + nr;
	err = stream_take(m, s, index);
	s->end->key = NO_KEY;
	s->refill = s->state == STREAM_OPEN ? s->end - MERGE_WINDOW + 1 : NULL;
	m->due |= stream_due(m, s);
	return err;
}

/*
 * A tree of losers (Knuth, TAOCP 3, 5.4.1): @key plays against those that lost on its way to the
 * root, from @at on. Whether it wins is as good as random, so nothing branches on it. Return: the
 * winner.
 */
static uint64_t tree_play(uint64_t *tree, unsigned int at, uint64_t key)
{
	for (; at; at /= 2) {
		uint64_t other = tree[at];

		tree[at] = key > other ? key : other;
		key = key > other ? other : key;
	}
	return key;
}

/* Everybody plays, against nobody at first. */
static void tree_build(struct merge *m)
{
	uint64_t *round = m->tree + m->nr_leaves;

	for (unsigned int i = 0; i < m->nr_leaves; i++)
		round[i] = i < m->nr_streams ? m->streams[i].head->key : NO_KEY;
	for (unsigned int at = m->nr_leaves - 1; at; at--) {
		uint64_t a = m->tree[2 * at], b = m->tree[2 * at + 1];

		m->tree[at] = a < b ? a : b;
	}
	m->tree[0] = m->nr_leaves > 1 ? m->tree[1] : round[0];
	/* From the root down, a winner gives its place to the one that it beat. */
	for (unsigned int at = 1; at < m->nr_leaves; at++) {
		uint64_t a = m->tree[2 * at], b = m->tree[2 * at + 1];

		m->tree[at] = m->tree[at] == a ? b : a;
	}
}

void merge_begin(struct merge *m, uint64_t limit)
{
	m->limit = limit;
	m->filled = false;
	for (unsigned int i = 0; i < m->nr_streams; i++) {
		struct stream *s = &m->streams[i];

		if (s->state == STREAM_DRY)
			s->state = STREAM_OPEN;
		s->bytes = 0;
	}
}

static int fill_all(struct merge *m)
{
	for (unsigned int i = 0; i < m->nr_streams; i++) {
		int err = m->streams[i].state == STREAM_OPEN ? stream_fill(m, i) : 0;

		if (err)
			return err;
	}
	tree_build(m);
	m->filled = true;
	return 0;
}

/* Late records of one stream, as the record that tells of them. */
static int tell_late(struct merge *m, const struct mmuscope_hdr **rec)
{
	unsigned int i = 0;

	while (!m->streams[i].late)
		i++;
	m->lost = (struct mmuscope_lost){
		.hdr = {
			.ts = m->now, .vcpu = MMUSCOPE_NO_VCPU,
			.type = MMUSCOPE_TYPE_lost, .size = sizeof(m->lost),
		},
		.count = m->streams[i].late, .cpu = ~0U, .stage = MMUSCOPE_stage_merge,
	};
	m->late -= m->streams[i].late;
	m->streams[i].late = 0;
	*rec = &m->lost.hdr;
	return 1;
}

/* Hands out what is not younger than the round's limit. Return: how much. */
static unsigned int hand_out(struct merge *m, const struct mmuscope_hdr **recs, unsigned int max)
{
	const uint64_t last = key_of(m, m->nr_leaves - 1, m->limit);
	const unsigned int leaves = m->nr_leaves;
	uint64_t *tree = m->tree, key = tree[0];
	unsigned int nr = 0;

	while (nr < max && key <= last) {
		unsigned int index = key & (leaves - 1);
		struct stream *s = &m->streams[index];

		recs[nr++] = s->head++->rec;
		if (__builtin_expect(s->head == s->refill, 0)) {
			m->now = recs[nr - 1]->ts;
			m->err = stream_fill(m, index);
			if (m->err)
				max = nr;
		}
		key = tree_play(tree, (leaves + index) / 2, s->head->key);
	}
	tree[0] = key;
	if (nr)
		m->now = recs[nr - 1]->ts;
	return nr;
}

int merge_take(struct merge *m, const struct mmuscope_hdr **recs, unsigned int max)
{
	unsigned int nr = 0;

	take_back(m);
	if (!m->err && !m->filled)
		m->err = fill_all(m);
	if (!m->err)
		nr = hand_out(m, recs, max);
	if (nr || m->err)
		return nr ? (int)nr : m->err;
	if (m->late)
		return tell_late(m, recs);
	return m->nr_ended == m->nr_streams ? -ENODATA : 0;
}

void merge_end(struct merge *m)
{
	take_back(m);
	for (unsigned int i = 0; i < m->nr_streams; i++)
		stream_release(m, i);
}

uint64_t merge_busiest(const struct merge *m)
{
	uint64_t most = 0;

	for (unsigned int i = 0; i < m->nr_streams; i++)
		if (m->streams[i].bytes > most)
			most = m->streams[i].bytes;
	return most;
}
