// SPDX-License-Identifier: GPL-2.0
/* Every workload in every mode: faults, exits and times. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#define MODE(mode)							\
	mode "-touch", mode "-retouch", mode "-dirtylog", mode "-ptchurn",	\
	mode "-switch", mode "-invlpg", mode "-mmio", mode "-rom",	\
	mode "-slots", mode "-mixed", mode "-exec", mode "-read",	\
	mode "-mprotect", mode "-vcpus", mode "-thp", mode "-split",	\
	mode "-cpl3", mode "-ring", mode "-walk",		\
	mode "-directory", mode "-demand"

const char *const workload_names[] = { MODE("tdp"), MODE("shadow"), NULL };

void workload_mode(const char *name, char mode[16])
{
	size_t len = strcspn(name, "-");

	memcpy(mode, name, len);
	mode[len] = '\0';
}

bool workload_is_shadow(const char *name)
{
	return !strncmp(name, "shadow-", 7);
}

bool workload_is(const char *name, const char *what)
{
	return !strcmp(strchr(name, '-') + 1, what);
}

static long long stat_of(const char *name, const char *key)
{
	return result_number(name, ".out", key);
}

static long long event_of(const char *name, const char *key)
{
	return result_number(name, ".tp", key);
}

static json_t *vm_of(const char *name)
{
	char mode[16];

	workload_mode(name, mode);
	/* The one workload that a kernel may not be able to do: 5.10 has no dirty ring. */
	if (workload_is(name, "ring") && !result_is_reference() &&
	    result_number(name, ".out", "pid") == ABSENT)
		skip();
	return result_vm(result_report(mode), name);
}

/* The guest found no wrong value, and mmuscope knows who it is. */
static void check_identity(const char *name)
{
	json_t *vm = vm_of(name);
	char *text = result_text(name, ".rc"), *check = result_word(name, ".out", "check");
	char mode[16];

	holds(text && !strcmp(text, "0\n"), "the guest's exit code is %s", text ?: "missing");
	holds(check && !strcmp(check, "ok"), "the guest's check: %s", check ?: "missing");
	same("wrong values", stat_of(name, "bad_values"), "wanted", 0);
	workload_mode(name, mode);
	holds(!strcmp(fact_word(vm, "mode"), mode), "mode %s", fact_word(vm, "mode"));
	holds(!strcmp(fact_word(vm, "life"), "found"), "life %s", fact_word(vm, "life"));
	same("pid", fact(vm, "pid"), "the guest's", stat_of(name, "pid"));
	family_of("vcpu");
	same("vCPUs", fact(vm, "vcpus"), "the guest's", stat_of(name, "vcpus"));
	family_of("slot");
	/* Its code and tables lie in a memslot of their own. */
	holds(fact(vm, "memory") > stat_of(name, "pages") * 4096, "memory %lld for %lld pages",
	      fact(vm, "memory"), stat_of(name, "pages"));
	free(text);
	free(check);
}

/*
 * KVM's pf_taken leaves out what the cache of MMIO addresses answers: a fault on
 * a reserved bit, unless the entry was of an older memslot generation, when KVM
 * makes it anew (pf_mmio_spte_created, which counts first accesses as well).
 */
static long long first_mmio(json_t *vm)
{
	return rows(vm, "faults", "count", "condition", "not_present", "verdict", "user", NULL);
}

static long long faults_taken(const char *name, json_t *vm)
{
	long long made = stat_of(name, "stat.pf_mmio_spte_created");

	if (made == ABSENT)
		return ABSENT;
	return rows(vm, "faults", "count", NULL) -
	       rows(vm, "faults", "count", "condition", "reserved", NULL) + made - first_mmio(vm);
}

/* What arrives as an EPT misconfiguration, for which kvm_page_fault does not fire. */
static long long misconfigs(const char *name, json_t *vm)
{
	if (workload_is_shadow(name) || strcmp(result_tdp(), "ept"))
		return 0;
	return rows(vm, "faults", "count", "condition", "reserved", NULL);
}

