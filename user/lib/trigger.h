/* SPDX-License-Identifier: GPL-2.0 */
/* A condition on the records of an interval: "p99(fault) > 1ms". */
#ifndef LIB_TRIGGER_H
#define LIB_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>

#include <mmuscope/abi.h>

struct trigger;

/**
 * trigger_new() - understand a condition
 * @text: "FUNCTION(FAMILY) > VALUE", also with >=, < and <=. FUNCTION is a percentile of the
 *	durations (p50, p99.9), max, or count; FAMILY a record family; VALUE a number, for all but
 *	count a time
 * @err: set to one clause that says what is wrong
 *
 * Return: the trigger, or NULL.
 */
struct trigger *trigger_new(const char *text, char *err, size_t len);

/* Return: the family of records that it looks at. */
unsigned int trigger_type(const struct trigger *t);

void trigger_free(struct trigger *t);

void trigger_feed(struct trigger *t, const struct mmuscope_hdr *rec);

/*
 * Ends an interval. Return: whether the condition became true in it: not again before it was false
 * for an interval.
 */
bool trigger_fired(struct trigger *t);

#endif /* LIB_TRIGGER_H */
