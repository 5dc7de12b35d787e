// SPDX-License-Identifier: GPL-2.0
/* Expressions over records, and conditions on intervals. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "lib/filter.h"
#include "lib/trigger.h"

static const struct mmuscope_fault fault = {
	.hdr = { .ts = 1000, .dur = 1500000, .vm = 3, .vcpu = 2, .type = MMUSCOPE_TYPE_fault,
		 .flags = MMUSCOPE_SLEPT, .size = sizeof(fault) },
	.gpa = 0x5000, .gva = MMUSCOPE_UNKNOWN, .rip = 0xffffffff81000000, .error = 6,
	.handler_ns = 900, .access = MMUSCOPE_access_write, .mode = MMUSCOPE_mode_ept,
	.verdict = MMUSCOPE_verdict_fixed, .level = 2, .sptes = 8,
};

static const struct mmuscope_split split = {
	.hdr = { .vm = 1, .vcpu = MMUSCOPE_NO_VCPU, .type = MMUSCOPE_TYPE_split,
		 .size = sizeof(split) },
	.gfn = 512, .error = -12, .level = 2, .reason = MMUSCOPE_split_reason_eager,
};

static const struct mmuscope_invalidate invalidate = {
	.hdr = { .vm = 1, .vcpu = MMUSCOPE_NO_VCPU, .type = MMUSCOPE_TYPE_invalidate,
		 .size = sizeof(invalidate) },
	.cause = MMUSCOPE_cause_ksm_merge, .comm = "ksmd",
};

static const struct mmuscope_dirty dirty = {
	.hdr = { .vm = 1, .type = MMUSCOPE_TYPE_dirty, .size = sizeof(dirty) },
	.op = MMUSCOPE_dirty_op_clear,
};

static const struct mmuscope_slot slot = {
	.hdr = { .vm = 1, .type = MMUSCOPE_TYPE_slot, .size = sizeof(slot) }, .flags = 1,
};

static struct filter *parse(const char *text)
{
	char err[256] = "";
	struct filter *f = filter_new(text, err, sizeof(err));

	if (!f)
		print_message("'%s': %s\n", text, err);
	assert_non_null(f);
	return f;
}

static void check(const char *text, const void *rec, bool want)
{
	struct filter *f = parse(text);

	if (filter_match(f, rec) != want)
		fail_msg("'%s' is %s", text, want ? "false" : "true");
	/* What can be said without the record must agree. */
	if (want)
		assert_true(filter_types(f) >> ((const struct mmuscope_hdr *)rec)->type & 1);
	filter_free(f);
}

static void comparisons(void **state)
{
	static const struct { const char *text; bool want; } cases[] = {
		{ "vm == 3", true }, { "vm = 3", true }, { "vm==4", false }, { "vm != 3", false },
		{ "vm<4", true }, { "vm < 3", false }, { "vm <= 3", true }, { "vm > 2", true },
		{ "vm > 3", false }, { "vm >= 3", true }, { "vm >= 4", false },
		{ "vcpu == 2", true }, { "vcpu == none", false },
		{ "access == write", true }, { "access==read", false },
		{ "access != read", true }, { "verdict == fixed", true },
		{ "mode==ept", true }, { "level == 2", true }, { "sptes >= 8", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].text, &fault, cases[i].want);
}

static void units(void **state)
{
	(void)state;
	check("dur > 1ms", &fault, true);
	check("dur == 1.5ms", &fault, true);
	check("dur > 1500us", &fault, false);
	check("dur >= 1500us", &fault, true);
	check("dur < 1s", &fault, true);
	check("dur < 2s", &fault, true);
	check("dur == 1500000", &fault, true);
	check("handler_ns == 900ns", &fault, true);
	check("gpa == 0x5000", &fault, true);
	check("gpa == 20K", &fault, true);
	check("gpa >= 16K and gpa < 24K", &fault, true);
	check("rip >= 0xffffffff80000000", &fault, true);
	check("error == 6", &fault, true);
	check("error < 0", &split, true);
	check("error == -12", &split, true);
	check("error > -12", &split, false);
	check("gfn == 0x200", &split, true);
}

static void what_is_not_known(void **state)
{
	(void)state;
	check("gva == unknown", &fault, true);
	check("gva != unknown", &fault, false);
	check("gva > 0", &fault, false);
	check("gva < 1G", &fault, false);
	check("gpa != unknown", &fault, true);
	check("gpa == unknown", &fault, false);
	check("vcpu == none", &split, true);
	check("vcpu != none", &split, false);
}

