// SPDX-License-Identifier: GPL-2.0
#include "render/record.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "lib/format.h"
#include "lib/schema.h"

#define SECOND	1000000000LL
#define TEXT_MAX	256	/* bytes of a text field, and its end */

static const struct { uint8_t bit; const char *name; } flags[] = {
	{ MMUSCOPE_PARTIAL, "partial" }, { MMUSCOPE_INFERRED, "inferred" },
	{ MMUSCOPE_SLEPT, "slept" }, { MMUSCOPE_PREEMPTED, "preempted" },
	{ MMUSCOPE_USER, "user" }, { MMUSCOPE_NESTED, "nested" },
};

#define NR_FLAGS	(sizeof(flags) / sizeof(flags[0]))

static bool is_unknown(const struct schema_field *f, uint64_t value)
{
	return (f->unit == UNIT_ADDR || f->unit == UNIT_GFN) && value == MMUSCOPE_UNKNOWN;
}

/* Flags with @separator between them. */
static void put_flags(FILE *out, uint8_t bits, const char *before, const char *separator,
		      const char *quote)
{
	for (size_t i = 0; i < NR_FLAGS; i++) {
		if (!(bits & flags[i].bit))
			continue;
		fprintf(out, "%s%s%s%s", before, quote, flags[i].name, quote);
		before = separator;
	}
}

/* Seconds since the begin; state that was found before it has a minus. */
static void put_time(FILE *out, const char *format, const struct record_line *line)
{
	int64_t ns = line->rec->ts - line->begin;
	bool before = ns < 0;
	char text[32];

	if (before)
		ns = -ns;
	snprintf(text, sizeof(text), "%s%" PRId64 ".%09" PRId64, before ? "-" : "",
		 (int64_t)(ns / SECOND), (int64_t)(ns % SECOND));
	fprintf(out, format, text);
}

static void put_number(FILE *out, const struct schema_field *f, uint64_t value)
{
	const struct schema_word *word = f->words ? schema_word(f->words, value) : NULL;

	if (word)
		fputs(word->name, out);
	else if (f->unit == UNIT_ADDR || f->unit == UNIT_HEX || f->unit == UNIT_GFN)
		fprintf(out, "0x%" PRIx64, value);
	else if (f->type == TYPE_s32)
		fprintf(out, "%" PRId64, (int64_t)value);
	else
		fprintf(out, "%" PRIu64, value);
}

size_t record_get_text(const struct schema_field *f, const struct mmuscope_hdr *rec, char *text)
{
	const char *from = (const char *)rec + f->offset;
	size_t len = f->size;

	while (len && !from[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		text[i] = from[i] ? from[i] : ' ';
	return len;
}

#define SYMBOL_MAX	600	/* bytes of a function's name and what is behind it */

/* What is at the guest's instruction pointer, or NULL. */
static const char *symbol_of(const struct record_line *line, const struct schema_field *f,
			     uint64_t value, char *buf)
{
	if (!line->guests || strcmp(f->name, "rip"))
		return NULL;
	return guests_name(line->guests, line->vm, value, buf, SYMBOL_MAX);
}

void record_text(FILE *out, const struct record_line *line)
{
	const struct mmuscope_hdr *rec = line->rec;
	const struct schema_event *e = schema_event(rec->type);
	char who[80], dur[FORMAT_MAX] = "-", text[TEXT_MAX], buf[SYMBOL_MAX];
	const char *symbol;

	put_time(out, "%16s ", line);
	if (rec->vcpu == MMUSCOPE_NO_VCPU)
		snprintf(who, sizeof(who), "%s", line->vm ?: "-");
	else
		snprintf(who, sizeof(who), "%s/%u", line->vm ?: "-", rec->vcpu);
	if (rec->dur)
		format_ns(dur, rec->dur);
	fprintf(out, "%-16s %8s %s", who, dur, e->name);
	for (size_t i = 0; i < e->nr; i++) {
		const struct schema_field *f = &e->fields[i];
		uint64_t value = schema_field_value(f, rec);

		if (f->unit == UNIT_PAD || is_unknown(f, value))
			continue;
		fprintf(out, " %s=", f->key);
		if (f->type == TYPE_TEXT)
			fprintf(out, "'%.*s'", (int)record_get_text(f, rec, text), text);
		else if (f->unit == UNIT_NS)
			fputs(format_ns(dur, value), out);
		else
			put_number(out, f, value);
		symbol = symbol_of(line, f, value, buf);
		if (symbol)
			fprintf(out, " (%s)", symbol);
	}
	put_flags(out, rec->flags, " ", ",", "");
	fputc('\n', out);
}

void record_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else
			fputc(c < ' ' || c > '~' ? '?' : c, out);
	}
	fputc('"', out);
}

static void json_value(FILE *out, const struct schema_field *f, const struct mmuscope_hdr *rec)
{
	uint64_t value = schema_field_value(f, rec);
	char text[TEXT_MAX];
	bool quote;

	if (f->type == TYPE_TEXT) {
		text[record_get_text(f, rec, text)] = '\0';
		record_quoted(out, text);
		return;
	}
	if (is_unknown(f, value)) {
		fputs("null", out);
		return;
	}
	quote = f->unit == UNIT_ADDR || f->unit == UNIT_HEX || f->unit == UNIT_GFN ||
		(f->words && schema_word(f->words, value));
	if (quote)
		fputc('"', out);
	put_number(out, f, value);
	if (quote)
		fputc('"', out);
}

