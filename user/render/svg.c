// SPDX-License-Identifier: GPL-2.0
#include "render/svg.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "lib/format.h"
#include "lib/scale.h"
#include "render/html.h"

static void begin(FILE *out, double height, const char *title, const char *size)
{
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\"%s "
		"role=\"img\"><title>", SVG_WIDTH, height, size);
	html_text(out, title);
	fputs("</title>", out);
}

void svg_begin(FILE *out, double height, const char *title)
{
	begin(out, height, title, "");
}

#define MARGIN 10

void svg_begin_file(FILE *out, double height, const char *title)
{
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"%d %d %d %.0f\" "
		"width=\"%d\" role=\"img\"><title>", -MARGIN, -MARGIN, SVG_WIDTH + 2 * MARGIN,
		height + 2 * MARGIN, 2 * (SVG_WIDTH + 2 * MARGIN));
	html_text(out, title);
	fprintf(out, "</title><style>%s%ssvg{margin:0 auto;max-width:100vh;"
		"background:var(--card)}</style>\n", html_colours, html_pictures);
}

void svg_end(FILE *out)
{
	fputs("</svg>\n", out);
}

void svg_text(FILE *out, const char *class, double x, double y, const char *text)
{
	fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	html_text(out, text);
	fputs("</text>", out);
}

const char *svg_number(char *buf, double value)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };
	size_t i = 0;

	while (i + 1 < sizeof(units) / sizeof(*units) && value >= 999.5) {
		value /= 1000;
		i++;
	}
	snprintf(buf, FORMAT_MAX, "%.3g%s", value, units[i]);
	return buf;
}

/* With as many decimals as tell ticks apart, in the unit that the last of them has. */
static const char *time_text(char *buf, double ns, double step, double last)
{
	static const struct { double ns; const char *name; } units[] = {
		{ 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" },
	};
	size_t i = 0;

	while (units[i].ns > last && units[i].ns > 1)
		i++;
	snprintf(buf, FORMAT_MAX, "%.*f%s", step < units[i].ns ?
		 (int)ceil(-log10(step / units[i].ns) - 1e-9) : 0, ns / units[i].ns,
		 units[i].name);
	return buf;
}

void svg_time_axis(FILE *out, const struct svg_area *a, uint64_t begin, uint64_t end)
{
	double range = end > begin ? end - begin : 1, step = scale_tick(range, a->width / 50);
	char buf[FORMAT_MAX];

	fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1f h%.1f\"/>", a->left, a->base, a->width);
	for (double at = ceil(begin / step) * step; at <= end; at += step) {
		double x = a->left + (at - begin) / range * a->width;
		const char *class = x < a->left + 12 ? "small" :
			x > a->left + a->width - 16 ? "small end" : "small mid";

		fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1f v3\"/>", x, a->base);
		svg_text(out, class, x, a->base + 14, time_text(buf, at, step, end));
	}
}

void svg_value_axis(FILE *out, const struct svg_area *a, double most, bool percent)
{
	double step = scale_tick(most, 4);
	char buf[FORMAT_MAX];

	for (double at = step; at <= most * 1.0001; at += step) {
		double y = a->base - at / most * (a->base - a->top);

		fprintf(out, "<path class=\"grid-line\" d=\"M%.1f %.1f h%.1f\"/>", a->left, y,
			a->width);
		if (percent)
			snprintf(buf, sizeof(buf), "%.3g%%", at);
		else
			svg_number(buf, at);
		svg_text(out, "small end", a->left - 4, y + 4, buf);
	}
}

/* What a small text takes in the widest of the usual fonts. */
static double small_width(const char *text)
{
	double width = 0;

	for (; *text; text++)
		width += strchr("ijlt.,:' fr()", *text) ? 4.6 : strchr("mwMW%@", *text) ? 10.5 : 7;
	return width;
}

void svg_legend(FILE *out, double y, const char *const *text, const bool *used, size_t nr)
{
	double x = 0;

	for (size_t i = 0; i < nr; i++) {
		double width = 24 + small_width(text[i]);

		if (used && !used[i])
			continue;
		if (x && x + width > SVG_WIDTH) {
			x = 0;
			y += SVG_LEGEND;
		}
		fprintf(out, "<rect class=\"p%zu\" x=\"%.1f\" y=\"%.1f\" width=\"9\" height=\"9\" "
			"rx=\"2\"/>", i, x, y - 8);
		svg_text(out, "small", x + 13, y, text[i]);
		x += width;
	}
}

void svg_rect(FILE *out, const char *class, const struct svg_area *a, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(out, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
		"<title>", class, a->left, a->top, a->width, a->base - a->top);
	html_text(out, text);
	fputs("</title></rect>", out);
}
