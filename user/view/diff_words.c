// SPDX-License-Identifier: GPL-2.0
/* What the numbers say, in sentences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "lib/permute.h"
#include "view/diff.h"

#define MOST_ROWS	3	/* that are named besides the faults */

static const char *per_words(const struct diff *d)
{
	static const char *const words[] = {
		[DIFF_SECOND] = "per second", [DIFF_RUN] = "per run",
		[DIFF_VCPU_SECOND] = "per second of vCPU time", [DIFF_EXIT] = "per exit",
		[DIFF_OPERATION] = "per operation",
	};

	return words[d->per];
}

static const char *chance(struct report *r, double p)
{
	char buf[FORMAT_MAX];

	format_chance(buf, p);
	return report_text(r, *buf == '<' ? "p%s" : "p=%s", buf);
}

static const char *rate(struct report *r, double value)
{
	char buf[FORMAT_MAX];

	if (isnan(value))
		return "not known";
	/* Three digits of a small one, too: there may be a thousand exits per fault. */
	if (value > 0 && value < 0.1)
		return report_text(r, "%.3g", value);
	return report_text(r, "%s", format_rate(buf, value));
}

/* Part of a difference: rows with the same value for some keys. */
struct share {
	const struct diff_row *row;
	size_t key;		/* the key, 0 for all of them */
	double difference;
};

static bool same_key(const struct diff_row *a, const struct diff_row *b, size_t key)
{
	return !memcmp(&a->key->value[key], &b->key->value[key], sizeof(a->key->value[key]));
}

/* The word for @row's key, NULL where it has none. */
static const struct schema_word *word_of(const struct diff_row *row, size_t key)
{
	const struct group_key *k = &row->group->key[key];
	const struct schema_field *f = k->field[row->key->type];
	const struct schema_vocabulary *words = f ? f->words : NULL;

	/* A fault's cause follows from what came before it, and is no field of its record. */
	if (!strcmp(k->name, "cause"))
		words = schema_vocabulary(SET_cause);
	return words ? schema_word(words, row->key->value[key].number) : NULL;
}

/* A value that says nothing explains nothing. */
static bool is_unknown(const struct diff_row *row, size_t key)
{
	const struct schema_word *word = word_of(row, key);

	return word && (!strcmp(word->name, "unknown") || !strcmp(word->name, "none"));
}

/* The value of @key that most of the difference @all comes with. */
static struct share best_of(const struct diff_table *t, size_t key, double all)
{
	struct share best = { .key = key };

	for (size_t i = 0; i < t->nr; i++) {
		struct share s = { .row = &t->rows[i], .key = key };

		if (t->rows[i].key->type != MMUSCOPE_TYPE_fault ||
		    (key && is_unknown(&t->rows[i], key)))
			continue;
		for (size_t k = 0; k < t->nr; k++)
			if (t->rows[k].key->type == MMUSCOPE_TYPE_fault &&
			    (key ? same_key(&t->rows[i], &t->rows[k], key) : i == k))
				s.difference += t->rows[k].value[1] - t->rows[k].value[0];
		if (!best.row || s.difference / all > best.difference / all)
			best = s;
	}
	return best;
}

#define CLEAR	0.75	/* a share that needs no other explanation */

/* A cause if it explains, else the whole row, else any one key. */
static struct share explain(const struct diff_table *t, double all)
{
	const struct group *g = t->rows[0].group;
	struct share best = best_of(t, 0, all), s;

	for (size_t key = 1; key < g->nr_keys; key++) {
		if (strcmp(g->key[key].name, "cause"))
			continue;
		s = best_of(t, key, all);
		if (s.row && s.difference / all >= CLEAR)
			return s;
	}
	for (size_t key = 1; key < g->nr_keys && best.row && best.difference / all < CLEAR; key++) {
		s = best_of(t, key, all);
		if (s.row && s.difference / all > best.difference / all)
			best = s;
	}
	return best;
}

