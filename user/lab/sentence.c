// SPDX-License-Identifier: GPL-2.0
/* What the numbers of two kinds of paging say, in a sentence or two. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lab/result.h"
#include "lib/format.h"

/* Fewer exits per operation than this are not of the operations. */
#define NONE_PER_OP 0.05

struct pair {
	const struct lab_workload *w;
	const struct lab_side *side;
	const struct lab_numbers *tdp, *shadow;
	const char *mode;
	FILE *out;
};

static const char *times_text(char *buf, double times)
{
	snprintf(buf, FORMAT_MAX, times < 9.95 ? "%.1f" : "%.0f", times);
	return buf;
}

static const char *cost_text(char *buf, const struct pair *p, double value)
{
	char number[FORMAT_MAX];

	if (!p->side->emulated)
		return format_ns(buf, value);
	snprintf(buf, 2 * FORMAT_MAX, "%s instructions", format_count(number, value + 0.5));
	return buf;
}

/* The same faults in both: what one costs, whatever else came into a few of them. */
static void say_same(const struct pair *p)
{
	const double *a = p->tdp->value, *b = p->shadow->value;
	char first[2 * FORMAT_MAX], second[2 * FORMAT_MAX], times[FORMAT_MAX];

	fprintf(p->out, "%s and shadow paging took the same %s faults, %.2f per %s",
		p->mode, format_count(first, a[LAB_FAULTS]), a[LAB_FAULTS_PER_OP], p->w->one);
	if (a[LAB_FAULT_P50] > 0 && b[LAB_FAULT_P50] > 0)
		fprintf(p->out, "; the median one cost %s under %s and %s under shadow paging, "
			"%s times as much",
			cost_text(first, p, a[LAB_FAULT_P50]), p->mode,
			cost_text(second, p, b[LAB_FAULT_P50]),
			times_text(times, b[LAB_FAULT_P50] / a[LAB_FAULT_P50]));
	fputc('.', p->out);
}

static void say_exits(const struct pair *p)
{
	const double *a = p->tdp->value, *b = p->shadow->value;
	char first[FORMAT_MAX], second[FORMAT_MAX];

	if (a[LAB_EXITS_PER_OP] < NONE_PER_OP && b[LAB_EXITS_PER_OP] < NONE_PER_OP)
		fprintf(p->out, "Neither exits for it: %s exits under %s and %s under shadow "
			"paging for %s operations.", format_count(first, a[LAB_EXITS]), p->mode,
			format_count(second, b[LAB_EXITS]),
			format_count((char[FORMAT_MAX]){ 0 }, p->tdp->ops));
	else if (a[LAB_EXITS_PER_OP] < NONE_PER_OP || b[LAB_EXITS] > 100 * a[LAB_EXITS])
		fprintf(p->out, "Shadow paging took %.2f exits per %s, %s took %s in all.",
			b[LAB_EXITS_PER_OP], p->w->one, p->mode,
			format_count(first, a[LAB_EXITS]));
	else if (b[LAB_EXITS_PER_OP] >= a[LAB_EXITS_PER_OP])
		fprintf(p->out, "Shadow paging took %.2f exits per %s, %s %.2f: %s times as many.",
			b[LAB_EXITS_PER_OP], p->w->one, p->mode, a[LAB_EXITS_PER_OP],
			times_text(first, b[LAB_EXITS] / a[LAB_EXITS]));
	else
		fprintf(p->out, "%s took %.2f exits per %s, shadow paging %.2f: %s times as many.",
			p->mode, a[LAB_EXITS_PER_OP], p->w->one, b[LAB_EXITS_PER_OP],
			times_text(first, a[LAB_EXITS] / b[LAB_EXITS]));
}

/* What stands behind the exits, where it is much. */
static void say_why(const struct pair *p)
{
	const double *a = p->tdp->value, *b = p->shadow->value;
	char first[FORMAT_MAX], second[FORMAT_MAX];

	if (a[LAB_WALKS] > 0)
		fprintf(p->out, " %s of %s's faults were to map the guest's own page tables, "
			"shadow paging took none for that.", format_count(first, a[LAB_WALKS]),
			p->mode);
	if (b[LAB_FLUSHES] > 16 && b[LAB_FLUSHES] > 4 * a[LAB_FLUSHES])
		fprintf(p->out, " It took %s TLB flushes against %s.",
			format_count(first, b[LAB_FLUSHES]), format_count(second, a[LAB_FLUSHES]));
	if (b[LAB_TABLES] > 8 && b[LAB_TABLES] > 2 * a[LAB_TABLES])
		fprintf(p->out, " KVM made %s page-table pages against %s.",
			format_count(first, b[LAB_TABLES]), format_count(second, a[LAB_TABLES]));
}

char *lab_sentence(const struct lab_workload *w, const struct lab_side *tdp,
		   const struct lab_side *shadow)
{
	struct pair p = {
		.w = w, .side = tdp, .mode = lab_mode_name(tdp->mode),
		.tdp = &tdp->numbers[w - lab_workloads],
		.shadow = &shadow->numbers[w - lab_workloads],
	};
	char *text = NULL;
	size_t size;

	if (!p.tdp->there || !p.shadow->there || !p.tdp->ops || p.tdp->ops != p.shadow->ops)
		return NULL;
	p.out = open_memstream(&text, &size);
	if (!p.out)
		return NULL;
	fprintf(p.out, "%s: ", tdp->machine->title);
	if (p.tdp->value[LAB_FAULTS] > 0 && p.tdp->value[LAB_FAULTS] == p.shadow->value[LAB_FAULTS])
		say_same(&p);
	else
		say_exits(&p);
	say_why(&p);
	if (fclose(p.out)) {
		free(text);
		return NULL;
	}
	return text;
}
