// SPDX-License-Identifier: GPL-2.0
/* What kmod.sh left behind; nothing to judge where the collector was eBPF. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_alone(const char *name)
{
	char *err = result_text("second", ".err"), *code = result_text("second", ".rc");

	if (!result_kmod())
		skip();
	holds(code && !strcmp(code, "1\n"), "%s: exit code %s", name, code ? code : "none");
	holds(err && strstr(err, "one tool at a time") && strstr(err, "mmuscope"),
	      "the second says: %s", err ? err : "nothing");
	free(err);
	free(code);
}

/* Who has the module, and how much it wrote, for root alone. */
static void check_status(const char *name)
{
	char *text, *mode;

	(void)name;
	if (!result_kmod())
		skip();
	text = result_text("status", ".out");
	mode = result_text("status-mode", ".out");
	holds(text && strstr(text, " mmuscope\n"), "the holder: %s", text ?: "nothing");
	same("the holder", result_number("robust", "", "status_pid"), "the first tool",
	     result_number("robust", "", "first_pid"));
	holds(result_number("robust", "", "status_records") >= 100, "records: %lld",
	      result_number("robust", "", "status_records"));
	holds(mode && !strcmp(mode, "400 0\n400 0\n"), "mode and owner: %s",
	      mode ?: "nothing");
	free(mode);
	free(text);
}

static long long records_of(const char *name, const char *type)
{
	char key[64];
	long long n;

	snprintf(key, sizeof(key), "record.%s", type);
	n = result_number(name, ".out", key);
	return n == ABSENT ? 0 : n;
}

