// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>

#include "file/block.h"
#include "file/column.h"

#define WHO_BITS	15
#define WHO_SLOTS	(1U << WHO_BITS)	/* at least twice BLOCK_RECORDS */
#define COLUMNS_MAX	(COLUMN_FIELDS + 32)
/* The way to pack a column is chosen anew after so many blocks, by so many of its numbers. */
#define CHOOSE_EVERY	32
#define SAMPLE		512

_Static_assert(WHO_SLOTS >= 2 * BLOCK_RECORDS, "vCPUs of a block");

struct choice {
	uint8_t how;
	uint8_t ref;
};

/**
 * struct family - records of one family
 * @records: one behind the other, @nr of them
 * @who: for each, its VM and vCPU by number in the block
 * @choice: by column
 * @age: blocks since the choice
 */
struct family {
	struct bytes records;
	uint16_t *who;
	size_t nr;
	struct choice choice[COLUMNS_MAX];
	unsigned int age;
};

/**
 * struct block_writer
 * @order: the families, in the order of records, by their @place
 * @place: number of a family in the block, plus one
 * @who: VM and vCPU by number, VM in the upper half
 * @slots: hash table of numbers in @who, plus one
 * @last: by number of who, the last value
 * @raw: numbers of a column
 * @made: the same after a transform
 */
struct block_writer {
	struct packer packer;
	struct family family[MMUSCOPE_TYPES];
	uint8_t order[BLOCK_RECORDS];
	size_t nr;
	uint8_t place[MMUSCOPE_TYPES];
	uint8_t type_at[MMUSCOPE_TYPES];
	size_t nr_places;
	uint32_t who[BLOCK_RECORDS];
	size_t nr_who;
	uint16_t slots[WHO_SLOTS];
	uint64_t last[BLOCK_RECORDS];
	uint64_t raw[BLOCK_RECORDS];
	uint64_t made[BLOCK_RECORDS];
	uint64_t first_ts;
	uint64_t last_ts;
	uint64_t types;
};

static void block_clear(struct block_writer *w)
{
	for (size_t i = 0; i < w->nr_places; i++) {
		struct family *f = &w->family[w->type_at[i]];

		f->nr = 0;
		f->records.len = 0;
	}
	memset(w->place, 0, sizeof(w->place));
	memset(w->slots, 0, sizeof(w->slots));
	w->nr = w->nr_places = w->nr_who = 0;
	w->first_ts = UINT64_MAX;
	w->last_ts = w->types = 0;
}

struct block_writer *block_writer_new(void)
{
	struct block_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	if (packer_init(&w->packer)) {
		block_writer_free(w);
		return NULL;
	}
	block_clear(w);
	return w;
}

void block_writer_free(struct block_writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < MMUSCOPE_TYPES; i++) {
		bytes_free(&w->family[i].records);
		free(w->family[i].who);
	}
	packer_free(&w->packer);
	free(w);
}

static uint16_t who_number(struct block_writer *w, const struct mmuscope_hdr *rec)
{
	uint32_t who = (uint32_t)rec->vm << 16 | rec->vcpu;
	size_t at = (who * 0x9e3779b1U) >> (32 - WHO_BITS);

	for (; w->slots[at]; at = (at + 1) % WHO_SLOTS)
		if (w->who[w->slots[at] - 1] == who)
			return w->slots[at] - 1;
	w->who[w->nr_who] = who;
	w->slots[at] = ++w->nr_who;
	return w->nr_who - 1;
}

size_t block_writer_records(const struct block_writer *w)
{
	return w->nr;
}

int block_writer_add(struct block_writer *w, const struct mmuscope_hdr *rec)
{
	const struct schema_event *e = rec->type ? schema_event(rec->type) : NULL;
	struct family *f;
	uint8_t *to;
	size_t len;

	if (!e)
		return -EINVAL;
	f = &w->family[rec->type];
	if (!f->who)
		f->who = malloc(BLOCK_RECORDS * sizeof(*f->who));
	to = bytes_room(&f->records, e->size);
	if (!f->who || !to)
		return -ENOMEM;
	if (!w->place[rec->type]) {
		w->type_at[w->nr_places] = rec->type;
		w->place[rec->type] = ++w->nr_places;
		w->types |= 1ULL << (rec->type < 63 ? rec->type : 63);
	}
	len = rec->size < e->size ? rec->size : e->size;
	memcpy(to, rec, len);
	memset(to + len, 0, e->size - len);
	f->records.len += e->size;
	f->who[f->nr++] = who_number(w, rec);
	w->order[w->nr++] = w->place[rec->type] - 1;
	if (rec->ts < w->first_ts)
		w->first_ts = rec->ts;
	if (rec->ts > w->last_ts)
		w->last_ts = rec->ts;
	return 0;
}

