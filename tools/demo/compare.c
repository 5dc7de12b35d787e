// SPDX-License-Identifier: GPL-2.0
/*
 * compare DIR DIR: what the same guests cost under two kinds of paging. Each
 * folder holds stat.json, of 'mmuscope stat --json', and per VM NAME.json.out,
 * what the guest says it did. The table's ratio is the second to the first.
 *
 * Exit code: 1 when the numbers cannot be trusted: records lost, probes missing,
 * a guest's check failed, or another number of faults than the guest knows of.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define GUESTS		16
#define WIDTH		78

enum quantity {
	FAULTS, FAULTS_PER_OP, FAULT_NS, EXITS, EXITS_PER_OP, TABLES, SYNCS, UNSYNCS, PT_WRITES,
	INVLPGS, FLUSHES, QUANTITIES,
};

enum unit { UNIT_COUNT, UNIT_PER_OP, UNIT_NS };

static const struct { const char *name; enum unit unit; } quantities[QUANTITIES] = {
	[FAULTS] = { "memory faults", UNIT_COUNT },
	[FAULTS_PER_OP] = { "faults per operation", UNIT_PER_OP },
	[FAULT_NS] = { "emulated time per fault, median", UNIT_NS },
	[EXITS] = { "exits", UNIT_COUNT },
	[EXITS_PER_OP] = { "exits per operation", UNIT_PER_OP },
	[TABLES] = { "page-table pages made", UNIT_COUNT },
	[SYNCS] = { "syncs with the guest's tables", UNIT_COUNT },
	[UNSYNCS] = { "guest tables left to be synced", UNIT_COUNT },
	[PT_WRITES] = { "guest page-table writes trapped", UNIT_COUNT },
	[INVLPGS] = { "INVLPG done by KVM", UNIT_COUNT },
	[FLUSHES] = { "TLB flushes, all scopes", UNIT_COUNT },
};

/* What a guest's work is counted in. */
static const struct { const char *workload, *key, *one, *many; } operations[] = {
	{ "touch", "pages_touched", "page touched", "pages touched once" },
	{ "ptchurn", "invlpgs", "page remapped",
	  "pages remapped: page-table write, INVLPG, read" },
	{ "switch", "cr3_writes", "address-space switch",
	  "address-space switches, pages touched after each" },
	{ "mixed", "pages_touched", "page touched",
	  "pages touched, amid madvise, dirty log, MMIO, remaps" },
};

/**
 * struct guest - a VM under one kind of paging
 * @value: negative for "not known"
 * @op: index in operations[]
 * @ops: how many of them it did
 */
struct guest {
	const char *name;
	double value[QUANTITIES];
	size_t op;
	uint64_t ops;
};

/**
 * struct side - one kind of paging
 * @known: guests that know how many faults they must take
 */
struct side {
	const char *dir;
	json_t *stat;
	char mode[16];
	struct guest guests[GUESTS];
	size_t nr;
	unsigned int known;
};

static bool bad;

/* Says what is wrong; the comparison goes on. */
__attribute__((format(printf, 1, 2)))
static void complain(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "compare: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	bad = true;
}

static uint64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Sum of "count" in the rows of table @key, of all or of those where @column is @word. */
static uint64_t rows(const json_t *vm, const char *key, const char *column, const char *word)
{
	uint64_t sum = 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(vm, key), i, row) {
		const char *text = column ? json_string_value(json_object_get(row, column)) : NULL;

		if (!column || (text && !strcmp(text, word)))
			sum += number(row, "count");
	}
	return sum;
}

/* The value of @key in the key=value lines of the guest. Return: whether it is there. */
static bool said(const struct side *s, const char *name, const char *key, char *value, size_t size)
{
	char path[512], line[256];
	size_t len = strlen(key);
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.json.out", s->dir, name);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strncmp(line, key, len) && line[len] == '=';
		if (found)
			snprintf(value, size, "%s", line + len + 1);
	}
	if (f)
		fclose(f);
	return found;
}

static bool hardware(const struct side *s)
{
	return strcmp(s->mode, "shadow");
}

static void check(struct side *s, const struct guest *g)
{
	const char *key = hardware(s) ? "expect_faults_tdp" : "expect_faults_shadow";
	char word[64] = "";

	if (!said(s, g->name, "check", word, sizeof(word)) || strcmp(word, "ok"))
		complain("%s: %s did not pass its own check", s->mode, g->name);
	if (!said(s, g->name, key, word, sizeof(word)))
		return;
	s->known++;
	if (strtoull(word, NULL, 10) != g->value[FAULTS])
		complain("%s: %s knows of %s faults, %.0f were traced", s->mode, g->name, word,
			 g->value[FAULTS]);
}

