#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope stat and list: options, and what is said when it cannot be done.
# Output is tested with made-up records (--source synth), the same every time.
load common

@test "stat: wrong numbers are named, exit 2" {
	for option in -d0 -d-1 -dten -i0 -p0 -pself --ring-size=3000 --ring-size=0; do
		run --separate-stderr mmuscope stat "$option"
		assert_refused 2
	done
}

@test "stat: options that exclude each other" {
	run --separate-stderr mmuscope stat -d 1 -- true
	assert_refused 2
	run --separate-stderr mmuscope stat -p 1 --vm x -d 1
	assert_refused 2
	run --separate-stderr mmuscope stat -p 1 -- true
	assert_refused 2
}

@test "stat: a collector that there is not" {
	run --separate-stderr mmuscope stat --collector ebpf -d 1
	assert_refused 2
	[[ "$stderr" == *ebpf* ]]
}

@test "stat --collector kmod without the module: how to have it, exit 1" {
	[ ! -e /dev/mmuscope ] || skip "the module is loaded"
	run --separate-stderr mmuscope stat --collector kmod -d 0.1
	assert_refused 1
	if [ -e /proc/modules ]; then
		[[ "$stderr" == *"modprobe mmuscope"* ]]
	else
		[[ "$stderr" == *"this kernel cannot load any"* ]]
	fi
}

@test "list takes no argument" {
	run --separate-stderr mmuscope list now
	assert_refused 2
	[[ "$stderr" == *now* ]]
}

@test "stat without privilege: one sentence, exit 1" {
	run_unprivileged stat -d 0.1
	assert_refused 1
}

@test "stat with a command, without privilege: the command is not run" {
	run_unprivileged stat -- touch "$BATS_TEST_TMPDIR/ran"
	assert_refused 1
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "list without privilege: one sentence, exit 1" {
	run_unprivileged list
	assert_refused 1
}

@test "stat: text of made-up records fits 80 columns" {
	COLUMNS=80 run --separate-stderr mmuscope stat --source synth:records=20000
	[ "$status" = 0 ]
	[ -n "$output" ]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
}

@test "stat --json of made-up records is valid, one object per line" {
	command -v jq >/dev/null || skip "jq is not installed"
	run --separate-stderr mmuscope stat --json --source synth:records=20000
	[ "$status" = 0 ]
	[ "$(jq -s length <<<"$output")" = "${#lines[@]}" ]
}

@test "stat: the same records, the same numbers" {
	mmuscope stat --json --source synth:records=20000,seed=7 >"$BATS_TEST_TMPDIR/a"
	mmuscope stat --json --source synth:records=20000,seed=7 >"$BATS_TEST_TMPDIR/b"
	mmuscope stat --json --source synth:records=20000,seed=8 >"$BATS_TEST_TMPDIR/c"
	cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	run ! cmp -s "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/c"
}

@test "stat: a reader who goes away is no failure of ours" {
	mmuscope stat --source synth:records=20000 | head -n 1
	[ "${PIPESTATUS[0]}" = 0 ]
	# Nor a reason to go on for ever.
	mmuscope stat -i 0.1 --source synth:records=100000000000 | head -n 1
	[ "${PIPESTATUS[0]}" = 0 ]
}

@test "stat: unknown made-up source is a usage error or a refusal, never a crash" {
	for source in nothing synth:records synth:records=x synth:bad=1; do
		run --separate-stderr mmuscope stat --source "$source"
		[[ "$status" =~ ^[12]$ ]]
		[ -n "$stderr" ]
	done
}

@test "stat: a VM whose process is gone has ended, hook or no hook" {
	guest=${binary%/*}/tools/lab/guest/mmuscope-guest
	[ "$(id -u)" = 0 ] || skip "not root"
	[ -w /dev/kvm ] || skip "there is no KVM here"
	run --separate-stderr mmuscope stat --json -o "$BATS_TEST_TMPDIR/ended.json" -- \
		"$guest" touch --cpl 3 --pages 100 --name short
	[ "$status" = 0 ] || skip "nothing can be traced here"
	jq -e '.vms | map(.name == "short" and .life == "destroyed") == [true]' \
		"$BATS_TEST_TMPDIR/ended.json"
}