/* The schema's field behind a column; those of the header are the first. */
static const struct schema_field *column_field(const struct schema_event *e, unsigned int column)
{
	static const char *const names[COLUMN_FIELDS] = {
		[COLUMN_FLAGS] = "flags", [COLUMN_DUR] = "dur", [COLUMN_TS] = "ts",
	};
	const struct schema_event *hdr = schema_event(0);

	if (column >= COLUMN_FIELDS)
		return &e->fields[column - COLUMN_FIELDS];
	for (size_t i = 0; i < hdr->nr; i++)
		if (!strcmp(hdr->fields[i].name, names[column]))
			return &hdr->fields[i];
	return NULL;
}

static void values_get(const struct family *f, const struct schema_event *e,
		       const struct schema_field *field, uint64_t *values, size_t nr)
{
	const uint8_t *rec = f->records.at;

	for (size_t i = 0; i < nr; i++, rec += e->size)
		values[i] = schema_field_value(field, (const struct mmuscope_hdr *)rec);
}

static void make_delta(struct block_writer *w, size_t nr)
{
	uint64_t before = 0;

	for (size_t i = 0; i < nr; i++) {
		w->made[i] = zigzag(w->raw[i] - before);
		before = w->raw[i];
	}
}

/* Also the gap, where what is less is the begin, and not the end. */
static void make_who(struct block_writer *w, const struct family *f, const struct schema_event *e,
		     bool gap, size_t nr)
{
	memset(w->last, 0, w->nr_who * sizeof(w->last[0]));
	for (size_t i = 0; i < nr; i++) {
		const struct mmuscope_hdr *rec = (const void *)(f->records.at + i * e->size);
		uint64_t *last = &w->last[f->who[i]];

		w->made[i] = zigzag(w->raw[i] - (gap ? rec->dur : 0) - *last);
		*last = w->raw[i];
	}
}

static void make_field(struct block_writer *w, const struct family *f,
		       const struct schema_event *e, uint8_t ref, size_t nr)
{
	const struct schema_field *other = column_field(e, ref);
	const uint8_t *rec = f->records.at;

	for (size_t i = 0; i < nr; i++, rec += e->size)
		w->made[i] = zigzag(w->raw[i] -
				    schema_field_value(other, (const struct mmuscope_hdr *)rec));
}

/* Applies @c to the first @nr of w->raw. Return: the result. */
static const uint64_t *make(struct block_writer *w, const struct family *f,
			    const struct schema_event *e, const struct choice *c, size_t nr)
{
	switch (c->how) {
	case TRANSFORM_DELTA:
		make_delta(w, nr);
		return w->made;
	case TRANSFORM_WHO:
	case TRANSFORM_GAP:
		make_who(w, f, e, c->how == TRANSFORM_GAP, nr);
		return w->made;
	case TRANSFORM_FIELD:
		make_field(w, f, e, c->ref, nr);
		return w->made;
	}
	return w->raw;
}

/* Bits that @values need if each byte of a number is coded by how often it occurs there. */
static double bits_of(const uint64_t *values, size_t nr)
{
	double bits = 0;

	for (unsigned int k = 0; k < 8; k++) {
		uint16_t count[256] = { 0 };

		for (size_t i = 0; i < nr; i++)
			count[(uint8_t)(values[i] >> 8 * k)]++;
		if (count[0] == nr)
			continue;
		for (unsigned int b = 0; b < 256; b++)
			if (count[b])
				bits += count[b] * log2((double)nr / count[b]);
	}
	return bits;
}

static void consider(struct block_writer *w, const struct family *f, const struct schema_event *e,
		     struct choice c, size_t nr, struct choice *best, double *least)
{
	double bits = bits_of(make(w, f, e, &c, nr), nr);

	/* Plain ones unpack faster: a little is not worth it. */
	if (bits < *least * 0.98) {
		*least = bits;
		*best = c;
	}
}

