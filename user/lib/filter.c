// SPDX-License-Identifier: GPL-2.0
#include "lib/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/filter_node.h"

enum maybe { NO, YES, MAYBE };

struct filter *filter_new(const char *text, char *err, size_t len)
{
	struct filter *f = calloc(1, sizeof(*f));

	*err = '\0';
	if (!f) {
		snprintf(err, len, "not enough memory");
		return NULL;
	}
	if (filter_parse(f, text, err, len) && filter_types(f))
		return f;
	/* It reads well, and asks for fields that are never together. */
	if (!*err)
		snprintf(err, len, "no kind of record has all of these fields (what a fault does "
			 "not tell by itself, as its cause, --by knows)");
	free(f);
	return NULL;
}

void filter_free(struct filter *f)
{
	free(f);
}

static bool compare(enum node_op op, bool less, bool equal)
{
	switch (op) {
	case OP_EQ:
		return equal;
	case OP_NE:
		return !equal;
	case OP_LT:
		return less;
	case OP_LE:
		return less || equal;
	case OP_GT:
		return !less && !equal;
	case OP_GE:
		return !less;
	}
	return false;
}

static bool match_number(const struct node *n, const struct mmuscope_hdr *rec)
{
	const struct schema_field *f = n->field[rec->type];
	uint64_t got = schema_field_value(f, rec), want = n->value[rec->type];

	/* What is not known is neither small nor large. */
	if ((f->unit == UNIT_ADDR || f->unit == UNIT_GFN) &&
	    (got == MMUSCOPE_UNKNOWN || want == MMUSCOPE_UNKNOWN))
		return n->op == OP_EQ ? got == want : n->op == OP_NE && got != want;
	if (f->type == TYPE_s32)
		return compare(n->op, (int64_t)got < (int64_t)want, got == want);
	return compare(n->op, got < want, got == want);
}

static bool match_text(const struct node *n, const struct mmuscope_hdr *rec)
{
	const struct schema_field *f = n->field[rec->type];
	const char *text = (const char *)rec + f->offset;
	size_t len = strnlen(text, f->size);

	return (len == strlen(n->text) && !memcmp(text, n->text, len)) == (n->op == OP_EQ);
}

static bool match(const struct filter *f, unsigned int at, const struct mmuscope_hdr *rec)
{
	const struct node *n = &f->node[at];

	switch (n->kind) {
	case NODE_AND:
		return match(f, n->left, rec) && match(f, n->right, rec);
	case NODE_OR:
		return match(f, n->left, rec) || match(f, n->right, rec);
	case NODE_NOT:
		return !match(f, n->left, rec);
	case NODE_TYPE:
		return n->has[rec->type];
	case NODE_FLAG:
		return compare(n->op, !!(rec->flags & n->flag) < n->value[0],
			       !!(rec->flags & n->flag) == n->value[0]);
	case NODE_NUMBER:
		return n->has[rec->type] && match_number(n, rec);
	case NODE_TEXT:
		return n->has[rec->type] && match_text(n, rec);
	}
	return false;
}

bool filter_match(const struct filter *f, const struct mmuscope_hdr *rec)
{
	return rec->type < MMUSCOPE_TYPES && schema_event(rec->type) &&
	       match(f, f->root, rec);
}

/* What can be said of a record of family @type, of which nothing else is known. */
static enum maybe decide(const struct filter *f, unsigned int at, unsigned int type)
{
	const struct node *n = &f->node[at];
	enum maybe left, right;

	switch (n->kind) {
	case NODE_AND:
	case NODE_OR:
		left = decide(f, n->left, type);
		right = decide(f, n->right, type);
		if (n->kind == NODE_AND)
			return left == NO || right == NO ? NO :
			       left == YES && right == YES ? YES : MAYBE;
		return left == YES || right == YES ? YES :
		       left == NO && right == NO ? NO : MAYBE;
	case NODE_NOT:
		left = decide(f, n->left, type);
		return left == NO ? YES : left == YES ? NO : MAYBE;
	case NODE_TYPE:
		return n->has[type] ? YES : NO;
	case NODE_FLAG:
		return MAYBE;
	case NODE_NUMBER:
	case NODE_TEXT:
		return n->has[type] ? MAYBE : NO;
	}
	return MAYBE;
}

uint64_t filter_types(const struct filter *f)
{
	uint64_t types = 0;

	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++)
		if (schema_event(type) && decide(f, f->root, type) != NO)
			types |= 1ULL << (type < 63 ? type : 63);
	return types;
}