static void families_and_words(void **state)
{
	(void)state;
	check("type == fault", &fault, true);
	check("type != fault", &fault, false);
	check("type == flush", &fault, false);
	check("type != fault", &split, true);
	/* The same word of two vocabularies, and a field that only some have. */
	check("op == clear", &dirty, true);
	check("op == get", &dirty, false);
	check("access == write", &split, false);
	check("not access == write", &split, true);
	check("access != write", &split, false);
	check("cause == ksm_merge", &invalidate, true);
	check("comm == ksmd", &invalidate, true);
	check("comm == 'ksmd'", &invalidate, true);
	check("comm != \"ksmd\"", &invalidate, false);
	check("comm == ksm", &invalidate, false);
	check("comm == ksmd0", &invalidate, false);
	check("reason == eager", &split, true);
	/* "reason" is a number elsewhere. */
	check("reason == 48", &split, false);
}

static void flags_and_bare_fields(void **state)
{
	(void)state;
	check("slept", &fault, true);
	check("slept == 1", &fault, true);
	check("slept == 0", &fault, false);
	check("slept != 1", &fault, false);
	check("preempted", &fault, false);
	check("not preempted", &fault, true);
	check("!user and !nested", &fault, true);
	check("sptes", &fault, true);
	check("walk", &fault, false);
	check("lock_ns", &fault, false);
	/* "flags" alone is what every record has in its header. */
	check("slot_flags == 1", &slot, true);
	check("flags", &slot, false);
}

static void logic(void **state)
{
	(void)state;
	check("vm==3 and vcpu==2", &fault, true);
	check("vm==3 && vcpu==3", &fault, false);
	check("vm==4 or vcpu==2", &fault, true);
	check("vm==4 || vcpu==3", &fault, false);
	/* "and" binds closer than "or", "not" closest. */
	check("vm==3 or vm==4 and vm==5", &fault, true);
	check("(vm==3 or vm==4) and vm==5", &fault, false);
	check("not vm==4 and vm==3", &fault, true);
	check("not (vm==4 or vm==3)", &fault, false);
	check("! ! vm==3", &fault, true);
	check("not not not vm==3", &fault, false);
	check("type==fault and access==write and (dur > 1ms or slept)", &fault, true);
	check(" \t( ( vm == 3 ) )\n", &fault, true);
}

static void types_that_can_match(void **state)
{
	static const struct { const char *text; uint64_t types; } cases[] = {
		{ "type==fault", 1 << MMUSCOPE_TYPE_fault },
		{ "type==fault or type==flush",
		  1 << MMUSCOPE_TYPE_fault | 1 << MMUSCOPE_TYPE_flush },
		{ "access==write", 1 << MMUSCOPE_TYPE_fault },
		{ "not (not access==write)", 1 << MMUSCOPE_TYPE_fault },
		{ "type==fault and dur > 1ms", 1 << MMUSCOPE_TYPE_fault },
		{ "rip==0 or scope==remote",
		  1 << MMUSCOPE_TYPE_fault | 1 << MMUSCOPE_TYPE_flush },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter *f = parse(cases[i].text);

		assert_int_equal(filter_types(f), cases[i].types);
		filter_free(f);
	}
}

static void mistakes_are_named(void **state)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "", "too early" }, { "   ", "too early" }, { "vm ==", "value is missing" },
		{ "vm == 3 and", "too early" }, { "and vm==3", "name of a field" },
		{ "== 3", "name of a field" }, { "(vm==3", "')' is missing" },
		{ "vm==3)", "'and' or 'or'" }, { "vm==3 vcpu==2", "'and' or 'or'" },
		{ "axess==write", "did you mean 'access'" },
		{ "access==vrite", "did you mean 'write'" }, { "nothing==1", "no field 'nothing'" },
		{ "access==purple", "no value for access" }, { "dur > 1x", "no value for dur" },
		{ "gpa > 1ms", "gpa is not a time" }, { "level == 2M", "page size mapped" },
		{ "vm == -", "no value" }, { "type > fault", "== or !=" },
		{ "type == folt", "no kind of record 'folt'" }, { "type", "== or !=" },
		{ "comm > ksmd", "== or !=" }, { "comm", "== or !=" }, { "slept == 2", "0 or 1" },
		{ "comm == 'ksmd", "value is missing" },
		{ "vm == 99999999999999999999", "no value" },
		{ "vm == 3 #", "'and' or 'or'" }, { "pad == 0", "no field 'pad'" },
		{ "type==fault and type==flush", "all of these fields" },
		{ "access==write and kicked", "all of these fields" },
		{ "type==fault and cause==numa", "--by knows" },
		{ "0 == vm", "name of a field" }, { "vm == 0x", "no value" },
	};
	char err[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		*err = '\0';
		if (filter_new(cases[i].text, err, sizeof(err)))
			fail_msg("'%s' was understood", cases[i].text);
		if (!strstr(err, cases[i].says))
			fail_msg("'%s': %s", cases[i].text, err);
		assert_null(strchr(err, '\n'));
	}
}

