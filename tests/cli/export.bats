#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope export, and names of guest instructions, with made-up records.
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mmuscope record --source synth:records=20000,seed=3 -o made 2>/dev/null
	printf '%s\n' 'ffffffff81000000 T first' 'ffffffff81080000 t second' \
		'ffffffff81100000 T _etext' >map
}

@test "export --format perfetto: every record, in JSON" {
	mmuscope export --format perfetto made -o out.json
	records=$(mmuscope script made | wc -l)
	[ "$(jq '[.traceEvents[] | select(.ph != "M")] | length' out.json)" = "$records" ]
	# Each kind as often as in the recording.
	diff <(mmuscope script --json made | jq -r .type | grep -v exits | sort | uniq -c) \
		<(jq -r '.traceEvents[] | select(.ph == "X" or .ph == "i") | .cat' out.json |
			sort | uniq -c)
	# A span's end and duration are those of the record, to the nanosecond.
	diff <(mmuscope script --json --filter type==fault made |
			jq -c 'select(.type == "fault") | [.ts, .dur]' | sort) \
		<(jq -c '.traceEvents[] | select(.ph == "X" and .cat == "fault") |
			[((.ts + .dur) * 1000 | round), (.dur * 1000 | round)]' out.json | sort)
}

@test "export --format perfetto: tracks have names, and their spans do not overlap" {
	mmuscope export --format perfetto made -o out.json
	jq -e '[.traceEvents[] | select(.name == "process_name") | .args.name] | sort ==
		["synth-1:1000000001", "synth-2:1000000002", "without a VM"]' out.json
	jq -e '([.traceEvents[] | select(.name == "thread_name") | .tid] | sort) ==
		([.traceEvents[] | select(.ph == "X" or .ph == "i") | .tid] | unique)' out.json
	jq -e '[.traceEvents[] | select(.name == "thread_name") | .args.name] |
		index("vCPU 3") and index("vCPU 1 flush") and index("invalidate")' out.json
	# In nanoseconds, for sums of fractions are not exact.
	jq -e '[.traceEvents[] | select(.ph == "X")] | group_by(.tid) | map(
			map([(.ts * 1000 | round), ((.ts + .dur) * 1000 | round)]) | sort |
			[.[1:], .[:-1]] | transpose | map(.[0][0] >= .[1][1]) | all) | all' out.json
	jq -e '[.traceEvents[] | select(.ph == "C")] | length > 0 and
		all(.args["exits/s"] > 0)' out.json
}

@test "export --format ctf: babeltrace2 reads every record back" {
	command -v babeltrace2 >/dev/null || skip "babeltrace2 is not installed"
	mmuscope export --format ctf made -o trace
	babeltrace2 trace >text 2>err
	[ ! -s err ]
	diff <(mmuscope script --json made | jq -r .type | sort | uniq -c) \
		<(sed -E 's/^[^)]*\) [^ ]+ ([a-z_0-9]+):.*/\1/' text | sort | uniq -c)
	# Values: all durations and all pages of dirty logs.
	sum() {
		grep -oE "[ {]$1 = [0-9]+" text | awk '{ n += $NF } END { printf "%.0f\n", n }'
	}
	[ "$(sum dur)" = "$(mmuscope script --json made | jq -s 'map(.dur) | add')" ]
	[ "$(sum handler_ns)" = "$(mmuscope script --json made |
		jq -s 'map(.handler_ns // 0) | add')" ]
	[ "$(grep -c 'verdict = ( "fast_fixed"' text)" = \
		"$(mmuscope script --filter verdict==fast_fixed made | wc -l)" ]
	grep -q 'comm = "ksmd"' text
	grep -q 'vm_1 = "synth-1:1000000001"' trace/metadata
}

@test "export --format ctf: a command line is whole, with blanks between its arguments" {
	command -v babeltrace2 >/dev/null || skip "babeltrace2 is not installed"
	mmuscope export --format ctf "$root/tests/golden/schema-2.data" -o trace ||
		[ $? = 1 ]
	babeltrace2 trace | sed -nE 's/.* args = "([^"]*)".*/\1/p' >have
	mmuscope script --json "$root/tests/golden/schema-2.data" 2>/dev/null |
		jq -r '.args // empty' >want
	[ "$(grep -c '[a-z] [a-z]' want)" = 5 ]
	diff want have
}

@test "export --format ctf: lost records are told, nothing is overwritten" {
	command -v babeltrace2 >/dev/null || skip "babeltrace2 is not installed"
	mmuscope record --source synth:records=60000,lost=42 -o lossy 2>/dev/null
	mmuscope export --format ctf lossy -o trace
	babeltrace2 trace >text 2>err
	grep -q 'lost.*count = 42' text
	[ "$(wc -l <text)" = "$(mmuscope script lossy | wc -l)" ]
	run --separate-stderr mmuscope export --format ctf made -o trace
	assert_refused 1
	[[ "$stderr" == *"'trace' exists and is not empty"* ]]
	mkdir empty
	mmuscope export --format ctf made -o empty
	[ -s empty/metadata ]
}

