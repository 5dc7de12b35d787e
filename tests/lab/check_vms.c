// SPDX-License-Identifier: GPL-2.0
/* Reports as a whole, VMs that come and go, filters, floods, ends and refusals. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVES	30

static const char *const reports[] = {
	"tdp", "shadow", "all", "by-pid", "by-name", "by-command", "recorded", "torn", NULL,
};

/* Nothing was lost, and all is of some VM. Columns are sums of what VMs have. */
static void check_collection(const char *name)
{
	json_t *report = result_report(name), *vm, *c = json_object_get(report, "collection");
	long long faults = 0, exits = 0;
	size_t i;

	same("lost", fact(c, "lost"), "wanted", 0);
	same("without a VM", fact(c, "unattributed_records"), "wanted", 0);
	same("records", fact(c, "records"), "families", rows(c, "families", "count", NULL));
	/* What only Intel has is not missing on AMD; 6.1 has all the rest. */
	if (result_is_reference())
		holds(!json_array_size(json_object_get(c, "missing_probes")), "probes are missing");
	json_array_foreach(json_object_get(report, "vms"), i, vm) {
		faults += rows(vm, "faults", "count", NULL);
		exits += rows(vm, "exits", "count", NULL);
	}
	same("faults", rows(c, "families", "count", "family", "fault", NULL), "of all VMs", faults);
	holds(exits >= faults, "%lld exits for %lld faults", exits, faults);
}

static void check_end(const char *name)
{
	char *code = result_text(name, ".stat.rc"), *err = result_text(name, ".stat.err");

	holds(code && !strcmp(code, "0\n"), "exit code at SIGINT: %s", code ?: "none");
	holds(err && !*err, "it said: %s", err ?: "nothing at all");
	result_report(name);
	free(code);
	free(err);
}

/* By process id, which the guest tells. */
json_t *vm_by_pid(json_t *report, long long pid)
{
	json_t *vm, *found = NULL;
	size_t i, n = 0;

	json_array_foreach(json_object_get(report, "vms"), i, vm) {
		if (fact(vm, "pid") != pid)
			continue;
		found = vm;
		n++;
	}
	if (n != 1)
		give_up("%zu VMs are of process %lld", n, pid);
	return found;
}

/* Seen from its beginning to its end: KVM's totals are the oracle. */
static void check_new(const char *name)
{
	json_t *vm = vm_by_pid(result_report("all"), result_number(name, ".out", "pid"));

	family_of("fault");
	same("faults", rows(vm, "faults", "count", NULL), "stat_total.pf_taken",
	     result_number(name, ".out", "stat_total.pf_taken"));
	family_of("exits");
	same("exits", rows(vm, "exits", "count", NULL), "stat_total.exits",
	     result_number(name, ".out", "stat_total.exits"));
	family_of("vcpu");
	same("vCPUs", fact(vm, "vcpus"), "wanted", 1);
	family_of("slot");
	same("slots", rows(vm, "slots", "count", "op", "create", NULL), "wanted", 2);
	family_of("vm");
	holds(!strcmp(fact_word(vm, "life"), "destroyed"), "life %s", fact_word(vm, "life"));
	holds(!strcmp(fact_word(vm, "mode"), result_tdp()), "mode %s", fact_word(vm, "mode"));
}

/* Also of those that live for less than a period of the merge. */
static void check_name(const char *name)
{
	json_t *vm = vm_by_pid(result_report("all"), result_number(name, ".out", "pid"));

	holds(!strcmp(fact_word(vm, "name"), name), "is called %s", fact_word(vm, "name"));
}

/* There before mmuscope: only the measured work was seen. */
static void check_running(const char *name)
{
	json_t *vm = result_vm(result_report("all"), name);
	const char *life = strcmp(name, "victim") ? "found" : "destroyed";

	same("faults", rows(vm, "faults", "count", NULL), "pages",
	     result_number(name, ".out", "pages"));
	same("faults", rows(vm, "faults", "count", NULL), "stat.pf_taken",
	     result_number(name, ".out", "stat.pf_taken"));
	same("exits", rows(vm, "exits", "count", NULL), "stat.exits",
	     result_number(name, ".out", "stat.exits"));
	same("pid", fact(vm, "pid"), "the guest's", result_number(name, ".out", "pid"));
	holds(!strcmp(fact_word(vm, "life"), life), "life %s", fact_word(vm, "life"));
}

/* It faulted all the time, also between the first hook and the look for running VMs. */
static void check_busy(const char *name)
{
	json_t *vm = result_vm(result_report(name), name);

	holds(!strcmp(fact_word(vm, "life"), "found"), "life %s", fact_word(vm, "life"));
	holds(fact(vm, "memory") > 0, "its memslots are not known");
	holds(rows(vm, "faults", "count", NULL) > 0, "no fault was seen");
	same("first touches", rows(vm, "causes", "count", "cause", "first_touch", NULL), "wanted",
	     0);
}