/* Nothing that a user types makes it grow or recurse without bounds. */
static void long_expressions_are_refused(void **state)
{
	char text[20000], err[256];
	size_t len = 0;

	(void)state;
	memset(text, '(', 10000);
	text[10000] = '\0';
	assert_null(filter_new(text, err, sizeof(err)));
	assert_non_null(strstr(err, "too deep"));
	memset(text, '!', 10000);
	assert_null(filter_new(text, err, sizeof(err)));
	for (int i = 0; i < 1000; i++)
		len += snprintf(text + len, sizeof(text) - len, "%svm==%d", i ? " or " : "", i);
	assert_null(filter_new(text, err, sizeof(err)));
	assert_non_null(strstr(err, "too long"));
	memset(text, 'a', 10000);
	assert_null(filter_new(text, err, sizeof(err)));
}

static void feed(struct trigger *t, uint64_t ns, unsigned int times)
{
	struct mmuscope_fault f = fault;

	f.hdr.dur = ns;
	while (times--) {
		trigger_feed(t, &f.hdr);
		trigger_feed(t, &split.hdr);
	}
}

static struct trigger *condition(const char *text)
{
	char err[128] = "";
	struct trigger *t = trigger_new(text, err, sizeof(err));

	if (!t)
		print_message("'%s': %s\n", text, err);
	assert_non_null(t);
	return t;
}

static void conditions(void **state)
{
	struct trigger *t = condition("p99(fault) > 1ms");

	(void)state;
	assert_false(trigger_fired(t));
	feed(t, 1000, 99);
	feed(t, 5000000, 1);
	assert_false(trigger_fired(t));
	feed(t, 5000000, 2);
	feed(t, 1000, 98);
	assert_true(trigger_fired(t));
	/* Only when it becomes true. */
	feed(t, 5000000, 9);
	assert_false(trigger_fired(t));
	feed(t, 10, 9);
	assert_false(trigger_fired(t));
	feed(t, 5000000, 9);
	assert_true(trigger_fired(t));
	trigger_free(t);

	t = condition("count( fault )>=3");
	feed(t, 1, 2);
	assert_false(trigger_fired(t));
	feed(t, 1, 3);
	assert_true(trigger_fired(t));
	trigger_free(t);

	t = condition("max(fault) < 10us");
	assert_false(trigger_fired(t));
	feed(t, 20000, 1);
	assert_false(trigger_fired(t));
	feed(t, 500, 1);
	assert_true(trigger_fired(t));
	trigger_free(t);
}

static void wrong_conditions_are_named(void **state)
{
	static const char *const wrong[] = {
		"", "p99", "p99(", "p99()", "p99(fault)", "p99(fault) >", "p99(fault) > x",
		"p99(fault) > 1ms or", "p0(fault) > 1ms", "p101(fault) > 1ms", "px(fault) > 1",
		"p99(folt) > 1ms", "mean(fault) > 1ms", "count(fault) > 1ms", "p99(hdr) > 1ms",
		"p99(fault) == 1ms", "p99 fault > 1ms", "count(fault) > -1",
	};
	char err[128];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		*err = '\0';
		if (trigger_new(wrong[i], err, sizeof(err)))
			fail_msg("'%s' was understood", wrong[i]);
		assert_true(*err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparisons),
		cmocka_unit_test(units),
		cmocka_unit_test(what_is_not_known),
		cmocka_unit_test(families_and_words),
		cmocka_unit_test(flags_and_bare_fields),
		cmocka_unit_test(logic),
		cmocka_unit_test(types_that_can_match),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(long_expressions_are_refused),
		cmocka_unit_test(conditions),
		cmocka_unit_test(wrong_conditions_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
