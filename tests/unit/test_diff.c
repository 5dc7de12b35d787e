// SPDX-License-Identifier: GPL-2.0
/* Who is who in two recordings, what is counted of them, and what the verdict says. */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/render.h"
#include "view/diff.h"

#define SECOND	1000000000ULL
#define BIT(name)	(1ULL << MMUSCOPE_TYPE_##name)

static const struct diff_spec specs[] = {
	{ "totals", "All", "vm,type", BIT(fault) | BIT(exits) | BIT(flush) },
	{ "faults", "Faults", "vm,condition,access,verdict", BIT(fault) },
};

static const char *name_given;

static void name_vm(void *ctx, const struct mmuscope_vm *rec, char *name, size_t size)
{
	(void)ctx;
	if (name_given)
		snprintf(name, size, "%s", name_given);
	else
		snprintf(name, size, "%s:%u", rec->comm, rec->pid);
}

/* Two recordings of one second each, empty. */
static struct diff *diff_make(size_t nr_a, size_t nr)
{
	struct diff *d = calloc(1, sizeof(*d));
	char why[128];

	d->nr_a = nr_a;
	d->nr = nr;
	d->nr_specs = 2;
	memcpy(d->specs, specs, sizeof(specs));
	for (size_t i = 0; i < nr; i++) {
		d->runs[i].path = "test";
		d->runs[i].elapsed_ns = SECOND;
		d->runs[i].model = model_new(name_vm, NULL);
		for (size_t t = 0; t < 2; t++) {
			d->runs[i].tally[t] = tally_new(specs[t].keys, specs[t].types, why,
							sizeof(why));
			assert_non_null(d->runs[i].tally[t]);
			d->runs[i].tally[t]->begin = SECOND;
			d->runs[i].tally[t]->elapsed_ns = SECOND;
			d->runs[i].tally[t]->nr_slices = nr == 2 ? TWOSAMPLE_SLICES : 1;
		}
	}
	return d;
}

static void diff_free(struct diff *d)
{
	for (size_t i = 0; i < d->nr; i++) {
		tally_free(d->runs[i].tally[0]);
		tally_free(d->runs[i].tally[1]);
		model_free(d->runs[i].model);
	}
	free(d);
}

static void feed(struct diff *d, size_t run, const struct mmuscope_hdr *rec)
{
	assert_int_equal(model_feed(d->runs[run].model, rec), 0);
	for (size_t t = 0; t < 2; t++)
		assert_int_equal(tally_feed(d->runs[run].tally[t], d->runs[run].model, rec), 0);
}

static void feed_vm(struct diff *d, size_t run, uint16_t id, uint32_t pid, const char *name)
{
	struct mmuscope_vm rec = {
		.hdr = { .ts = SECOND, .vm = id, .vcpu = MMUSCOPE_NO_VCPU,
			 .type = MMUSCOPE_TYPE_vm, .size = sizeof(rec) },
		.pid = pid, .op = MMUSCOPE_life_found, .mode = MMUSCOPE_mode_ept, .comm = "qemu",
	};

	name_given = name;
	feed(d, run, &rec.hdr);
}

/* @count of them, spread over the second. */
static void feed_faults(struct diff *d, size_t run, uint16_t id, unsigned int count, uint8_t access)
{
	struct mmuscope_fault rec = {
		.hdr = { .vm = id, .type = MMUSCOPE_TYPE_fault, .size = sizeof(rec), .dur = 2000 },
		.access = access, .condition = MMUSCOPE_condition_not_present,
		.verdict = MMUSCOPE_verdict_fixed,
	};

	for (unsigned int i = 0; i < count; i++) {
		rec.hdr.ts = SECOND + i * (SECOND / count) + i % 7 * 1000;
		feed(d, run, &rec.hdr);
	}
}

static char *verdict(const struct diff *d)
{
	struct report *r = report_new("test");
	struct diff_vms vms;
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < d->nr; i++)
		assert_int_equal(model_fold(d->runs[i].model), 0);
	assert_int_equal(diff_match(&vms, d), 0);
	assert_int_equal(diff_compute(&vms, d), 0);
	diff_verdict(r, d, &vms);
	render_text(out, r, 10000, false);
	fclose(out);
	diff_vms_free(&vms, d);
	report_free(r);
	print_message("# %s", text);
	return text;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in: %s", part, text);
}

