// SPDX-License-Identifier: GPL-2.0
#include "lib/trigger.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hist.h"
#include "lib/parse.h"
#include "lib/schema.h"

#define COUNT	(-1.0)	/* no percentile */
#define MAX	100.0

/**
 * struct trigger
 * @percent: of the percentile, or COUNT
 * @above: true where the value is larger than @limit, or @equal to it; else smaller
 * @was: the condition was true in the interval before
 */
struct trigger {
	uint8_t type;
	double percent;
	bool above;
	bool equal;
	uint64_t limit;
	bool was;
	struct hist hist;
};

static const char *skip_space(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

/* Takes a word of letters, digits, '.' and '_'. Return: what follows it. */
static const char *take_word(const char *at, char *word, size_t size)
{
	size_t len = 0;

	at = skip_space(at);
	while (isalnum((unsigned char)*at) || *at == '.' || *at == '_') {
		if (len + 1 < size)
			word[len++] = *at;
		at++;
	}
	word[len] = '\0';
	return skip_space(at);
}

static bool set_function(struct trigger *t, const char *word)
{
	char *end;

	if (!strcmp(word, "count")) {
		t->percent = COUNT;
		return true;
	}
	if (!strcmp(word, "max")) {
		t->percent = MAX;
		return true;
	}
	if (*word != 'p' || !isdigit((unsigned char)word[1]))
		return false;
	t->percent = strtod(word + 1, &end);
	return !*end && t->percent > 0 && t->percent <= 100;
}

static bool set_limit(struct trigger *t, const char *text)
{
	char value[32];

	/* Blanks may follow, and nothing else. */
	text = take_word(text, value, sizeof(value));
	if (*text)
		return false;
	if (t->percent == COUNT)
		return !parse_number(value, UINT64_MAX, &t->limit);
	return !parse_time(value, &t->limit);
}

static bool parse(struct trigger *t, const char *at, char *err, size_t len)
{
	const struct schema_event *e;
	char word[32];

	at = take_word(at, word, sizeof(word));
	if (!set_function(t, word) || *at != '(') {
		snprintf(err, len, "it begins with p50(, p99(, max( or count(, not '%s'", word);
		return false;
	}
	at = take_word(at + 1, word, sizeof(word));
	e = schema_event_named(word);
	if (!e || !e->id) {
		snprintf(err, len, "there is no kind of record '%s'", word);
		return false;
	}
	if (*at != ')') {
		snprintf(err, len, "behind '%s' it wants ')'", word);
		return false;
	}
	t->type = e->id;
	at = skip_space(at + 1);
	t->above = *at == '>';
	if (*at != '>' && *at != '<') {
		snprintf(err, len, "after ')' it wants >, >=, < or <=");
		return false;
	}
	t->equal = at[1] == '=';
	if (!set_limit(t, at + 1 + t->equal)) {
		snprintf(err, len, t->percent == COUNT ? "it wants a number at its end" :
			 "it wants a time at its end, such as 1ms");
		return false;
	}
	return true;
}

struct trigger *trigger_new(const char *text, char *err, size_t len)
{
	struct trigger *t = calloc(1, sizeof(*t));

	if (!t) {
		snprintf(err, len, "not enough memory");
		return NULL;
	}
	hist_init(&t->hist);
	if (parse(t, text, err, len))
		return t;
	free(t);
	return NULL;
}

unsigned int trigger_type(const struct trigger *t)
{
	return t->type;
}

void trigger_free(struct trigger *t)
{
	free(t);
}

void trigger_feed(struct trigger *t, const struct mmuscope_hdr *rec)
{
	if (rec->type == t->type)
		hist_add(&t->hist, rec->dur);
}

static bool is_true(const struct trigger *t)
{
	uint64_t value;

	/* Without a record there is no time to compare. */
	if (t->percent != COUNT && !t->hist.count)
		return false;
	value = t->percent == COUNT ? t->hist.count :
		t->percent == MAX ? t->hist.max : hist_percentile(&t->hist, t->percent);
	if (value == t->limit)
		return t->equal;
	return (value > t->limit) == t->above;
}

bool trigger_fired(struct trigger *t)
{
	bool now = is_true(t), fired = now && !t->was;

	t->was = now;
	hist_init(&t->hist);
	return fired;
}
