// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "lib/format.h"
#include "render/html.h"
#include "render/svg.h"

#define HEIGHT	128
#define SPIKES	3
#define SPIKE	3.0	/* times the mean */

static const char *value_text(char *buf, const struct series *s, double value)
{
	return s->percent ? format_percent(buf, value) : format_rate(buf, value);
}

static double value_at(const struct series *s, const bool *taken, size_t i)
{
	return taken[i] ? -1 : s->value[i];
}

/* Marks the highest values, far from each other, of those that stand out. */
static void spikes(FILE *out, const struct svg_area *a, const struct series *s, double most,
		   double mean)
{
	bool *taken = calloc(s->nr, sizeof(*taken));
	size_t apart = s->nr / 20 + 1;

	for (unsigned int n = 0; taken && n < SPIKES; n++) {
		size_t best = 0, from;
		double x;

		for (size_t i = 1; i < s->nr; i++)
			if (value_at(s, taken, i) > value_at(s, taken, best))
				best = i;
		if (value_at(s, taken, best) < SPIKE * mean)
			break;
		from = best > apart ? best - apart : 0;
		for (size_t i = from; i < s->nr && i <= best + apart; i++)
			taken[i] = true;
		x = a->left + (best + 0.5) * a->width / s->nr;
		fprintf(out, "<path class=\"p3\" d=\"M%.1f %.1f l-3.5 -6 h7 z\"/>", x,
			a->base - s->value[best] / most * (a->base - a->top) - 1);
	}
	free(taken);
}

static void head(FILE *out, const struct series *s, size_t peak, double mean)
{
	char value[FORMAT_MAX], when[FORMAT_MAX], average[FORMAT_MAX], text[128];

	svg_text(out, "head", 0, 13, s->title);
	snprintf(text, sizeof(text), "peak %s at %s, mean %s", value_text(value, s, s->value[peak]),
		 format_ns(when, s->begin_ns + peak * s->step_ns), value_text(average, s, mean));
	svg_text(out, "small", 0, 28, text);
}

static void tooltips(FILE *out, const struct svg_area *a, const struct series *s)
{
	double step = a->width / s->nr;
	char value[FORMAT_MAX], when[FORMAT_MAX], width[FORMAT_MAX];

	for (size_t i = 0; i < s->nr; i++) {
		const struct svg_area bin = { a->left + i * step, a->top, step, a->base };

		if (s->value[i] <= 0)
			continue;
		svg_rect(out, "hit", &bin, "%s at %s, for %s", value_text(value, s, s->value[i]),
			 format_ns(when, s->begin_ns + i * s->step_ns),
			 format_ns(width, s->step_ns));
	}
}

void svg_series(FILE *out, const struct series *s)
{
	static const struct svg_area a = { .left = 40, .top = 44, .width = SVG_WIDTH - 42,
					   .base = 108 };
	double step = a.width / s->nr, most = 0, mean = 0, last = -1;
	size_t peak = 0;

	for (size_t i = 0; i < s->nr; i++) {
		if (s->value[i] > s->value[peak])
			peak = i;
		mean += s->value[i] / s->nr;
	}
	most = s->value[peak] > 0 ? s->value[peak] : 1;
	svg_begin(out, HEIGHT, s->title);
	head(out, s, peak, mean);
	svg_value_axis(out, &a, most, s->percent);
	fprintf(out, "<path class=\"p0\" d=\"M%.1f %.1f", a.left, a.base);
	for (size_t i = 0; i < s->nr; i++) {
		/* Of equal values, one line. */
		if (s->value[i] != last)
			fprintf(out, " H%.1f V%.1f", a.left + i * step, a.base -
				s->value[i] / most * (a.base - a.top));
		last = s->value[i];
	}
	fprintf(out, " H%.1f V%.1f z\"/>", a.left + a.width, a.base);
	spikes(out, &a, s, most, mean);
	tooltips(out, &a, s);
	svg_time_axis(out, &a, s->begin_ns, s->begin_ns + s->nr * s->step_ns);
	svg_end(out);
}
