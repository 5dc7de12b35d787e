// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "lib/format.h"
#include "render/html.h"
#include "render/svg.h"

#define TOP	22
#define ROW	34
#define BAR	12

static uint64_t row_total(const struct shares *s, size_t row)
{
	uint64_t total = 0;

	for (size_t i = 0; i < s->nr_parts; i++)
		total += s->rows[row].part[i];
	return total;
}

static const char *amount(char *buf, const struct shares *s, uint64_t n)
{
	return s->ns ? format_ns(buf, n) : format_count(buf, n);
}

static void row(FILE *out, const struct shares *s, size_t at, double y, double scale)
{
	uint64_t total = row_total(s, at);
	char buf[FORMAT_MAX], percent[FORMAT_MAX];
	double x = 0;

	svg_text(out, "num", 0, y + 11, s->rows[at].label);
	svg_text(out, "num end", SVG_WIDTH, y + 11, amount(buf, s, total));
	for (size_t i = 0; i < s->nr_parts; i++) {
		uint64_t n = s->rows[at].part[i];
		char class[] = { 'p', '0' + i, '\0' };
		/* What is there is seen. */
		double width = n ? fmax(n * scale, 1) : 0;

		if (!n)
			continue;
		svg_rect(out, class, &(struct svg_area){ x, y + 15, width, y + 15 + BAR },
			 "%s: %s, %s", s->part[i], amount(buf, s, n),
			 format_percent(percent, 100.0 * n / total));
		x += width;
	}
}

void svg_shares(FILE *out, const struct shares *s)
{
	bool used[SHARES_PARTS] = { false };
	uint64_t most = 1, total;
	double y = TOP;

	for (size_t i = 0; i < s->nr; i++) {
		total = row_total(s, i);
		most = total > most ? total : most;
		for (size_t k = 0; k < s->nr_parts; k++)
			used[k] |= !!s->rows[i].part[k];
	}
	svg_begin(out, TOP + s->nr * ROW + 2 * SVG_LEGEND + 4, s->title);
	svg_text(out, "head", 0, 13, s->title);
	for (size_t i = 0; i < s->nr; i++, y += ROW)
		row(out, s, i, y, (SVG_WIDTH - 4.0) / most);
	svg_legend(out, y + 14, s->part, used, s->nr_parts);
	svg_end(out);
}