static void check_faults(const char *name)
{
	json_t *vm = vm_of(name);
	long long all = rows(vm, "faults", "count", NULL), expected;
	char *exact = result_word(name, ".out", "expect_exact");
	char mode[16];

	workload_mode(name, mode);
	expected = stat_of(name, strcmp(mode, "shadow") ? "expect_faults_tdp" :
			   "expect_faults_shadow");
	if (exact && !strcmp(exact, "yes"))
		same("faults", all, "the guest expects", expected);
	else
		/* Two vCPUs may both fault on one table; each fault is a real one. */
		holds(all >= expected, "faults %lld, the guest expects %lld or more", all,
		      expected);
	same("faults but misconfigurations", all - misconfigs(name, vm), "kvm_page_fault",
	     event_of(name, "kvm:kvm_page_fault"));
	same("misconfigurations", misconfigs(name, vm), "the guest expects",
	     workload_is_shadow(name) ? 0 : stat_of(name, "expect_misconfigs"));
	if (faults_taken(name, vm) != ABSENT)
		same("faults less cached MMIO", faults_taken(name, vm), "stat.pf_taken",
		     stat_of(name, "stat.pf_taken"));
	free(exact);
}

/* Page faults that the guest's handler saw. */
static long long own_faults(const char *name)
{
	return stat_of(name, "own_absent") + stat_of(name, "own_denied");
}

long long own_invalidations(json_t *vm)
{
	return rows(vm, "invalidations", "count", "task", "CPU 0/KVM", NULL);
}

static long long verdicts(json_t *vm, const char *verdict)
{
	return rows(vm, "faults", "count", "verdict", verdict, NULL);
}

static void check_verdicts(const char *name)
{
	static const char *const never[] = { "unknown", "mmio", "async" };
	json_t *vm = vm_of(name);
	long long fast = verdicts(vm, "fast_fixed");

	/* One that fills the dirty ring goes to user space afterwards, but is fixed. */
	family_needs("fast_page_fault");
	same("fast_fixed", fast, "stat.pf_fast", stat_of(name, "stat.pf_fast"));
	family_of("fault");
	/* Where it is the only one of these counters, all entries of the slow path are in it. */
	if (stat_of(name, "stat.pf_taken") == ABSENT)
		same("fixed, and MMIO entries", verdicts(vm, "fixed") +
		     event_of(name, "kvmmmu:mark_mmio_spte"), "stat.pf_fixed",
		     stat_of(name, "stat.pf_fixed"));
	else
		same("fixed and fast_fixed", verdicts(vm, "fixed") + fast, "stat.pf_fixed",
		     stat_of(name, "stat.pf_fixed"));
	same("user", verdicts(vm, "user"), "the guest's MMIO exits", stat_of(name, "mmio_exits"));
	same("spurious", verdicts(vm, "spurious"), "stat.pf_spurious",
	     stat_of(name, "stat.pf_spurious"));
	same("reflected", verdicts(vm, "reflected"), "stat.pf_guest",
	     stat_of(name, "stat.pf_guest"));
	same("reflected", verdicts(vm, "reflected"), "kvm_inj_exception",
	     event_of(name, "kvm:kvm_inj_exception"));
	same("reflected", verdicts(vm, "reflected"), "the guest's own",
	     workload_is_shadow(name) ? own_faults(name) : 0);
	same("emulated", verdicts(vm, "emulated"), "the guest expects",
	     workload_is_shadow(name) ? stat_of(name, "expect_emulated_shadow") : 0);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		same(never[i], verdicts(vm, never[i]), "wanted", 0);
	/* Of two vCPUs one may find the other's invalidation under way. */
	if (stat_of(name, "vcpus") == 1)
		same("retry", verdicts(vm, "retry"), "pages changed by the fault itself",
		     own_invalidations(vm));
}

static long long accesses(json_t *vm, const char *access)
{
	return rows(vm, "faults", "count", "access", access, NULL);
}

static long long conditions(json_t *vm, const char *condition)
{
	return rows(vm, "faults", "count", "condition", condition, NULL);
}

