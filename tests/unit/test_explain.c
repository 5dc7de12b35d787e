// SPDX-License-Identifier: GPL-2.0
/* Each rule with what triggers it and with what must not; storms, rows of retries, the glossary. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models.h"
#include "view/explain.h"

#define SECOND		1000000000ULL
#define VCPU_NS		(10 * SECOND)

/* One VM with two vCPUs that had ten seconds together. */
struct world {
	struct vm vm;
	struct vm_stats st;
	struct report *report;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->report = report_new("test");
	w->vm.nr_vcpus = 2;
	w->vm.mode = MMUSCOPE_mode_ept;
	w->st.vcpu_ns = VCPU_NS;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	stats_clear(&w->st);
	report_free(w->report);
	free(w);
	return 0;
}

static const struct rule *rule_named(const char *key)
{
	const struct rule *rules;
	size_t nr;

	rules = explain_rules(&nr);
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(rules[i].key, key))
			return &rules[i];
	fail_msg("no rule %s", key);
	return NULL;
}

/* Return: whether the rule has something to say; nobody else looks at the evidence. */
static bool applies(struct world *w, const char *key, struct finding *f)
{
	struct evidence e;

	evidence_make(&e, w->report, &w->vm, &w->st, SECOND);
	return explain_apply(rule_named(key), &e, f);
}

static void says(struct world *w, const char *key, bool expected)
{
	struct finding f;

	if (applies(w, key, &f) != expected)
		fail_msg("%s %s", key, expected ? "is silent" : "speaks");
	if (expected) {
		assert_true(f.count > 0);
		assert_non_null(f.why);
	}
}

/* @n faults of @ns each, of @cause. */
static void add_faults(struct world *w, uint8_t cause, unsigned int n, uint64_t ns,
		       struct mmuscope_fault f)
{
	const struct fault_cause c = { .cause = cause, .aged = true, .age = 5000 };

	f.hdr.type = MMUSCOPE_TYPE_fault;
	f.hdr.dur = ns;
	f.hdr.size = sizeof(f);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(stats_add_fault(&w->st, &f, &c), 0);
}

static void add_caused(struct world *w, uint8_t cause, unsigned int n)
{
	add_faults(w, cause, n, 1000000, (struct mmuscope_fault){ .level = 2 });
}

static const struct {
	const char *key;
	uint8_t cause;
} by_cause[] = {
	{ "numa_balancing", MMUSCOPE_cause_numa },
	{ "ksm", MMUSCOPE_cause_ksm_merge },
	{ "ksm", MMUSCOPE_cause_ksm_break },
	{ "compaction", MMUSCOPE_cause_migration },
	{ "reclaim", MMUSCOPE_cause_reclaim },
	{ "khugepaged", MMUSCOPE_cause_thp_collapse },
	{ "balloon", MMUSCOPE_cause_madvise },
	{ "vmm_mappings", MMUSCOPE_cause_munmap },
	{ "vmm_mappings", MMUSCOPE_cause_fork },
	{ "dirty_logging", MMUSCOPE_cause_dirty_log },
	{ "memslots", MMUSCOPE_cause_slot_change },
	{ "nx_huge_pages", MMUSCOPE_cause_nx_huge_page },
	{ "access_tracking", MMUSCOPE_cause_aging },
	{ "shadow_recycling", MMUSCOPE_cause_recycling },
	{ "first_touch", MMUSCOPE_cause_first_touch },
	{ "unknown", CAUSE_UNTAKEN },
};

static void faults_of_a_cause_are_found(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_cause); i++) {
		/* 0.9% of the time is too little, 1.1% is not; of other causes none is its own. */
		says(*state, by_cause[i].key, false);
		add_caused(*state, by_cause[i].cause, 90);
		says(*state, by_cause[i].key, false);
		add_caused(*state, by_cause[i].cause, 20);
		says(*state, by_cause[i].key, true);
		stats_clear(&((struct world *)*state)->st);
		((struct world *)*state)->st.vcpu_ns = VCPU_NS;
		for (unsigned int cause = 0; cause < CAUSES; cause++)
			if (cause != by_cause[i].cause && strcmp(by_cause[i].key, "ksm") &&
			    strcmp(by_cause[i].key, "vmm_mappings") &&
			    strcmp(by_cause[i].key, "unknown") &&
			    strcmp(by_cause[i].key, "balloon") &&
			    strcmp(by_cause[i].key, "memslots"))
				add_caused(*state, cause, 110);
		says(*state, by_cause[i].key, false);
		stats_clear(&((struct world *)*state)->st);
		((struct world *)*state)->st.vcpu_ns = VCPU_NS;
	}
}