static const char *share_label(struct report *r, const struct diff *d, const struct share *s)
{
	const struct group_key *k = &s->row->group->key[s->key];
	const struct schema_word *word;

	if (!s->key)
		return diff_label(r, d, s->row);
	word = word_of(s->row, s->key);
	if (word)
		return report_text(r, "%s %s (%s)", k->name, word->name, word->doc);
	return report_text(r, "%s %s", k->name,
			   diff_key(r, d, s->row, s->key));
}

/* "; 96% of the difference: ...", or "" where nothing explains it. */
static const char *explanation(struct report *r, const struct diff *d, const struct diff_vm *vm)
{
	const struct diff_row *faults = diff_faults(vm);
	double all = faults->value[1] - faults->value[0], part;
	const struct diff_table *t = NULL;
	struct share best;

	for (size_t i = 1; !t && i < d->nr_specs; i++)
		if (vm->tables[i].nr && vm->tables[i].rows[0].key->type == MMUSCOPE_TYPE_fault)
			t = &vm->tables[i];
	if (!t || !all)
		return "";
	best = explain(t, all);
	if (!best.row)
		return "";
	part = best.difference / all * 100;
	/* What goes beyond the whole is partly made up for by another. */
	if (part > 105)
		return report_text(r, "; most of all changed: %s, %s%s %s, and others the "
				   "other way",
				   share_label(r, d, &best), best.difference > 0 ? "+" : "-",
				   rate(r, fabs(best.difference)), per_words(d));
	return report_text(r, "; %.0f%% of the difference: %s", fmin(part, 100),
			   share_label(r, d, &best));
}

static void count_words(struct report *r, struct section *s, const struct diff *d,
			const struct diff_vm *vm)
{
	const struct diff_row *f = diff_faults(vm);
	const char *a = rate(r, f->value[0]), *b = rate(r, f->value[1]), *per = per_words(d);
	double change = diff_change(f);
	char buf[FORMAT_MAX];

	if (isnan(f->p))
		section_note(s, "%s: it cannot be told whether faults %s differ: A %s, B %s.",
			     vm->name, per, a, b);
	else if (f->p >= DIFF_VERDICT)
		section_note(s, "%s: no significant difference in faults %s: A %s, B %s (%s).",
			     vm->name, per, a, b, chance(r, f->p));
	else if (isnan(change))
		section_note(s, "%s: A has no faults, B has %s %s (%s)%s.", vm->name, b, per,
			     chance(r, f->p), explanation(r, d, vm));
	else
		section_note(s, "%s: B has %s %s faults %s than A: %s, not %s (%s)%s.", vm->name,
			     format_percent(buf, fabs(change)), change < 0 ? "fewer" : "more",
			     per, b, a, chance(r, f->p), explanation(r, d, vm));
}

static void time_words(struct report *r, struct section *s, const struct diff_vm *vm)
{
	const struct diff_row *f = diff_faults(vm);
	char a50[FORMAT_MAX], b50[FORMAT_MAX], a99[FORMAT_MAX], b99[FORMAT_MAX];
	uint64_t p50[2], p99[2];

	if (!f->hist[0] || !f->hist[1] || isnan(f->time_p))
		return;
	for (size_t i = 0; i < 2; i++) {
		p50[i] = hist_percentile(f->hist[i], 50);
		p99[i] = hist_percentile(f->hist[i], 99);
	}
	section_note(s, "%s: %s: p50 %s in A, %s in B, p99 %s and %s (%s).", vm->name,
		     f->time_p >= DIFF_VERDICT ? "fault latencies do not differ significantly" :
		     p50[1] > p50[0] && p99[1] >= p99[0] ? "faults of B take longer" :
		     p50[1] < p50[0] && p99[1] <= p99[0] ? "faults of B are faster" :
		     "fault latencies differ",
		     format_ns(a50, p50[0]), format_ns(b50, p50[1]), format_ns(a99, p99[0]),
		     format_ns(b99, p99[1]), chance(r, f->time_p));
}

