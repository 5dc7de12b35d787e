/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Expressions over the fields of records: "type==fault and (dur > 1ms or slept)".
 *
 * A comparison is FIELD OPERATOR VALUE with ==, !=, <, <=, > or >=. The fields are those
 * of the schema and its header; a flag is a field that is 0 or 1. A value is a number,
 * also hexadecimal, with a unit where the field has one (1ms, 4K), a word of the field's
 * vocabulary, or a text. A field alone is FIELD != 0. They are put together with and, or,
 * not (&&, ||, !) and brackets. A record without the field does not match a comparison.
 */
#ifndef LIB_FILTER_H
#define LIB_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mmuscope/abi.h>

struct filter;

/**
 * filter_new() - understand an expression
 * @err: set to one clause that says what is wrong, and where
 *
 * Return: the filter, or NULL.
 */
struct filter *filter_new(const char *text, char *err, size_t len);

void filter_free(struct filter *f);

/* Return: whether @rec, of a family and the size of this version, matches. */
bool filter_match(const struct filter *f, const struct mmuscope_hdr *rec);

/* Return: a bit for each family of which a record could match, the last for all from 63 on. */
uint64_t filter_types(const struct filter *f);

#endif /* LIB_FILTER_H */
