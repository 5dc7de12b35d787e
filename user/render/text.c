// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "lib/format.h"
#include "render/layout.h"
#include "render/render.h"

#define INDENT		2
#define GAP		2	/* between columns */
#define BAR_WIDEST	50

#define BOLD	"\033[1m"
#define DIM	"\033[2m"
#define PLAIN	"\033[0m"

#define NARROW		60	/* here gaps are as small as can be, where columns are to stay */

/**
 * struct text - where a report is printed to
 * @keep: the columns of all tables, NULL where each has its own
 */
struct text {
	FILE *out;
	unsigned int width;
	bool colour;
	struct steady *keep;
	unsigned int gap;
};

static const char *style(const struct text *x, const char *sequence)
{
	return x->colour ? sequence : "";
}

/* Prints @word behind what the line holds, on a new line where it does not fit. */
static void put_wrapped(const struct text *x, const char *word, const char *separator,
			unsigned int *at)
{
	/* A comma stays on the line that is ended, and takes its room there. */
	unsigned int need = strlen(separator) + strlen(word) + (*separator == ',');

	if (*at > INDENT && *at + need > x->width) {
		fprintf(x->out, "%s\n%*s", *separator == ',' ? "," : "", INDENT, "");
		*at = INDENT;
	} else if (*at > INDENT) {
		fputs(separator, x->out);
		*at += strlen(separator);
	}
	fputs(word, x->out);
	*at += strlen(word);
}

static bool print_facts(const struct text *x, const struct section *s)
{
	unsigned int at = INDENT, printed = 0;
	char word[256];

	for (size_t i = 0; i < s->nr_facts; i++) {
		if (!layout_fact(&s->facts[i], word, sizeof(word)))
			continue;
		if (!printed++)
			fprintf(x->out, "%*s", INDENT, "");
		put_wrapped(x, word, ", ", &at);
	}
	if (printed)
		fputc('\n', x->out);
	return printed;
}

static void print_note(const struct text *x, const char *note)
{
	unsigned int at = INDENT;
	char word[128];

	fprintf(x->out, "%*s", INDENT, "");
	while (*note) {
		size_t len = strcspn(note, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, note);
		put_wrapped(x, word, " ", &at);
		note += len;
		note += strspn(note, " ");
	}
	fputc('\n', x->out);
}

static void put_column(const struct text *x, const char *value, unsigned int width, bool left,
		       bool last)
{
	size_t len = strlen(value);

	/* A number that is cut is another one. */
	if (len > width && left)
		fprintf(x->out, "%.*s~", (int)width - 1, value);
	else if (left)
		fprintf(x->out, "%-*s", last ? 0 : (int)width, value);
	else
		fprintf(x->out, "%*s", (int)width, value);
	if (!last)
		fprintf(x->out, "%*s", (int)x->gap, "");
}

/* Words of @value as far as @width has room, then below, from column @at on. */
static void put_sentence(const struct text *x, const char *value, unsigned int width,
			 unsigned int at)
{
	unsigned int used = 0;

	while (*value) {
		unsigned int len = strcspn(value, " ");

		if (used && used + 1 + len > width) {
			fprintf(x->out, "\n%*s", at, "");
			used = 0;
		}
		fprintf(x->out, "%s%.*s", used ? " " : "", len, value);
		used += !!used + len;
		value += len;
		value += strspn(value, " ");
	}
}

static void print_row(const struct text *x, const struct table *t, const struct layout *l,
		      const struct cell *row)
{
	size_t last = t->nr_columns - 1;
	unsigned int at = INDENT;
	char buf[FORMAT_MAX];

	while (last && !l->width[last])
		last--;
	fprintf(x->out, "%*s", INDENT, "");
	for (size_t i = 0; i <= last; i++) {
		const char *value = row ? layout_cell(&row[i], buf) : t->columns[i].head;

		if (!l->width[i])
			continue;
		if (t->wrap && i == t->nr_columns - 1)
			put_sentence(x, value, l->width[i], at);
		else
			put_column(x, value, l->width[i], t->columns[i].text, i == last);
		at += l->width[i] + x->gap;
	}
	fputc('\n', x->out);
}

static void print_line(const struct text *x, const struct table *t)
{
	char name[FORMAT_MAX], count[FORMAT_MAX], word[128];
	unsigned int at = INDENT;

	fprintf(x->out, "%*s%s: ", INDENT, "", t->columns[0].head);
	at += strlen(t->columns[0].head) + 2;
	for (size_t r = 0; r < t->nr_rows; r++) {
		const struct cell *row = &t->rows[t->nr_columns * r];
		const char *format = row[1].kind == CELL_TEXT ? "%s (%s)" :
				     row[0].kind == CELL_TEXT ? "%s %s" : "%s: %s";

		snprintf(word, sizeof(word), format, layout_cell(&row[0], name),
			 layout_cell(&row[1], count));
		put_wrapped(x, word, r ? ", " : "", &at);
	}
	fputc('\n', x->out);
}

