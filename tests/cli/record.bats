#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope record, report, script and info, with made-up records.
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A recording of made-up records in mmuscope.data.
made() {
	mmuscope record --source synth:records=20000,seed=3 2>/dev/null
}

@test "record and report need no name" {
	run --separate-stderr mmuscope record --source synth:records=1000
	[ "$status" = 0 ]
	[ -z "$output" ]
	[[ "$stderr" == *"1,000 records"*"mmuscope.data"* ]]
	run --separate-stderr mmuscope report
	[ "$status" = 0 ]
	[[ "$output" == *"VM synth-1"* ]]
}

@test "report says what stat says, to the number" {
	for source in synth:records=50000,seed=7 synth:records=30000,vms=5,vcpus=9,lost=12 \
		synth:records=3,streams=1; do
		mmuscope stat --source "$source" >stat.txt
		mmuscope stat --json --source "$source" >stat.json
		mmuscope record --source "$source" 2>/dev/null
		mmuscope report >report.txt
		mmuscope report --json >report.json
		diff stat.txt report.txt
		diff stat.json report.json
	done
}

# What is said of all of a recording, in the folder $1.
say_all() {
	mkdir "$1"
	mmuscope report >"$1/report"
	mmuscope report --json >"$1/json"
	mmuscope report --vm synth-2:1000000002 >"$1/vm"
	mmuscope report -p 1000000002 --sort p99 --json >"$1/pid"
	mmuscope explain mmuscope.data >"$1/explain"
	mmuscope info >"$1/info"
	! mmuscope report --vm nobody 2>"$1/nobody" || return 1
}

# With its last bytes it loses the index, and that it has sums: its records are counted then.
@test "report, explain, info: the sums in a recording are those of its records" {
	command -v jq >/dev/null || skip "jq is not installed"
	source=synth:records=300000,vms=3,seed=9,lost=12
	mmuscope record --source $source 2>/dev/null
	[ "$(mmuscope info --json | jq -r .recording.sums)" = yes ]
	say_all sums
	mmuscope stat --json --source $source | diff - sums/json
	truncate -s -16 mmuscope.data
	[ "$(mmuscope info --json | jq -r .recording.sums)" = no ]
	say_all records
	diff -r sums records
}

@test "report: whoever has sums notices damage all the same" {
	command -v jq >/dev/null || skip "jq is not installed"
	mmuscope record --source synth:records=300000,seed=9 2>/dev/null
	all=$(mmuscope report --json | jq .collection.records)
	run --separate-stderr mmuscope report --vm nobody
	[ "$status" = 1 ]
	[[ "$stderr" == *"no VM is named 'nobody'"*"synth-1"* ]]
	printf 'damage' | dd of=mmuscope.data bs=1 seek=1000000 conv=notrunc status=none
	run --separate-stderr mmuscope report --json
	[ "$status" = 1 ]
	[[ "$stderr" == *"is damaged"* ]]
	[ "$(jq .collection.records <<<"$output")" -lt "$all" ]
	[ "$(jq .collection.lost <<<"$output")" -gt 0 ]
}

@test "report -i: the parts add up to the total" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	mmuscope report -i 20ms --json >parts.json
	[ "$(wc -l <parts.json)" -gt 3 ]
	diff <(jq -s 'map(select(.time.kind == "interval") | .vms[]?.faults[]?.count) | add' \
		parts.json) <(jq -s 'map(select(.time.kind == "total") | .vms[]?.faults[]?.count) |
		add' parts.json)
}

@test "report --time: two halves are the whole" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	faults='[.vms[].faults[]?.count] | add'
	all=$(mmuscope report --json | jq "$faults")
	a=$(mmuscope report --json --time ,0.05 | jq "$faults")
	b=$(mmuscope report --json --time 0.050000001, | jq "$faults")
	[ "$a" -gt 0 ] && [ "$b" -gt 0 ]
	[ $((a + b)) = "$all" ]
}

@test "report --filter counts what script prints" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	filter='type==fault and access==write and dur > 2us'
	n=$(mmuscope script --filter "$filter" | wc -l)
	[ "$n" -gt 100 ]
	[ "$(mmuscope script --json --filter "$filter" |
		jq -s 'map(select(.type == "fault" and .access == "write" and .dur > 2000)) |
			length')" = "$n" ]
	[ "$(mmuscope report --json --filter "$filter" |
		jq '[.vms[].faults[]?.count] | add')" = "$n" ]
}

