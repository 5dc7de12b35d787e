// SPDX-License-Identifier: GPL-2.0
#include "lab/result.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXITS_TO_COMPARE 20

const struct lab_quantity_name lab_quantities[LAB_QUANTITIES] = {
	[LAB_FAULTS] = { "faults", "faults", LAB_UNIT_COUNT },
	[LAB_FAULTS_PER_OP] = { "faults_per_operation", "faults per op.", LAB_UNIT_PER_OP },
	[LAB_WALKS] = { "walk_faults", "faults on the walk", LAB_UNIT_COUNT },
	[LAB_FAULT_MEAN] = { "fault_mean", "/fault, mean", LAB_UNIT_TIME },
	[LAB_FAULT_P50] = { "fault_p50", "/fault, p50", LAB_UNIT_TIME },
	[LAB_FAULT_P99] = { "fault_p99", "/fault, p99", LAB_UNIT_TIME },
	[LAB_EXITS] = { "exits", "exits", LAB_UNIT_COUNT },
	[LAB_EXITS_PER_OP] = { "exits_per_operation", "exits per op.", LAB_UNIT_PER_OP },
	[LAB_EXIT_TIME_PER_OP] = { "exit_time_per_operation", "/op. in exits", LAB_UNIT_TIME },
	[LAB_TABLES] = { "tables_made", "page tables made", LAB_UNIT_COUNT },
	[LAB_SYNCS] = { "syncs", "syncs", LAB_UNIT_COUNT },
	[LAB_UNSYNCS] = { "unsyncs", "tables left unsync", LAB_UNIT_COUNT },
	[LAB_PT_WRITES] = { "page_table_writes", "page-table writes", LAB_UNIT_COUNT },
	[LAB_INVLPGS] = { "invlpgs", "INVLPG done by KVM", LAB_UNIT_COUNT },
	[LAB_FLUSHES] = { "flushes", "TLB flushes", LAB_UNIT_COUNT },
	[LAB_RUN] = { "untraced", " untraced", LAB_UNIT_TIME },
	[LAB_WATCHING] = { "watching", "more when traced", LAB_UNIT_PERCENT },
};

bool lab_side_tdp(const struct lab_side *s)
{
	return strcmp(s->mode, "shadow") != 0;
}

const char *lab_mode_name(const char *mode)
{
	return !strcmp(mode, "npt") ? "NPT" : !strcmp(mode, "ept") ? "EPT" : mode;
}

const char *lab_side_name(char *buf, size_t size, const struct lab_side *s)
{
	snprintf(buf, size, "%s, %s", s->machine->title, lab_mode_name(s->mode));
	return buf;
}

const char *lab_side_fact(const struct lab_side *s, const char *key)
{
	for (size_t i = 0; i < s->nr_facts; i++)
		if (!strcmp(s->fact[i].key, key))
			return s->fact[i].value;
	return NULL;
}

const struct lab_side *lab_result_tdp(const struct lab_result *r, const struct lab_side *shadow)
{
	for (size_t i = 0; i < r->nr; i++)
		if (r->side[i].machine == shadow->machine && lab_side_tdp(&r->side[i]) &&
		    !lab_side_tdp(shadow))
			return &r->side[i];
	return NULL;
}

