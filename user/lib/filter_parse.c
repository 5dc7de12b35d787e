// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/filter_node.h"
#include "lib/parse.h"

#define DEPTH_MAX	64	/* of brackets and nots */

enum token { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_OP, TOKEN_AND, TOKEN_OR,
	     TOKEN_NOT, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_BAD };

/**
 * struct parser
 * @at: behind the token
 * @begin: of the token
 * @text: of the token
 * @op: of a TOKEN_OP
 */
struct parser {
	struct filter *f;
	const char *at;
	const char *begin;
	enum token token;
	char text[FILTER_TEXT];
	enum node_op op;
	unsigned int depth;
	char *err;
	size_t len;
};

static const struct { const char *name; uint8_t bit; } flags[] = {
	{ "partial", MMUSCOPE_PARTIAL }, { "inferred", MMUSCOPE_INFERRED },
	{ "slept", MMUSCOPE_SLEPT }, { "preempted", MMUSCOPE_PREEMPTED },
	{ "user", MMUSCOPE_USER }, { "nested", MMUSCOPE_NESTED },
};

__attribute__((format(printf, 2, 3)))
static bool refuse(struct parser *p, const char *format, ...)
{
	va_list args;
	int used;

	va_start(args, format);
	used = vsnprintf(p->err, p->len, format, args);
	va_end(args);
	if (used >= 0 && (size_t)used < p->len && *p->begin)
		snprintf(p->err + used, p->len - used, " (at '%.20s')", p->begin);
	else if (used >= 0 && (size_t)used < p->len)
		snprintf(p->err + used, p->len - used, " (at its end)");
	return false;
}

/* The token as text, cut where it is too long to mean anything. */
static void take(struct parser *p, const char *end, enum token token)
{
	size_t len = end - p->at;

	p->token = len < sizeof(p->text) ? token : TOKEN_BAD;
	if (len >= sizeof(p->text))
		len = sizeof(p->text) - 1;
	memcpy(p->text, p->at, len);
	p->text[len] = '\0';
	p->at = end;
}

static void take_quoted(struct parser *p)
{
	const char quote = *p->at++, *end = strchr(p->at, quote);

	if (!end) {
		p->token = TOKEN_BAD;
		return;
	}
	take(p, end, TOKEN_TEXT);
	p->at = end + 1;
}

static bool take_sign(struct parser *p)
{
	static const struct { const char *text; enum token token; enum node_op op; } signs[] = {
		{ "==", TOKEN_OP, OP_EQ }, { "!=", TOKEN_OP, OP_NE }, { "<=", TOKEN_OP, OP_LE },
		{ ">=", TOKEN_OP, OP_GE }, { "<", TOKEN_OP, OP_LT }, { ">", TOKEN_OP, OP_GT },
		{ "=", TOKEN_OP, OP_EQ }, { "&&", TOKEN_AND, 0 }, { "||", TOKEN_OR, 0 },
		{ "!", TOKEN_NOT, 0 }, { "(", TOKEN_OPEN, 0 }, { ")", TOKEN_CLOSE, 0 },
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t len = strlen(signs[i].text);

		if (strncmp(p->at, signs[i].text, len))
			continue;
		p->token = signs[i].token;
		p->op = signs[i].op;
		p->at += len;
		return true;
	}
	return false;
}

static void next(struct parser *p)
{
	const char *end;

	while (isspace((unsigned char)*p->at))
		p->at++;
	p->begin = end = p->at;
	if (!*p->at) {
		p->token = TOKEN_END;
	} else if (*p->at == '"' || *p->at == '\'') {
		take_quoted(p);
	} else if (isalnum((unsigned char)*end) || *end == '_' || *end == '-' || *end == '.') {
		for (end++; isalnum((unsigned char)*end) || (*end && strchr("_.:/-", *end)); end++)
			;
		take(p, end, isdigit((unsigned char)*p->at) || strchr("-.", *p->at) ?
		     TOKEN_NUMBER : TOKEN_NAME);
		if (!strcmp(p->text, "and"))
			p->token = TOKEN_AND;
		else if (!strcmp(p->text, "or"))
			p->token = TOKEN_OR;
		else if (!strcmp(p->text, "not"))
			p->token = TOKEN_NOT;
	} else if (!take_sign(p)) {
		p->token = TOKEN_BAD;
	}
}

/* Return: index of a new node, FILTER_NODES where there is no room. */
static unsigned int node_new(struct parser *p, enum node_kind kind)
{
	if (p->f->nr == FILTER_NODES) {
		refuse(p, "it is too long");
		return FILTER_NODES;
	}
	p->f->node[p->f->nr].kind = kind;
	return p->f->nr++;
}