static void count_operations(struct side *s, struct guest *g)
{
	char word[64] = "";

	said(s, g->name, "workload", word, sizeof(word));
	while (g->op + 1 < ARRAY_SIZE(operations) && strcmp(operations[g->op].workload, word))
		g->op++;
	if (said(s, g->name, operations[g->op].key, word, sizeof(word)))
		g->ops = strtoull(word, NULL, 10);
	g->value[FAULTS_PER_OP] = g->ops ? g->value[FAULTS] / g->ops : -1;
	g->value[EXITS_PER_OP] = g->ops ? g->value[EXITS] / g->ops : -1;
}

static void guest_read(struct side *s, const json_t *vm)
{
	struct guest *g = &s->guests[s->nr++];
	const json_t *times = json_object_get(vm, "fault_ns_histogram");
	const char *mode = json_string_value(json_object_get(vm, "mode"));

	g->name = json_string_value(json_object_get(vm, "name")) ?: "?";
	g->value[FAULTS] = rows(vm, "faults", NULL, NULL);
	g->value[FAULT_NS] = times ? (double)number(times, "p50") : -1;
	g->value[EXITS] = rows(vm, "exits", NULL, NULL);
	g->value[TABLES] = rows(vm, "shadow_pages", "op", "made");
	g->value[SYNCS] = rows(vm, "shadow", "work", "sync");
	g->value[UNSYNCS] = rows(vm, "shadow", "work", "unsync");
	g->value[PT_WRITES] = rows(vm, "shadow", "work", "page-table write");
	g->value[INVLPGS] = rows(vm, "shadow", "work", "INVLPG");
	g->value[FLUSHES] = rows(vm, "flushes", NULL, NULL);
	snprintf(s->mode, sizeof(s->mode), "%s", mode ?: "?");
	count_operations(s, g);
	check(s, g);
}

static int side_read(struct side *s, const char *dir)
{
	const json_t *collection, *missing;
	char path[512];
	json_error_t err;
	json_t *vm;
	size_t i;

	s->dir = dir;
	snprintf(path, sizeof(path), "%s/stat.json", dir);
	s->stat = json_load_file(path, 0, &err);
	if (!s->stat) {
		complain("%s: %s", path, err.text);
		return -EINVAL;
	}
	json_array_foreach(json_object_get(s->stat, "vms"), i, vm)
		if (s->nr < GUESTS)
			guest_read(s, vm);
	collection = json_object_get(s->stat, "collection");
	missing = json_object_get(collection, "missing_probes");
	if (!collection || number(collection, "lost"))
		complain("%s: %" PRIu64 " records were lost", s->mode, number(collection, "lost"));
	json_array_foreach(missing, i, vm)
		complain("%s: probe %s is missing", s->mode,
			 json_string_value(json_object_get(vm, "probe")) ?: "?");
	return 0;
}

static const char *value_text(char *buf, enum unit unit, double value)
{
	if (value < 0)
		return "-";
	switch (unit) {
	case UNIT_COUNT:
		return format_count(buf, value);
	case UNIT_NS:
		return format_ns(buf, value);
	case UNIT_PER_OP:
		break;
	}
	/* Of a count that is too low. */
	if (bad)
		return "-";
	snprintf(buf, FORMAT_MAX, "%.2f", value);
	return buf;
}

/*
 * Where numbers are wrong or there is nothing to divide by, there is no ratio;
 * nor for the time of faults that are not the same ones, and per operation it
 * would be the same as above.
 */
static const char *ratio_text(char *buf, enum quantity q, const struct guest *ga,
			      const struct guest *gb)
{
	double a = ga->value[q], b = gb->value[q];

	if (quantities[q].unit == UNIT_PER_OP)
		return "";
	if (bad || a <= 0 || b < 0 ||
	    (q == FAULT_NS && ga->value[FAULTS] != gb->value[FAULTS]))
		return "-";
	snprintf(buf, FORMAT_MAX, b / a < 99.5 ? "%.2f" : "%.0f", b / a);
	return buf;
}

static void heading(char *buf, size_t size, const char *mode)
{
	snprintf(buf, size, "%s", mode);
	for (size_t i = 0; !strstr(mode, "shadow") && buf[i]; i++)
		buf[i] = toupper((unsigned char)buf[i]);
}