/* Numbers and process ids differ; the unnamed go by order; who is on one side only is told. */
static void vms_are_matched_by_name(void **state)
{
	struct diff *d = diff_make(1, 2);
	struct diff_vms vms;

	(void)state;
	feed_vm(d, 0, 1, 100, "db");
	feed_vm(d, 0, 2, 101, NULL);
	feed_vm(d, 0, 3, 102, NULL);
	feed_vm(d, 1, 7, 200, NULL);
	feed_vm(d, 1, 8, 201, NULL);
	feed_vm(d, 1, 9, 202, "db");
	feed_vm(d, 1, 10, 203, "db");
	assert_int_equal(diff_match(&vms, d), 0);
	assert_int_equal(vms.nr, 4);
	assert_string_equal(vms.list[0].name, "db");
	assert_int_equal(vms.list[0].in[1]->id, 9);
	assert_string_equal(vms.list[1].name, "qemu");
	assert_int_equal(vms.list[1].in[0]->id, 2);
	assert_int_equal(vms.list[1].in[1]->id, 7);
	assert_string_equal(vms.list[2].name, "qemu#2");
	assert_int_equal(vms.list[2].sides, 3);
	assert_string_equal(vms.list[3].name, "db#2");
	assert_int_equal(vms.list[3].sides, 2);
	diff_vms_free(&vms, d);
	diff_free(d);
}

static void the_only_ones_are_compared(void **state)
{
	struct diff *d = diff_make(1, 2);
	struct diff_vms vms;

	(void)state;
	feed_vm(d, 0, 1, 100, "old");
	feed_vm(d, 1, 1, 100, "new");
	assert_int_equal(diff_match(&vms, d), 0);
	assert_int_equal(vms.nr, 1);
	assert_int_equal(vms.list[0].sides, 3);
	diff_vms_free(&vms, d);
	diff_free(d);
}

/* What is said of reads and writes that were 1,000 each in A. */
static char *verdict_of(unsigned int reads, unsigned int writes)
{
	struct diff *d = diff_make(1, 2);
	char *text;

	feed_vm(d, 0, 1, 100, "db");
	feed_vm(d, 1, 2, 200, "db");
	feed_faults(d, 0, 1, 1000, MMUSCOPE_access_read);
	feed_faults(d, 0, 1, 1000, MMUSCOPE_access_write);
	feed_faults(d, 1, 2, reads, MMUSCOPE_access_read);
	feed_faults(d, 1, 2, writes, MMUSCOPE_access_write);
	text = verdict(d);
	diff_free(d);
	return text;
}

static void the_verdict_names_what_explains_it(void **state)
{
	char *text = verdict_of(980, 200);

	(void)state;
	has(text, "db: B has 41.0% fewer faults per second than A: 1.18k, not 2.00k (p<0.001); "
	    "98% of the difference: not_present write fixed.");
	free(text);
}

static void changes_both_ways_are_no_share(void **state)
{
	char *text = verdict_of(3000, 500);

	(void)state;
	has(text, "db: B has 75.0% more faults per second");
	has(text, "most of all changed: not_present read fixed, +2.00k per second, and others the "
	    "other way");
	free(text);
}

/* However regular they are: the next run might have had as many. */
static void one_run_of_each_tells_large_differences_only(void **state)
{
	char *more = verdict_of(1300, 1300), *fewer = verdict_of(800, 800);
	char *many = verdict_of(1500, 1500);

	(void)state;
	has(more, "no significant difference in faults per second: A 2.00k, B 2.60k (p=1.00)");
	has(more, "With one recording per side only large differences can be told");
	has(fewer, "no significant difference");
	has(many, "B has 50.0% more faults");
	free(more);
	free(fewer);
	free(many);
}

/* Return: the verdict on as many faults in three times the time. */
static char *verdict_of_slower(enum diff_per per, bool command)
{
	struct diff *d = diff_make(1, 2);
	char *text;

	d->per = per;
	for (size_t i = 0; i < 2; i++) {
		d->runs[i].command = command;
		feed_vm(d, i, 1, 100 + i, "db");
		feed_faults(d, i, 1, 1000, MMUSCOPE_access_read);
	}
	d->runs[1].elapsed_ns *= 3;
	text = verdict(d);
	diff_free(d);
	return text;
}