/* Rows by how much there is to say against chance, then by how much they changed. */
static int surer(const struct diff_row *x, const struct diff_row *y)
{
	double cx = fabs(diff_change(x)), cy = fabs(diff_change(y));

	if (x->p != y->p)
		return x->p < y->p;
	return isnan(cx) || cx > cy;
}

/* "flush remote invlpg +12.3% (p=0.002)" */
static const char *changed(struct report *r, const struct diff *d, const struct diff_row *row)
{
	const char *family = schema_event(row->key->type)->name;
	const char *label = diff_label(r, d, row) ?: "";
	char buf[FORMAT_MAX];

	/* Where the family is one of the keys it is in the label. */
	return report_text(r, "%s%s%s %s (%s)", strstr(label, family) == label ? "" : family,
			   strstr(label, family) == label ? "" : " ", label,
			   isnan(diff_change(row)) ? "not in A" :
			   format_change(buf, diff_change(row)), chance(r, row->p));
}

static void row_words(struct report *r, struct section *s, const struct diff *d,
		      const struct diff_vm *vm)
{
	const struct diff_row *top[MOST_ROWS + 1] = { NULL };
	const char *text = "";
	size_t differ = 0, at;

	for (size_t t = 1; t < d->nr_specs; t++) {
		for (size_t i = 0; i < vm->tables[t].nr; i++) {
			const struct diff_row *row = &vm->tables[t].rows[i];

			/* Those of faults are in the sentence before. */
			if (!(row->p < DIFF_ROW) || row->key->type == MMUSCOPE_TYPE_fault)
				continue;
			differ++;
			for (at = MOST_ROWS; at && (!top[at - 1] || surer(row, top[at - 1])); at--)
				top[at] = top[at - 1];
			top[at] = row;
		}
	}
	for (size_t i = 0; i < MOST_ROWS && top[i]; i++)
		text = report_text(r, "%s%s%s", text ?: "", i ? ", " : "", changed(r, d, top[i]));
	if (differ)
		section_note(s, "%s: %s: %s.", vm->name,
			     differ > MOST_ROWS ? "also differ, among others" : "also differ",
			     text);
}

static void loss_words(struct section *s, const struct diff *d)
{
	for (size_t i = 0; i < d->nr; i++) {
		uint64_t lost = view_lost(model_past(d->runs[i].model)), others = 0;
		const char *side = i < d->nr_a ? "A" : "B";

		if (lost)
			section_note(s, "%s lost %llu record%s (%s): %s.", side,
				     (unsigned long long)lost, lost == 1 ? "" : "s",
				     d->runs[i].path,
				     view_lost_much(model_past(d->runs[i].model)) ?
				     "its counts are too low, and no changes are shown that this "
				     "would make wrong" : "too few to be seen in what is compared");
		for (size_t t = 0; t < d->nr_specs; t++)
			others += d->runs[i].tally[t]->others;
		if (others)
			section_note(s, "%s has more rows than the %d that are told apart (%s): "
				     "%llu times a record is in none.", side, TALLY_ROWS,
				     d->runs[i].path, (unsigned long long)others);
	}
}

/* Too few runs: said before the numbers, because no numbers will do. */
static void power_words(struct section *s, const struct diff *d, const struct diff_vms *vms)
{
	size_t nr_b = d->nr - d->nr_a, tests = 0;
	double least = permute_smallest(d->nr_a, nr_b);

	for (size_t i = 0; i < vms->nr; i++)
		tests += diff_faults(&vms->list[i]) ? 2 : 0;
	if (d->nr > 2 && least * (tests ? tests : 1) >= DIFF_VERDICT)
		section_note(s, "%zu and %zu runs are too few: the smallest p that they can give "
			     "is %.2g, %.2g where %zu verdicts are asked for. From 5 and 5 runs on "
			     "a single VM's faults can differ significantly.", d->nr_a, nr_b, least,
			     fmin(1, least * (tests ? tests : 1)), tests ? tests : 1);
}