static void print_guest(const struct guest *a, const struct guest *b)
{
	char first[FORMAT_MAX], second[FORMAT_MAX], ratio[FORMAT_MAX];
	const char *quotient;

	printf("\n%s: %s %s\n", a->name, format_count(first, a->ops), operations[a->op].many);
	for (size_t i = 0; i < QUANTITIES; i++) {
		/* What neither did says nothing. */
		if (a->value[i] <= 0 && b->value[i] <= 0)
			continue;
		printf("  %-35s %12s %12s", quantities[i].name,
		       value_text(first, quantities[i].unit, a->value[i]),
		       value_text(second, quantities[i].unit, b->value[i]));
		quotient = ratio_text(ratio, i, a, b);
		if (*quotient)
			printf(" %12s", quotient);
		putchar('\n');
	}
}

/* Prints words, on a new line where they do not fit. */
__attribute__((format(printf, 1, 2)))
static void sentence(const char *format, ...)
{
	char text[1024], *rest = text, *word;
	size_t at = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	while ((word = strsep(&rest, " "))) {
		size_t len = strlen(word);

		if (at && at + 1 + len > WIDTH) {
			putchar('\n');
			at = 0;
		}
		at += printf("%s%s", at ? " " : "", word);
	}
	putchar('\n');
}

static double total(const struct side *s, enum quantity q)
{
	double sum = 0;

	for (size_t i = 0; i < s->nr; i++)
		sum += s->guests[i].value[q];
	return sum;
}

static void conclude_all(const struct side *a, const struct side *b, const char *ha,
			 const char *hb)
{
	char n[4][FORMAT_MAX];

	sentence("All together: %s exits under %s and %s under %s paging, %.1f times as many; "
		 "%s TLB flushes and %s.",
		 format_count(n[0], total(a, EXITS)), ha, format_count(n[1], total(b, EXITS)), hb,
		 total(b, EXITS) / total(a, EXITS), format_count(n[2], total(a, FLUSHES)),
		 format_count(n[3], total(b, FLUSHES)));
}

static void conclude_guest(const struct guest *a, const struct guest *b, const char *ha,
			   const char *hb)
{
	char n[2][FORMAT_MAX];

	if (!a->value[FAULTS] && b->value[EXITS] > 2 * a->value[EXITS])
		sentence("%s: %s takes no fault, since the hardware walks the guest's own page "
			 "tables; %s paging has to follow them and exits %.2f times per %s.",
			 a->name, ha, hb, b->value[EXITS_PER_OP], operations[a->op].one);
	else if (a->value[FAULTS] && a->value[FAULTS] == b->value[FAULTS])
		sentence("%s: one fault per %s either way, that is what new memory costs; one "
			 "takes %s under %s, %s under %s paging.", a->name, operations[a->op].one,
			 format_ns(n[0], a->value[FAULT_NS]), ha,
			 format_ns(n[1], b->value[FAULT_NS]), hb);
}

static void print_all(const struct side *a, const struct side *b)
{
	char ha[16], hb[16];

	heading(ha, sizeof(ha), a->mode);
	heading(hb, sizeof(hb), b->mode);
	printf("%-37s %12s %12s %12s\n", "Side by side", ha, hb, "ratio");
	for (size_t i = 0; i < a->nr; i++)
		print_guest(&a->guests[i], &b->guests[i]);
	putchar('\n');
	if (bad)
		return;
	for (size_t i = 0; i < a->nr; i++)
		conclude_guest(&a->guests[i], &b->guests[i], ha, hb);
	if (total(a, EXITS))
		conclude_all(a, b, ha, hb);
	sentence("%u of these %zu fault counts the guests knew in advance: all are exact. "
		 "No record was lost.", a->known + b->known, a->nr + b->nr);
}

static void pair_check(const struct side *a, const struct side *b)
{
	if (!a->nr || a->nr != b->nr)
		complain("%zu VMs were seen in %s, %zu in %s", a->nr, a->dir, b->nr, b->dir);
	for (size_t i = 0; i < a->nr && i < b->nr; i++)
		if (strcmp(a->guests[i].name, b->guests[i].name) ||
		    a->guests[i].ops != b->guests[i].ops)
			complain("%s and %s did not do the same", a->guests[i].name,
				 b->guests[i].name);
}

int main(int argc, char **argv)
{
	static struct side a, b;

	if (argc != 3) {
		fprintf(stderr, "usage: compare DIR DIR\n");
		return 2;
	}
	if (!side_read(&a, argv[1]) && !side_read(&b, argv[2])) {
		pair_check(&a, &b);
		if (a.nr && a.nr == b.nr)
			print_all(&a, &b);
	}
	json_decref(a.stat);
	json_decref(b.stat);
	return bad;
}
