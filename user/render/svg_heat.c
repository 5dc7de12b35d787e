// SPDX-License-Identifier: GPL-2.0
/* Heat maps: addresses downward, with rulers for memslots and page sizes at the left. */
#include <inttypes.h>
#include <string.h>

#include "lib/format.h"
#include "lib/scale.h"
#include "render/html.h"
#include "render/svg.h"

#define HEAD		56	/* title, what is counted, and what the rulers are */
#define PLOT		230	/* aimed at */
#define ROW_LEAST	3.0
#define ROW_MOST	12.0
#define JUMP		6
#define FOOT		82	/* axis, legends */
#define SLOT_LEFT	72
#define SLOT_WIDTH	18
#define PAGE_LEFT	(SLOT_LEFT + SLOT_WIDTH + 6)
#define PAGE_WIDTH	16
#define LEFT		(PAGE_LEFT + PAGE_WIDTH + 3)
#define WIDTH		(SVG_WIDTH - LEFT)
#define LABEL		11	/* height of a text */
#define RANGE_MAX	48	/* two addresses as text */
#define NAME_ANGLE	35	/* degrees */

static double row_height(const struct heat_map *h)
{
	double height = (double)PLOT / h->nr_rows;

	return height < ROW_LEAST ? ROW_LEAST : height > ROW_MOST ? ROW_MOST : height;
}

static double plot_height(const struct heat_map *h)
{
	double height = h->nr_rows * row_height(h);

	for (size_t i = 0; i < h->nr_rows; i++)
		height += h->rows[i].jump ? JUMP : 0;
	return height;
}

/* Names stand at an angle: the longest says how much room they take. */
static double names_height(const struct heat_map *h)
{
	size_t longest = 0;

	for (size_t i = 0; h->names && i < h->nr_columns; i++)
		longest = strlen(h->names[i]) > longest ? strlen(h->names[i]) : longest;
	return h->names ? 4 + 3.2 * (longest < 24 ? longest : 24) : 0;
}

double svg_heat_height(const struct heat_map *h)
{
	return HEAD + plot_height(h) + names_height(h) + FOOT;
}

/* The boundaries of the next larger page that rows can show; 0 for none. */
static uint64_t boundary(const struct heat_map *h)
{
	return h->row_bytes < 2ULL << 20 ? 2ULL << 20 : h->row_bytes < 1ULL << 30 ? 1ULL << 30 : 0;
}

static const char *range_text(char *buf, const struct heat_map *h, const struct heat_row *row)
{
	snprintf(buf, RANGE_MAX, "0x%" PRIx64 " to 0x%" PRIx64, row->gpa,
		 row->gpa + h->row_bytes - 1);
	return buf;
}

static void row_cells(FILE *out, const struct heat_map *h, const struct heat_row *row, double y,
		      double height)
{
	char count[FORMAT_MAX], from[FORMAT_MAX], to[FORMAT_MAX], range[RANGE_MAX];
	/* A hair wider than the column, or gaps would shine through. */
	struct svg_area a = {
		.top = y, .base = y + height + 0.1, .width = (double)WIDTH / h->nr_columns + 0.15,
	};

	range_text(range, h, row);
	for (size_t i = 0; i < h->nr_columns; i++) {
		char class[] = { 'h', '0' + scale_step(row->count[i], h->most, SVG_SHADES), '\0' };

		if (!row->count[i])
			continue;
		a.left = LEFT + i * (double)WIDTH / h->nr_columns;
		format_count(count, row->count[i]);
		if (h->names)
			svg_rect(out, class, &a, "%s, %s: %s", range, h->names[i], count);
		else
			svg_rect(out, class, &a, "%s, %s to %s: %s", range,
				 format_ns(from, h->begin_ns + i * h->step_ns),
				 format_ns(to, h->begin_ns + (i + 1) * h->step_ns), count);
	}
}