static void check_crowd(const char *name)
{
	json_t *report = result_report(name), *vm, *other;
	size_t i, j;

	/* vm-a, vm-b, victim, command, two twins */
	same("VMs", result_vms(report), "started", 6 + LIVES);
	json_array_foreach(json_object_get(report, "vms"), i, vm)
		json_array_foreach(json_object_get(report, "vms"), j, other)
			holds(i >= j || fact(vm, "id") != fact(other, "id"),
			      "two VMs have number %lld", fact(vm, "id"));
}

/* One of those that shared the CPUs with others. */
static void check_crowded(const char *name)
{
	json_t *vm = vm_by_pid(result_report("crowd"), result_number(name, ".out", "pid"));

	same("faults", rows(vm, "faults", "count", NULL), "stat_total.pf_taken",
	     result_number(name, ".out", "stat_total.pf_taken"));
	same("exits", rows(vm, "exits", "count", NULL), "stat_total.exits",
	     result_number(name, ".out", "stat_total.exits"));
	holds(!strcmp(fact_word(vm, "life"), "destroyed"), "life %s", fact_word(vm, "life"));
}

/*
 * A kernel that preempts programs skips some of those for which it has no steady way, and that is
 * told; of another VM than the one that is asked for there is nothing.
 */
static void check_crowd_whole(const char *name)
{
	json_t *c = json_object_get(result_report(name), "collection");
	json_t *none = result_report("nobody");

	same("VMs", result_vms(result_report(name)), "started", 24);
	same("without a VM", fact(c, "unattributed_records"), "wanted", 0);
	same("lost", fact(c, "lost"), "at probes",
	     rows(c, "lost_by_stage", "count", "stage", "probe", NULL));
	if (result_is_reference())
		same("lost", fact(c, "lost"), "wanted", 0);
	same("records of nobody", fact(json_object_get(none, "collection"), "records"), "wanted",
	     0);
}

static void check_filter(const char *name)
{
	static const char *const wanted[][2] = {
		{ "by-pid", "vm-a" }, { "by-name", "vm-b" }, { "by-command", "command" },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		json_t *report, *vm, *all;

		if (strcmp(wanted[i][0], name))
			continue;
		report = result_report(name);
		same("VMs", result_vms(report), "wanted", 1);
		vm = result_vm(report, wanted[i][1]);
		all = result_vm(result_report("all"), wanted[i][1]);
		same("faults", rows(vm, "faults", "count", NULL), "without filter",
		     rows(all, "faults", "count", NULL));
		same("exits", rows(vm, "exits", "count", NULL), "without filter",
		     rows(all, "exits", "count", NULL));
	}
}

static void check_command_code(const char *name)
{
	char *code = result_text(name, ".rc");

	holds(code && !strcmp(code, "7\n"), "exit code %s, the command's is 7", code ?: "none");
	free(code);
}

static const char *const flood_makes[][2] = {
	{ ".tp", "kvm:kvm_page_fault" }, { ".tp", "kvmmmu:kvm_mmu_get_page" },
	{ ".tp", "kvm:kvm_unmap_hva_range" },
	{ ".out", "stat.tlb_flush" }, { ".out", "stat.remote_tlb_flush_requests" },
};

/*
 * What the collector made is either there or counted as lost. It makes one
 * record for each of these, one for the VM, its vCPU, and each of its two memslots
 * that were found; records of exits are made by user space and cannot be lost.
 */
static void check_flood(const char *name)
{
	json_t *report = result_report(name), *c = json_object_get(report, "collection");
	json_t *vm = result_vm(report, name), *row;
	long long seen = fact(c, "records") + fact(c, "lost") -
		rows(c, "families", "count", "family", "exits", NULL);
	long long made = 4, ages = result_number(name, ".tp", "kvm:kvm_age_hva");
	size_t i;

	for (i = 0; i < sizeof(flood_makes) / sizeof(flood_makes[0]); i++) {
		long long n = result_number(name, flood_makes[i][0], flood_makes[i][1]);

		/* What a kernel lacks it cannot count. */
		made += n == ABSENT ? 0 : n;
	}
	/* Reclaim scans when it wants to, also before mmuscope has attached. */
	holds(seen >= made && seen <= made + (ages == ABSENT ? 0 : ages),
	      "%lld records and lost, %lld made and %lld scans by reclaim", seen, made, ages);
	holds(fact(c, "lost") > 0, "nothing was lost");
	same("lost at the ring", rows(c, "lost_by_stage", "count", "stage", "ring", NULL), "lost",
	     fact(c, "lost"));
	same("lost by CPU", rows(c, "lost_by_cpu", "count", NULL), "lost", fact(c, "lost"));
	same("exits", rows(vm, "exits", "count", NULL), "stat.exits",
	     result_number(name, ".out", "stat.exits"));
	/* Percentages would be wrong, and are not given. */
	json_array_foreach(json_object_get(vm, "faults"), i, row)
		holds(json_is_null(json_object_get(row, "share")), "a share in spite of loss");
}

