#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope diff, with made-up records.
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A recording of made-up records: made FILE [MORE]
made() {
	mmuscope record --source "synth:records=12000,$2" -o "$1" 2>/dev/null
}

@test "diff: a recording does not differ from itself, exit 0" {
	made a seed=1
	run --separate-stderr mmuscope diff a a
	[ "$status" = 0 ]
	[ "${lines[0]}" = Verdict ]
	[[ "${lines[1]}" == *"no significant difference in faults per second"* ]]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	mmuscope diff --json a a | jq -e '[.. | .p? // empty] | length > 50 and min == 1'
	mmuscope diff --json a a | jq -e '[.. | .change? // empty] | map(. == 0) | all'
}

@test "diff: two recordings of the same load do not differ; what they cannot tell is said" {
	for i in 1 2 3 4 5 6; do
		made r$i seed=$i
	done
	for pair in "1 2" "3 4" "5 6" "1 4" "2 6"; do
		read -r a b <<<"$pair"
		run --separate-stderr mmuscope diff "r$a" "r$b"
		[ "$status" = 0 ]
		[[ "${output//$'\n' / }" == *"With one recording per side only large"* ]]
		[[ "${output//$'\n' / }" == *"minimum effect"* ]]
	done
	run --separate-stderr mmuscope diff r1 r2 r3 : r4 r5 r6
	[[ "$output" != *"With one recording per side"* ]]
}

# The command of B takes longer, as on a busy host; it does nothing that is recorded.
@test "diff: a command that takes longer for the same work has no other rate" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mmuscope record --source synth:records=12000 -o a -- sleep 0.2 2>/dev/null
	mmuscope record --source synth:records=12000 -o b -- sleep 0.7 2>/dev/null
	mmuscope record --source synth:records=12000 -o c 2>/dev/null
	[ "$(mmuscope info --json a | jq -r .recording.command)" = \
		"mmuscope record --source synth:records=12000 -o a -- sleep 0.2" ]
	run --separate-stderr mmuscope diff a b
	[ "$status" = 0 ]
	run --separate-stderr mmuscope diff a c
	[ "$status" = 0 ]
}

@test "diff --time: a part of each recording" {
	made a seed=2
	run --separate-stderr mmuscope diff --time 0.01,0.06 --json a a
	[ "$status" = 0 ]
	[ "$(mmuscope report --json --time 0.01,0.06 a | jq '[.vms[0].faults[].count] | add')" = \
		"$(jq '.vms[0].totals[] | select(.what == "fault") | .count_b' <<<"$output")" ]
	jq -e '.recordings.files[0].elapsed_ns == 50000000' <<<"$output"
}

@test "diff: more faults are found, exit 1" {
	made a seed=1
	made b records=24000,seed=1
	run --separate-stderr mmuscope diff --per run a b
	[ "$status" = 1 ]
	[[ "${output//$'\n' / }" =~ synth-1:\ B\ has\ [0-9.]+%\ +more\ faults\ per\ run\ than ]]
	[[ "$output" == *"(p<0.001)"* ]]
	[[ "$output" == *"of the difference:"* ]]
	# Per second it is the same load.
	mmuscope diff --json a b | jq -e '.vms[].totals[] | select(.what == "fault") |
		.change < 10 and .change > -10'
}

