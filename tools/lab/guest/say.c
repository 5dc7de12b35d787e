// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

#define OUT_MAX 1024

static struct {
	char *key;
	char *value;
	bool number;
} outs[OUT_MAX];
static unsigned int nr_outs;

void say_error(const char *fmt, ...)
{
	va_list ap;

	fputs("mmuscope-guest: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void say_state(bool json, const char *word)
{
	FILE *f = json ? stderr : stdout;

	fprintf(f, "%s\n", word);
	fflush(f);
}

static void out_add(const char *key, char *value, bool number)
{
	if (nr_outs == OUT_MAX || !value)
		return;
	outs[nr_outs].key = strdup(key);
	outs[nr_outs].value = value;
	outs[nr_outs++].number = number;
}

void out_str(const char *key, const char *value)
{
	out_add(key, strdup(value), false);
}

void out_num(const char *key, int64_t value)
{
	char *s;

	if (asprintf(&s, "%" PRId64, value) >= 0)
		out_add(key, s, true);
}

static void json_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			fprintf(f, "\\u%04x", *s);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void write_all(const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, s, len);

		if (n <= 0)
			return;
		s += n;
		len -= n;
	}
}

void out_print(bool json)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	for (unsigned int i = 0; i < nr_outs; i++) {
		if (!json) {
			fprintf(f, "%s=%s\n", outs[i].key, outs[i].value);
			continue;
		}
		fputs(i ? ",\n " : "{", f);
		json_string(f, outs[i].key);
		fputs(": ", f);
		if (outs[i].number)
			fputs(outs[i].value, f);
		else
			json_string(f, outs[i].value);
	}
	if (json)
		fputs("}\n", f);
	fclose(f);
	fflush(stdout);
	write_all(text, len);
	free(text);
}

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}