/* The same command on a busy host: its work is the same, and its rate is no rate of the guest. */
static void a_slower_command_has_no_lower_rate(void **state)
{
	char *text = verdict_of_slower(DIFF_SECOND, true);

	(void)state;
	has(text, "no significant difference in faults per second: A 1.00k, B 333 (p=1.00)");
	has(text, "The commands took differently long, 1.00s in A and 3.00s in B: so may rates per "
	    "second differ by a factor of 3.00");
	free(text);
	text = verdict_of_slower(DIFF_RUN, true);
	has(text, "no significant difference in faults per run: A 1.00k, B 1.00k");
	assert_null(strstr(text, "took differently long"));
	free(text);
	/* Who only looked for longer sees another load. */
	text = verdict_of_slower(DIFF_SECOND, false);
	has(text, "B has 66.7% fewer faults per second");
	free(text);
}

/* Five and five runs: 252 ways, two of which are as far apart. */
static void five_runs_are_enough(void **state)
{
	struct diff *d = diff_make(5, 10);
	char *text;

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		feed_vm(d, i, 1, 100 + i, "db");
		feed_faults(d, i, 1, (i < 5 ? 1000 : 1100) + i, MMUSCOPE_access_read);
	}
	text = verdict(d);
	has(text, "more faults per second");
	has(text, "(p=0.016)");
	assert_null(strstr(text, "too few"));
	free(text);
	diff_free(d);
}

static void feed_exits(struct diff *d, uint64_t ts, uint64_t dur, uint64_t count)
{
	struct mmuscope_exits rec = {
		.hdr = { .ts = ts, .dur = dur, .vm = 1, .type = MMUSCOPE_TYPE_exits,
			 .size = sizeof(rec) },
		.count = count, .ns = 5, .reason = 48, .isa = MMUSCOPE_isa_vmx,
	};

	feed(d, 0, &rec.hdr);
}

/* Exits of an interval belong to the slices that it lies in; none is lost, none counted twice. */
static void exits_are_spread_over_their_interval(void **state)
{
	struct diff *d = diff_make(1, 2);
	const struct tally_row *row;
	double sum = 0;

	(void)state;
	feed_vm(d, 0, 1, 100, "db");
	feed_exits(d, SECOND + SECOND / 2, SECOND / 4, 1600);
	row = &d->runs[0].tally[0]->rows[0];
	assert_float_equal(row->slice[16], 100, 1e-6);
	assert_float_equal(row->slice[31], 100, 1e-6);
	assert_float_equal(row->slice[15], 0, 1e-6);
	assert_float_equal(row->slice[33], 0, 1e-6);
	/* Before the begin and behind the end. */
	feed_exits(d, SECOND + SECOND / 100, SECOND / 2, 77);
	feed_exits(d, 2 * SECOND + 5, 100, 33);
	feed_exits(d, 2 * SECOND, 0, 11);
	for (size_t i = 0; i < TWOSAMPLE_SLICES; i++)
		sum += row->slice[i];
	assert_float_equal(sum, 1600 + 77 + 33 + 11, 1e-6);
	assert_float_equal(row->count, 1721, 1e-6);
	assert_float_equal(row->slice[63], 44, 1e-6);
	assert_int_equal(row->longest, SECOND / 2);
	diff_free(d);
}

static void too_many_rows_are_counted(void **state)
{
	struct mmuscope_fault rec = {
		.hdr = { .ts = SECOND, .vm = 1, .type = MMUSCOPE_TYPE_fault, .size = sizeof(rec) },
	};
	struct diff *d = diff_make(1, 2);
	char why[128];
	struct tally *t = tally_new("vm,rip", BIT(fault), why, sizeof(why));

	(void)state;
	feed_vm(d, 0, 1, 100, "db");
	t->begin = SECOND;
	t->elapsed_ns = SECOND;
	t->nr_slices = 1;
	for (size_t i = 0; i < 3 * GROUP_ROWS; i++) {
		rec.rip = i;
		assert_int_equal(tally_feed(t, d->runs[0].model, &rec.hdr), 0);
	}
	assert_int_equal(t->others, 3 * GROUP_ROWS - TALLY_ROWS);
	tally_free(t);
	diff_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vms_are_matched_by_name),
		cmocka_unit_test(the_only_ones_are_compared),
		cmocka_unit_test(the_verdict_names_what_explains_it),
		cmocka_unit_test(changes_both_ways_are_no_share),
		cmocka_unit_test(one_run_of_each_tells_large_differences_only),
		cmocka_unit_test(a_slower_command_has_no_lower_rate),
		cmocka_unit_test(five_runs_are_enough),
		cmocka_unit_test(exits_are_spread_over_their_interval),
		cmocka_unit_test(too_many_rows_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