@test "export --format folded: weights are those of report" {
	mmuscope export --format folded made >by-count
	mmuscope export --format folded --weight time made >by-time
	sum() {
		awk '{ n += $NF } END { printf "%.0f\n", n }' "$1"
	}
	[ "$(sum by-count)" = "$(mmuscope report --json made |
		jq '[.vms[].faults[].count] | add')" ]
	[ "$(sum by-time)" = "$(mmuscope report --json made | jq '[.vms[].faults[].ns] | add')" ]
	grep -qE '^synth-1:1000000001;0x[0-9a-f]+;[a-z_;]+ [0-9]+$' by-count
	mmuscope export --format folded --filter access==exec made |
		awk '{ n += $NF } END { printf "%.0f\n", n }' |
		grep -qx "$(mmuscope script --filter access==exec made | wc -l)"
}

@test "export --format csv is script --csv" {
	mmuscope export --format csv --filter type==flush made >a
	mmuscope script --csv --filter type==flush made >b
	diff a b
}

@test "--guest-symbols names instructions, of that VM only" {
	symbols=(--guest-symbols "synth-1=map")
	mmuscope export --format folded "${symbols[@]}" made >stacks
	grep -q '^synth-1:1000000001;first;' stacks
	grep -q '^synth-1:1000000001;second;' stacks
	run ! grep -qE '^synth-1:[0-9]+;0x|^synth-2:[0-9]+;[a-z]' stacks
	mmuscope report --json --by rip "${symbols[@]}" --filter type==fault made >by.json
	jq -e '.groups.rows | all(.vm != null)' by.json
	jq -e '[.groups.rows[] | select(.vm | startswith("synth-1")) | .rip] |
		all(test("^(first|second)([+]0x[0-9a-f]+)?$"))' by.json
	mmuscope script --json "${symbols[@]}" made | jq -se 'map(select(.type == "fault")) |
		all((.symbol != null) == (.vm == 1))'
	mmuscope script "${symbols[@]}" made | grep -qE 'rip=0x[0-9a-f]+ \(first\+0x'
	mmuscope script --csv "${symbols[@]}" --filter type==fault made >faults.csv
	awk -F, 'NR == 1 { n = NF; if ($NF != "symbol") exit 1 } NF != n { exit 1 }' faults.csv
}

@test "a VM or process that is not in the recording is told, exit 1" {
	local run there="in what was read; there are synth-1:1000000001, synth-2:1000000002"

	# shellcheck disable=SC2086
	for run in report explain "report --by type" heatmap script "export --format folded"; do
		run --separate-stderr mmuscope $run --vm synth-9 made
		[ "$status" = 1 ]
		[ "$stderr" = "mmuscope: no VM is named 'synth-9' $there" ]
		run --separate-stderr mmuscope $run -p 99999 made
		[ "$status" = 1 ]
		[ "$stderr" = "mmuscope: process 99999 has no VM $there" ]
		run --separate-stderr mmuscope $run --vm synth-2:1000000002 made
		[ "$status" = 0 ] && [ -z "$stderr" ]
	done
	run --separate-stderr mmuscope diff --vm synth-9 made made
	[ "$status" = 2 ]
	[[ $stderr = *"no VM is named 'synth-9'"* ]]
}

@test "--guest-symbols for a VM that is not there is told, after all the rest, exit 1" {
	for run in "export --format csv" "export --format folded" "script --json" \
		"report --by rip" "heatmap --by rip"; do
		# shellcheck disable=SC2086
		run --separate-stderr mmuscope $run --guest-symbols synth-1=map \
			--guest-symbols synth-9=map made
		[ "$status" = 1 ]
		[ -n "$output" ]
		[ "$stderr" = "mmuscope: --guest-symbols: there was no VM 'synth-9' in what was \
read; 'mmuscope info' tells the names" ]
		# shellcheck disable=SC2086
		run --separate-stderr mmuscope $run --guest-symbols synth-1=map made
		[ "$status" = 0 ]
		[ -z "$stderr" ]
	done
	# On one side is enough.
	mmuscope record --source synth:records=20000,vms=3 -o three 2>/dev/null
	run --separate-stderr mmuscope diff --by rip --guest-symbols synth-3=map made three
	[ "$status" != 2 ]
	run --separate-stderr mmuscope diff --by rip --guest-symbols synth-9=map made three
	[ "$status" = 2 ]
	[[ "$stderr" == *"no VM 'synth-9'"* ]]
	# Who closes the pipe does not know who would have come.
	run --separate-stderr bash -c \
		"$binary script --guest-symbols synth-9=map made | head -n 1"
	[ -z "$stderr" ]
}

@test "export: wrong usage is exit 2, failure exit 1, one sentence" {
	for args in "made" "--format svg made" "--format ctf made" \
		"--format folded --weight pages made" "--format csv --guest-symbols synth-1 made" \
		"--format csv --guest-symbols synth-1=missing made" \
		"--format csv --guest-symbols synth-1=made made"; do
		# shellcheck disable=SC2086
		run --separate-stderr mmuscope export $args
		assert_refused 2
	done
	run --separate-stderr mmuscope export --format perfetto missing
	assert_refused 1
	run --separate-stderr mmuscope export --format perfetto made -o /nowhere/out
	assert_refused 1
	run --separate-stderr mmuscope export --format ctf made -o /nowhere/out
	assert_refused 1
	run --separate-stderr mmuscope export --format perfetto made -o /dev/full
	assert_refused 1
}
