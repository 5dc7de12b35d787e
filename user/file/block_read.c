// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "file/block.h"
#include "file/column.h"
#include "lib/clean.h"

/**
 * struct family - records of one family, unpacked
 * @event: as the recording describes it, NULL where it does not
 * @size: bytes of a record in this version
 * @next: the record to hand out next
 */
struct family {
	const struct layout_event *event;
	uint8_t type;
	size_t nr;
	size_t size;
	uint8_t *records;
	uint8_t *next;
};

/**
 * struct block_reader
 * @records: of all families
 * @order: families in the order of records
 * @at: the next of them
 * @who: VM and vCPU by number
 * @last: by number of who
 * @numbers: of who, for each record of a family
 */
struct block_reader {
	const struct layout *layout;
	struct unpacker unpacker;
	uint8_t *records;
	size_t room;
	uint8_t order[BLOCK_RECORDS_MAX];
	size_t nr;
	size_t at;
	struct family family[256];
	size_t nr_families;
	uint32_t who[BLOCK_RECORDS_MAX];
	size_t nr_who;
	uint64_t last[BLOCK_RECORDS_MAX];
	uint32_t numbers[BLOCK_RECORDS_MAX];
	uint64_t values[BLOCK_RECORDS_MAX];
};

struct block_reader *block_reader_new(const struct layout *layout)
{
	struct block_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->layout = layout;
	if (unpacker_init(&r->unpacker)) {
		block_reader_free(r);
		return NULL;
	}
	return r;
}

void block_reader_free(struct block_reader *r)
{
	if (!r)
		return;
	unpacker_free(&r->unpacker);
	free(r->records);
	free(r);
}

static bool get_who(struct block_reader *r, struct cursor *c)
{
	r->nr_who = cursor_varint(c);
	if (r->nr_who > BLOCK_RECORDS_MAX)
		return false;
	for (size_t i = 0; i < r->nr_who && !c->bad; i++) {
		uint64_t vm = cursor_varint(c), vcpu = cursor_varint(c);

		if (vm > 0xffff || vcpu > 0xffff)
			return false;
		r->who[i] = vm << 16 | vcpu;
	}
	return !c->bad;
}

/* Which families, how many records of each, and room for them. */
static int get_families(struct block_reader *r, struct cursor *c, size_t records)
{
	size_t bytes = 0, nr = 0;
	uint8_t *at;

	r->nr_families = cursor_varint(c);
	if (r->nr_families > 256)
		return -EINVAL;
	for (size_t i = 0; i < r->nr_families; i++) {
		struct family *f = &r->family[i];

		f->type = cursor_u8(c);
		f->nr = cursor_varint(c);
		f->event = r->layout->event[f->type];
		if (c->bad || !f->event || !f->type || !f->nr || f->nr > records - nr)
			return -EINVAL;
		f->size = f->event->own ? f->event->own->size : sizeof(struct mmuscope_hdr);
		nr += f->nr;
		bytes += f->nr * f->size;
	}
	if (nr != records || bytes > BLOCK_BYTES_MAX)
		return -EINVAL;
	if (bytes > r->room) {
		free(r->records);
		r->room = 0;
		r->records = malloc(bytes);
		if (!r->records)
			return -ENOMEM;
		r->room = bytes;
	}
	at = r->records;
	for (size_t i = 0; i < r->nr_families; i++) {
		r->family[i].records = r->family[i].next = at;
		at += r->family[i].nr * r->family[i].size;
	}
	return 0;
}

static bool get_order(struct block_reader *r, struct cursor *c)
{
	const uint8_t *order = plane_get(&r->unpacker, c, r->nr);
	size_t count[256] = { 0 };

	if (!order)
		return false;
	memcpy(r->order, order, r->nr);
	for (size_t i = 0; i < r->nr; i++)
		count[order[i]]++;
	for (size_t i = 0; i < 256; i++)
		if (count[i] != (i < r->nr_families ? r->family[i].nr : 0))
			return false;
	return true;
}

/* Writes numbers to the same place of each record. */
static void scatter(uint8_t *to, size_t step, size_t size, const uint64_t *values, size_t nr)
{
	switch (size) {
	case 1:
		for (size_t i = 0; i < nr; i++, to += step)
			*to = values[i];
		break;
	case 2:
		for (size_t i = 0; i < nr; i++, to += step)
			*(uint16_t *)to = values[i];
		break;
	case 4:
		for (size_t i = 0; i < nr; i++, to += step)
			*(uint32_t *)to = values[i];
		break;
	case 8:
		for (size_t i = 0; i < nr; i++, to += step)
			*(uint64_t *)to = values[i];
		break;
	}
}