static void check_accesses(const char *name)
{
	static const char *const writers[] = {
		"touch", "retouch", "dirtylog", "mprotect", "vcpus", "thp", "cpl3", "ring",
	};
	json_t *vm = vm_of(name);
	long long all = rows(vm, "faults", "count", NULL), pages = stat_of(name, "pages");

	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (workload_is(name, writers[i]))
			same("writes", accesses(vm, "write"), "faults", all);
	if (workload_is(name, "read"))
		same("reads", accesses(vm, "read"), "faults", all);
	if (workload_is(name, "exec"))
		same("fetches", accesses(vm, "exec"), "faults", all);
	if (workload_is(name, "mmio")) {
		same("reserved", conditions(vm, "reserved"), "the guest expects",
		     stat_of(name, "expect_reserved"));
		same("reads", accesses(vm, "read"), "the guest's", stat_of(name, "mmio_reads"));
		same("writes", accesses(vm, "write"), "the guest's", stat_of(name, "mmio_writes"));
	}
	if (workload_is(name, "rom")) {
		same("reads", accesses(vm, "read"), "pages", pages);
		same("denied writes", conditions(vm, "write_protected"), "pages", pages);
	}
	if (workload_is(name, "dirtylog") || workload_is(name, "ring")) {
		same("not_present", conditions(vm, "not_present"), "pages", pages);
		same("write_protected", conditions(vm, "write_protected"), "the others",
		     all - pages);
	}
	if (workload_is(name, "demand") && workload_is_shadow(name)) {
		/* Each twice: the guest's own, and its shadow's; unsync is one write more. */
		same("reads", accesses(vm, "read"), "not there, twice",
		     2 * stat_of(name, "own_absent"));
		same("writes", accesses(vm, "write"), "read-only, twice, and a table",
		     2 * stat_of(name, "own_denied") + 1);
		same("reflected writes", rows(vm, "faults", "count", "access", "write", "verdict",
					      "reflected", NULL), "read-only",
		     stat_of(name, "own_denied"));
	}
	if (workload_is(name, "directory") && workload_is_shadow(name))
		same("emulated writes", rows(vm, "faults", "count", "access", "write", "condition",
					     "write_protected", "verdict", "emulated", NULL),
		     "writes", accesses(vm, "write"));
	same("access known", accesses(vm, "unknown"), "wanted", 0);
	same("condition known", conditions(vm, "unknown"), "wanted", 0);
}

/* What a fault maps. Fast fixes, MMIO and faults that another vCPU fixed map nothing. */
static void check_levels(const char *name)
{
	json_t *vm = vm_of(name);
	long long huge = rows(vm, "levels", "count", "level", "2M", NULL);
	long long all = rows(vm, "faults", "count", NULL);
	char mode[16];

	workload_mode(name, mode);
	family_needs("kvm_mmu_set_spte");
	same("faults by level", rows(vm, "levels", "count", NULL), "faults", all);
	same("1G", rows(vm, "levels", "count", "level", "1G", NULL), "wanted", 0);
	same("mapping faults", all - rows(vm, "levels", "count", "level", "nothing", NULL),
	     "fixed", verdicts(vm, "fixed"));
	/* The guest maps its memory by 4K: shadow paging can do no better. */
	if (!workload_is(name, "thp") && !workload_is(name, "split"))
		same("2M", huge, "wanted", 0);
	else if (!strcmp(mode, "shadow"))
		same("2M", huge, "wanted", 0);
	else if (workload_is(name, "thp"))
		same("2M", huge, "stat.pages_2m", stat_of(name, "stat.pages_2m"));
}

/* Faults of the CPU's walk of the guest's page tables; a shadow is walked without. */
static void check_walks(const char *name)
{
	json_t *vm = vm_of(name);
	long long walks = rows(vm, "faults", "count", "on", "page walk", NULL);
	long long all = rows(vm, "faults", "count", NULL);

	same("walks", walks, "the guest expects",
	     workload_is_shadow(name) ? 0 : stat_of(name, "expect_walks_tdp"));
	same("walks by level", rows(vm, "levels", "count", "on", "page walk", NULL), "faults",
	     walks);
	same("walks by circumstance", rows(vm, "circumstances", "count", "which",
					   "on the walk of guest page tables", NULL), "faults",
	     walks);
	same("faults by phase", rows(vm, "phases", "count", "phase", "exit to entry", NULL),
	     "faults", rows(vm, "phases", "count", NULL) ? all : 0);
	if (!workload_is(name, "walk"))
		return;
	same("writes of the guest", rows(vm, "faults", "count", "on", "access", "access", "write",
					 NULL), "pages", stat_of(name, "pages"));
	same("of which not present", rows(vm, "faults", "count", "condition", "not_present", NULL),
	     "all", all);
}

/* Exits as asm/vmx.h and asm/svm.h call them. */
struct exit_names {
	const char *port, *tdp_fault, *shadow_fault, *invlpg, *cr3;
};

