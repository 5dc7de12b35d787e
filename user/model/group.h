/* SPDX-License-Identifier: GPL-2.0 */
/* Records put together by any fields of theirs. */
#ifndef MODEL_GROUP_H
#define MODEL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/hist.h"
#include "lib/schema.h"
#include "lib/symbols.h"
#include "model/model.h"

#define GROUP_KEYS	6
/* Different rows that are told apart; each has a histogram, and memory is bounded. */
#define GROUP_ROWS	4000

/**
 * struct group_key - what rows differ by
 * @name: of the field
 * @field: by family, NULL where it has none of that name
 * @slot: for families with an address but no field "slot": the memslot of the address
 * @gfn: for families with an address but no field "gfn": the frame of the address
 * @cause: for faults, which have no such field: what the model found
 */
struct group_key {
	char name[32];
	const struct schema_field *field[MMUSCOPE_TYPES];
	bool slot;
	bool gfn;
	bool cause;
};

/* A number, or a text of at most 16 bytes. */
union group_value {
	uint64_t number;
	char text[16];
};

/**
 * struct group_row - records of one family with the same values
 * @hist: their durations
 * @amount: what they stand for, see stats_amount()
 */
struct group_row {
	uint8_t type;
	union group_value value[GROUP_KEYS];
	struct hist *hist;
	uint64_t amount;
};

/* Records with @value in @key, as the family @type has it. */
struct group_pick {
	struct group_key key;
	union group_value value;
	uint8_t type;
};

/**
 * struct group - rows by key
 * @rows: @nr_rows of them, in the order in which they were seen
 * @index: hash table of positions in @rows, plus one
 * @others: records that there was no row for
 * @ns: durations by family, of all
 * @guests: whose instructions have names when rows are shown, NULL for none
 */
struct group {
	struct group_key key[GROUP_KEYS];
	size_t nr_keys;
	struct group_row *rows;
	size_t nr_rows;
	uint16_t *index;
	uint64_t others;
	uint64_t ns[MMUSCOPE_TYPES];
	const struct guests *guests;
};

#define GROUP_SLOT_NONE	(~0ULL)		/* no memslot has the address */

/* Sets @k to the fields of that name. Return: whether there are any. */
bool group_key_find(struct group_key *k, const char *name);

/**
 * group_new() - begin to put records together
 * @keys: names of fields, with commas between them
 * @err: set to one clause where that cannot be done
 *
 * Return: the group, or NULL.
 */
struct group *group_new(const char *keys, char *err, size_t len);

void group_free(struct group *g);

/* Return: families that have all keys, a bit for each as struct chunk has it. */
uint64_t group_types(const struct group *g);

/* Return: whether rows differ by cause, which faults have from the model. */
bool group_has_cause(const struct group *g);

/* Return: what @rec has there, of a family that has the field, after @m was fed with it. */
union group_value group_value(const struct group_key *k, const struct model *m,
			      const struct mmuscope_hdr *rec);

/* Counts @rec, after @m has been fed with it, if its family has all keys. Return: 0 or -ENOMEM. */
int group_feed(struct group *g, const struct model *m, const struct mmuscope_hdr *rec);

/**
 * group_row() - the row that @rec belongs to, without counting it
 * @rec: of a family of group_types(), after @m has been fed with it
 * @err: set to -ENOMEM without memory
 *
 * Return: the row, or NULL where there is no room for another one.
 */
struct group_row *group_row(struct group *g, const struct model *m,
			    const struct mmuscope_hdr *rec, int *err);

/* Return: whether @rec, after @m has been fed with it, is one of those. */
bool group_picked(const struct group_pick *p, const struct model *m,
		  const struct mmuscope_hdr *rec);

/* Return: whether families @a and @b, which have all keys, mean the same by them. */
bool group_alike(const struct group *g, unsigned int a, unsigned int b);

#endif /* MODEL_GROUP_H */
