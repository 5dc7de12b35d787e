// SPDX-License-Identifier: GPL-2.0
#include "lib/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_WIDTH	80
#define MIN_WIDTH	40
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Three significant digits, never an exponent. */
static const char *three_digits(char *buf, double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(buf, FORMAT_MAX, "%.*f%s", decimals, value, unit);
	return buf;
}

const char *format_ns(char *buf, uint64_t ns)
{
	static const struct { double unit; const char *name; } units[] = {
		{ 1e3, "us" }, { 1e6, "ms" }, { 1e9, "s" },
	};
	size_t i = 0;

	if (ns < 1000) {
		snprintf(buf, FORMAT_MAX, "%uns", (unsigned int)ns);
		return buf;
	}
	/* 999.5 of a unit would round to 1000. */
	while (i + 1 < ARRAY_SIZE(units) && ns / units[i].unit >= 999.5)
		i++;
	return three_digits(buf, ns / units[i].unit, units[i].name);
}

const char *format_count(char *buf, uint64_t count)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	char *to = buf;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

const char *format_rate(char *buf, double per_second)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && per_second >= 999.5) {
		per_second /= 1000;
		i++;
	}
	return three_digits(buf, per_second, units[i]);
}

const char *format_bytes(char *buf, uint64_t bytes)
{
	static const char *const units[] = { "B", "K", "M", "G", "T", "P", "E" };
	double value = bytes;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && value >= 1023.5) {
		value /= 1024;
		i++;
	}
	snprintf(buf, FORMAT_MAX, "%.*f%s", i && value < 99.95 ? 1 : 0, value, units[i]);
	return buf;
}

const char *format_percent(char *buf, double percent)
{
	/* "0.0%" would call something nothing. */
	if (percent > 0 && percent < 0.05)
		snprintf(buf, FORMAT_MAX, "<0.1%%");
	else
		snprintf(buf, FORMAT_MAX, "%.1f%%", percent);
	return buf;
}

const char *format_change(char *buf, double percent)
{
	char factor[FORMAT_MAX];

	if (percent < 1000)
		snprintf(buf, FORMAT_MAX, "%+.*f%%", fabs(percent) < 99.95 ? 1 : 0, percent);
	else
		snprintf(buf, FORMAT_MAX, "x%.16s", format_rate(factor, percent / 100 + 1));
	return buf;
}

const char *format_chance(char *buf, double p)
{
	/* Chances are estimated: more digits would not be true. */
	if (p < 0.001)
		snprintf(buf, FORMAT_MAX, "<0.001");
	else
		snprintf(buf, FORMAT_MAX, "%.*f", p < 0.0995 ? 3 : 2, p);
	return buf;
}

/* What standard output was before it went through a pager. */
static unsigned int remembered_width;
static bool remembered_colour;

void format_remember(void)
{
	remembered_colour = format_colour(stdout);
	remembered_width = format_width(stdout);
}

unsigned int format_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	unsigned long width = 0;
	struct winsize size;

	if (out == stdout && remembered_width)
		return remembered_width;
	if (isatty(fileno(out)) && !ioctl(fileno(out), TIOCGWINSZ, &size))
		width = size.ws_col;
	if (!width && columns)
		width = strtoul(columns, NULL, 10);
	if (!width || width > 10000)
		width = DEFAULT_WIDTH;
	return width < MIN_WIDTH ? MIN_WIDTH : width;
}

bool format_colour(FILE *out)
{
	const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");

	if (out == stdout && remembered_width)
		return remembered_colour;
	return isatty(fileno(out)) && !(refused && *refused) && term && strcmp(term, "dumb");
}
