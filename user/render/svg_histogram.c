// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "lib/format.h"
#include "render/html.h"
#include "render/svg.h"

#define HEIGHT	172
#define LABEL	43	/* what a label below takes */

/* A small count next to thousands must be seen: the height is a logarithm. */
static double bar_height(const struct svg_area *a, double count, double most)
{
	return count > 0 ? log10(1 + count) / log10(1 + most) * (a->base - a->top) : 0;
}

static void count_axis(FILE *out, const struct svg_area *a, double most)
{
	double decades = log10(most), every = decades > 5 ? 100 : 10;
	char buf[FORMAT_MAX];

	for (double count = 1; count <= most; count *= every) {
		double y = a->base - bar_height(a, count, most);

		fprintf(out, "<path class=\"grid-line\" d=\"M%.1f %.1f h%.1f\"/>", a->left, y,
			a->width);
		svg_text(out, "small end", a->left - 4, y + 4, svg_number(buf, count));
	}
}

static void bars(FILE *out, const struct svg_area *a, const struct histogram *g, double most)
{
	double step = a->width / g->nr_bars;
	size_t every = ceil(LABEL / step);
	char low[FORMAT_MAX], high[FORMAT_MAX], count[FORMAT_MAX];
	struct svg_area bar;

	for (size_t i = 0; i < g->nr_bars; i++) {
		const struct bar *b = &g->bars[i];
		double height = bar_height(a, b->count, most), x = a->left + i * step;

		bar = (struct svg_area){ x + 0.5, a->base - height, step - 1, a->base };
		svg_rect(out, "p0", &bar, "%s to %s: %s", format_ns(low, b->low),
			 format_ns(high, b->high), format_count(count, b->count));
		if (i % every || x + LABEL > SVG_WIDTH)
			continue;
		fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1f v3\"/>", x, a->base);
		svg_text(out, "small", x, a->base + 14, low);
	}
	fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1f h%.1f\"/>", a->left, a->base, a->width);
}

void svg_histogram(FILE *out, const struct histogram *g)
{
	static const struct svg_area a = { .left = 34, .top = 26, .width = SVG_WIDTH - 36,
					   .base = 122 };
	char value[FORMAT_MAX], text[160];
	double most = 1;
	int len = 0;

	for (size_t i = 0; i < g->nr_bars; i++)
		most = fmax(most, g->bars[i].count);
	svg_begin(out, HEIGHT, g->title);
	svg_text(out, "head", 0, 13, g->title);
	count_axis(out, &a, most);
	bars(out, &a, g, most);
	for (size_t i = 0; i < HISTOGRAM_PERCENTILES; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s %s", i ? ", " : "",
				histogram_percentiles[i].key,
				format_ns(value, g->percentile[i]));
	svg_text(out, "small", 0, 153, text);
	len = snprintf(text, sizeof(text), "max %s", format_ns(value, g->max));
	len += snprintf(text + len, sizeof(text) - len, ", count %s",
			format_count(value, g->count));
	snprintf(text + len, sizeof(text) - len, ", sum %s, height: logarithm",
		 format_ns(value, g->sum));
	svg_text(out, "small", 0, 168, text);
	svg_end(out);
}
