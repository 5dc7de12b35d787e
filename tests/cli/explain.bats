#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope explain: from made-up records, from a recording, and its glossary.
load common

@test "explain: options that exclude each other, exit 2" {
	for arguments in "-d 1 -- true" "-p 1 --vm x" "x.data -d 1" "x.data -- true" "x y" \
			"--glossary gfn -d 1" "--glossary -- true" "-dten" "-p0"; do
		# shellcheck disable=SC2086
		run --separate-stderr mmuscope explain $arguments
		assert_refused 2
	done
}

@test "explain without privilege: one sentence, exit 1" {
	run_unprivileged explain -d 0.1
	assert_refused 1
}

@test "explain: a recording that is not there, exit 1" {
	run --separate-stderr mmuscope explain "$BATS_TEST_TMPDIR/none"
	assert_refused 1
	[[ "$stderr" == *none* ]]
}

@test "explain: text fits 80 columns and says what to do" {
	COLUMNS=80 run --separate-stderr mmuscope explain --source synth:records=100000
	[ "$status" = 0 ]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	[[ "$output" == *"1. VM "* ]]
	[[ "$output" == *"What changes it: "* ]]
	[[ "$output" == *"What would confirm it: "* ]]
}

@test "explain: live and from a recording, the same findings" {
	command -v jq >/dev/null || skip "jq is not installed"
	mmuscope record --source synth:records=100000 -o "$BATS_TEST_TMPDIR/data"
	mmuscope explain --json "$BATS_TEST_TMPDIR/data" | jq .findings >"$BATS_TEST_TMPDIR/file"
	mmuscope explain --json --source synth:records=100000 |
		jq .findings >"$BATS_TEST_TMPDIR/live"
	[ "$(jq length "$BATS_TEST_TMPDIR/live")" -gt 1 ]
	diff "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/file"
}

@test "explain --json: each finding has its evidence, the largest share first" {
	command -v jq >/dev/null || skip "jq is not installed"
	run --separate-stderr mmuscope explain --json --source synth:records=100000
	[ "$status" = 0 ]
	[ "$(jq '[.findings[] | (.rule, .vm, .evidence, .knob, .confirm, .sure)] |
		all(type == "string" and length > 0)' <<<"$output")" = true ]
	[ "$(jq '[.findings[].share // 0] == ([.findings[].share // 0] | sort | reverse)' \
		<<<"$output")" = true ]
}

@test "explain: nothing significant is a finding" {
	run --separate-stderr mmuscope explain --source synth:records=5
	[ "$status" = 0 ]
	[[ "$output" == *"Nothing significant was found"* ]]
}

@test "explain --vm: the others are left out" {
	run --separate-stderr mmuscope explain --source synth:records=100000 --vm synth-1:1000000001
	[ "$status" = 0 ]
	[[ "$output" == *"VM synth-1"* ]]
	[[ "$output" != *"VM synth-2"* ]]
}

@test "explain --glossary: one term, all terms, no such term" {
	run --separate-stderr mmuscope explain --glossary GFN
	[ "$status" = 0 ]
	[[ "$output" == *gfn* ]]
	run --separate-stderr mmuscope explain --glossary
	[ "$status" = 0 ]
	[ "${#lines[@]}" -gt 300 ]
	run --separate-stderr mmuscope explain --glossary frobnication
	assert_refused 1
	[[ "$stderr" == *frobnication* ]]
}

@test "report --by cause: faults have the causes that stat gives them" {
	command -v jq >/dev/null || skip "jq is not installed"
	mmuscope record --source synth:records=100000 -o "$BATS_TEST_TMPDIR/data"
	mmuscope report --json --by cause "$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/by"
	mmuscope report --json "$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/all"
	diff <(jq -c '[.groups.rows[] | select(.record == "fault") | [.cause, .count]] | sort' \
			"$BATS_TEST_TMPDIR/by") \
		<(jq -c '[.vms[].causes[]] | group_by(.cause) |
			map([.[0].cause, (map(.count) | add)])' "$BATS_TEST_TMPDIR/all")
}

@test "report: a filter leaves causes as they are" {
	command -v jq >/dev/null || skip "jq is not installed"
	mmuscope record --source synth:records=100000 -o "$BATS_TEST_TMPDIR/data"
	count() {
		mmuscope report --json "$@" "$BATS_TEST_TMPDIR/data" |
			jq '[.groups.rows[] | select(.record == "fault" and .access == "write" and
				.cause == "numa") | .count] | add'
	}
	[ "$(count --by access,cause --filter type==fault)" -gt 0 ]
	[ "$(count --by access,cause --filter access==write)" = "$(count --by access,cause)" ]
}

@test "explain --glossary: has each heading that there is in a table" {
	cd "$BATS_TEST_DIRNAME/../../user" || return
	grep -ohE '\{ "[a-z_0-9]+", "[^"]+", (true|false)' view/*.[ch] cmd/*.c lab/*.c |
		sed -E 's/^[^,]*, "([^"]+)".*/\1/' | sort -u >"$BATS_TEST_TMPDIR/headings"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/headings")" -gt 80 ]
	while read -r heading; do
		mmuscope explain --glossary "$heading" >/dev/null
	done <"$BATS_TEST_TMPDIR/headings"
}
