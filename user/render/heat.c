// SPDX-License-Identifier: GPL-2.0
/* Heat maps for the terminal: shaded blocks, addresses downward. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/format.h"
#include "lib/scale.h"
#include "render/render.h"

#define INDENT	2
#define LABEL	14	/* an address of 48 bits */
#define SHADES	8

/* With colour the blocks are also viridis, which is apart on light and dark: of 256 colours. */
static const unsigned char colours[SHADES] = { 55, 61, 67, 30, 36, 77, 149, 220 };

/* Two shades share a block: that there are more of them is for colour. */
static const char *const blocks[SHADES] = {
	"\u2591", "\u2591", "\u2592", "\u2592", "\u2593", "\u2593", "\u2588", "\u2588",
};
static const char *const letters[SHADES] = { ".", ":", "-", "=", "+", "*", "#", "@" };

/**
 * struct canvas - where a map is printed to
 * @width: of lines
 * @shade: what each shade looks like
 */
struct canvas {
	FILE *out;
	unsigned int width;
	bool colour;
	const char *const *shade;
};

/* What the environment says that the terminal shows, as setlocale() would read it. */
static bool is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

static void put_shade(const struct canvas *c, unsigned int shade)
{
	if (!shade)
		fputc(' ', c->out);
	else if (c->colour)
		fprintf(c->out, "\033[38;5;%dm%s\033[0m", colours[shade - 1], c->shade[shade - 1]);
	else
		fputs(c->shade[shade - 1], c->out);
}

/* The memslot, one digit of base 36; what has no digit, and several, are "*". */
static char slot_mark(const struct heat_row *row)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

	if (row->slot == HEAT_NO_SLOT)
		return ' ';
	return row->more_slots || row->slot > 35 ? '*' : digits[row->slot];
}

/* The page size that most faults of the row mapped. */
static char page_mark(const struct heat_row *row)
{
	static const char marks[HEAT_LEVELS] = { '-', '4', '2', '1' };
	size_t best = 0;

	for (size_t i = 1; i < HEAT_LEVELS; i++)
		if (row->level[i] > row->level[best])
			best = i;
	return row->level[best] ? marks[best] : ' ';
}

static void put_row(const struct canvas *c, const struct heat_map *h, const struct heat_row *row,
		    unsigned int each)
{
	char label[32];

	if (row->jump)
		fprintf(c->out, "%*s%*s\n", INDENT, "", LABEL, "...");
	snprintf(label, sizeof(label), "0x%" PRIx64, row->gpa);
	fprintf(c->out, "%*s%*s %c %c |", INDENT, "", LABEL, label, slot_mark(row),
		page_mark(row));
	for (size_t i = 0; i < h->nr_columns; i++)
		for (unsigned int k = 0; k < each; k++)
			put_shade(c, scale_step(row->count[i], h->most, SHADES));
	fputs("|\n", c->out);
}

static void put_times(const struct canvas *c, const struct heat_map *h, unsigned int width)
{
	char begin[FORMAT_MAX], end[FORMAT_MAX];

	format_ns(begin, h->begin_ns);
	format_ns(end, h->begin_ns + h->nr_columns * h->step_ns);
	fprintf(c->out, "%*s%s%*s\n", INDENT + LABEL + 6, "", begin,
		(int)(width > strlen(begin) + strlen(end) ? width - strlen(begin) :
		      strlen(end) + 1), end);
}

/*
 * A line per column, which says where it is: names are longer than columns are wide. They are to
 * the left, where there is room for them also on the narrowest terminal.
 */
static void put_names(const struct canvas *c, const struct heat_map *h, unsigned int each)
{
	for (size_t i = 0; i < h->nr_columns; i++) {
		unsigned int room = LABEL + 5 + i * each;
		const char *name = h->names[i];

		if (strlen(name) > room)
			fprintf(c->out, "%*s%.*s~ |", INDENT, "", (int)room - 1, name);
		else
			fprintf(c->out, "%*s%*s |", INDENT, "", (int)room, name);
		for (size_t k = i + 1; k < h->nr_columns; k++)
			fprintf(c->out, "%*s|", (int)each - 1, "");
		fputc('\n', c->out);
	}
}

/* Goes on to the next line where @len more do not fit behind @at. Return: where they will end. */
static unsigned int make_room(const struct canvas *c, unsigned int at, unsigned int len,
			      const char *gap)
{
	if (at > INDENT && at + strlen(gap) + len <= c->width) {
		fputs(gap, c->out);
		return at + strlen(gap) + len;
	}
	fprintf(c->out, "%s%*s", at ? "\n" : "", INDENT, "");
	return INDENT + len;
}

/* Words with a "~" between them stay together, and get a blank. */
static void put_words(const struct canvas *c, const char *text)
{
	unsigned int at = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		at = make_room(c, at, len, " ");
		for (; len; len--, text++)
			fputc(*text == '~' ? ' ' : *text, c->out);
		text += strspn(text, " ");
	}
	fputc('\n', c->out);
}

static void put_legend(const struct canvas *c, const struct heat_map *h)
{
	unsigned int at = make_room(c, 0, strlen("faults, from:"), "");
	char low[FORMAT_MAX], bytes[FORMAT_MAX], text[128];

	fputs("faults, from:", c->out);
	for (unsigned int i = 1; i <= SHADES; i++) {
		uint64_t count = scale_low(i, h->most, SHADES);

		if (count > h->most)
			continue;
		if (count < 1000)
			format_count(low, count);
		else
			format_rate(low, count);
		at = make_room(c, at, 2 + strlen(low), i > 1 ? "  " : " ");
		put_shade(c, i);
		fprintf(c->out, " %s", low);
	}
	fputc('\n', c->out);
	snprintf(text, sizeof(text), "a~row:~%s; its~memslot, *~several; mapped~in: 4~4K, 2~2M, "
		 "1~1G, -~nothing", format_bytes(bytes, h->row_bytes));
	put_words(c, text);
}

void render_heat(FILE *out, const struct heat_map *h, unsigned int width, bool colour)
{
	const struct canvas c = { out, width, colour, is_utf8() ? blocks : letters };
	unsigned int room = width > INDENT + LABEL + 7 + 8 ? width - INDENT - LABEL - 7 : 8;
	unsigned int each = room / h->nr_columns ?: 1;

	/* Wide columns only where each is something of its own. */
	each = !h->names ? each : each > 8 ? 8 : each;
	fputc('\n', out);
	put_words(&c, h->title);
	for (size_t i = 0; i < h->nr_rows; i++)
		put_row(&c, h, &h->rows[i], each);
	if (h->names)
		put_names(&c, h, each);
	else
		put_times(&c, h, each * h->nr_columns);
	put_legend(&c, h);
}
