// SPDX-License-Identifier: GPL-2.0
#include "lab/svg.h"

#include <math.h>
#include <string.h>

#include "lib/format.h"
#include "render/html.h"
#include "render/svg.h"

const char *svg_class(const struct lab_result *r, const struct lab_side *s)
{
	static const char *const tdp[] = { "tdp0", "tdp1" }, *const shadow[] = { "sh0", "sh1" };
	bool later = s->machine != r->side[0].machine;

	return lab_side_tdp(s) ? tdp[later] : shadow[later];
}

const char *svg_value(char *buf, const struct lab_side *s, enum lab_quantity q, double value)
{
	if (value < 0)
		return "not known";
	switch (lab_quantities[q].unit) {
	case LAB_UNIT_PER_OP:
		snprintf(buf, FORMAT_MAX, value < 99.5 ? "%.2f" : "%.0f", value);
		return buf;
	case LAB_UNIT_PERCENT:
		return format_percent(buf, value);
	case LAB_UNIT_TIME:
		return s->emulated ? format_count(buf, value + 0.5) : format_ns(buf, value + 0.5);
	case LAB_UNIT_COUNT:
		break;
	}
	return format_count(buf, value);
}

#define BAR_TOP		20
#define BAR_STEP	20
#define BAR_LEFT	94
#define BAR_ROOM	(SVG_WIDTH - BAR_LEFT - 78)

static const char *bars_title(const struct lab_result *r, enum lab_quantity q)
{
	static char text[64];

	if (lab_quantities[q].unit != LAB_UNIT_TIME)
		return lab_quantities[q].label;
	snprintf(text, sizeof(text), "%s%s", r->side[0].emulated ? "instructions" : "time",
		 lab_quantities[q].label);
	return text;
}

void svg_bars(FILE *out, const struct lab_result *r, size_t w, enum lab_quantity q)
{
	char name[64], buf[2 * FORMAT_MAX];
	double most = 0, width, scale;
	size_t there = 0;

	for (size_t i = 0; i < r->nr; i++) {
		most = fmax(most, r->side[i].numbers[w].value[q]);
		there += r->side[i].numbers[w].there;
	}
	if (most <= 0)
		return;
	/* Next to nothing is not to look like much. */
	scale = fmax(most, lab_quantities[q].unit == LAB_UNIT_PER_OP ? 1 :
		     lab_quantities[q].unit == LAB_UNIT_TIME ? 1000 : 8);
	svg_begin(out, BAR_TOP + BAR_STEP * there, bars_title(r, q));
	svg_text(out, "head", 0, 13, bars_title(r, q));
	for (size_t i = 0, y = BAR_TOP; i < r->nr; i++) {
		const struct lab_side *s = &r->side[i];
		double value = s->numbers[w].value[q];

		if (!s->numbers[w].there)
			continue;
		width = value > 0 ? fmax(value / scale * BAR_ROOM, 1.5) : 0;
		svg_text(out, "end", BAR_LEFT - 6, y + 12, lab_side_name(name, sizeof(name), s));
		fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"%zu\" width=\"%.1f\" "
			"height=\"14\" rx=\"2\"/>", svg_class(r, s), BAR_LEFT, y + 1, width);
		svg_text(out, "num", BAR_LEFT + width + 5, y + 12, svg_value(buf, s, q, value));
		y += BAR_STEP;
	}
	svg_end(out);
}

#define HIST_HEIGHT	150
#define HIST_BASE	116
#define HIST_TOP	24

static bool histogram_range(const struct lab_result *r, size_t w, size_t *first, size_t *last)
{
	*first = LAB_BUCKETS;
	*last = 0;
	for (size_t i = 0; i < r->nr; i++) {
		for (size_t b = 0; b < LAB_BUCKETS; b++) {
			if (!r->side[i].numbers[w].bucket[b])
				continue;
			*first = b < *first ? b : *first;
			*last = b > *last ? b : *last;
		}
	}
	return *first <= *last;
}

/* A small count next to thousands must be seen: the height is a logarithm. */
static double histogram_y(uint64_t count, uint64_t most)
{
	return HIST_BASE - log2(1 + count) / log2(1 + most) * (HIST_BASE - HIST_TOP);
}

static const char *bucket_text(char *buf, const struct lab_side *s, size_t bucket)
{
	if (!s->emulated)
		return format_ns(buf, 1ULL << bucket);
	return format_rate(buf, 1ULL << bucket);
}

static void histogram_axis(FILE *out, const struct lab_result *r, size_t first, size_t last,
			   double step)
{
	size_t every = (last - first) / 6 + 1;
	char buf[FORMAT_MAX];

	fprintf(out, "<path class=\"axis\" d=\"M0 %d H%d\"/>", HIST_BASE, SVG_WIDTH);
	for (size_t b = first; b <= last; b += every)
		svg_text(out, "small", (b - first) * step + 2, HIST_BASE + 14,
			 bucket_text(buf, &r->side[0], b));
	fprintf(out, "<text class=\"small end\" x=\"%d\" y=\"%d\">%s per fault</text>", SVG_WIDTH,
		HIST_BASE + 29, r->side[0].emulated ? "instructions" : "time");
}

void lab_svg_histogram(FILE *out, const struct lab_result *r, size_t w)
{
	uint64_t most = 1;
	size_t first, last;
	double step;

	if (!histogram_range(r, w, &first, &last))
		return;
	step = (double)SVG_WIDTH / (last - first + 1);
	for (size_t i = 0; i < r->nr; i++)
		for (size_t b = first; b <= last; b++)
			if (r->side[i].numbers[w].bucket[b] > most)
				most = r->side[i].numbers[w].bucket[b];
	svg_begin(out, HIST_HEIGHT, "faults by what they cost");
	svg_text(out, "head", 0, 13, "faults by what they cost (height: logarithm)");
	histogram_axis(out, r, first, last, step);
	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_side *s = &r->side[i];

		if (!s->numbers[w].there || s->numbers[w].value[LAB_FAULTS] <= 0)
			continue;
		fprintf(out, "<path class=\"line %s\" d=\"M0 %d", svg_class(r, s), HIST_BASE);
		for (size_t b = first; b <= last; b++)
			fprintf(out, " V%.1f H%.1f",
				histogram_y(s->numbers[w].bucket[b], most) - 1.5 * i + 1,
				(b - first + 1) * step);
		fprintf(out, " V%d\"/>", HIST_BASE);
	}
	svg_end(out);
}
