// SPDX-License-Identifier: GPL-2.0
/* Recordings against what was counted live, and against what KVM counted. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#define LIST(...) (const char *const[]){ __VA_ARGS__, NULL }

/* Whose rows are counts of what happened; times may differ between two observers. */
static const char *const tables[] = {
	"faults", "levels", "flushes", "shadow", "shadow_pages", "invalidations", "dirty",
	"huge_pages", "slots", "exits",
};

/* Two mmuscopes at once, one of which recorded: VM by VM and table by table the same counts. */
static void check_same_as_live(const char *name)
{
	json_t *live = result_report("all"), *report = result_report(name), *vm, *other;
	size_t i;

	same("VMs", result_vms(report), "live", result_vms(live));
	json_array_foreach(json_object_get(live, "vms"), i, vm) {
		other = vm_by_pid(report, fact(vm, "pid"));
		for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
			same(tables[t], rows(other, tables[t], "count", NULL), "live",
			     rows(vm, tables[t], "count", NULL));
		holds(!strcmp(fact_word(vm, "life"), fact_word(other, "life")), "life differs");
	}
}

/*
 * With all that the file has besides records. Most of a record's bytes are its times, and the
 * lab's clock is the noisier the busier the host is: the aim, 8 bytes, is held to by
 * tools/bench/bench_file.c. Not packed it is 88.
 */
static void check_size(const char *name)
{
	json_t *recording = json_object_get(result_report(name), "recording");
	long long bytes = fact(recording, "bytes"), records = fact(recording, "records");

	holds(records > 16384, "%lld records", records);
	holds(bytes <= 16 * records, "%lld bytes for %lld records", bytes, records);
}

static void check_torn(const char *name)
{
	json_t *vm = vm_by_pid(result_report(name), result_number("torn-guest", ".out", "pid"));
	char *code = result_text(name, ".rc"), *err = result_text(name, ".err");

	same("faults", rows(vm, "faults", "count", NULL), "stat_total.pf_taken",
	     result_number("torn-guest", ".out", "stat_total.pf_taken"));
	holds(code && !strcmp(code, "1\n"), "exit code %s", code ?: "none");
	holds(err && strstr(err, "did not come to its end"), "it said: %s", err ?: "nothing");
	free(code);
	free(err);
}

/* Adds up @column of the VM of process @pid over all lines of NAME.json. */
static long long all_lines(const char *name, long long pid, const char *column)
{
	char *text = result_text(name, ".json"), *rest = text, *line;
	json_t *report, *vm;
	long long sum = 0;
	size_t i;

	while (text && (line = strsep(&rest, "\n")) && *line) {
		report = json_loads(line, 0, NULL);
		holds(report, "this is no JSON: %.40s", line);
		json_array_foreach(json_object_get(json_object_get(report, "top"), "vms"), i, vm)
			if (fact(vm, "pid") == pid)
				sum += fact(vm, column);
		json_decref(report);
	}
	free(text);
	return sum;
}

static void check_top(const char *name)
{
	long long pid = result_number("top-guest", ".out", "pid");

	same("faults", all_lines(name, pid, "faults"), "stat_total.pf_taken",
	     result_number("top-guest", ".out", "stat_total.pf_taken"));
	same("exits", all_lines(name, pid, "exits"), "stat_total.exits",
	     result_number("top-guest", ".out", "stat_total.exits"));
}

const struct check record_checks[] = {
	{ "recorded as seen live", check_same_as_live, LIST("recorded"), NULL },
	{ "size of a recording", check_size, LIST("sized"), NULL },
	{ "killed while recording", check_torn, LIST("torn"), NULL },
	{ "intervals of top", check_top, LIST("top"), NULL },
	{ 0 },
};