static void undo_delta(uint64_t *values, size_t nr)
{
	uint64_t before = 0;

	for (size_t i = 0; i < nr; i++)
		before = values[i] = before + unzigzag(values[i]);
}

static void undo_who(struct block_reader *r, const struct family *f, bool gap)
{
	const struct mmuscope_hdr *rec;
	const uint8_t *at = f->records;

	memset(r->last, 0, r->nr_who * sizeof(r->last[0]));
	for (size_t i = 0; i < f->nr; i++, at += f->size) {
		uint64_t *last = &r->last[r->numbers[i]];

		rec = (const struct mmuscope_hdr *)at;
		r->values[i] = *last += unzigzag(r->values[i]) + (gap ? rec->dur : 0);
	}
}

/* Where in a record the number of column @ref is; -1 where it is not, or not yet. */
static int ref_offset(const struct family *f, unsigned int ref, unsigned int column)
{
	const struct schema_field *own;

	if (ref == COLUMN_DUR && column > COLUMN_DUR)
		return offsetof(struct mmuscope_hdr, dur);
	if (ref < COLUMN_FIELDS || ref >= column)
		return -1;
	own = f->event->fields[ref - COLUMN_FIELDS].own;
	return own && own->type == TYPE_u64 ? (int)own->offset : -1;
}

static bool undo_field(struct block_reader *r, const struct family *f, unsigned int ref,
		       unsigned int column)
{
	int offset = ref_offset(f, ref, column);
	const uint8_t *at = f->records + offset;

	if (offset < 0)
		return false;
	for (size_t i = 0; i < f->nr; i++, at += f->size)
		r->values[i] = *(const uint64_t *)at + unzigzag(r->values[i]);
	return true;
}

static bool undo(struct block_reader *r, const struct family *f, const struct column *col,
		 unsigned int column)
{
	if (col->same)
		for (size_t i = 0; i < f->nr; i++)
			r->values[i] = col->value;
	switch (col->how) {
	case TRANSFORM_DELTA:
		undo_delta(r->values, f->nr);
		return true;
	case TRANSFORM_WHO:
		undo_who(r, f, false);
		return true;
	case TRANSFORM_GAP:
		undo_who(r, f, true);
		return column == COLUMN_TS;
	case TRANSFORM_FIELD:
		return undo_field(r, f, col->ref, column);
	default:
		return true;
	}
}

/* A column of numbers that go to @offset of the records, unless the template had them. */
static bool get_numbers(struct block_reader *r, struct cursor *c, const struct family *f,
			unsigned int column, size_t offset, size_t size)
{
	struct column col;

	if (!column_get(&r->unpacker, c, f->nr, r->values, 0, &col) || col.how == TRANSFORM_TEXT)
		return false;
	if (col.same && col.how <= TRANSFORM_CONST)
		return true;
	if (!undo(r, f, &col, column))
		return false;
	scatter(f->records + offset, f->size, size, r->values, f->nr);
	return true;
}

/* Somebody else's text is printed on terminals: no escape sequences. */
static void put_clean(uint8_t *to, const uint8_t *from, size_t len)
{
	memcpy(to, from, len);
	clean((char *)to, len);
}

static bool get_text(struct block_reader *r, struct cursor *c, const struct family *f,
		     const struct layout_field *field)
{
	size_t len = field->text < field->own->size ? field->text : field->own->size;
	struct column col;

	if (!column_get(&r->unpacker, c, f->nr, r->values, f->nr * field->text, &col) ||
	    col.how != TRANSFORM_TEXT)
		return false;
	for (size_t i = 0; i < f->nr; i++)
		put_clean(f->records + i * f->size + field->own->offset,
			  col.text + i * field->text, len);
	return true;
}

static bool get_who_numbers(struct block_reader *r, struct cursor *c, const struct family *f)
{
	struct column col;

	if (!column_get(&r->unpacker, c, f->nr, r->values, 0, &col) || col.how > TRANSFORM_CONST)
		return false;
	for (size_t i = 0; i < f->nr; i++) {
		struct mmuscope_hdr *rec = (void *)(f->records + i * f->size);
		uint64_t number = col.same ? col.value : r->values[i];

		if (number >= r->nr_who)
			return false;
		r->numbers[i] = number;
		rec->vm = r->who[number] >> 16;
		rec->vcpu = r->who[number];
	}
	return true;
}

static bool pass_over(struct block_reader *r, struct cursor *c, const struct family *f,
		      const struct layout_field *field)
{
	struct column col;

	return column_get(&r->unpacker, c, f->nr, NULL, f->nr * field->text, &col);
}

