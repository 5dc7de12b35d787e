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
#define RELEASE_EVERY	(8 * MERGE_WINDOW)
/* Of a stream that has them, as many records are taken at once as the window has. */
#define ROOM		(2 * MERGE_WINDOW)
#define MASK		(ROOM - 1)
/* All of the window can be copies, and all that was handed out last. */
#define SLOTS		(ROOM + MERGE_TAKE)

_Static_assert((ROOM & MASK) == 0, "the window is a power of two");

/* What is to come of a stream: what it is ordered by, see key_of(). */
struct item {
	uint64_t key;
	const struct mmuscope_hdr *rec;
};

enum stream_state { STREAM_OPEN, STREAM_DRY, STREAM_ENDED };

/**
 * struct stream - the window of one stream
 * @window: ring of ROOM items, sorted
 * @head: index of the oldest, modulo ROOM
 * @nr: items in it
 * @slots: memory for SLOTS private copies
 * @free: stack of unused slots
 * @taken: records taken since the last release
 * @bytes: bytes taken since the round began
 * @late: records that came too late, not yet told
 */
struct stream {
	struct item *window;
	unsigned int head;
	unsigned int nr;
	enum stream_state state;
	char *slots;
	char **free;
	unsigned int nr_free;
	unsigned int taken;
	uint64_t bytes;
	uint64_t late;
};

/* A copy that was handed out. */
struct lent {
	struct stream *stream;
	char *slot;
};

/**
 * struct merge
 * @tree: keys: [0] the winner, the losers from [1] on
 * @nr_leaves: streams, to the next power of two; @stream_bits its logarithm
 * @base: of keys, once @based; time stamps before it are as if they were it
 * @now: time stamp of the last record handed out
 * @lent: @nr_lent of the records handed out last, whose memory is ours
 * @due: a stream has so much to give back to the source that it is time
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
	struct lent lent[MERGE_TAKE];
	unsigned int nr_lent;
	bool due;
	bool filled;
	int err;
	uint64_t late;
	struct mmuscope_lost lost;
};

static void stream_free(struct stream *s)
{
	free(s->window);
	free(s->slots);
	free(s->free);
}

static int stream_init(struct stream *s, size_t slot_size)
{
	s->window = calloc(ROOM, sizeof(*s->window));
	s->slots = malloc(SLOTS * slot_size);
	s->free = calloc(SLOTS, sizeof(*s->free));
	if (!s->window || !s->slots || !s->free)
		return -ENOMEM;
	for (unsigned int i = 0; i < SLOTS; i++)
		s->free[i] = s->slots + i * slot_size;
	s->nr_free = SLOTS;
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

static inline struct item *item_at(const struct stream *s, unsigned int i)
{
	return &s->window[(s->head + i) & MASK];
}

#define NO_KEY	UINT64_MAX
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

static inline uint64_t key_first(const struct stream *s)
{
	return s->nr ? item_at(s, 0)->key : NO_KEY;
}

static inline bool is_copy(const struct merge *m, const struct stream *s,
			   const struct mmuscope_hdr *rec)
{
	return (uintptr_t)rec - (uintptr_t)s->slots < SLOTS * m->slot_size;
}

/* Fields that a newer collector appended are cut off: nothing here would read them. */
static void item_copy(const struct merge *m, struct stream *s, struct item *item)
{
	size_t size = item->rec->size < m->slot_size ? item->rec->size : m->slot_size;
	struct mmuscope_hdr *copy = (struct mmuscope_hdr *)s->free[--s->nr_free];

	memcpy(copy, item->rec, size);
	copy->size = size;
	item->rec = copy;
}

/* After this the window does not depend on the source's memory. */
static void stream_release(struct merge *m, unsigned int index)
{
	struct stream *s = &m->streams[index];

	if (!s->taken)
		return;
	for (unsigned int i = 0; i < s->nr; i++)
		if (!is_copy(m, s, item_at(s, i)->rec))
			item_copy(m, s, item_at(s, i));
	m->src->ops->release(m->src, index);
	s->taken = 0;
}