@test "report --by: rows add up, and are those that script shows" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	faults=$(mmuscope report --json | jq '[.vms[].faults[]?.count] | add')
	for by in access vm,vcpu level,verdict slot rip gfn; do
		[ "$(mmuscope report --by "$by" --filter type==fault --json |
			jq '([.groups.rows[].count] | add) + .groups.others')" = "$faults" ]
	done
	writes=$(mmuscope script --filter access==write | wc -l)
	[ "$(mmuscope report --by access --json |
		jq '.groups.rows[] | select(.access == "write") | .count')" = "$writes" ]
	[ "$(mmuscope report --by cause --json | jq '[.groups.rows[].cause] | length')" -gt 2 ]
}

@test "report, script, heatmap: --time behind the end is told, exit 1" {
	made
	for command in report script heatmap; do
		run --separate-stderr mmuscope "$command" --time 1000,
		[ "$status" = 1 ]
		[[ "$stderr" == *"has nothing from "*" on"* ]]
	done
}

@test "report --sort sorts tables by a column" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	mmuscope report --json --sort max | jq -e '.vms[0].faults | map(.max) |
		. == (sort | reverse)'
	mmuscope report --json --by rip --sort count | jq -e '.groups.rows | map(.count) |
		. == (sort | reverse)'
}

@test "report --vm and -p: that VM only" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	name=synth-1:1000000001
	[ "$(mmuscope report --json --vm $name | jq -c '[.vms[].name]')" = "[\"$name\"]" ]
	[ "$(mmuscope report --json -p 1000000001 | jq -c '[.vms[].name]')" = "[\"$name\"]" ]
	mmuscope report --json --vm $name --by vm |
		jq -e '[.groups.rows[].vm] | unique | length == 1'
	mmuscope script --vm $name --json | jq -s -e 'map(.vm) | unique == [1]'
}

@test "script: JSON lines, CSV and text have every record" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	[ "$(mmuscope script | wc -l)" = 20000 ]
	[ "$(mmuscope script --json | jq -s length)" = 20000 ]
	mmuscope script --csv >all.csv
	[ "$(wc -l <all.csv)" = 20001 ]
	# As many values as names, in every line.
	mmuscope script --csv --filter 'type==fault' >faults.csv
	awk -F, 'NR == 1 { n = NF } NF != n { exit 1 }' faults.csv
	head -n 1 faults.csv | grep -q '^type,ts,.*,gpa,.*,verdict'
}

@test "script: a reader who goes away is no failure of ours" {
	made
	mmuscope script | head -n 1
	[ "${PIPESTATUS[0]}" = 0 ]
}

@test "info tells records, size, host, kernel and VMs" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	run --separate-stderr mmuscope info
	[ "$status" = 0 ]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	mmuscope info --json >info.json
	jq -e '.recording | .records == 20000 and .bytes_per_record < 40 and
		.complete == "yes" and .elapsed_ns > 0' info.json
	[ "$(jq -r .recording.kernel info.json)" = "$(uname -r)" ]
	[ "$(jq .recording.bytes info.json)" = "$(stat -c %s mmuscope.data)" ]
	jq -e '.vms.list | length == 2' info.json
	jq -e '.host.facts | length > 5' info.json
}

@test "a recording that broke off: what there is, one sentence, exit 1" {
	made
	head -c $(($(stat -c %s mmuscope.data) * 2 / 3)) mmuscope.data >torn.data
	for command in report info; do
		run --separate-stderr mmuscope $command torn.data
		[ "$status" = 1 ]
		[ -n "$output" ]
		[ "${#stderr_lines[@]}" = 1 ]
		[[ "$stderr" == *"torn.data"*"did not come to its end"* ]]
	done
	[ "$(mmuscope script torn.data 2>/dev/null | wc -l)" -gt 5000 ]
}

@test "a damaged recording: what is missing is counted as lost" {
	command -v jq >/dev/null || skip "jq is not installed"
	made
	size=$(stat -c %s mmuscope.data)
	printf 'damage' | dd of=mmuscope.data bs=1 seek=$((size / 2)) conv=notrunc status=none
	run --separate-stderr mmuscope report --json
	[ "$status" = 1 ]
	[[ "$stderr" == *"is damaged"* ]]
	[ "$(jq .collection.lost <<<"$output")" -gt 0 ]
	[ "$(jq '.collection | .lost + .records' <<<"$output")" = 20000 ]
}