/* What was asked for came, all of it, and nothing else. */
static void check_families(const char *name)
{
	static const char *const work[] = { "sync", "invlpg", "ptwrite" };
	static const char *const others[] = {
		"flush", "unsync", "shadow_page", "vm", "vcpu", "slot",
	};
	bool fault = !strcmp(name, "only-fault");

	if (!result_kmod())
		skip();
	same("faults", records_of(name, "fault"), "stat_total.pf_taken",
	     fault ? result_number(name, ".out", "stat_total.pf_taken") : 0);
	for (size_t i = 0; i < sizeof(work) / sizeof(work[0]); i++) {
		if (fault)
			same(work[i], records_of(name, work[i]), "wanted", 0);
		else
			holds(records_of(name, work[i]) > 0, "no %s", work[i]);
	}
	if (!fault)
		same("ptwrite", records_of(name, "ptwrite"), "stat_total.mmu_pte_write",
		     result_number(name, ".out", "stat_total.mmu_pte_write"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		same(others[i], records_of(name, others[i]), "wanted", 0);
		/* Else this checks nothing: the same guest without a filter has them. */
		holds(records_of("all-kinds", others[i]) > 0 || !strcmp(others[i], "unsync"),
		      "no %s without a filter", others[i]);
	}
}

static void check_older(const char *name)
{
	char *err, *code;

	if (!result_kmod())
		skip();
	err = result_text(name, ".err");
	code = result_text(name, ".rc");
	holds(code && !strcmp(code, "1\n"), "exit code %s", code ?: "none");
	holds(err && strstr(err, "is not of this mmuscope") &&
	      strstr(err, "load the one that was built with it"), "it says: %s", err ?: "nothing");
	free(code);
	free(err);
}

/* Each VM's faults are known, and its mode. */
static void check_reload(const char *name)
{
	bool is_plug = !strncmp(name, "plug", 4);
	json_t *report, *vm;
	const char *mode;

	/* A machine with one CPU has none to take away. */
	if (!result_kmod() || (is_plug && result_number("machine", "", "cpus") == 1))
		skip();
	report = result_report(is_plug ? "hotplug" : "reload");
	vm = result_vm(report, name);
	mode = !strcmp(name, "reload-2") ? "shadow" : result_tdp();
	holds(!strcmp(fact_word(vm, "mode"), mode), "mode %s, not %s", fact_word(vm, "mode"), mode);
	same("faults", rows(vm, "faults", "count", NULL), "stat_total.pf_taken",
	     result_number(name, ".out", "stat_total.pf_taken"));
	same("exits", rows(vm, "exits", "count", NULL), "stat_total.exits",
	     result_number(name, ".out", "stat_total.exits"));
	same("lost", fact(json_object_get(report, "collection"), "lost"), "wanted", 0);
}

static void check_filters(const char *name)
{
	json_t *report;

	if (!result_kmod())
		skip();
	report = result_report(name);
	same("VMs", result_vms(report), "wanted", 1);
	result_vm(report, strcmp(name, "kmod-by-pid") ? "kmod-command" : "one");
}

static void check_auto(const char *name)
{
	char *err;

	if (!result_kmod())
		skip();
	err = result_text(name, ".err");
	holds(err && strstr(err, "with the kernel module") && strstr(err, "BTF"), "it says: %s",
	      err ? err : "nothing");
	same("faults", rows(result_vm(result_report(name), name), "faults", "count", NULL),
	     "stat_total.pf_taken", result_number(name, ".out", "stat_total.pf_taken"));
	free(err);
}

/* KiB. What KVM and the tool itself keep is some hundred; a leak of each VM or cycle is more. */
static void check_grown(const char *name)
{
	if (!result_kmod())
		skip();
	holds(result_number("robust", "", name) != ABSENT, "%s was not measured", name);
	holds(result_number("robust", "", name) < 2000, "memory grew by %lld KiB",
	      result_number("robust", "", name));
}

static void check_many(const char *name)
{
	json_t *report;
	size_t vms;

	if (!result_kmod())
		skip();
	report = result_report(name);
	vms = result_vms(report);
	same("VMs", vms, "made", result_number("robust", "", "many_made"));
	holds(vms > 50, "only %zu VMs", vms);
	for (size_t i = 1; i < vms; i++) {
		char one[32];

		snprintf(one, sizeof(one), "many-%zu", i);
		same(one, rows(result_vm(report, one), "faults", "count", NULL),
		     "stat_total.pf_taken", result_number("many", ".taken", one));
	}
	same("lost", fact(json_object_get(report, "collection"), "lost"), "wanted", 0);
	same("unattributed", fact(json_object_get(report, "collection"), "unattributed_records"),
	     "wanted", 0);
	}

static void check_zero(const char *name)
{
	if (!result_kmod())
		skip();
	same(name, result_number("robust", "", name), "wanted",
	     !strcmp(name, "unloaded"));
}

static void check_hostile(const char *name)
{
	char *text = result_text("hostile", ".out"), *line, *rest = text;
	int answers = 0;

	(void)name;
	if (!result_kmod())
		skip();
	while (rest && (line = strsep(&rest, "\n"))) {
		size_t len = strlen(line);

		if (!len)
			continue;
		answers++;
		holds(line[len - 1] == '1', "%s", line);
	}
	holds(answers > 40, "only %d answers", answers);
	free(text);
}

static void check_ends(const char *name)
{
	char *code;

	if (!result_kmod())
		skip();
	code = result_text(name, ".rc");
	holds(code && !strcmp(code, "0\n"), "exit code %s", code ? code : "none");
	free(code);
}

static void check_absent(const char *name)
{
	char *err;

	if (!result_kmod())
		skip();
	err = result_text(name, ".err");
	holds(err && strstr(err, "modprobe mmuscope"), "it says: %s", err ? err : "nothing");
	free(err);
}

#define LIST(...) (const char *const[]){ __VA_ARGS__, NULL }

const struct check kmod_checks[] = {
	{ "module: one at a time", check_alone, LIST("second"), NULL },
	{ "module: status", check_status, LIST("status"), NULL },
	{ "module: kinds of records", check_families, LIST("only-fault", "only-work"), NULL },
	{ "module: another version", check_older, LIST("older"), NULL },
	{ "module: memory", check_grown, LIST("many_grown", "cycles_grown"), NULL },
	{ "module: KVM reloaded", check_reload, LIST("reload-1", "reload-2", "reload-3"), NULL },
	{ "module: CPU off and on", check_reload, LIST("plug-1", "plug-2", "plug-3"), NULL },
	{ "module: filters", check_filters, LIST("kmod-by-pid", "kmod-by-command"), NULL },
	{ "module: taken by itself", check_auto, LIST("auto"), NULL },
	{ "module: many VMs", check_many, LIST("many"), NULL },
	{ "module: killed, cycles", check_zero,
	  LIST("killed_holder", "cycles_failed", "load_failed", "unloaded"), NULL },
	{ "module: hostile reader", check_hostile, LIST("hostile"), NULL },
	{ "module: goes on", check_ends, LIST("after", "hostile", "hostile-after"), NULL },
	{ "module: not loaded", check_absent, LIST("no-module"), NULL },
	{ 0 },
};