/* The records that were handed out last are not needed any more. */
static void take_back(struct merge *m)
{
	while (m->nr_lent) {
		const struct lent *l = &m->lent[--m->nr_lent];

		l->stream->free[l->stream->nr_free++] = l->slot;
	}
	for (unsigned int i = 0; m->due && i < m->nr_streams; i++)
		if (m->streams[i].taken >= RELEASE_EVERY)
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
	struct item item = { key, rec };
	unsigned int at = s->nr;

	if (rec->ts < m->now && !admit_late(m, s, &item))
		return;
	while (at && item_at(s, at - 1)->key > item.key) {
		*item_at(s, at) = *item_at(s, at - 1);
		at--;
	}
	*item_at(s, at) = item;
	s->nr++;
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

/* Fills the window of stream @index as far as there is something. */
static int stream_fill(struct merge *m, unsigned int index)
{
	struct stream *s = &m->streams[index];
	const struct mmuscope_hdr *rec;
	uint64_t newest, key;
	int ret;

	newest = s->nr ? item_at(s, s->nr - 1)->key : key_of(m, index, m->now);
	while (s->nr < ROOM) {
		ret = m->src->ops->next(m->src, index, &rec);
		if (ret != 1)
			return stream_stop(m, s, ret);
		if (!m->based)
			base_set(m, rec->ts);
		s->taken++;
		s->bytes += rec->size;
		key = key_of(m, index, rec->ts);
		if (key < newest) {
			stream_insert(m, s, key, rec);
			continue;
		}
		newest = key;
		*item_at(s, s->nr++) = (struct item){ key, rec };
	}
	m->due |= s->taken >= RELEASE_EVERY;
	return 0;
}

static unsigned int stream_of(const struct merge *m, uint64_t key)
{
	return key & (m->nr_leaves - 1);
}

/*
 * A tree of losers (Knuth, TAOCP 3, 5.4.1): @key plays against those that lost on its way to the
 * root. Whether it wins is as good as random, so nothing branches on it.
 */
static void tree_play(struct merge *m, unsigned int leaf, uint64_t key)
{
	for (unsigned int at = (m->nr_leaves + leaf) / 2; at; at /= 2) {
		uint64_t other = m->tree[at];

		m->tree[at] = key > other ? key : other;
		key = key > other ? other : key;
	}
	m->tree[0] = key;
}

/* Everybody plays, against nobody at first. */
static void tree_build(struct merge *m)
{
	uint64_t *round = m->tree + m->nr_leaves;

	for (unsigned int i = 0; i < m->nr_leaves; i++)
		round[i] = i < m->nr_streams ? key_first(&m->streams[i]) : NO_KEY;
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

/* The oldest record of all, which the caller gets; its stream is put at its new place. */
static int hand_out(struct merge *m, struct stream *s, const struct mmuscope_hdr **out)
{
	unsigned int index = s - m->streams;
	int err = 0;

	*out = item_at(s, 0)->rec;
	m->now = (*out)->ts;
	if (is_copy(m, s, *out))
		m->lent[m->nr_lent++] = (struct lent){ s, (char *)*out };
	s->head++;
	s->nr--;
	if (s->nr < MERGE_WINDOW && s->state == STREAM_OPEN)
		err = stream_fill(m, index);
	tree_play(m, index, key_first(s));
	return err;
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

int merge_take(struct merge *m, const struct mmuscope_hdr **recs, unsigned int max)
{
	unsigned int nr = 0;

	take_back(m);
	if (!m->err && !m->filled)
		m->err = fill_all(m);
	while (!m->err && nr < max && m->tree[0] != NO_KEY) {
		struct stream *s = &m->streams[stream_of(m, m->tree[0])];

		if (item_at(s, 0)->rec->ts > m->limit)
			break;
		m->err = hand_out(m, s, &recs[nr++]);
	}
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