static void evidence_has_the_numbers(void **state)
{
	struct finding f;

	add_caused(*state, MMUSCOPE_cause_numa, 1000);
	assert_true(applies(*state, "numa_balancing", &f));
	assert_int_equal(f.count, 1000);
	assert_int_equal(f.ns, SECOND);
	assert_non_null(strstr(f.why, "1,000 of 1,000 faults, which took 1.00s"));
	assert_non_null(strstr(f.why, "within 5.0"));
}

static void shadow_paging(void **state)
{
	struct world *w = *state;
	struct mmuscope_invlpg rec = { .hdr = { .type = MMUSCOPE_TYPE_invlpg, .dur = SECOND } };

	assert_int_equal(stats_add(&w->st, &rec.hdr), 0);
	says(w, "shadow_paging", false);
	w->vm.mode = MMUSCOPE_mode_shadow;
	says(w, "shadow_paging", true);
}

static void waits_for_the_lock(void **state)
{
	struct mmuscope_fault f = { .level = 2, .handler_ns = 1000000, .lock_ns = 900000 };
	struct mmuscope_lockwait wait = {
		.hdr = { .type = MMUSCOPE_TYPE_lockwait, .dur = 900000 },
	};
	struct world *w = *state;

	says(w, "mmu_lock", false);
	assert_int_equal(stats_add(&w->st, &wait.hdr), 0);
	add_faults(w, 0, 100, 1000000, f);
	says(w, "mmu_lock", false);
	add_faults(w, 0, 100, 1000000, f);
	says(w, "mmu_lock", true);
}

static void sleeping_and_user_space(void **state)
{
	struct mmuscope_fault f = { .level = 2, .handler_ns = 900000, .resolve_ns = 900000 };
	struct world *w = *state;

	add_faults(w, 0, 1000, 1000000, f);
	says(w, "host_page_slow", false);
	says(w, "user_exits", false);
	f.hdr.flags = MMUSCOPE_SLEPT;
	add_faults(w, 0, 200, 1000000, f);
	says(w, "host_page_slow", true);
	says(w, "user_exits", false);
	f = (struct mmuscope_fault){ .hdr.flags = MMUSCOPE_USER };
	add_faults(w, CAUSE_MMIO, 200, 1000000, f);
	says(w, "user_exits", true);
}

static void small_pages(void **state)
{
	struct mmuscope_fault f = { .level = 1 };

	add_faults(*state, MMUSCOPE_cause_first_touch, 500, 1000000, f);
	says(*state, "small_pages", false);
	add_faults(*state, MMUSCOPE_cause_first_touch, 600, 1000000, f);
	says(*state, "small_pages", true);
	f.level = 2;
	add_faults(*state, MMUSCOPE_cause_first_touch, 300, 1000000, f);
	says(*state, "small_pages", false);
}

static void broken_huge_pages(void **state)
{
	struct mmuscope_split split = { .hdr.type = MMUSCOPE_TYPE_split, .level = 2 };
	struct world *w = *state;

	says(w, "huge_pages_broken", false);
	for (int i = 0; i < 63; i++)
		assert_int_equal(stats_add(&w->st, &split.hdr), 0);
	says(w, "huge_pages_broken", false);
	assert_int_equal(stats_add(&w->st, &split.hdr), 0);
	says(w, "huge_pages_broken", true);
}

