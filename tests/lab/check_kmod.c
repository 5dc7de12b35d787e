// SPDX-License-Identifier: GPL-2.0
/* What kmod.sh left behind; nothing to judge where the collector was eBPF. */
#include "check.h"

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
	same("lost", fact(json_object_get(report, "collection"), "lost"), "wanted", 0);
	same("unattributed", fact(json_object_get(report, "collection"), "unattributed_records"),
	     "wanted", 0);
	/* KiB. What KVM and the tool itself keep is some hundred; a leak of each VM is more. */
	holds(result_number("robust", "", "many_grown") < 2000, "memory grew by %lld KiB",
	      result_number("robust", "", "many_grown"));
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
	{ "module: KVM reloaded", check_reload, LIST("reload-1", "reload-2", "reload-3"), NULL },
	{ "module: CPU off and on", check_reload, LIST("plug-1", "plug-2", "plug-3"), NULL },
	{ "module: filters", check_filters, LIST("kmod-by-pid", "kmod-by-command"), NULL },
	{ "module: taken by itself", check_auto, LIST("auto"), NULL },
	{ "module: many VMs", check_many, LIST("many"), NULL },
	{ "module: killed, cycles", check_zero,
	  LIST("killed_holder", "cycles_failed", "unloaded"), NULL },
	{ "module: hostile reader", check_hostile, LIST("hostile"), NULL },
	{ "module: goes on", check_ends, LIST("after", "hostile", "hostile-after"), NULL },
	{ "module: not loaded", check_absent, LIST("no-module"), NULL },
	{ 0 },
};
