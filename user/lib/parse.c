// SPDX-License-Identifier: GPL-2.0
#include "lib/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECONDS	(10.0 * 365 * 86400)
#define MAX_WORD	31

int parse_seconds(const char *text, uint64_t *ns)
{
	double value, scale;
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -EINVAL;
	value = strtod(text, &end);
	if (!*end || !strcmp(end, "s"))
		scale = 1;
	else if (!strcmp(end, "ms"))
		scale = 1e-3;
	else
		return -EINVAL;
	value *= scale;
	if (!isfinite(value) || value < 1e-9 || value > MAX_SECONDS)
		return -EINVAL;
	*ns = value * 1e9;
	return 0;
}

int parse_time(const char *text, uint64_t *ns)
{
	static const struct { const char *name; double scale; } units[] = {
		{ "", 1 }, { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
	};
	double value;
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -EINVAL;
	value = strtod(text, &end);
	if (!isfinite(value) || end == text)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name))
			continue;
		value *= units[i].scale;
		if (value > MAX_SECONDS * 1e9)
			return -EINVAL;
		*ns = value + 0.5;
		return 0;
	}
	return -EINVAL;
}

static int parse_digits(const char *text, uint64_t *number, char **end)
{
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, end, 10);
	return errno ? -EINVAL : 0;
}

int parse_bytes(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMG";
	unsigned int shift = 0;
	const char *unit;
	uint64_t number;
	char *end;

	if (parse_digits(text, &number, &end))
		return -EINVAL;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unit - units + 1);
	}
	if (number > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = number << shift;
	return 0;
}

int parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	if (parse_digits(text, number, &end) || *end || *number > max)
		return -EINVAL;
	return 0;
}

int parse_address(const char *text, uint64_t *address)
{
	char *end;

	if (!strncasecmp(text, "0x", 2))
		text += 2;
	if (!isxdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*address = strtoull(text, &end, 16);
	return errno || *end ? -EINVAL : 0;
}

unsigned int parse_distance(const char *a, const char *b)
{
	size_t alen = strnlen(a, MAX_WORD), blen = strnlen(b, MAX_WORD);
	unsigned int row[MAX_WORD + 1];

	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[blen];
}