@test "diff --json: counts are those of report" {
	made a seed=1
	made b seed=5
	mmuscope diff --json a b >diff.json || [ $? = 1 ]
	for side in a b; do
		faults=$(mmuscope report --json $side | jq '[.vms[0].faults[].count] | add')
		[ "$(jq ".vms[0].totals[] | select(.what == \"fault\") |
			.count_$side" diff.json)" = "$faults" ]
		[ "$(jq "[.vms[0].faults[].count_$side] | add" diff.json)" = "$faults" ]
		[ "$(mmuscope report --json $side | jq '[.vms[1].exits[].count] | add')" = \
			"$(jq "[.vms[1].exits[].count_$side] | add" diff.json)" ]
	done
	jq -e '.vms[0].faults | map(select(.count_a > 50 and .count_b > 50)) | length > 5 and
		all(.p50_a > 0 and .p99_b >= .p50_b)' diff.json
	# By cause, which follows from what came before.
	jq -e '.vms[0].faults | map(.what) | index("dirty_log write_protected write fixed")' \
		diff.json
}

@test "diff --per: each divisor" {
	# Long enough for exits, which come every 0.1 s.
	made a seed=1,records=30000
	made b seed=1,records=30000
	faults=$(mmuscope diff --json a b |
		jq '.vms[0].totals[] | select(.what == "fault") | .count_a')
	value() {
		mmuscope diff --json --per "$1" a b |
			jq ".vms[0].totals[] | select(.what == \"fault\") | .$2"
	}
	[ "$(value run a)" = "$faults.0" ] || [ "$(value run a)" = "$faults" ]
	exits=$(mmuscope report --json a | jq '[.vms[0].exits[].count] | add')
	for check in "exit a $exits" "1000 b 1000" "1000,500 b 500" "1000,500 a 1000"; do
		read -r per side by <<<"$check"
		jq -ne "($(value "$per" "$side") * $by / $faults - 1) | fabs < 1e-6"
	done
	[ "$(value vcpu-second a)" != null ]
	# Half the operations for the same faults: twice as many per operation.
	jq -ne "($(value 1000,500 change) - 100) | fabs < 1e-6"
}

@test "diff: repeated runs, and how few they are" {
	for i in 1 2 3 4 5 6; do
		made r$i "seed=$i"
	done
	run --separate-stderr mmuscope diff r1 r2 r3 : r4 r5 r6
	[ "$status" = 0 ]
	[[ "${output//$'\n' / }" == *"3 and 3 runs are too few: the smallest p"*0.1* ]]
	mmuscope diff --json r1 r2 r3 : r4 r5 r6 | jq -e '[.. | .p? // empty] | min >= 0.1'
	mmuscope diff --json r1 r2 r3 : r4 r5 r6 | jq -e '.recordings.files | length == 6'
}

@test "diff --by: rows of any fields" {
	made a seed=1
	made b seed=4
	mmuscope diff --by access,level --filter type==fault --json a b >by.json || [ $? = 1 ]
	jq -e '.vms[0].rows | map(.what) | index("write 4K") and index("exec 2M")' by.json
	[ "$(jq '[.vms[0].rows[].count_a] | add' by.json)" = \
		"$(jq '.vms[0].totals[0].count_a' by.json)" ]
}

@test "diff: lost records make changes and p go, in words" {
	made a seed=1
	made b seed=1,lost=77
	run --separate-stderr mmuscope diff a b
	[ "$status" = 2 ]
	[[ "$output" == *"no verdict, because too many records were lost"* ]]
	[[ "$output" == *"B lost 77 records"* ]]
	mmuscope diff --json a b |
		jq -e '.vms[0].faults | map(.change == null and .p == null) | all'
	mmuscope diff --json a b | jq -e '.vms[0].faults[0].count_b > 0'
}

@test "diff: one record in thousands is told, and is no reason for no verdict" {
	made a seed=1
	made b seed=1,lost=1
	run --separate-stderr mmuscope diff a b
	[ "$status" = 0 ]
	[[ "$output" == *"B lost 1 record ("*"too few to be seen"* ]]
	mmuscope diff --json a b | jq -e '.vms[0].faults[0].p != null'
}

@test "diff: VMs on one side only are named" {
	made a vms=3
	made b vms=2
	run --separate-stderr mmuscope diff a b
	[[ "$output" == *"synth-3: only in A."* ]]
	run --separate-stderr mmuscope diff --vm synth-2:1000000002 a b
	[[ "$output" == *"VM synth-2"* && "$output" != *synth-1:* && "$output" != *synth-3* ]]
	run --separate-stderr mmuscope diff --vm synth-3:1000000003 a b
	[ "$status" = 2 ]
	[[ "$output" == *"There is no VM on both sides"* ]]
	run --separate-stderr mmuscope diff --vm nobody a b
	[ "$status" = 2 ]
	[[ "$stderr" == *"no VM is named 'nobody' in what was read"* ]]
	mmuscope diff --json a b | jq -e '.vms | map(.name) == ["synth-1", "synth-2"]'
}

@test "diff: trouble is exit 2 and one sentence" {
	made a seed=1
	for args in "a" "a a a" ": a" "a :" "a : a : a" "--per nothing a a" "--per 0 a a" \
		"--per 1,2,3 a a" "a missing" "--by nonsense a a"; do
		# shellcheck disable=SC2086
		run --separate-stderr mmuscope diff $args
		assert_refused 2
	done
	head -c 30000 a >torn
	run --separate-stderr mmuscope diff a torn
	[ "$status" = 2 ]
	[[ "$stderr" == *"torn"*"did not come to its end"* ]]
}

# A real guest, recorded as $1 while it does its work $2 times; its name stays.
guest() {
	mmuscope record -o "$1" -- "${binary%/*}/tools/lab/guest/mmuscope-guest" retouch --cpl 3 \
		--name db --pages 512 --rounds "$2" >/dev/null 2>&1
}

@test "diff: the same real guest does not differ from itself, one that does more does" {
	[ "$(id -u)" = 0 ] || skip "not root"
	[ -w /dev/kvm ] || skip "there is no KVM here"
	mmuscope record -o can -- true 2>/dev/null || skip "nothing can be recorded here"
	for i in 1 2 3 4 5; do
		guest "a$i" 4
		guest "b$i" 4
		guest "c$i" 5
	done
	# How long faults take hangs on what else the host does; how many there are does not.
	same='.vms[0].totals[] | select(.what == "fault") | .change == 0 and .p == 1'
	mmuscope diff --json --per run a? : b? | jq -e "$same"
	mmuscope diff --json --per run a1 b1 | jq -e "$same"
	run --separate-stderr mmuscope diff --per run a? : c?
	echo "$output"
	[ "$status" = 1 ]
	[[ "${lines[1]}" == *"db: B has "*" more faults per run than A"* ]]
	[[ "$output" == *"write fixed."* ]]
}