/* Says what is wrong; the reading goes on. Return: -EINVAL. */
__attribute__((format(printf, 2, 3)))
static int complain(const struct lab_side *s, const char *format, ...)
{
	char name[64];
	va_list args;

	fprintf(stderr, "mmuscope: %s: ", lab_side_name(name, sizeof(name), s));
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -EINVAL;
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

/* The value of @key in the key=value lines of a file. Return: whether it is there. */
static bool line_find(const struct lab_side *s, const char *file, const char *key, char *value,
		      size_t size)
{
	char path[PATH_MAX + 64], line[256];
	size_t len = strlen(key);
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.out", s->dir, file);
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

static double line_number(const struct lab_side *s, const char *file, const char *key)
{
	char word[64];

	return line_find(s, file, key, word, sizeof(word)) ? strtod(word, NULL) : -1;
}

static void facts_read(struct lab_side *s)
{
	char path[PATH_MAX + 16], line[160], *equals;
	FILE *f;

	snprintf(path, sizeof(path), "%s/facts", s->dir);
	f = fopen(path, "re");
	while (f && s->nr_facts < LAB_FACTS && fgets(line, sizeof(line), f)) {
		struct lab_fact *fact = &s->fact[s->nr_facts];

		line[strcspn(line, "\n")] = '\0';
		equals = strchr(line, '=');
		if (!equals)
			continue;
		*equals = '\0';
		snprintf(fact->key, sizeof(fact->key), "%.31s", line);
		snprintf(fact->value, sizeof(fact->value), "%.95s", equals + 1);
		s->nr_facts++;
	}
	if (f)
		fclose(f);
}

/* Nanoseconds of the emulated clock are instructions, one or some to each. */
static double unit_time(const struct lab_side *s, double ns)
{
	const char *per = lab_side_fact(s, "ns_per_instruction");
	double divisor = per && s->emulated ? strtod(per, NULL) : 1;

	return ns / (divisor > 0 ? divisor : 1);
}

static int larger_reason(const void *a, const void *b)
{
	const struct lab_reason *left = a, *right = b;

	return left->count < right->count ? 1 : left->count > right->count ? -1 :
		strcmp(left->name, right->name);
}

static double reasons_read(struct lab_numbers *n, const json_t *vm)
{
	const char *name;
	double ns = 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(vm, "exits"), i, row) {
		ns += number(row, "ns");
		name = json_string_value(json_object_get(row, "reason"));
		if (n->nr_reasons == LAB_REASONS)
			continue;
		snprintf(n->reason[n->nr_reasons].name, sizeof(n->reason[0].name), "%s",
			 name ?: "?");
		n->reason[n->nr_reasons++].count = number(row, "count");
	}
	qsort(n->reason, n->nr_reasons, sizeof(n->reason[0]), larger_reason);
	return ns;
}

/* A bucket that the change of units puts between two goes where its middle is. */
static void histogram_read(struct lab_side *s, struct lab_numbers *n, const json_t *vm)
{
	const json_t *times = json_object_get(vm, "fault_ns_histogram");
	json_t *row;
	size_t i;

	n->value[LAB_FAULT_MEAN] = times && number(times, "count") ?
		unit_time(s, (double)number(times, "sum") / number(times, "count")) : -1;
	n->value[LAB_FAULT_P50] = times ? unit_time(s, number(times, "p50")) : -1;
	n->value[LAB_FAULT_P99] = times ? unit_time(s, number(times, "p99")) : -1;
	json_array_foreach(json_object_get(times, "buckets"), i, row) {
		double middle = unit_time(s, (number(row, "low") + number(row, "high")) / 2.0);
		unsigned int bucket = 0;

		while (bucket + 1 < LAB_BUCKETS && middle >= 2) {
			middle /= 2;
			bucket++;
		}
		n->bucket[bucket] += number(row, "count");
	}
}

static int numbers_check(struct lab_side *s, const struct lab_workload *w,
			 const struct lab_numbers *n)
{
	double want = line_number(s, w->name, lab_side_tdp(s) ? "expect_faults_tdp" :
				  "expect_faults_shadow");
	char word[16] = "";

	line_find(s, w->name, "expect_exact", word, sizeof(word));
	if (want < 0 || strcmp(word, "yes"))
		return 0;
	if (want != n->value[LAB_FAULTS])
		return complain(s, "%s knows of %.0f faults, %.0f were traced", w->name, want,
				n->value[LAB_FAULTS]);
	s->known++;
	return 0;
}

static void totals_read(struct lab_side *s, const struct lab_workload *w, struct lab_numbers *n,
			double exit_ns)
{
	char control[64];
	double run, traced, other = w->other ? line_number(s, w->name, w->other) : 0;
	double ops = line_number(s, w->name, w->key);

	n->ops = (ops > 0 ? ops : 0) + (other > 0 ? other : 0);
	n->value[LAB_FAULTS_PER_OP] = n->ops ? n->value[LAB_FAULTS] / n->ops : -1;
	n->value[LAB_EXITS_PER_OP] = n->ops ? n->value[LAB_EXITS] / n->ops : -1;
	n->value[LAB_EXIT_TIME_PER_OP] = n->ops ? unit_time(s, exit_ns) / n->ops : -1;
	snprintf(control, sizeof(control), "%s.control", w->name);
	run = line_number(s, control, "tsc");
	traced = line_number(s, w->name, "tsc");
	/* A tick of an emulated TSC is an instruction; the host's has its own pace. */
	n->value[LAB_RUN] = s->emulated ? run : -1;
	/* Where hardly anything exits there is nothing to trace: the difference is timers. */
	n->value[LAB_WATCHING] = -1;
	if (run > 0 && traced >= run &&
	    n->value[LAB_EXITS] + n->value[LAB_FAULTS] >= EXITS_TO_COMPARE)
		n->value[LAB_WATCHING] = 100 * (traced - run) / run;
}

static int numbers_read(struct lab_side *s, const struct lab_workload *w, const json_t *vm)
{
	struct lab_numbers *n = &s->numbers[w - lab_workloads];
	char word[16] = "";

	if (!*s->mode)
		snprintf(s->mode, sizeof(s->mode), "%s",
			 json_string_value(json_object_get(vm, "mode")) ?: "?");
	n->there = true;
	n->value[LAB_FAULTS] = rows(vm, "faults", NULL, NULL);
	n->value[LAB_WALKS] = rows(vm, "faults", "on", "page walk");
	n->value[LAB_EXITS] = rows(vm, "exits", NULL, NULL);
	n->value[LAB_TABLES] = rows(vm, "shadow_pages", "op", "made");
	n->value[LAB_SYNCS] = rows(vm, "shadow", "work", "sync");
	n->value[LAB_UNSYNCS] = rows(vm, "shadow", "work", "unsync");
	n->value[LAB_PT_WRITES] = rows(vm, "shadow", "work", "page-table write");
	n->value[LAB_INVLPGS] = rows(vm, "shadow", "work", "INVLPG");
	n->value[LAB_FLUSHES] = rows(vm, "flushes", NULL, NULL);
	histogram_read(s, n, vm);
	totals_read(s, w, n, reasons_read(n, vm));
	if (!line_find(s, w->name, "check", word, sizeof(word)) || strcmp(word, "ok"))
		return complain(s, "%s did not pass its own check", w->name);
	return numbers_check(s, w, n);
}

/* On the host others' VMs may be seen as well. */
static const json_t *vm_find(const json_t *stat, const char *name)
{
	json_t *vm;
	size_t i;

	json_array_foreach(json_object_get(stat, "vms"), i, vm) {
		const char *is = json_string_value(json_object_get(vm, "name"));

		if (is && !strcmp(is, name))
			return vm;
	}
	return NULL;
}

static int collection_check(struct lab_side *s, const json_t *stat)
{
	const json_t *collection = json_object_get(stat, "collection");
	int err = 0;

	if (!collection || number(collection, "lost"))
		err = complain(s, "%" PRIu64 " records were lost", number(collection, "lost"));
	s->missing = json_array_size(json_object_get(collection, "missing_probes"));
	return err;
}

int lab_side_read(struct lab_side *s, const bool *chosen)
{
	char path[PATH_MAX + 16];
	const json_t *vm;
	json_error_t e;
	json_t *stat;
	int err;

	facts_read(s);
	snprintf(path, sizeof(path), "%s/stat.json", s->dir);
	stat = json_load_file(path, 0, &e);
	if (!stat)
		return complain(s, "%s: %s", path, e.text);
	err = collection_check(s, stat);
	for (size_t i = 0; i < LAB_WORKLOADS; i++) {
		vm = chosen[i] ? vm_find(stat, lab_workloads[i].name) : NULL;
		if (vm)
			err = numbers_read(s, &lab_workloads[i], vm) ?: err;
	}
	json_decref(stat);
	return err;
}
