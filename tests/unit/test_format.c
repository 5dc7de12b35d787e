// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/format.h"
#include "lib/parse.h"
#include "lib/proc.h"
#include "lib/reason.h"

#include <mmuscope/abi.h>

static char buf[FORMAT_MAX];

static void times(void **state)
{
	(void)state;
	assert_string_equal(format_ns(buf, 0), "0ns");
	assert_string_equal(format_ns(buf, 999), "999ns");
	assert_string_equal(format_ns(buf, 1000), "1.00us");
	assert_string_equal(format_ns(buf, 12345), "12.3us");
	assert_string_equal(format_ns(buf, 999499), "999us");
	assert_string_equal(format_ns(buf, 999500), "1.00ms");
	assert_string_equal(format_ns(buf, 3600000000000ULL), "3600s");
	assert_true(strlen(format_ns(buf, UINT64_MAX)) < FORMAT_MAX);
}

static void counts(void **state)
{
	(void)state;
	assert_string_equal(format_count(buf, 0), "0");
	assert_string_equal(format_count(buf, 999), "999");
	assert_string_equal(format_count(buf, 1000), "1,000");
	assert_string_equal(format_count(buf, 1234567), "1,234,567");
	assert_string_equal(format_count(buf, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void rates_bytes_and_percentages(void **state)
{
	(void)state;
	assert_string_equal(format_rate(buf, 0), "0.00");
	assert_string_equal(format_rate(buf, 999.6), "1.00k");
	assert_string_equal(format_rate(buf, 12345678), "12.3M");
	assert_string_equal(format_bytes(buf, 1023), "1023B");
	assert_string_equal(format_bytes(buf, 1024), "1.0K");
	assert_string_equal(format_bytes(buf, 4ULL << 30), "4.0G");
	assert_string_equal(format_percent(buf, 0), "0.0%");
	assert_string_equal(format_percent(buf, 0.01), "<0.1%");
	assert_string_equal(format_percent(buf, 99.96), "100.0%");
}

static void seconds(void **state)
{
	static const char *const wrong[] = {
		"", "x", "1x", "-1", "0", "nan", "inf", "1e400", "1 s", " 1", "1s2",
	};
	uint64_t ns;

	(void)state;
	assert_int_equal(parse_seconds("1.5", &ns), 0);
	assert_int_equal(ns, 1500000000);
	assert_int_equal(parse_seconds("20ms", &ns), 0);
	assert_int_equal(ns, 20000000);
	assert_int_equal(parse_seconds(".5s", &ns), 0);
	assert_int_equal(ns, 500000000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse_seconds(wrong[i], &ns), -EINVAL);
}

static void sizes_and_numbers(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(parse_bytes("8M", &n), 0);
	assert_int_equal(n, 8 << 20);
	assert_int_equal(parse_bytes("512k", &n), 0);
	assert_int_equal(n, 512 << 10);
	assert_int_equal(parse_bytes("8MB", &n), -EINVAL);
	assert_int_equal(parse_bytes("99999999999999G", &n), -EINVAL);
	assert_int_equal(parse_bytes("-1", &n), -EINVAL);
	assert_int_equal(parse_number("12", 12, &n), 0);
	assert_int_equal(n, 12);
	assert_int_equal(parse_number("13", 12, &n), -EINVAL);
	assert_int_equal(parse_number("1x", 12, &n), -EINVAL);
	assert_int_equal(parse_number("99999999999999999999", UINT64_MAX, &n), -EINVAL);
}

static void distances(void **state)
{
	(void)state;
	assert_int_equal(parse_distance("stat", "stat"), 0);
	assert_int_equal(parse_distance("sta", "stat"), 1);
	assert_int_equal(parse_distance("tsat", "stat"), 2);
	assert_int_equal(parse_distance("", "list"), 4);
}

#define NAME(line, name) assert_name(line, sizeof(line), name)

static void assert_name(const char *line, size_t len, const char *expect)
{
	char name[32];

	if (!expect) {
		assert_int_equal(proc_parse_name(line, len, name, sizeof(name)), -ENOENT);
		return;
	}
	assert_int_equal(proc_parse_name(line, len, name, sizeof(name)), 0);
	assert_string_equal(name, expect);
}

static void names_of_vms(void **state)
{
	(void)state;
	NAME("/usr/bin/qemu-system-x86_64\0-m\0" "1G\0-name\0guest=db01,debug-threads=on", "db01");
	NAME("qemu\0-name\0web,process=x", "web");
	NAME("qemu\0-name\0process=x,guest=a,,b", "a,b");
	NAME("qemu\0-name\0process=x,,guest=no,guest=yes", "yes");
	NAME("qemu\0-name\0debug-threads=on", NULL);
	NAME("qemu\0-name", NULL);
	NAME("./guest\0touch\0--name\0twin-1", "twin-1");
	NAME("./guest\0touch\0--name=twin-2", "twin-2");
	NAME("/opt/firecracker\0--id\0fc7\0--api-sock\0/run/x", "fc7");
	NAME("/bin/other\0--id\0fc7", NULL);
	NAME("cloud-hypervisor\0--api-socket\0/run/vms/web.sock", "web");
	NAME("cloud-hypervisor\0--api-socket=path=/run/db.sock", "db");
	NAME("qemu\0-name\0guest=a-name-that-is-longer-than-the-room-for-it",
	     "a-name-that-is-longer-than-the-");
	NAME("", NULL);
}

/* A shell that waits, whose command line says @name. Return: its process, which ends with @hold. */
static pid_t named_process(const char *name, int *hold)
{
	int in[2], started[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(started, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		execl("/bin/sh", "vmm", "-c", "read -r line", "--name", name, NULL);
		_exit(127);
	}
	close(in[0]);
	close(started[1]);
	assert_int_equal(read(started[0], &c, 1), 0);
	close(started[0]);
	*hold = in[1];
	return pid;
}

/* What came with the VM's record is enough where it names the VM: to ask a process disturbs it. */
static void names_without_asking(void **state)
{
	static const char line[] = "vmm\0--name\0record";
	/* As collectors fill them: the last byte is always NUL. */
	char whole[32] = "", cut[sizeof(line) - 2] = "", full[sizeof(line)] = "", name[32];
	pid_t pid;
	int hold;

	(void)state;
	memcpy(whole, line, sizeof(line));
	memcpy(cut, line, sizeof(cut) - 1);
	memcpy(full, line, sizeof(full) - 1);
	pid = named_process("process", &hold);
	proc_vm_name(pid, "comm", whole, sizeof(whole), name, sizeof(name));
	assert_string_equal(name, "record");
	proc_vm_name(pid, "comm", cut, sizeof(cut), name, sizeof(name));
	assert_string_equal(name, "process");
	/* It fits, and nothing says so. */
	proc_vm_name(pid, "comm", full, sizeof(full), name, sizeof(name));
	assert_string_equal(name, "process");
	proc_vm_name(pid, "comm", NULL, 0, name, sizeof(name));
	assert_string_equal(name, "process");
	close(hold);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	proc_vm_name(pid, "comm", whole, sizeof(whole), name, sizeof(name));
	assert_string_equal(name, "record");
	proc_vm_name(pid, "comm", "vmm\0", 5, name, sizeof(name));
	assert_memory_equal(name, "comm:", 5);
}

static void names_of_exit_reasons(void **state)
{
	(void)state;
	assert_string_equal(reason_name(MMUSCOPE_isa_vmx, 48), "EPT_VIOLATION");
	assert_string_equal(reason_name(MMUSCOPE_isa_vmx, 48 | 1U << 31), "EPT_VIOLATION");
	assert_string_equal(reason_name(MMUSCOPE_isa_svm, 0x400), "npf");
	assert_null(reason_name(MMUSCOPE_isa_unknown, 48));
	assert_null(reason_name(MMUSCOPE_isa_vmx, 60000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(counts),
		cmocka_unit_test(rates_bytes_and_percentages),
		cmocka_unit_test(seconds),
		cmocka_unit_test(sizes_and_numbers),
		cmocka_unit_test(distances),
		cmocka_unit_test(names_of_vms),
		cmocka_unit_test(names_without_asking),
		cmocka_unit_test(names_of_exit_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