/* Fills n->field and n->has. Return: the first field of that name, or NULL. */
static const struct schema_field *fields_find(struct node *n, const char *name)
{
	const struct schema_field *any = NULL;

	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++) {
		if (!schema_event(type))
			continue;
		n->field[type] = schema_field_keyed(schema_event(0), name);
		if (!n->field[type])
			n->field[type] = schema_field_keyed(schema_event(type), name);
		n->has[type] = n->field[type];
		if (n->has[type] && !any)
			any = n->field[type];
	}
	return any;
}

static void nearer(const char *wanted, const char *name, const char **best, unsigned int *distance)
{
	unsigned int d = parse_distance(wanted, name);

	if (d < *distance) {
		*distance = d;
		*best = name;
	}
}

static bool refuse_field(struct parser *p, const char *name)
{
	unsigned int distance = 3;
	const char *best = NULL;

	for (unsigned int type = 0; type < MMUSCOPE_TYPES; type++) {
		const struct schema_event *e = schema_event(type);

		for (size_t i = 0; e && i < e->nr; i++)
			if (e->fields[i].unit != UNIT_PAD)
				nearer(name, e->fields[i].key, &best, &distance);
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		nearer(name, flags[i].name, &best, &distance);
	if (best)
		return refuse(p, "there is no field '%s', did you mean '%s'?", name, best);
	return refuse(p, "there is no field '%s'", name);
}

static bool is_time(const char *text)
{
	size_t len = strlen(text);

	return len && text[len - 1] == 's';
}

/* A number as the field's unit allows it. */
static bool parse_value(struct parser *p, const struct schema_field *f, uint64_t *value)
{
	const char *text = p->text;
	char *end;

	if (f->unit == UNIT_NS && !parse_time(text, value))
		return true;
	if (is_time(text))
		return refuse(p, "%s is not a time: %s", f->name, f->doc);
	errno = 0;
	*value = *text == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
	if (!errno && end != text && !*end)
		return true;
	if ((f->unit == UNIT_ADDR || f->unit == UNIT_COUNT || f->unit == UNIT_GFN) &&
	    !parse_bytes(text, value))
		return true;
	return refuse(p, "'%s' is no value for %s: %s", text, f->name, f->doc);
}

/* Words that stand for a number in any family. */
static bool parse_special(const struct schema_field *f, const char *text, uint64_t *value)
{
	if ((f->unit == UNIT_ADDR || f->unit == UNIT_GFN) && !strcmp(text, "unknown")) {
		*value = MMUSCOPE_UNKNOWN;
		return true;
	}
	if (!strcmp(text, "none") && (!strcmp(f->name, "vcpu") || !strcmp(f->name, "vm"))) {
		*value = !strcmp(f->name, "vm") ? MMUSCOPE_NO_VM : MMUSCOPE_NO_VCPU;
		return true;
	}
	return false;
}

/* A word means something only in families whose vocabulary has it. */
static bool parse_word(struct parser *p, struct node *n, const struct schema_field *any)
{
	unsigned int distance = 3;
	const char *best = NULL;
	bool found = false;

	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++) {
		const struct schema_field *f = n->field[type];
		uint64_t special = 0;
		int value = -1;

		if (!n->has[type])
			continue;
		if (f->words)
			value = schema_word_value(f->words, p->text);
		else if (parse_special(f, p->text, &special))
			value = 0;
		n->has[type] = value >= 0;
		n->value[type] = f->words ? (uint64_t)value : special;
		found |= value >= 0;
		for (size_t i = 0; f->words && i < f->words->nr; i++)
			nearer(p->text, f->words->words[i].name, &best, &distance);
	}
	if (found)
		return true;
	if (best)
		return refuse(p, "'%s' is no word for %s, did you mean '%s'?", p->text, any->name,
			      best);
	return refuse(p, "'%s' is no value for %s: %s", p->text, any->name, any->doc);
}

static bool parse_operand(struct parser *p, struct node *n, const struct schema_field *any)
{
	uint64_t value;

	if (any->type == TYPE_TEXT) {
		if (n->op != OP_EQ && n->op != OP_NE)
			return refuse(p, "text is compared with == or !=");
		n->kind = NODE_TEXT;
		snprintf(n->text, sizeof(n->text), "%s", p->text);
		return true;
	}
	if (p->token != TOKEN_NUMBER)
		return parse_word(p, n, any);
	if (!parse_value(p, any, &value))
		return false;
	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++)
		n->value[type] = value;
	return true;
}

