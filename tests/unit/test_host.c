// SPDX-License-Identifier: GPL-2.0
/* lib/host*: made-up /proc, /sys and /dev trees of machines that we do not have. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/host.h"
#include "lib/kvmstat.h"

/**
 * struct machine - a tree and what was found in it
 */
struct machine {
	char root[32];
	struct host host;
	struct host_advice advice[HOST_ADVICE];
	size_t advised;
};

static int machine_make(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	if (!machine)
		return -1;
	strcpy(machine->root, "/tmp/test_host.XXXXXX");
	*state = machine;
	return mkdtemp(machine->root) ? 0 : -1;
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int machine_remove(void **state)
{
	struct machine *machine = *state;
	int err = nftw(machine->root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);

	free(machine);
	return err;
}

static int file_open(const struct machine *machine, const char *path)
{
	char full[256];
	int fd;

	snprintf(full, sizeof(full), "%s%s", machine->root, path);
	for (char *slash = full + strlen(machine->root) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	fd = open(full, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	return fd;
}

static void put(const struct machine *machine, const char *path, const char *text)
{
	int fd = file_open(machine, path);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* A register of /dev/cpu/0/msr or cpuid: bytes at an offset of a sparse file. */
static void put_register(const struct machine *machine, const char *path, uint64_t index,
			 const void *value, size_t size)
{
	int fd = file_open(machine, path);

	assert_int_equal(pwrite(fd, value, size, (off_t)index), size);
	close(fd);
}

static void examine(struct machine *machine)
{
	host_examine(&machine->host, machine->root);
	machine->advised = host_advise(&machine->host, machine->advice);
}

static void assert_fact(const struct machine *machine, const char *group, const char *name,
			const char *value)
{
	const struct host_fact *fact = host_find(&machine->host, group, name);

	if (!fact)
		fail_msg("no fact %s %s", group, name);
	assert_string_equal(fact->value, value);
}

static void put_intel_cpu(const struct machine *machine)
{
	put(machine, "/proc/cpuinfo",
	    "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A CPU @ 2 GHz\n"
	    "flags\t\t: fpu vmx tpr_shadow ept vpid ept_ad\n"
	    "vmx flags\t: vnmi ept vpid unrestricted_guest\n\n"
	    "processor\t: 1\nvendor_id\t: Other\nflags\t\t: svm\n");
}

static void put_module(const struct machine *machine, const char *module, const char *users)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", module);
	put(machine, path, "live\n");
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	put(machine, path, users);
}

static void test_intel(void **state)
{
	struct machine *machine = *state;

	put_intel_cpu(machine);
	put_module(machine, "kvm", "1\n");
	put_module(machine, "kvm_intel", "0\n");
	put(machine, "/sys/module/kvm/parameters/tdp_mmu", "Y\n");
	put(machine, "/sys/module/kvm_intel/parameters/ept", "Y\n");
	put(machine, "/sys/module/kvm_intel/parameters/vpid", "N\n");
	put(machine, "/sys/module/kvm_intel/parameters/vmentry_l1d_flush", "cond\n");
	put(machine, "/sys/kernel/btf/vmlinux", "");
	put(machine, "/sys/kernel/btf/kvm", "");
	put(machine, "/sys/kernel/btf/kvm_intel", "");
	put(machine, "/dev/kvm", "");
	examine(machine);

	assert_int_equal(machine->host.isa, HOST_ISA_VMX);
	assert_true(machine->host.loaded);
	assert_false(machine->host.builtin);
	assert_int_equal(machine->host.users, 0);
	assert_string_equal(machine->host.vendor, "kvm_intel");
	assert_fact(machine, "cpu", "vendor", "GenuineIntel");
	assert_fact(machine, "cpu", "model", "A CPU @ 2 GHz");
	assert_fact(machine, "cpu", "isa", "VMX");
	assert_fact(machine, "cpu", "ept", "in the CPU, on");
	assert_fact(machine, "cpu", "vpid", "in the CPU, off");
	assert_fact(machine, "cpu", "unrestricted_guest", "in the CPU");
	assert_fact(machine, "cpu", "pml", "not in the CPU");
	assert_fact(machine, "kvm", "mode", "EPT");
	assert_fact(machine, "kvm", "kvm.tdp_mmu", "Y");
	assert_fact(machine, "kvm", "kvm_intel.vmentry_l1d_flush", "cond");
	assert_fact(machine, "kvm", "/dev/kvm", "accessible");
	assert_null(host_find(&machine->host, "kvm", "kvm_amd.npt"));
	assert_int_equal(host_worst(&machine->host), HOST_OK);

	assert_int_equal(machine->advised, 3);
	assert_string_equal(machine->advice[0].command,
			    "modprobe -r kvm_intel && modprobe kvm_intel ept=1 vpid=1");
	assert_string_equal(machine->advice[1].command,
			    "modprobe -r kvm_intel && modprobe kvm_intel ept=0");
	assert_string_equal(machine->advice[2].command,
			    "echo 'options kvm_intel ept=1 vpid=1' > "
			    "/etc/modprobe.d/kvm_intel.conf");
}

/* Without a "vmx flags" line the capability MSR tells. */
static void test_intel_msr(void **state)
{
	struct machine *machine = *state;
	uint64_t controls = (uint64_t)(1u << 1 | 1u << 17) << 32;

	put(machine, "/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n");
	put_register(machine, "/dev/cpu/0/msr", 0x48b, &controls, sizeof(controls));
	examine(machine);
	assert_fact(machine, "cpu", "ept", "in the CPU");
	assert_fact(machine, "cpu", "vpid", "not in the CPU");
	assert_fact(machine, "cpu", "unrestricted_guest", "not in the CPU");
	assert_fact(machine, "cpu", "pml", "in the CPU");
}

/* Without either, only the flags that old kernels list can be denied. */
static void test_intel_not_known(void **state)
{
	struct machine *machine = *state;

	put(machine, "/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx ept\n");
	examine(machine);
	assert_fact(machine, "cpu", "ept", "in the CPU");
	assert_fact(machine, "cpu", "vpid", "not in the CPU");
	assert_fact(machine, "cpu", "pml", "not known");
}

static void test_intel_shadow_in_use(void **state)
{
	struct machine *machine = *state;

	put_intel_cpu(machine);
	put_module(machine, "kvm", "4\n");
	put_module(machine, "kvm_intel", "3\n");
	put(machine, "/sys/module/kvm_intel/parameters/ept", "N\n");
	examine(machine);
	assert_fact(machine, "kvm", "mode", "shadow paging");
	assert_fact(machine, "kvm", "kvm_intel", "loaded, 3 in use");
	assert_fact(machine, "cpu", "ept", "in the CPU, off");
	assert_int_equal(machine->host.users, 3);
}

static void test_intel_not_loaded(void **state)
{
	struct machine *machine = *state;

	put_intel_cpu(machine);
	put(machine, "/sys/kernel/btf/vmlinux", "");
	examine(machine);
	assert_false(machine->host.loaded);
	assert_fact(machine, "kvm", "kvm", "not loaded");
	assert_string_equal(host_find(&machine->host, "kvm", "kvm")->doc,
			    "to load it: modprobe kvm_intel");
	assert_int_equal(host_worst(&machine->host), HOST_BAD);
	assert_string_equal(machine->advice[0].command, "modprobe kvm_intel ept=1 vpid=1");
	assert_null(host_find(&machine->host, "kernel", "btf.kvm"));
}

/* The CPU has it (leaf 1, ECX bit 5), the kernel does not list it. */
static void test_switched_off(void **state)
{
	struct machine *machine = *state;
	uint32_t leaf[4] = { 0, 0, 1u << 5, 0 };

	put(machine, "/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu\n");
	put_register(machine, "/dev/cpu/0/cpuid", 1, leaf, sizeof(leaf));
	examine(machine);
	assert_fact(machine, "cpu", "isa", "off");
	assert_int_equal(machine->host.isa, HOST_ISA_NONE);
	assert_int_equal(machine->advised, 0);
}

static void test_locked_by_firmware(void **state)
{
	struct machine *machine = *state;
	uint64_t control = 1;

	put(machine, "/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu\n");
	put_register(machine, "/dev/cpu/0/msr", 0x3a, &control, sizeof(control));
	examine(machine);
	assert_fact(machine, "cpu", "isa", "off");
}

static void test_amd(void **state)
{
	struct machine *machine = *state;
	uint32_t leaf[4] = { 0, 0, 0, 1u << 6 };

	put(machine, "/proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm npt\n");
	put_register(machine, "/dev/cpu/0/cpuid", 0x8000000au, leaf, sizeof(leaf));
	put_module(machine, "kvm", "1\n");
	put_module(machine, "kvm_amd", "0\n");
	put(machine, "/sys/module/kvm_amd/parameters/npt", "1\n");
	put(machine, "/sys/module/kvm_amd/parameters/nrips", "0\n");
	put(machine, "/sys/kernel/btf/vmlinux", "");
	put(machine, "/dev/kvm", "");
	examine(machine);
	assert_int_equal(machine->host.isa, HOST_ISA_SVM);
	assert_fact(machine, "cpu", "npt", "in the CPU, on");
	assert_fact(machine, "cpu", "nrips", "not in the CPU");
	assert_fact(machine, "cpu", "flushbyasid", "in the CPU");
	assert_fact(machine, "kvm", "mode", "NPT");
	assert_fact(machine, "kernel", "btf.kvm", "not there");
	assert_int_equal(host_worst(&machine->host), HOST_WARN);
	assert_int_equal(machine->advised, 3);
	assert_string_equal(machine->advice[1].command,
			    "modprobe -r kvm_amd && modprobe kvm_amd npt=0");
}

/* Both vendors' modules built in: the CPU decides; the command line is the switch. */
static void test_built_in(void **state)
{
	struct machine *machine = *state;

	put_intel_cpu(machine);
	put(machine, "/sys/module/kvm/parameters/tdp_mmu", "Y\n");
	put(machine, "/sys/module/kvm_amd/parameters/npt", "N\n");
	put(machine, "/sys/module/kvm_intel/parameters/ept", "Y\n");
	put(machine, "/sys/kernel/btf/vmlinux", "");
	examine(machine);
	assert_true(machine->host.builtin);
	assert_string_equal(machine->host.vendor, "kvm_intel");
	assert_fact(machine, "kvm", "kvm_intel", "built in");
	assert_fact(machine, "kernel", "btf.kvm_intel", "in vmlinux");
	assert_int_equal(machine->advised, 2);
	assert_string_equal(machine->advice[0].command, "kvm_intel.ept=1 kvm_intel.vpid=1");
	assert_non_null(strstr(machine->advice[0].title, "kernel command line"));
}

static void test_pvm(void **state)
{
	struct machine *machine = *state;

	put(machine, "/proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor\n");
	put(machine, "/sys/module/kvm/parameters/tdp_mmu", "N\n");
	put_module(machine, "kvm_pvm", "0\n");
	put(machine, "/sys/kernel/btf/vmlinux", "");
	put(machine, "/sys/kernel/btf/kvm_pvm", "");
	put(machine, "/dev/kvm", "");
	examine(machine);
	assert_fact(machine, "cpu", "isa", "none");
	assert_fact(machine, "kvm", "mode", "shadow paging");
	assert_string_equal(machine->host.vendor, "kvm_pvm");
	assert_int_equal(machine->advised, 0);
	assert_int_equal(host_worst(&machine->host), HOST_OK);
}

/* CPU without EPT: no advice to switch it on. */
static void test_no_ept(void **state)
{
	struct machine *machine = *state;

	put(machine, "/proc/cpuinfo",
	    "vendor_id\t: GenuineIntel\nflags\t\t: vmx\nvmx flags\t: vnmi\n");
	put_module(machine, "kvm_intel", "0\n");
	put_module(machine, "kvm", "1\n");
	examine(machine);
	assert_fact(machine, "cpu", "ept", "not in the CPU");
	for (size_t i = 0; i < machine->advised; i++)
		assert_null(strstr(machine->advice[i].command, "ept=1"));
}

static void test_nothing(void **state)
{
	struct machine *machine = *state;

	examine(machine);
	assert_fact(machine, "cpu", "vendor", "not known");
	assert_fact(machine, "cpu", "isa", "none");
	assert_fact(machine, "kvm", "kvm", "not loaded");
	assert_fact(machine, "kvm", "/dev/kvm", "not there");
	assert_fact(machine, "memory", "thp.enabled", "not there");
	assert_fact(machine, "kernel", "release", "not known");
	assert_fact(machine, "kernel", "btf.vmlinux", "not there");
	assert_int_equal(host_worst(&machine->host), HOST_BAD);
	assert_int_equal(machine->advised, 0);
}

/* Files that are empty, directories or too long are facts, never a crash. */
static void test_odd_files(void **state)
{
	struct machine *machine = *state;
	char text[8192];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	put(machine, "/proc/cpuinfo", text);
	put(machine, "/proc/sys/kernel/numa_balancing/file", "");
	put(machine, "/sys/kernel/mm/ksm/run", "");
	put(machine, "/sys/kernel/mm/transparent_hugepage/enabled", text);
	put(machine, "/sys/kernel/mm/transparent_hugepage/defrag", "] always [\n");
	put(machine, "/sys/kernel/mm/hugepages/hugepages-kB/nr_hugepages", "1\n");
	put(machine, "/sys/module/kvm/parameters/tdp_mmu", "");
	put(machine, "/sys/module/kvm_0123456789012345678901234567890123456789/x", "");
	examine(machine);
	assert_fact(machine, "memory", "numa.balancing", "not there");
	assert_fact(machine, "memory", "ksm.run", "not there");
	assert_int_equal(strlen(host_find(&machine->host, "memory", "thp.enabled")->value),
			 HOST_VALUE - 1);
	assert_fact(machine, "kvm", "kvm.tdp_mmu", "(empty)");
	assert_string_equal(machine->host.vendor, "");
	assert_fact(machine, "kvm", "vendor", "not loaded");
}

static void test_memory(void **state)
{
	struct machine *machine = *state;

	put(machine, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put(machine, "/sys/kernel/mm/ksm/run", "1\n");
	put(machine, "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "2\n");
	put(machine, "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "1\n");
	put(machine, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	examine(machine);
	assert_fact(machine, "memory", "thp.enabled", "madvise");
	assert_fact(machine, "memory", "ksm.run", "1");
	assert_fact(machine, "memory", "hugetlb.1G", "2, 1 free");
	assert_fact(machine, "memory", "hugetlb.2M", "512, ? free");
}

static void test_lockdown(void **state)
{
	struct machine *machine = *state;

	put(machine, "/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	put(machine, "/proc/sys/kernel/osrelease", "  6.1.0-test  \n");
	examine(machine);
	assert_fact(machine, "kernel", "lockdown", "confidentiality");
	assert_int_equal(host_find(&machine->host, "kernel", "lockdown")->state, HOST_BAD);
	assert_fact(machine, "kernel", "release", "6.1.0-test");
}

static void test_lockdown_mild(void **state)
{
	struct machine *machine = *state;

	put(machine, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	examine(machine);
	assert_fact(machine, "kernel", "lockdown", "integrity");
	assert_int_equal(host_find(&machine->host, "kernel", "lockdown")->state, HOST_OK);
}

/* Where securityfs is not mounted nobody knows, and none is no answer. */
static void test_lockdown_unseen(void **state)
{
	struct machine *machine = *state;

	put(machine, "/sys/kernel/security/placeholder", "");
	put(machine, "/proc/modules", "");
	examine(machine);
	assert_fact(machine, "kernel", "lockdown", "not known");
	assert_fact(machine, "kernel", "module.signature", "not known");
}

static void test_no_modules(void **state)
{
	struct machine *machine = *state;

	examine(machine);
	assert_fact(machine, "kernel", "module", "impossible");
	assert_null(host_find(&machine->host, "kernel", "module.headers"));
}

static void test_preempt(void **state)
{
	struct machine *machine = *state;

	put(machine, "/sys/kernel/debug/sched/preempt", "none voluntary full (lazy) \n");
	examine(machine);
	assert_fact(machine, "kernel", "preempt", "lazy");
}

/* A file that says something else says nothing. */
static void test_preempt_odd(void **state)
{
	struct machine *machine = *state;

	put(machine, "/sys/kernel/debug/sched/preempt", "lazy\n");
	examine(machine);
	assert_null(host_find(&machine->host, "kernel", "preempt"));
}

/* kvm built into a kernel without types has none either. */
static void test_built_in_no_btf(void **state)
{
	struct machine *machine = *state;

	put(machine, "/sys/module/kvm/parameters/tdp_mmu", "Y\n");
	examine(machine);
	assert_fact(machine, "kernel", "btf.kvm", "not there");
	assert_int_equal(host_find(&machine->host, "kernel", "btf.vmlinux")->state, HOST_BAD);
}

/* The machine that the test runs on, whatever it is. */
static void test_here(void **state)
{
	struct machine *machine = *state;

	host_examine(&machine->host, "");
	assert_true(machine->host.count > 20);
	assert_true(machine->host.count < HOST_FACTS);
	for (size_t i = 0; i < machine->host.count; i++) {
		const struct host_fact *fact = &machine->host.facts[i];

		assert_ptr_equal(host_find(&machine->host, fact->group, fact->name), fact);
		assert_true(fact->value[0]);
		assert_non_null(host_state_name(fact->state));
	}
}

/* KVM's counters of a VM: by process, and only where that says which VM. */
static void test_counters(void **state)
{
	const struct machine *machine = *state;
	uint64_t value = 0;

	assert_int_equal(kvmstat_read(machine->root, 12, "remote_tlb_flush", &value), -ENOENT);
	put(machine, "/sys/kernel/debug/kvm/remote_tlb_flush", "99\n");
	put(machine, "/sys/kernel/debug/kvm/123-4/remote_tlb_flush", "7\n");
	put(machine, "/sys/kernel/debug/kvm/12-14/remote_tlb_flush", "42\n");
	assert_int_equal(kvmstat_read(machine->root, 12, "remote_tlb_flush", &value), 0);
	assert_int_equal(value, 42);
	assert_int_equal(kvmstat_read(machine->root, 12, "no_such", &value), -ENOENT);
	assert_int_equal(kvmstat_read(machine->root, 1, "remote_tlb_flush", &value), -ENOENT);
	put(machine, "/sys/kernel/debug/kvm/12-15/remote_tlb_flush", "1\n");
	assert_int_equal(kvmstat_read(machine->root, 12, "remote_tlb_flush", &value), -EEXIST);
}

#define machine_test(test) cmocka_unit_test_setup_teardown(test, machine_make, machine_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(test_counters),
		machine_test(test_intel),
		machine_test(test_intel_msr),
		machine_test(test_intel_not_known),
		machine_test(test_intel_shadow_in_use),
		machine_test(test_intel_not_loaded),
		machine_test(test_switched_off),
		machine_test(test_locked_by_firmware),
		machine_test(test_amd),
		machine_test(test_built_in),
		machine_test(test_pvm),
		machine_test(test_no_ept),
		machine_test(test_nothing),
		machine_test(test_odd_files),
		machine_test(test_memory),
		machine_test(test_lockdown),
		machine_test(test_lockdown_mild),
		machine_test(test_lockdown_unseen),
		machine_test(test_no_modules),
		machine_test(test_preempt),
		machine_test(test_preempt_odd),
		machine_test(test_built_in_no_btf),
		machine_test(test_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