static void table_layout(const struct text *x, const struct table *t, struct layout *l)
{
	unsigned int room = x->width - INDENT;

	if (!x->keep) {
		layout_make(l, t, room, x->gap, 0);
	} else if (!x->keep->made) {
		layout_steady(l, t, room, x->gap);
		memcpy(x->keep->width, l->width, sizeof(l->width));
		x->keep->made = true;
	} else {
		memcpy(l->width, x->keep->width, sizeof(l->width));
	}
}

static void print_table(const struct text *x, const struct table *t)
{
	struct layout l;

	if (!t->nr_rows)
		return;
	if (t->line) {
		print_line(x, t);
		return;
	}
	table_layout(x, t, &l);
	fputc('\n', x->out);
	if (t->title)
		fprintf(x->out, "%*s%s%s%s\n", INDENT, "", style(x, BOLD), t->title,
			style(x, PLAIN));
	fputs(style(x, DIM), x->out);
	print_row(x, t, &l, NULL);
	fputs(style(x, PLAIN), x->out);
	for (size_t r = 0; r < t->nr_rows; r++)
		print_row(x, t, &l, &t->rows[r * t->nr_columns]);
}

static void print_bar(const struct text *x, const struct bar *b, uint64_t most, unsigned int room)
{
	char low[FORMAT_MAX], high[FORMAT_MAX], count[FORMAT_MAX];
	unsigned int len = (double)b->count / most * room + 0.5;

	/* A bucket that counts anything shows something. */
	if (b->count && !len)
		len = 1;
	fprintf(x->out, "%*s%7s .. %-7s %13s |", INDENT, "", format_ns(low, b->low),
		format_ns(high, b->high), format_count(count, b->count));
	for (unsigned int i = 0; i < room; i++)
		fputc(i < len ? '*' : ' ', x->out);
	fputs("|\n", x->out);
}

static void print_histogram(const struct text *x, const struct histogram *g)
{
	const unsigned int labels = INDENT + 7 + 4 + 7 + 1 + 13 + 1 + 2;
	unsigned int room = x->width > labels + 10 ? x->width - labels : 10;
	unsigned int at = INDENT;
	char buf[FORMAT_MAX], word[64];
	uint64_t most = 1;

	for (size_t i = 0; i < g->nr_bars; i++)
		if (g->bars[i].count > most)
			most = g->bars[i].count;
	fprintf(x->out, "\n%*s%s%s%s\n", INDENT, "", style(x, BOLD), g->title, style(x, PLAIN));
	for (size_t i = 0; i < g->nr_bars; i++)
		print_bar(x, &g->bars[i], most, room < BAR_WIDEST ? room : BAR_WIDEST);
	fprintf(x->out, "%*s", INDENT, "");
	for (size_t i = 0; i < HISTOGRAM_PERCENTILES; i++) {
		snprintf(word, sizeof(word), "%s %s", histogram_percentiles[i].key,
			 format_ns(buf, g->percentile[i]));
		put_wrapped(x, word, ", ", &at);
	}
	snprintf(word, sizeof(word), "max %s", format_ns(buf, g->max));
	put_wrapped(x, word, ", ", &at);
	snprintf(word, sizeof(word), "count %s", format_count(buf, g->count));
	put_wrapped(x, word, ", ", &at);
	snprintf(word, sizeof(word), "sum %s", format_ns(buf, g->sum));
	put_wrapped(x, word, ", ", &at);
	fputc('\n', x->out);
}

static void print_section(const struct text *x, const struct section *s)
{
	if (s->title)
		fprintf(x->out, "%s%s%s\n", style(x, BOLD), s->title, style(x, PLAIN));
	if (!print_facts(x, s) && !s->title && !s->blocks)
		return;
	for (const struct block *b = s->blocks; b; b = b->next) {
		switch (b->kind) {
		case BLOCK_TABLE:
			print_table(x, &b->table);
			break;
		case BLOCK_HISTOGRAM:
			print_histogram(x, &b->histogram);
			break;
		case BLOCK_NOTE:
			print_note(x, b->note);
			break;
		case BLOCK_HEAT:
			render_heat(x->out, &b->heat, x->width, x->colour);
			break;
		case BLOCK_SERIES:
		case BLOCK_SHARES:
			break;
		}
	}
	fputc('\n', x->out);
}

static void print_report(const struct text *x, const struct report *r)
{
	for (const struct section *s = r->sections; s; s = s->next)
		print_section(x, s);
}

void render_text(FILE *out, const struct report *r, unsigned int width, bool colour)
{
	const struct text x = { out, width, colour, NULL, GAP };

	print_report(&x, r);
}

void render_text_steady(FILE *out, const struct report *r, unsigned int width, bool colour,
			struct steady *keep)
{
	const struct text x = { out, width, colour, keep, width < NARROW ? 1 : GAP };

	print_report(&x, r);
}