static void storms_are_seen(void **state)
{
	struct storm_window window = { 0 };
	struct world *w = *state;
	struct storm past = { 0 };

	/* 9,900 a second. */
	for (int i = 0; i < 3 * 990; i++)
		storm_add(&w->st.storm, &window, SECOND + i * STORM_WINDOW_NS / 990);
	assert_int_equal(w->st.storm.windows, 0);
	says(w, "flush_storm", false);
	for (int i = 0; i < 3000; i++)
		storm_add(&w->st.storm, &window, 2 * SECOND + i * STORM_WINDOW_NS / 1500);
	assert_int_equal(w->st.storm.windows, 2);
	assert_int_equal(w->st.storm.flushes, 3000);
	assert_int_equal(w->st.storm.peak, 1500);
	assert_int_equal(w->st.storm.begin, 2 * SECOND);
	assert_int_equal(w->st.storm.end, 2 * SECOND + 2 * STORM_WINDOW_NS);
	says(w, "flush_storm", true);
	storm_fold(&past, &w->st.storm);
	storm_fold(&past, &(struct storm){ 0 });
	assert_memory_equal(&past, &w->st.storm, sizeof(past));
}

static void retry(struct stuck *s, struct stuck_row *row, uint64_t rip, uint64_t gfn,
		  uint8_t verdict)
{
	static uint64_t ts = SECOND;
	struct mmuscope_fault f = {
		.hdr = { .ts = ts += 2000, .dur = 1000, .vcpu = 3 }, .rip = rip, .gpa = gfn << 12,
		.verdict = verdict,
	};

	stuck_add(s, row, &f);
}

static void vcpus_without_progress_are_seen(void **state)
{
	struct world *w = *state;
	struct stuck *s = &w->st.stuck;
	struct stuck_row row = { 0 };

	/* Each of these moves on somehow. */
	for (unsigned int i = 0; i < 10 * STUCK_FAULTS; i++)
		retry(s, &row, 1 + i % 2, 7, MMUSCOPE_verdict_retry);
	for (unsigned int i = 0; i < 10 * STUCK_FAULTS; i++)
		retry(s, &row, 1, 7 + i, MMUSCOPE_verdict_retry);
	for (unsigned int i = 0; i < 10 * STUCK_FAULTS; i++)
		retry(s, &row, 1, 7, i % 40 ? MMUSCOPE_verdict_retry : MMUSCOPE_verdict_fixed);
	for (unsigned int i = 0; i < 10 * STUCK_FAULTS; i++)
		retry(s, &row, 1, 7, MMUSCOPE_verdict_mmio);
	assert_int_equal(s->rows, 0);
	says(w, "no_progress", false);
	for (unsigned int i = 0; i < 1000; i++)
		retry(s, &row, 1, 7, MMUSCOPE_verdict_retry);
	retry(s, &row, 1, 7, MMUSCOPE_verdict_fixed);
	for (unsigned int i = 0; i < STUCK_FAULTS; i++)
		retry(s, &row, 2, 8, MMUSCOPE_verdict_retry);
	assert_int_equal(s->rows, 2);
	assert_int_equal(s->faults, 1000 + STUCK_FAULTS);
	assert_int_equal(s->ns, 999 * 2000 + 1000 + (STUCK_FAULTS - 1) * 2000 + 1000);
	assert_int_equal(s->worst.count, 1000);
	assert_int_equal(s->worst.vcpu, 3);
	assert_int_equal(s->worst.gfn, 7);
	says(w, "no_progress", true);
}

