#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What holds for every command.
load common

@test "without a command: usage error" {
	run --separate-stderr mmuscope
	[ "$status" = 2 ]
	[ -n "$stderr" ]
}

@test "--help lists the commands" {
	run --separate-stderr mmuscope --help
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	for command in doctor list stat; do
		commands_list | grep -qx "$command"
	done
}

@test "--version" {
	run --separate-stderr mmuscope --version
	[ "$status" = 0 ]
	[[ "$output" =~ [0-9]+\.[0-9]+ ]]
}

@test "--help of each command: exit 0, 80 columns, its name" {
	for command in $(commands_list); do
		run --separate-stderr mmuscope "$command" --help
		[ "$status" = 0 ]
		[ -z "$stderr" ]
		[[ "$output" == *"$command"* ]]
		[ -z "$(awk 'length > 80' <<<"$output")" ]
	done
}

@test "unknown command is named, exit 2" {
	run --separate-stderr mmuscope frobnicate
	assert_refused 2
	[[ "$stderr" == *frobnicate* ]]
}

@test "unknown option of each command: exit 2" {
	for command in $(commands_list); do
		run --separate-stderr mmuscope "$command" --frobnicate
		assert_refused 2
		[[ "$stderr" == *frobnicate* ]]
	done
}

@test "each command has a man page, and the main page names it" {
	for command in $(commands_list); do
		[ -f "$root/docs/mmuscope-$command.1.scd" ]
		grep -q "mmuscope-$command" "$root/docs/mmuscope.1.scd"
	done
}

@test "man pages and --help name the same options" {
	for command in $(commands_list); do
		page=$root/docs/mmuscope-$command.1.scd
		diff <(mmuscope "$command" --help | help_options) <(man_options "$page")
	done
}

@test "man pages are well-formed" {
	command -v scdoc >/dev/null || skip "scdoc is not installed"
	for page in "$root"/docs/*.1.scd; do
		scdoc <"$page" >"$BATS_TEST_TMPDIR/page"
		[ -s "$BATS_TEST_TMPDIR/page" ]
	done
}