static const char *const traces[] = {
	"bpf_links", "bpf_programs", "bpf_maps", "hooked_functions",
};

static void check_traces(const char *name)
{
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		same(traces[i], result_number(name, "", traces[i]), "wanted", 0);
		/* While mmuscope runs they are seen: else this checks nothing. */
		if (result_kmod() && !strncmp(traces[i], "bpf_", 4))
			continue;
		holds(result_number("attached", "", traces[i]) > 0, "no %s even while attached",
		      traces[i]);
	}
	same("bpf_files", result_number(name, "", "bpf_files"), "wanted", 0);
	same("kprobes", result_number(name, "", "kprobes"), "wanted", 0);
	if (strcmp(name, "killed"))
		return;
	same("kvm unloaded", result_number(name, "", "unloaded"), "wanted", 1);
}

static void check_refusal(const char *name)
{
	static const char *const says[][2] = {
		{ "no-root", "root" }, { "no-vm", "nothere" }, { "no-pid", "999999" },
		{ "no-btf", "BTF" }, { "no-kvm", "kvm is not loaded" },
	};
	char *code = result_text(name, ".rc"), *err = result_text(name, ".err");
	char *out = result_text(name, ".out"), *line = err ? strchr(err, '\n') : NULL;

	holds(code && !strcmp(code, "1\n"), "exit code %s", code ?: "none");
	holds(out && !*out, "it printed: %s", out ?: "nothing at all");
	holds(line && !line[1] && !strncmp(err, "mmuscope: ", 10), "not one sentence: %s",
	      err ?: "none");
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		if (!strcmp(says[i][0], name))
			holds(err && strstr(err, says[i][1]), "does not say '%s': %s", says[i][1],
			      err ?: "none");
	free(code);
	free(err);
	free(out);
}

/* A program that the verifier does not take is our fault, and each start would load all anew. */
static void check_refusals(void)
{
	json_t *probes = json_object_get(result_report("doctor"), "probes"), *probe;
	size_t i;

	json_array_foreach(probes, i, probe) {
		const char *why = fact_word(probe, "why");

		holds(!strstr(why, "Invalid argument") && !strstr(why, "Permission denied"),
		      "%s: %s", fact_word(probe, "name"), why);
	}
}

/* A kernel that preempts programs skips fentry: only where that loses nothing is it taken. */
static void check_steady(json_t *host)
{
	json_t *preempt = json_object_get(json_object_get(host, "kernel"), "preempt"), *probe;
	const char *mode = json_string_value(json_object_get(preempt, "value")) ?: "";
	size_t i;

	if (strcmp(mode, "full") && strcmp(mode, "lazy"))
		return;
	json_array_foreach(json_object_get(result_report("doctor"), "probes"), i, probe) {
		holds(strcmp(fact_word(probe, "how"), "fentry") ||
		      strstr(fact_word(probe, "name"), "_page_fault") ||
		      !strcmp(fact_word(probe, "name"), "kvm_sched_out"),
		      "%s is hooked by fentry, and preemption is %s",
		      fact_word(probe, "name"), mode);
		/* What is skipped here the VMCS does not tell. */
		holds(strcmp(fact_word(probe, "name"), "kvm_page_fault") || result_kmod() ||
		      strcmp(result_tdp(), "ept") || !strcmp(fact_word(probe, "how"), "tp"),
		      "kvm_page_fault is hooked by %s, and preemption is %s",
		      fact_word(probe, "how"), mode);
	}
}

/*
 * Where many functions can share a hook, they do: fentry is for what happens at every fault. But
 * for what the kernel took and did not hook, as doctor says: kvm_vm_ioctl on 6.12.
 */
static void check_multi(void)
{
	json_t *probe;
	size_t i;

	if (result_kmod() || !result_number("machine", "", "multi"))
		return;
	json_array_foreach(json_object_get(result_report("doctor"), "probes"), i, probe)
		holds((strcmp(fact_word(probe, "how"), "kprobe") &&
		       (strcmp(fact_word(probe, "how"), "fentry") ||
			strstr(fact_word(probe, "name"), "_page_fault"))) ||
		      strstr(fact_word(probe, "why"), " is none"),
		      "%s is hooked by %s alone", fact_word(probe, "name"),
		      fact_word(probe, "how"));
}