static struct choice choose(struct block_writer *w, const struct family *f,
			    const struct schema_event *e, unsigned int column)
{
	const struct schema_field *field = column_field(e, column), *other;
	size_t nr = f->nr < SAMPLE ? f->nr : SAMPLE;
	struct choice best = { TRANSFORM_PLAIN, 0 };
	double least = bits_of(w->raw, nr);

	if (field->size < 4)
		return best;
	consider(w, f, e, (struct choice){ TRANSFORM_DELTA, 0 }, nr, &best, &least);
	if (w->nr_who > 1)
		consider(w, f, e, (struct choice){ TRANSFORM_WHO, 0 }, nr, &best, &least);
	if (column == COLUMN_TS)
		consider(w, f, e, (struct choice){ TRANSFORM_GAP, 0 }, nr, &best, &least);
	for (unsigned int ref = COLUMN_DUR; ref < column && field->size == 8; ref++) {
		other = column_field(e, ref);
		if (ref != COLUMN_TS && other->unit == field->unit && other->size == 8)
			consider(w, f, e, (struct choice){ TRANSFORM_FIELD, ref }, nr, &best,
				 &least);
	}
	return best;
}

static bool all_same(const uint64_t *values, size_t nr)
{
	return !memcmp(values, values + 1, (nr - 1) * sizeof(*values));
}

static void pack_numbers(struct block_writer *w, struct family *f, const struct schema_event *e,
			 unsigned int column, struct bytes *out)
{
	struct choice *c = &f->choice[column];

	if (all_same(w->raw, f->nr)) {
		column_put_const(out, w->raw[0]);
		return;
	}
	if (!f->age)
		*c = column == COLUMN_WHO ? (struct choice){ 0 } : choose(w, f, e, column);
	column_put(&w->packer, out, c->how, c->ref, make(w, f, e, c, f->nr), f->nr);
}

static void pack_text(struct block_writer *w, const struct family *f, const struct schema_event *e,
		      const struct schema_field *field, struct bytes *out)
{
	struct bytes text = { 0 };

	for (size_t i = 0; i < f->nr; i++)
		bytes_put(&text, f->records.at + i * e->size + field->offset, field->size);
	if (text.failed)
		out->failed = true;
	else
		column_put_text(&w->packer, out, text.at, text.len);
	bytes_free(&text);
}

static void pack_family(struct block_writer *w, struct family *f, const struct schema_event *e,
			struct bytes *out)
{
	for (unsigned int column = 0; column < COLUMN_FIELDS + e->nr; column++) {
		const struct schema_field *field;

		if (column == COLUMN_WHO) {
			for (size_t i = 0; i < f->nr; i++)
				w->raw[i] = f->who[i];
			pack_numbers(w, f, e, column, out);
			continue;
		}
		field = column_field(e, column);
		if (field->type == TYPE_TEXT) {
			pack_text(w, f, e, field, out);
			continue;
		}
		values_get(f, e, field, w->raw, f->nr);
		pack_numbers(w, f, e, column, out);
	}
	/* A choice that rests on few numbers is no good for the next block. */
	f->age = f->nr < SAMPLE ? 0 : (f->age + 1) % CHOOSE_EVERY;
}

int block_writer_pack(struct block_writer *w, struct chunk *chunk, struct bytes *out)
{
	chunk->records = w->nr;
	chunk->first = w->first_ts;
	chunk->last = w->last_ts;
	chunk->types = w->types;
	bytes_put_varint(out, w->nr_who);
	for (size_t i = 0; i < w->nr_who; i++) {
		bytes_put_varint(out, w->who[i] >> 16);
		bytes_put_varint(out, w->who[i] & 0xffff);
	}
	bytes_put_varint(out, w->nr_places);
	for (size_t i = 0; i < w->nr_places; i++) {
		bytes_put_u8(out, w->type_at[i]);
		bytes_put_varint(out, w->family[w->type_at[i]].nr);
	}
	plane_put(&w->packer, out, w->order, w->nr);
	for (size_t i = 0; i < w->nr_places; i++)
		pack_family(w, &w->family[w->type_at[i]], schema_event(w->type_at[i]), out);
	block_clear(w);
	return out->failed ? -ENOMEM : 0;
}