/* What pages were mapped in the row, and where the next larger page begins. */
static void row_pages(FILE *out, const struct heat_map *h, const struct heat_row *row, double y,
		      double height)
{
	static const struct { const char *class, *name; } levels[HEAT_LEVELS] = {
		{ "slot1", "nothing mapped" }, { "p5", "4K" }, { "p1", "2M" }, { "p4", "1G" },
	};
	struct svg_area a = { .left = PAGE_LEFT, .top = y, .base = y + height + 0.1 };
	uint64_t all = 0, every = boundary(h);
	char count[FORMAT_MAX], range[RANGE_MAX];

	for (size_t i = 0; i < HEAT_LEVELS; i++)
		all += row->level[i];
	/* The largest first: small pages are what usually is everywhere. */
	for (size_t i = HEAT_LEVELS; all && i--;) {
		if (!row->level[i])
			continue;
		a.width = (double)row->level[i] / all * PAGE_WIDTH;
		svg_rect(out, levels[i].class, &a, "%s, %s: %s", range_text(range, h, row),
			 levels[i].name, format_count(count, row->level[i]));
		a.left += a.width;
	}
	if (every && row->gpa % every == 0)
		fprintf(out, "<path class=\"axis\" d=\"M%d %.2f h%d\"/>", PAGE_LEFT - 1, y,
			PAGE_WIDTH + 2);
}

static bool same_slot(const struct heat_row *a, const struct heat_row *b)
{
	return !b->jump && a->slot == b->slot && a->more_slots == b->more_slots;
}

/* The memslot of @nr rows from @row on. Neighbours are told apart by their shades. */
static void slot_rows(FILE *out, const struct heat_row *row, size_t nr, double y, double height,
		      bool odd)
{
	const char *class = row->more_slots ? "slotx" : odd ? "slot1" : "slot0";
	char id[16];

	if (row->slot == HEAT_NO_SLOT)
		return;
	svg_rect(out, class, &(struct svg_area){ SLOT_LEFT, y, SLOT_WIDTH, y + nr * height },
		 "memslot %d%s", row->slot, row->more_slots ? " and others" : "");
	snprintf(id, sizeof(id), "%d", row->slot);
	if (nr * height >= 9 && !row->more_slots && strlen(id) <= 3)
		svg_text(out, "on mid", SLOT_LEFT + SLOT_WIDTH / 2.0,
			 y + nr * height / 2 + 3, id);
}

/* Every so many rows have a label, at round addresses, besides those behind a jump. */
static bool is_labelled(const struct heat_map *h, const struct heat_row *row, double height)
{
	uint64_t every = h->row_bytes;

	while (every / h->row_bytes * height < 2 * LABEL && every < 1ULL << 62)
		every *= 2;
	return row == h->rows || row->jump || row->gpa % every == 0;
}

/* Addresses of more than 40 bits are squeezed. */
static void put_address(FILE *out, uint64_t gpa, double y)
{
	fprintf(out, "<text class=\"tiny end num\" x=\"%d\" y=\"%.1f\"%s>0x%" PRIx64 "</text>\n",
		SLOT_LEFT - 4, y, gpa >> 40 ? " textLength=\"66\" "
		"lengthAdjust=\"spacingAndGlyphs\"" : "", gpa);
}

static void rows(FILE *out, const struct heat_map *h, double top)
{
	double height = row_height(h), y = top, labelled = top - LABEL;

	fputs("<g class=\"cells\">", out);
	for (size_t i = 0, slot = 0, turn = 0; i < h->nr_rows; i++, y += height) {
		const struct heat_row *row = &h->rows[i];

		y += row->jump ? JUMP : 0;
		fprintf(out, "<rect class=\"void\" x=\"%d\" y=\"%.2f\" width=\"%d\" "
			"height=\"%.2f\"/>", LEFT, y, WIDTH, height + 0.1);
		if (i == slot) {
			while (++slot < h->nr_rows && same_slot(row, &h->rows[slot]))
				;
			slot_rows(out, row, slot - i, y, height, turn++ % 2);
		}
		row_pages(out, h, row, y, height);
		row_cells(out, h, row, y, height);
		if (!is_labelled(h, row, height) || y - labelled < LABEL)
			continue;
		labelled = y;
		put_address(out, row->gpa, y + 7);
	}
	fputs("</g>\n", out);
}

