#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The lab's driver, as far as it goes without booting anything.
load common

lab=$root/tools/lab/lab

setup() {
	export MMUSCOPE_CACHE=$BATS_TEST_TMPDIR/cache LAB_QUIET=1
	echo true >"$BATS_TEST_TMPDIR/job.sh"
	out=$BATS_TEST_TMPDIR/out
	job=$BATS_TEST_TMPDIR/job.sh
}

@test "lab: --help names both machines" {
	run --separate-stderr "$lab" --help
	[ "$status" = 0 ]
	[[ "$output" == *"amd (default)"* ]]
	[[ "$output" == *"intel: Bochs"* ]]
}

@test "lab: no such machine, kernel, option or command: exit 2, named" {
	run --separate-stderr "$lab" run --machine sparc --out "$out" "$job"
	assert_refused 2
	[[ "$stderr" == *sparc* ]]
	run --separate-stderr "$lab" run --kernel 2.4 --out "$out" "$job"
	assert_refused 2
	[[ "$stderr" == *2.4* ]]
	run --separate-stderr "$lab" run --frobnicate
	assert_refused 2
	[[ "$stderr" == *--frobnicate* ]]
	run --separate-stderr "$lab" frobnicate
	assert_refused 2
}

@test "lab: run wants a job and --out" {
	run --separate-stderr "$lab" run --machine intel "$job"
	assert_refused 2
	[[ "$stderr" == *--out* ]]
	run --separate-stderr "$lab" run --machine intel --out "$out"
	assert_refused 2
	[[ "$stderr" == *job* ]]
}

@test "lab: what only the AMD machine can do is refused on Intel, nothing is fetched" {
	for option in --icount --threads; do
		run --separate-stderr "$lab" run --machine intel $option --out "$out" "$job"
		assert_refused 2
		[[ "$stderr" == *$option* ]]
	done
	[ ! -e "$MMUSCOPE_CACHE" ]
}

# A folder with the few programs that the driver needs before it looks for an emulator.
few_programs() {
	local dir=$BATS_TEST_TMPDIR/bin program

	mkdir "$dir"
	for program in bash env readlink dirname mkdir rm cat; do
		ln -s "$(command -v "$program")" "$dir/$program"
	done
	echo "$dir"
}

@test "lab: a missing emulator is named with its package, exit 120" {
	path=$(few_programs)
	run --separate-stderr env PATH="$path" "$lab" run --machine intel --out "$out" "$job"
	assert_refused 120
	[[ "$stderr" == *bochs-bin*"Debian: bochs"* ]]
	run --separate-stderr env PATH="$path" "$lab" run --machine amd --out "$out" "$job"
	assert_refused 120
	[[ "$stderr" == *"Debian: qemu-system-x86"* ]]
}

@test "lab: the Intel machine's boot sector is one, and fits" {
	command -v as >/dev/null || skip "no assembler"
	cd "$BATS_TEST_TMPDIR"
	head -c 2000 /dev/zero | tr '\0' x >cmdline
	as --32 -o boot.o --defsym KERNEL_ENTRY=1 --defsym KERNEL_AT=1 --defsym KERNEL_SECTORS=1 \
		--defsym INITRD_AT=1 --defsym INITRD_SECTORS=1 --defsym INITRD_BYTES=1 \
		"$root/tools/lab/boot/disk.S"
	ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o boot boot.o
	[ "$(stat -c %s boot)" = 8192 ]
	[ "$(od -An -tx1 -j 510 -N 2 boot)" = " 55 aa" ]
}

@test "lab: what the results come back by fails where ports are not allowed" {
	command -v as >/dev/null || skip "no assembler"
	cd "$BATS_TEST_TMPDIR"
	as --64 -o print.o "$root/tools/lab/boot/print.S"
	ld -o print print.o
	chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	if [ "$(id -u)" = 0 ]; then
		run setpriv --reuid=65534 --regid=65534 --clear-groups ./print <<<x
	else
		run ./print <<<x
	fi
	[ "$status" = 1 ]
}