/* Where the numbers of a column go; NULL for a column that is passed over or is no number. */
static const struct schema_field *number_field(const struct family *f, unsigned int column)
{
	const struct layout_field *field = &f->event->fields[column - COLUMN_FIELDS];

	return field->text ? NULL : field->own;
}

static void template_put(uint8_t *template, const struct family *f, unsigned int column,
			 uint64_t value)
{
	struct mmuscope_hdr *hdr = (struct mmuscope_hdr *)template;
	const struct schema_field *own;

	switch (column) {
	case COLUMN_FLAGS:
		hdr->flags = value;
		return;
	case COLUMN_DUR:
		hdr->dur = value;
		return;
	case COLUMN_TS:
		hdr->ts = value;
		return;
	case COLUMN_WHO:
		return;
	}
	own = number_field(f, column);
	if (own)
		scatter(template + own->offset, 0, own->size, &value, 1);
}

/* What a recording does not tell is 0, and not known where 0 would be an address. */
static void template_init(uint8_t *template, const struct family *f)
{
	struct mmuscope_hdr *hdr = (struct mmuscope_hdr *)template;
	const struct schema_event *own = f->event->own;

	memset(template, 0, f->size);
	hdr->type = f->type;
	hdr->size = f->size;
	for (size_t i = 0; own && i < own->nr; i++) {
		if (own->fields[i].unit == UNIT_ADDR || own->fields[i].unit == UNIT_GFN)
			memset(template + own->fields[i].offset, 0xff, own->fields[i].size);
	}
}

/*
 * Most columns of a block have one value only. These are found in a first pass, which
 * unpacks nothing, and are written to all records at once.
 */
static bool fill_template(struct block_reader *r, struct cursor c, const struct family *f)
{
	uint64_t template[LAYOUT_RECORD_MAX / 8];
	uint8_t *to = f->records;
	struct column col;

	template_init((uint8_t *)template, f);
	for (size_t i = 0; i < COLUMN_FIELDS + f->event->nr; i++) {
		size_t text = i < COLUMN_FIELDS ? 0 : f->event->fields[i - COLUMN_FIELDS].text;

		if (!column_get(&r->unpacker, &c, f->nr, NULL, f->nr * text, &col))
			return false;
		if (col.same && col.how <= TRANSFORM_CONST)
			template_put((uint8_t *)template, f, i, col.value);
	}
	for (size_t i = 0; i < f->nr; i++, to += f->size)
		memcpy(to, template, f->size);
	return true;
}

static bool get_field(struct block_reader *r, struct cursor *c, const struct family *f, size_t i)
{
	const struct layout_field *field = &f->event->fields[i];

	if (!field->own)
		return pass_over(r, c, f, field);
	if (field->text)
		return get_text(r, c, f, field);
	return get_numbers(r, c, f, COLUMN_FIELDS + i, field->own->offset, field->own->size);
}

static bool get_family(struct block_reader *r, struct cursor *c, const struct family *f)
{
	if (!fill_template(r, *c, f) ||
	    !get_numbers(r, c, f, COLUMN_FLAGS, offsetof(struct mmuscope_hdr, flags), 1) ||
	    !get_who_numbers(r, c, f) ||
	    !get_numbers(r, c, f, COLUMN_DUR, offsetof(struct mmuscope_hdr, dur), 8) ||
	    !get_numbers(r, c, f, COLUMN_TS, offsetof(struct mmuscope_hdr, ts), 8))
		return false;
	for (size_t i = 0; i < f->event->nr; i++)
		if (!get_field(r, c, f, i))
			return false;
	return true;
}

int block_reader_unpack(struct block_reader *r, const struct chunk *chunk, const uint8_t *content)
{
	struct cursor c = { .at = content, .end = content + chunk->stored };
	int err;

	r->nr = r->at = 0;
	if (!chunk->records || chunk->records > BLOCK_RECORDS_MAX || !get_who(r, &c))
		return -EINVAL;
	err = get_families(r, &c, chunk->records);
	if (err)
		return err;
	r->nr = chunk->records;
	if (get_order(r, &c)) {
		size_t i = 0;

		while (i < r->nr_families && get_family(r, &c, &r->family[i]))
			i++;
		if (i == r->nr_families)
			return 0;
	}
	r->nr = 0;
	return -EINVAL;
}

struct mmuscope_hdr *block_reader_next(struct block_reader *r)
{
	struct family *f;
	uint8_t *rec;

	if (r->at == r->nr)
		return NULL;
	f = &r->family[r->order[r->at++]];
	rec = f->next;
	f->next += f->size;
	return (struct mmuscope_hdr *)rec;
}