static const struct exit_names vmx_exits = {
	"IO_INSTRUCTION", "EPT_VIOLATION", "EXCEPTION_NMI", "INVLPG", "CR_ACCESS",
}, svm_exits = {
	"io", "npf", "PF excp", "invlpg", "write_cr3",
};

static void check_exits(const char *name)
{
	const struct exit_names *names = strcmp(result_tdp(), "ept") ? &svm_exits : &vmx_exits;
	json_t *vm = vm_of(name);
	long long all = rows(vm, "exits", "count", NULL);
	long long faults = rows(vm, "faults", "count", NULL);
	bool shadow = workload_is_shadow(name);

	same("exits", all, "kvm_exit", event_of(name, "kvm:kvm_exit"));
	same("exits", all, "stat.exits", stat_of(name, "stat.exits"));
	same("port exits", rows(vm, "exits", "count", "reason", names->port, NULL), "stat.io_exits",
	     stat_of(name, "stat.io_exits"));
	/* Faults of the guest's own are among both. */
	same("exits for faults", rows(vm, "exits", "count", "reason",
				      shadow ? names->shadow_fault : names->tdp_fault, NULL),
	     "faults but misconfigurations", faults - misconfigs(name, vm));
	same("exits for misconfigurations", rows(vm, "exits", "count", "reason", "EPT_MISCONFIG",
						 NULL), "misconfigurations", misconfigs(name, vm));
	if (!shadow)
		return;
	same("exits for invlpg", rows(vm, "exits", "count", "reason", names->invlpg, NULL),
	     "the guest's", stat_of(name, "invlpgs"));
	same("exits for CR3", rows(vm, "exits", "count", "reason", names->cr3, NULL),
	     "the guest's", stat_of(name, "cr3_writes"));
}

static void check_row_times(json_t *row)
{
	long long p50 = fact(row, "p50"), p99 = fact(row, "p99"), max = fact(row, "max");

	holds(max >= p99 && p99 >= p50 && p50 > 0, "p50 %lld, p99 %lld, max %lld", p50, p99, max);
	holds(fact(row, "ns") <= max * fact(row, "count"), "sum of %lld above count times max",
	      fact(row, "ns"));
}

/*
 * A kernel that does not preempt itself keeps, for kretprobes, as many returns as it has CPUs
 * (5.10): a VM with more vCPUs, whose handlers can be scheduled away, has some without a time.
 */
static bool returns_missed(json_t *vm)
{
	json_t *probe;
	size_t i;

	if (fact(vm, "vcpus") <= result_number("machine", "", "cpus"))
		return false;
	json_array_foreach(json_object_get(result_report("doctor"), "probes"), i, probe)
		if (!strcmp(fact_word(probe, "name"), "kvm_tdp_page_fault"))
			return !strcmp(fact_word(probe, "how"), "kprobe");
	return false;
}

static void check_times(const char *name)
{
	json_t *vm = vm_of(name), *row;
	long long all = rows(vm, "faults", "ns", NULL), handler;
	char mode[16];
	json_t *time;
	size_t i;

	workload_mode(name, mode);
	time = json_object_get(result_report(mode), "time");
	json_array_foreach(json_object_get(vm, "faults"), i, row)
		check_row_times(row);
	if (json_array_size(json_object_get(vm, "faults")))
		same("time in faults", fact(vm, "fault_ns"), "its rows", all);
	holds(all <= fact(time, "elapsed_ns") * fact(vm, "vcpus"), "%lld ns in faults of %lld", all,
	      fact(time, "elapsed_ns"));
	/* What is measured inside a fault is shorter than the fault. */
	handler = rows(vm, "phases", "ns", "phase", "fault handler", NULL);
	holds(handler <= all, "%lld ns in the handler, %lld in faults", handler, all);
	holds(rows(vm, "phases", "ns", "phase", "host page", NULL) <= handler ||
	      returns_missed(vm), "longer for the host page than in the handler");
}

const struct check workload_checks[] = {
	{ "identity", check_identity, workload_names, "vm" },
	{ "faults", check_faults, workload_names, "fault" },
	{ "verdicts", check_verdicts, workload_names, "fault" },
	{ "accesses", check_accesses, workload_names, "fault" },
	{ "page walks", check_walks, workload_names, "fault" },
	{ "levels", check_levels, workload_names, "fault" },
	{ "exits", check_exits, workload_names, "exits" },
	{ "times", check_times, workload_names, "fault" },
	{ 0 },
};