static void names(FILE *out, const struct heat_map *h, double base)
{
	double step = (double)WIDTH / h->nr_columns;

	fprintf(out, "<path class=\"axis\" d=\"M%d %.1f h%d\"/>", LEFT, base, WIDTH);
	for (size_t i = 0; i < h->nr_columns; i++) {
		fprintf(out, "<text class=\"small end\" transform=\"translate(%.1f %.1f) "
			"rotate(-%d)\">", LEFT + (i + 0.5) * step + 4, base + 12, NAME_ANGLE);
		html_text(out, h->names[i]);
		fputs("</text>", out);
	}
}

/* Each shade from its smallest count on, but those that no count has. */
static void shades(FILE *out, const struct heat_map *h, double y)
{
	char class[] = "h1", low[FORMAT_MAX];
	double x = LEFT;

	svg_text(out, "small end", LEFT - 8, y + 9, "faults, from");
	for (unsigned int i = 1; i <= SVG_SHADES; i++) {
		uint64_t count = scale_low(i, h->most, SVG_SHADES);

		if (count > h->most)
			continue;
		class[1] = '0' + i;
		fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"26\" "
			"height=\"10\"/>", class, x, y);
		svg_text(out, "tiny", x, y + 19, svg_number(low, count));
		x += 28;
	}
}

static void page_legend(FILE *out, const struct heat_map *h, double y)
{
	static const struct { const char *class, *name; double x; } entry[] = {
		{ "p5", "4K", 64 }, { "p1", "2M", 100 }, { "p4", "1G", 136 },
		{ "slot1", "nothing", 172 },
	};
	uint64_t every = boundary(h);

	svg_text(out, "small", 0, y, "page size");
	for (size_t i = 0; i < sizeof(entry) / sizeof(*entry); i++) {
		fprintf(out, "<rect class=\"%s\" x=\"%.0f\" y=\"%.1f\" width=\"9\" height=\"9\" "
			"rx=\"2\"/>", entry[i].class, entry[i].x, y - 8);
		svg_text(out, "small", entry[i].x + 12, y, entry[i].name);
	}
	if (every)
		svg_text(out, "small end", SVG_WIDTH, y, every >> 30 ? "a line per 1G" :
			 "a line per 2M");
}

void svg_heat_at(FILE *out, const struct heat_map *h, double top)
{
	double base = top + HEAD + plot_height(h);
	const struct svg_area area = { .left = LEFT, .width = WIDTH, .base = base };
	char bytes[FORMAT_MAX], count[FORMAT_MAX], text[128];

	svg_text(out, "head", 0, top + 13, h->title);
	snprintf(text, sizeof(text), "%s faults, %s per row", format_count(count, h->faults),
		 format_bytes(bytes, h->row_bytes));
	svg_text(out, "small", 0, top + 29, text);
	svg_text(out, "tiny mid", SLOT_LEFT + SLOT_WIDTH / 2.0, top + HEAD - 5, "slot");
	svg_text(out, "tiny mid", PAGE_LEFT + PAGE_WIDTH / 2.0, top + HEAD - 5, "page");
	svg_text(out, "tiny end", SLOT_LEFT - 6, top + HEAD - 5, "address");
	rows(out, h, top + HEAD);
	if (h->names)
		names(out, h, base);
	else
		svg_time_axis(out, &area, h->begin_ns, h->begin_ns + h->nr_columns * h->step_ns);
	base += names_height(h);
	svg_text(out, "small end", SVG_WIDTH, base + 28, h->across);
	shades(out, h, base + 36);
	page_legend(out, h, base + 74);
}

void svg_heat(FILE *out, const struct heat_map *h)
{
	svg_begin(out, svg_heat_height(h), h->title);
	svg_heat_at(out, h, 0);
	svg_end(out);
}