/* What one run of each side cannot tell. */
static void single_words(struct report *r, struct section *s, const struct diff *d)
{
	double longer = diff_longer(d);
	char a[FORMAT_MAX], b[FORMAT_MAX];

	if (d->nr != 2)
		return;
	if (longer > 1.1)
		section_note(s, "The commands took differently long, %s in A and %s in B: so may "
			     "rates per second differ by a factor of %s with the same work. "
			     "'--per run' compares the work.",
			     format_ns(a, d->runs[0].elapsed_ns),
			     format_ns(b, d->runs[1].elapsed_ns), rate(r, longer));
	section_note(s, "With one recording per side only large differences can be told: counts "
		     "that differ by more than a third, latencies by more than a factor of two, "
		     "and both by more than their ups and downs within the recordings. Repeat the "
		     "runs to tell smaller ones.");
}

void diff_verdict(struct report *r, const struct diff *d, const struct diff_vms *vms)
{
	struct section *s = report_section(r, "verdict", "Verdict", false);
	const struct diff_row *f;
	size_t both = 0;

	for (size_t i = 0; i < vms->nr; i++) {
		const struct diff_vm *vm = &vms->list[i];

		f = diff_faults(vm);
		both += vm->sides == 3;
		if (vm->sides != 3) {
			section_note(s, "%s: only in %s.", vm->name, vm->sides == 1 ? "A" : "B");
			continue;
		}
		if (f && !f->complete) {
			section_note(s, "%s: no verdict, because too many records were lost.",
				     vm->name);
		} else if (f) {
			count_words(r, s, d, vm);
			time_words(r, s, vm);
		} else {
			section_note(s, "%s: no faults on either side.", vm->name);
		}
		row_words(r, s, d, vm);
	}
	if (!both)
		section_note(s, "There is no VM on both sides: nothing was compared.");
	if (both)
		single_words(r, s, d);
	power_words(s, d, vms);
	loss_words(s, d);
}

void diff_method(struct report *r, const struct diff *d, const struct diff_vms *vms)
{
	struct section *s = report_section(r, "method", "Method", false);
	size_t rows = 0;

	for (size_t i = 0; i < vms->nr; i++)
		for (size_t t = 0; t < d->nr_specs; t++)
			rows += vms->list[i].tables[t].nr;
	if (d->nr == 2)
		section_note(s, "p is from a permutation test for a minimum effect: each recording "
			     "is cut into %d equal slices, fewer where neighbours are alike, %d at "
			     "least, and what the means differ by beyond a factor of %.2g, "
			     "studentized, is compared with what comes of dealing the slices at "
			     "random. The slices tell the ups and downs within the recordings; "
			     "what differs from run to run anyway is taken to be within that "
			     "factor, within two for latencies.", TWOSAMPLE_SLICES,
			     TWOSAMPLE_FEWEST,
			     DIFF_FACTOR * diff_longer(d));
	else
		section_note(s, "p is from a permutation test: the difference of the means of %zu "
			     "and %zu runs is compared with what comes of dealing the runs in all "
			     "other ways, or at random where these are many. It cannot be below "
			     "%.2g.", d->nr_a, d->nr - d->nr_a,
			     permute_smallest(d->nr_a, d->nr - d->nr_a));
	section_note(s, "p(time) is of latencies: the largest difference between the shares of "
		     "them above the percentiles 10 to 99 of both sides, tested in the same way.");
	section_note(s, "Holm's correction is in all p, of the verdicts on faults and of the %zu "
		     "rows apart. Significant is p < %.2f in verdicts, p < %.2f in rows: of twenty "
		     "comparisons of the same thing one at most finds a difference.", rows,
		     DIFF_VERDICT, DIFF_ROW);
	section_note(s, "Numbers A and B are %s.", per_words(d));
}