/* What the hardware of the machine has, and KVM uses. */
static void check_doctor(const char *name)
{
	static const char *const intel[] = { "ept", "vpid", "eptad", "pml" };
	static const char *const amd[] = { "npt" };
	bool is_intel = !strcmp(result_tdp(), "ept");
	size_t n = is_intel ? sizeof(intel) / sizeof(intel[0]) : sizeof(amd) / sizeof(amd[0]);
	json_t *host = json_object_get(result_report(name), "host");
	json_t *kvm = json_object_get(host, "kvm");

	for (size_t i = 0; i < n; i++) {
		const char *parameter = is_intel ? intel[i] : amd[i], *value;
		char key[32];

		snprintf(key, sizeof(key), "kvm_%s.%s", is_intel ? "intel" : "amd", parameter);
		value = fact_word(json_object_get(kvm, key), "value");
		holds(!strcmp(value, "Y") || !strcmp(value, "1"), "%s is '%s'", key, value);
	}
	check_refusals();
	check_steady(host);
	check_multi();
}

static void check_log(const char *name)
{
	static const char *const complaints[] = {
		"WARNING:", "BUG:", "Oops", "general protection", "soft lockup", "hard LOCKUP",
		"detected stall", "blocked for more", "Kernel panic", "suspicious RCU",
		"possible deadlock", "inconsistent lock state", "suspected memory leaks",
		/* What finds them has given up. */
		"leak detector disabled", "ODEBUG", "lockdep is turned off",
	};
	char *text = result_text(name, "");

	holds(text && *text, "there is no kernel log");
	for (size_t i = 0; text && i < sizeof(complaints) / sizeof(complaints[0]); i++)
		holds(!strstr(text, complaints[i]), "the kernel says '%s'", complaints[i]);
	free(text);
}

/* Where the kernel can look for memory that nobody points to, init had it look. */
static void check_leaks(const char *name)
{
	char *kernel = result_text("kernel", ""), *text = result_text(name, "");

	if (kernel && strstr(kernel, "-debug-"))
		holds(text != NULL, "nobody has looked for leaks");
	holds(!text || !*text, "kmemleak says: %.400s", text ?: "");
	free(kernel);
	free(text);
}

#define LIVES_10(x)							\
	"life-" x "1", "life-" x "2", "life-" x "3", "life-" x "4",	\
	"life-" x "5", "life-" x "6", "life-" x "7", "life-" x "8", "life-" x "9"

#define CROWD(x)								\
	"crowd-" x "1", "crowd-" x "2", "crowd-" x "3", "crowd-" x "4",		\
	"crowd-" x "5", "crowd-" x "6"

#define LIST(...) (const char *const[]){ __VA_ARGS__, NULL }
#define NEW "command", "twin-1", "twin-2", LIVES_10(""), LIVES_10("1"), LIVES_10("2"),	\
	"life-10", "life-20", "life-30"

const struct check vm_checks[] = {
	{ "collection", check_collection, reports, NULL },
	{ "end at SIGINT", check_end,
	  LIST("tdp", "shadow", "all", "by-pid", "by-name", "flood", "crowd"), NULL },
	{ "VMs there before", check_running, LIST("vm-a", "vm-b", "victim"), "fault" },
	{ "one that works all the time", check_busy, LIST("busy"), "fault" },
	{ "VMs that come and go", check_new, LIST(NEW), NULL },
	{ "their names", check_name, LIST(NEW), NULL },
	{ "each VM once", check_crowd, LIST("all"), NULL },
	{ "filters", check_filter, LIST("by-pid", "by-name", "by-command"), NULL },
	{ "exit code of a command", check_command_code, LIST("by-command"), NULL },
	{ "flood", check_flood, LIST("flood"), NULL },
	{ "more VMs than CPUs", check_crowded,
	  LIST(CROWD("a"), CROWD("b"), CROWD("c"), CROWD("d")), "fault" },
	{ "nothing of others", check_crowd_whole, LIST("crowd"), NULL },
	{ "nothing left behind", check_traces, LIST("ended", "killed"), NULL },
	{ "refusals", check_refusal, LIST("no-root", "no-vm", "no-pid", "no-btf", "no-kvm"),
	  NULL },
	{ "doctor", check_doctor, LIST("doctor"), NULL },
	{ 0 },
};

const struct check kernel_checks[] = {
	{ "kernel log", check_log, LIST("dmesg.txt"), NULL },
	{ "memory lost by the kernel", check_leaks, LIST("kmemleak.txt"), NULL },
	{ 0 },
};