static bool is_operand(const struct parser *p)
{
	return p->token == TOKEN_NAME || p->token == TOKEN_NUMBER || p->token == TOKEN_TEXT;
}

/* "type == fault" */
static bool parse_type(struct parser *p, struct node *n)
{
	const struct schema_event *e;

	next(p);
	if (p->token != TOKEN_OP || (p->op != OP_EQ && p->op != OP_NE))
		return refuse(p, "type is compared with == or !=");
	n->op = p->op;
	next(p);
	e = is_operand(p) ? schema_event_named(p->text) : NULL;
	if (!e || !e->id)
		return refuse(p, "there is no kind of record '%s'", p->text);
	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++)
		n->has[type] = (type == e->id) == (n->op == OP_EQ);
	next(p);
	return true;
}

static bool parse_flag(struct parser *p, struct node *n, uint8_t bit)
{
	uint64_t value;

	n->flag = bit;
	n->op = OP_NE;
	next(p);
	if (p->token != TOKEN_OP)
		return true;
	n->op = p->op;
	next(p);
	if (p->token != TOKEN_NUMBER || parse_number(p->text, 1, &value))
		return refuse(p, "a flag is 0 or 1");
	n->value[0] = value;
	next(p);
	return true;
}

static bool parse_field(struct parser *p, struct node *n)
{
	const struct schema_field *any = fields_find(n, p->text);

	if (!any)
		return refuse_field(p, p->text);
	next(p);
	if (p->token != TOKEN_OP) {
		if (any->type == TYPE_TEXT)
			return refuse(p, "after %s it wants == or !=", any->name);
		n->op = OP_NE;
		return true;
	}
	n->op = p->op;
	next(p);
	if (!is_operand(p))
		return refuse(p, "a value is missing");
	if (!parse_operand(p, n, any))
		return false;
	next(p);
	return true;
}

static bool parse_or(struct parser *p, unsigned int *node);

static bool parse_comparison(struct parser *p, unsigned int *node)
{
	if (p->token != TOKEN_NAME)
		return refuse(p, p->token == TOKEN_END ? "it ends too early" :
			      "it wants the name of a field");
	*node = node_new(p, NODE_NUMBER);
	if (*node == FILTER_NODES)
		return false;
	if (!strcmp(p->text, "type")) {
		p->f->node[*node].kind = NODE_TYPE;
		return parse_type(p, &p->f->node[*node]);
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(p->text, flags[i].name))
			continue;
		p->f->node[*node].kind = NODE_FLAG;
		return parse_flag(p, &p->f->node[*node], flags[i].bit);
	}
	return parse_field(p, &p->f->node[*node]);
}

static bool parse_not(struct parser *p, unsigned int *node)
{
	unsigned int inner;
	bool ok;

	if (p->token != TOKEN_NOT && p->token != TOKEN_OPEN)
		return parse_comparison(p, node);
	if (++p->depth > DEPTH_MAX)
		return refuse(p, "its brackets are too deep");
	if (p->token == TOKEN_NOT) {
		next(p);
		ok = parse_not(p, &inner);
		*node = ok ? node_new(p, NODE_NOT) : FILTER_NODES;
		ok = *node < FILTER_NODES;
		if (ok)
			p->f->node[*node].left = inner;
	} else {
		next(p);
		ok = parse_or(p, node);
		if (ok && p->token != TOKEN_CLOSE)
			ok = refuse(p, "a ')' is missing");
		next(p);
	}
	p->depth--;
	return ok;
}

/* Left-associative chains of one operator. */
static bool parse_chain(struct parser *p, unsigned int *node, enum token token,
			enum node_kind kind, bool (*operand)(struct parser *p, unsigned int *node))
{
	unsigned int right, both;

	if (!operand(p, node))
		return false;
	while (p->token == token) {
		next(p);
		if (!operand(p, &right))
			return false;
		both = node_new(p, kind);
		if (both == FILTER_NODES)
			return false;
		p->f->node[both].left = *node;
		p->f->node[both].right = right;
		*node = both;
	}
	return true;
}

static bool parse_and(struct parser *p, unsigned int *node)
{
	return parse_chain(p, node, TOKEN_AND, NODE_AND, parse_not);
}

static bool parse_or(struct parser *p, unsigned int *node)
{
	return parse_chain(p, node, TOKEN_OR, NODE_OR, parse_and);
}

bool filter_parse(struct filter *f, const char *text, char *err, size_t len)
{
	struct parser p = { .f = f, .at = text, .err = err, .len = len };

	next(&p);
	if (!parse_or(&p, &f->root))
		return false;
	if (p.token != TOKEN_END)
		return refuse(&p, "it wants 'and' or 'or'");
	return true;
}