@test "what is no recording is refused in one sentence" {
	made
	: >empty
	echo text >text
	head -c 20 mmuscope.data >short
	head -c 2000 mmuscope.data >begin
	mkdir folder
	for file in empty text short begin folder /dev/null nowhere "$binary"; do
		for command in report script info; do
			run --separate-stderr mmuscope $command "$file"
			assert_refused 1
			[[ "$stderr" == *"$file"* ]]
		done
	done
}

@test "expressions that cannot be understood: exit 2, and why" {
	made
	run --separate-stderr mmuscope report --filter 'axess==write'
	assert_refused 2
	[[ "$stderr" == *"access"* ]]
	for filter in '' '(' 'vm==' 'dur > 1x' 'type==folt'; do
		run --separate-stderr mmuscope script --filter "$filter"
		assert_refused 2
	done
	for option in --by=nothing --by=access,bytes --by= --time=5 --time=3,2 --time=a,b -i0; do
		run --separate-stderr mmuscope report "$option"
		assert_refused 2
	done
	for by in --by=access --vm=synth-1:1000000001; do
		run --separate-stderr mmuscope report $by --sort nothing
		assert_refused 2
		[[ "$stderr" == *nothing* ]]
	done
	run --separate-stderr mmuscope record --on 'p99(fault) >'
	assert_refused 2
	run --separate-stderr mmuscope record --max-size 1K
	assert_refused 2
	[ ! -e mmuscope.data.1 ]
}

@test "record to where nothing can be written: one sentence, the command is not run" {
	run --separate-stderr mmuscope record -o /nowhere/file -- touch ran
	assert_refused 1
	[[ "$stderr" == *"/nowhere/file"* ]]
	[ ! -e ran ]
}

@test "record without privilege: one sentence, and an older recording stays" {
	[ "$(id -u)" = 0 ] || echo old >mmuscope.data
	run_unprivileged record -o "$BATS_TEST_TMPDIR/file" -d 0.1
	assert_refused 1
	[ ! -e "$BATS_TEST_TMPDIR/file" ]
}

@test "record: a full disk ends it, with what was written to be read" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mkdir disk
	mount -t tmpfs -o size=1m tmpfs disk || skip "cannot mount"
	run --separate-stderr mmuscope record -o disk/full --source synth:records=300000
	first=$status said=$stderr
	run --separate-stderr mmuscope report --json disk/full
	records=$(jq .collection.records <<<"$output")
	umount disk
	[ "$first" = 1 ]
	[[ "$said" == *"No space left"* ]]
	[ "$records" -gt 10000 ]
}

# What the last line of the run says of records, without commas: $1 "records" or "lost".
said() {
	sed -nE "s/.* ([0-9,]+) $1.*/\1/p" <<<"${stderr_lines[-1]}" | tr -d ,
}

@test "record: the last line counts what the file has" {
	for limit in 300 600 601 1000; do
		run --separate-stderr bash -c "ulimit -f $limit && \
			exec '$binary' record -o full --source synth:records=300000"
		[ "$status" = 1 ]
		[[ "$stderr" == *"File too large"* ]]
		[[ "${stderr_lines[-1]}" != *" 0ns,"* ]]
		records=$(said records) lost=$(said lost)
		[ "$records" -gt 8000 ] && [ "$lost" -gt 8000 ]
		# Those that a reader knows to be missing are a record of their own.
		run --separate-stderr mmuscope report --json full
		[ "$(jq .collection.records <<<"$output")" = "$records" ]
		[ "$(jq .collection.lost <<<"$output")" = "$lost" ]
	done
	# A flight recorder has given up the older ones.
	run --separate-stderr mmuscope record --max-size 4M --source synth:records=600000 -o full
	[ "$status" = 0 ]
	# Two VMs, eight vCPUs and two memslots that were there before what it still has.
	[ "$(mmuscope info --json full | jq .recording.records)" = $(($(said records) + 12)) ]
	[ "$(said lost)" = 0 ]
}

@test "record: a command's exit code, and what it prints, pass through" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	run --separate-stderr mmuscope record --source synth:records=10 -- sh -c 'echo hi; exit 7'
	[ "$status" = 7 ]
	[ "$output" = hi ]
	mmuscope info >/dev/null
}

