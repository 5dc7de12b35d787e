/* SPDX-License-Identifier: GPL-2.0 */
/* What filter_parse.c makes and filter.c works with. */
#ifndef LIB_FILTER_NODE_H
#define LIB_FILTER_NODE_H

#include "lib/filter.h"
#include "lib/schema.h"

#define FILTER_NODES	256
#define FILTER_TEXT	128	/* bytes of a text to compare with */

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_TYPE, NODE_FLAG, NODE_NUMBER, NODE_TEXT };

enum node_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

/**
 * struct node
 * @left: of AND, OR and NOT: index of a node
 * @right: of AND and OR
 * @flag: of a FLAG, its bit
 * @has: families that have the field and, where a word is compared, the word
 * @field: by family
 * @value: by family, because the same word may mean different things
 */
struct node {
	enum node_kind kind;
	enum node_op op;
	unsigned int left;
	unsigned int right;
	uint8_t flag;
	bool has[MMUSCOPE_TYPES];
	const struct schema_field *field[MMUSCOPE_TYPES];
	uint64_t value[MMUSCOPE_TYPES];
	char text[FILTER_TEXT];
};

/* @root: index of the node that the others hang on */
struct filter {
	struct node node[FILTER_NODES];
	unsigned int nr;
	unsigned int root;
};

/* Fills @f, which is all 0. Return: false with one clause in @err. */
bool filter_parse(struct filter *f, const char *text, char *err, size_t len);

#endif /* LIB_FILTER_NODE_H */