void record_json_fields(FILE *out, const struct record_line *line)
{
	const struct mmuscope_hdr *rec = line->rec;
	const struct schema_event *e = schema_event(rec->type);
	char buf[SYMBOL_MAX];
	const char *symbol;

	fputs("\"flags\": [", out);
	put_flags(out, rec->flags, "", ", ", "\"");
	fputc(']', out);
	for (size_t i = 0; i < e->nr; i++) {
		const struct schema_field *f = &e->fields[i];

		if (f->unit == UNIT_PAD)
			continue;
		fprintf(out, ", \"%s\": ", f->key);
		json_value(out, f, rec);
		symbol = symbol_of(line, f, schema_field_value(f, rec), buf);
		if (symbol)
			fprintf(out, ", \"symbol\": \"%s\"", symbol);
	}
}

void record_json(FILE *out, const struct record_line *line)
{
	const struct mmuscope_hdr *rec = line->rec;

	fprintf(out, "{\"type\": \"%s\", \"ts\": %" PRIu64 ", \"dur\": %" PRIu64 ", \"vm\": %u, "
		"\"name\": ", schema_event(rec->type)->name, (uint64_t)rec->ts,
		(uint64_t)rec->dur, rec->vm);
	if (line->vm)
		record_quoted(out, line->vm);
	else
		fputs("null", out);
	if (rec->vcpu == MMUSCOPE_NO_VCPU)
		fputs(", \"vcpu\": null", out);
	else
		fprintf(out, ", \"vcpu\": %u", rec->vcpu);
	fputs(", ", out);
	record_json_fields(out, line);
	fputs("}\n", out);
}

#define CSV_MAX	256	/* fields of all families together */

/**
 * struct csv - the columns for some families; fields of one key share one
 * @field: by family, NULL where it has none of that key
 */
struct csv {
	uint64_t types;
	size_t nr;
	struct {
		const char *key;
		const struct schema_field *field[MMUSCOPE_TYPES];
	} column[CSV_MAX];
};

static void csv_add(struct csv *c, unsigned int type, const struct schema_field *f)
{
	size_t i = 0;

	while (i < c->nr && strcmp(c->column[i].key, f->key))
		i++;
	if (i == CSV_MAX)
		return;
	if (i == c->nr)
		c->column[c->nr++].key = f->key;
	c->column[i].field[type] = f;
}

/* Made once: looking for names again in each line would take most of the time. */
static const struct csv *csv_of(uint64_t types)
{
	static struct csv c;

	if (c.nr && c.types == types)
		return &c;
	memset(&c, 0, sizeof(c));
	c.types = types;
	for (unsigned int t = 1; t < MMUSCOPE_TYPES; t++) {
		const struct schema_event *e = types >> t & 1 ? schema_event(t) : NULL;

		for (size_t i = 0; e && i < e->nr; i++)
			if (e->fields[i].unit != UNIT_PAD)
				csv_add(&c, t, &e->fields[i]);
	}
	return &c;
}

static void csv_value(FILE *out, const struct schema_field *f, const struct mmuscope_hdr *rec)
{
	uint64_t value = schema_field_value(f, rec);
	char text[TEXT_MAX];
	size_t len;

	if (f->type != TYPE_TEXT) {
		if (!is_unknown(f, value))
			put_number(out, f, value);
		return;
	}
	len = record_get_text(f, rec, text);
	fputc('"', out);
	for (size_t i = 0; i < len; i++)
		fprintf(out, text[i] == '"' ? "\"%c" : "%c", text[i]);
	fputc('"', out);
}

static void csv_symbol(FILE *out, const struct record_line *line)
{
	const struct schema_field *f = schema_field_keyed(schema_event(line->rec->type), "rip");
	char buf[SYMBOL_MAX];

	fputc(',', out);
	if (f && guests_name(line->guests, line->vm, schema_field_value(f, line->rec), buf,
			     sizeof(buf)))
		fprintf(out, "\"%s\"", buf);
}

void record_csv_head(FILE *out, uint64_t types, const struct guests *guests)
{
	const struct csv *c = csv_of(types);

	fputs("type,ts,dur,vm,name,vcpu,flags", out);
	for (size_t i = 0; i < c->nr; i++)
		fprintf(out, ",%s", c->column[i].key);
	fputs(guests && guests->nr ? ",symbol\n" : "\n", out);
}

void record_csv(FILE *out, const struct record_line *line, uint64_t types)
{
	const struct csv *c = csv_of(types);
	const struct mmuscope_hdr *rec = line->rec;

	fprintf(out, "%s,%" PRIu64 ",%" PRIu64 ",%u,", schema_event(rec->type)->name,
		(uint64_t)rec->ts, (uint64_t)rec->dur, rec->vm);
	if (line->vm)
		record_quoted(out, line->vm);
	fputc(',', out);
	if (rec->vcpu != MMUSCOPE_NO_VCPU)
		fprintf(out, "%u", rec->vcpu);
	fputc(',', out);
	put_flags(out, rec->flags, "", " ", "");
	for (size_t i = 0; i < c->nr; i++) {
		fputc(',', out);
		if (c->column[i].field[rec->type])
			csv_value(out, c->column[i].field[rec->type], rec);
	}
	if (line->guests && line->guests->nr)
		csv_symbol(out, line);
	fputc('\n', out);
}