@test "record under sudo: the recording is the caller's, what was there stays whose it was" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	touch old.data
	for file in new.data old.data; do
		SUDO_UID=65534 SUDO_GID=65534 run mmuscope record -o $file \
			--source synth:records=10
		[ "$status" = 0 ]
	done
	[ "$(stat -c %u:%a new.data)" = 65534:600 ]
	[ "$(stat -c %u old.data)" = 0 ]
}

@test "a flight recorder stays small and keeps the end" {
	command -v jq >/dev/null || skip "jq is not installed"
	mmuscope record --max-size 4M --source synth:records=1000000,streams=2 2>/dev/null
	[ "$(stat -c %s mmuscope.data)" -le $((4 << 20)) ]
	mmuscope info --json >info.json
	jq -e '.recording.kind == "flight recorder" and .recording.complete == "yes"' info.json
	jq -e '.collection.lost == 0 and .recording.records < 1000000 and
		.recording.records > 50000' info.json
	# Names came before all that is left.
	jq -e '[.vms.list[].name] | sort == ["synth-1:1000000001", "synth-2:1000000002"]' info.json
	diff <(mmuscope script | tail -n 1000 | cut -c 18-) <(
		mmuscope record -o all.data --source synth:records=1000000,streams=2 2>/dev/null
		mmuscope script all.data | tail -n 1000 | cut -c 18-)
}

@test "record --on takes a snapshot" {
	run --separate-stderr mmuscope record --on 'count(fault) > 10' \
		--source synth:records=100000
	[ "$status" = 0 ]
	[[ "$stderr" == *"mmuscope.data.1"* ]]
	mmuscope info mmuscope.data.1 >/dev/null
	run --separate-stderr mmuscope record -o never --on 'count(fault) > 99999999' \
		--source synth:records=100000
	[ ! -e never.1 ]
}

@test "recordings of each schema version can be read" {
	for golden in "$root"/tests/golden/*.data; do
		mmuscope report "$golden" >/dev/null
		mmuscope script "$golden" | diff - "${golden%.data}.script"
	done
}

@test "record: two to one file, the second is refused and the first goes on" {
	"$binary" record --source synth:records=40000000 -o busy 2>/dev/null 3>&- &
	pid=$!
	until [ -s busy ]; do sleep 0.05; done
	run --separate-stderr mmuscope record --source synth:records=100 -o busy
	assert_refused 1
	[[ "$stderr" == *"another mmuscope records to it"* ]]
	kill -INT $pid
	wait $pid
	mmuscope info busy
}

@test "record: a terminal that goes away ends it like Ctrl-C" {
	"$binary" record --source synth:records=40000000 -o hung 2>/dev/null 3>&- &
	pid=$!
	until [ -s hung ]; do sleep 0.05; done
	kill -HUP $pid
	wait $pid
	mmuscope info hung
}

# What is there is replaced, and what is to run is run, once nothing speaks against it.
@test "record that is refused touches nothing and runs nothing" {
	mmuscope record --source synth:records=20000000 -o taken 2>/dev/null 3>&- &
	pid=$!
	until [ -s taken ]; do sleep 0.05; done
	run --separate-stderr mmuscope record --source synth:records=100 -o taken -- touch ran
	assert_refused 1
	[ ! -e ran ]
	wait $pid
	mmuscope info taken
	[ "$(id -u)" = 0 ] || skip "not root"
	mmuscope record -d 0.1 -o can 2>/dev/null || skip "nothing can be recorded here"
	mmuscope record --source synth:records=1000 -o older 2>/dev/null
	cp older copy
	run --separate-stderr mmuscope record --on 'count(flush) > 1' -o older -- touch ran
	[ "$status" = 1 ] || skip "flushes are seen here"
	[[ "$stderr" == *"--on would never be true"*flush* ]]
	[ ! -e ran ]
	cmp older copy
}

@test "record to /dev/null ends well" {
	run --separate-stderr mmuscope record --source synth:records=20000 -o /dev/null
	[ "$status" = 0 ]
}

@test "a recording is not written over by what is made of it" {
	mmuscope record --source synth:records=1000 -o a 2>/dev/null
	cp a copy
	for made in "report -o a" "report --html=a" "script -o a" "heatmap -o a"; do
		# shellcheck disable=SC2086
		run --separate-stderr mmuscope $made a
		assert_refused 1
		[[ "$stderr" == *"it is a recording"* ]]
		cmp a copy
	done
	run --separate-stderr mmuscope stat --source synth:records=100 -o a
	assert_refused 1
	cmp a copy
}