static void progress_is_put_into_words(void **state)
{
	static const struct {
		struct view_progress p;
		const char *all, *stuck;	/* what is said, and of a vCPU that is stuck */
	} cases[] = {
		{ { 12345, 0, 0, 1000 }, "is at 12,345. None is under way.", "are not the reason" },
		{ { 12345, 0, 7, 1000 }, "is at 12,345.", "it moved by 7: invalidations go on" },
		{ { 12345, 1, 0, 1000 }, "1 is under way, and until it ends", "does not end" },
		{ { 12345, 2, 0, 0 }, "2 are under way, and until they end", "2 are under" },
		{ { 12345, -1, 0, 0 }, "-1 are under way: more ended", "more ended than began" },
		{ { PROGRESS_WRAP - 5, 0, 0, 0 }, "is 5 short of 2^31", "short of 2^31" },
		{ { PROGRESS_WRAP + 5, 0, 0, 1000 }, "2,147,483,653. None", "beyond 2^31" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *all = progress_words(w->report, &cases[i].p);
		const char *stuck = progress_verdict(w->report, &cases[i].p);

		if (!strstr(all, cases[i].all) || !strstr(stuck, cases[i].stuck))
			fail_msg("%zu: '%s', '%s'", i, all, stuck);
		assert_int_equal(!!strstr(all, "hang"), progress_near_wrap(&cases[i].p));
	}
}

static void a_wrap_is_told_in_time(void **state)
{
	struct view_progress p = { .seq = PROGRESS_WRAP / 8 * 7 - 1 };
	struct stuck_row row = { 0 };
	struct world *w = *state;
	struct evidence e;
	struct finding f;

	evidence_make(&e, w->report, &w->vm, &w->st, SECOND);
	assert_false(explain_apply(rule_named("sequence_wrap"), &e, &f));
	e.progress = &p;
	assert_false(explain_apply(rule_named("sequence_wrap"), &e, &f));
	p.seq++;
	assert_true(explain_apply(rule_named("sequence_wrap"), &e, &f));
	assert_non_null(strstr(f.why, "268,435,456 short of 2^31"));
	p.seq = PROGRESS_WRAP;
	assert_false(explain_apply(rule_named("sequence_wrap"), &e, &f));
	for (unsigned int i = 0; i < STUCK_FAULTS; i++)
		retry(&w->st.stuck, &row, 1, 7, MMUSCOPE_verdict_retry);
	assert_true(explain_apply(rule_named("no_progress"), &e, &f));
	assert_non_null(strstr(f.why, "beyond 2^31"));
	assert_non_null(strstr(f.why, "Once a vCPU"));
	assert_non_null(strstr(f.why, "instruction 0x1, frame 0x7"));
	w->st.stuck.worst.rip = MMUSCOPE_UNKNOWN;
	assert_true(explain_apply(rule_named("no_progress"), &e, &f));
	assert_null(strstr(f.why, "0xffffffffffffffff"));
}

/* Every rule was triggered above: a new one comes with its test. */
static void rules_have_tests_and_words(void **state)
{
	static const char *const others[] = {
		"shadow_paging", "mmu_lock", "host_page_slow", "user_exits", "small_pages",
		"huge_pages_broken", "flush_storm", "no_progress", "sequence_wrap",
	};
	const struct rule *rules;
	size_t nr;

	(void)state;
	rules = explain_rules(&nr);
	for (size_t i = 0; i < nr; i++) {
		bool tested = false;

		for (size_t k = 0; k < ARRAY_SIZE(by_cause); k++)
			tested |= !strcmp(rules[i].key, by_cause[k].key);
		for (size_t k = 0; k < ARRAY_SIZE(others); k++)
			tested |= !strcmp(rules[i].key, others[k]);
		if (!tested)
			fail_msg("rule %s has no test", rules[i].key);
		assert_true(!rules[i].look == !!rules[i].causes);
		assert_true(strlen(rules[i].title) && strlen(rules[i].knob) &&
			    strlen(rules[i].confirm));
	}
}

static struct model *model_of(uint64_t records)
{
	const struct synth_config cfg = {
		.streams = 1, .vms = 2, .vcpus = 2, .records = records, .seed = 1, .lost = 1,
	};

	return model_made_up(&cfg);
}

static void findings_are_ranked(void **state)
{
	const struct view_window w = { .past = true, .elapsed_ns = SECOND };
	struct model *m = model_of(100000);
	struct report *r = report_new("explain");
	double last = 1e9;
	size_t findings = 0;

	(void)state;
	assert_int_equal(view_explain(r, m, &w), 2);
	for (const struct section *s = r->sections; s; s = s->next, findings++) {
		assert_string_equal(s->key, "findings");
		for (size_t i = 0; i < s->nr_facts; i++) {
			if (strcmp(s->facts[i].key, "share"))
				continue;
			assert_true(s->facts[i].cell.kind == CELL_NONE ||
				    s->facts[i].cell.real <= last);
			last = s->facts[i].cell.kind == CELL_NONE ? 0 : s->facts[i].cell.real;
		}
	}
	assert_true(findings >= 2);
	report_free(r);
	model_free(m);
}

static void nothing_is_a_finding_too(void **state)
{
	const struct view_window w = { .past = true, .elapsed_ns = SECOND };
	struct model *m = model_of(6);
	struct report *r = report_new("explain");

	(void)state;
	assert_int_equal(view_explain(r, m, &w), 2);
	assert_string_equal(r->sections->key, "nothing");
	assert_non_null(strstr(r->sections->blocks->note, "Nothing significant"));
	report_free(r);
	model_free(m);
}

static bool looked_at(void *ctx, uint32_t pid, bool twice, struct view_progress *p)
{
	(void)pid;
	*p = *(struct view_progress *)ctx;
	if (twice)
		p->moved_ns = SECOND;
	return true;
}

static void the_kernel_is_asked(void **state)
{
	struct view_progress p = { .seq = PROGRESS_WRAP - 1 };
	const struct view_window w = {
		.past = true, .elapsed_ns = SECOND, .progress = looked_at, .progress_ctx = &p,
	};
	struct model *m = model_of(6);
	struct report *r = report_new("explain");

	(void)state;
	assert_int_equal(view_explain(r, m, &w), 2);
	for (const struct section *s = r->sections; s; s = s->next)
		assert_string_equal(s->facts[0].cell.text, "sequence_wrap");
	report_free(r);
	r = report_new("slots");
	view_progress(report_section(r, "vms", "VM", true), NULL);
	assert_int_equal(r->sections->facts[0].cell.kind, CELL_NONE);
	assert_non_null(strstr(r->sections->blocks->note, "cannot be told"));
	report_free(r);
	model_free(m);
}

/* How many terms the glossary does not have. */
static unsigned int missing;

static void wants(const char *term)
{
	if (!term || glossary_has(term))
		return;
	print_message("the glossary does not have '%s'\n", term);
	missing++;
}

static void no_memory(void *ctx, const struct vm *vm, struct vm_memory *mem)
{
	(void)ctx;
	(void)vm;
	memset(mem, 0, sizeof(*mem));
}

/* Headings and titles of every table. */
static void glossary_has_all_that_is_shown(void **state)
{
	const struct view_window w = { .past = true, .elapsed_ns = SECOND };
	const struct view_host host = { .libvirt = true, .memory = no_memory };
	struct model *m = model_of(200000);
	struct report *r = report_new("stat");

	(void)state;
	assert_int_equal(view_stat(r, m, &w), 2);
	view_list(r, m, &host);

	for (const struct section *s = r->sections; s; s = s->next) {
		for (const struct block *b = s->blocks; b; b = b->next) {
			if (b->kind == BLOCK_HISTOGRAM)
				wants(b->histogram.title);
			if (b->kind != BLOCK_TABLE)
				continue;
			wants(b->table.title);
			for (size_t i = 0; i < b->table.nr_columns; i++)
				wants(b->table.columns[i].head);
		}
	}
	assert_int_equal(missing, 0);
	report_free(r);
	model_free(m);
}

static void glossary_has_the_schema(void **state)
{
	struct report *r = report_new("glossary");

	(void)state;
	for (unsigned int set = 0; set < SET_COUNT; set++)
		for (size_t i = 0; i < schema_vocabulary(set)->nr; i++)
			wants(schema_vocabulary(set)->words[i].name);
	for (unsigned int id = 1; id < MMUSCOPE_TYPES; id++)
		if (schema_event(id))
			wants(schema_event(id)->name);
	assert_int_equal(missing, 0);
	assert_false(glossary_has("frobnication"));
	assert_int_equal(view_glossary(r, "frobnication"), 0);
	assert_null(r->sections);
	/* Of a verdict and of several fields. */
	assert_true(view_glossary(r, "KICKED") >= 2);
	assert_true(view_glossary(r, NULL) > 300);
	report_free(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faults_of_a_cause_are_found),
		TEST(evidence_has_the_numbers),
		TEST(shadow_paging),
		TEST(waits_for_the_lock),
		TEST(sleeping_and_user_space),
		TEST(small_pages),
		TEST(broken_huge_pages),
		TEST(storms_are_seen),
		TEST(vcpus_without_progress_are_seen),
		TEST(progress_is_put_into_words),
		TEST(a_wrap_is_told_in_time),
		cmocka_unit_test(the_kernel_is_asked),
		cmocka_unit_test(rules_have_tests_and_words),
		cmocka_unit_test(findings_are_ranked),
		cmocka_unit_test(nothing_is_a_finding_too),
		cmocka_unit_test(glossary_has_all_that_is_shown),
		cmocka_unit_test(glossary_has_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
