#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Guests whose memory is taken away for one known reason each: what says mmuscope why?
#
# And what does explain make of it?
#
#   tests/causes/run.sh [--kernel V] [--machine amd|intel] [--collector bpf|kmod]
#
# Both collectors on the AMD machine unless told otherwise. What is expected: tests/causes/expect
# and tests/causes/findings.
set -u
cd "$(dirname "$0")/../.." || exit 1
# What runs in the background does not hear Ctrl-C by itself.
trap 'trap - INT TERM; kill 0' INT TERM
build=${O:-build}
results=$build/test-results
kernel=6.1
machine=amd
collectors='bpf kmod'
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=${2:?--kernel wants a version} ;;
	--machine) machine=${2:?--machine wants amd or intel} ;;
	--collector) collectors=${2:?--collector wants bpf or kmod} ;;
	*) echo "causes: there is no option $1; see the head of $0" >&2; exit 2 ;;
	esac
	shift 2
done
headers=$(tools/lab/lab headers --kernel "$kernel") || exit 1
release=${headers##*/linux-headers-}
module=$build/kmod/$release/mmuscope.ko
provoke=$build/tests/causes/provoke/$release/provoke.ko
# What it would provoke is left out where it was not built.
adds=()
[ ! -e "$provoke" ] || adds+=(--add "$provoke:/causes/provoke.ko")
mkdir -p "$results"
rm -f "$results/causes.counts"

# Two nodes, for pages to go from one to the other; with one CPU the kernel complains of that.
nodes=(--append numa=fake=2)
[ "$machine" != intel ] || nodes=()

# boot COLLECTOR OUT
boot() {
	tools/lab/lab run --kernel "$kernel" --machine "$machine" --timeout 1200 --out "$2" \
		${nodes[@]+"${nodes[@]}"} --module brd --module ext4 \
		--add "$build/mmuscope:/bin/mmuscope" \
		--add "$module:/causes/mmuscope.ko" ${adds[@]+"${adds[@]}"} \
		--add tests/causes/guests.sh:/causes/guests.sh \
		--add "$build/tools/lab/guest/mmuscope-guest" tests/causes/job.sh "$1" \
		>"$2/lab.log" 2>&1 </dev/null
}

# The records of one mode as lines for judge.awk; a page-table page or a flush by what it is.
lines() {
	zcat "$1" | jq -r '
		select(.type == "invalidate" or .type == "flush" or .type == "shadow_page")
		| [ if .type == "flush" then (.scope | sub("remote_range"; "remote"))
		    elif .type == "shadow_page" then .op else .type end,
		    .name, .ts, (.start // "0x0"), (.end // "0xffffffffffff"), .cause ] | @tsv'
}

# paging_of MODE: the word of the lists for it.
paging_of() {
	case $1 in
	*-*) echo "${1##*-}" ;;
	shadow) echo shadow ;;
	*) echo tdp ;;
	esac
}

judge() {
	local out=$1 mode paging name modes kind causes others how

	while read -r mode; do
		lines "$out/$mode.records.gz" >"$out/$mode.lines"
		paging=$(paging_of "$mode")
		while read -r name modes kind causes others how; do
			case $name in '' | '#'*) continue ;; esac
			case $modes/$paging in
			"$paging/$paging" | all/tdp | all/shadow) ;;
			*) continue ;;
			esac
			awk -f tests/causes/judge.awk -v mode="$mode" -v name="$name" \
				-v kind="$kind" -v causes="$causes" -v others="$others" \
				-v how="$how" \
				"$out/$mode.$name.out" FS='\t' "$out/$mode.lines"
		done <tests/causes/expect
	done <"$out/modes"
}

# judge_findings OUT: what explain says of each recording, by tests/causes/findings.
judge_findings() {
	local out=$1 mode paging

	while read -r mode; do
		paging=$(paging_of "$mode")
		touch "$out/$mode.live.json"
		if ! "$build/mmuscope" explain --json "$out/$mode.data" \
			>"$out/$mode.explain.json"; then
			echo "FAILED  $mode: explain"
			continue
		fi
		jq -r '.findings[]? | "\(.vm) \(.rule)"' "$out/$mode".{explain,live}.json |
			awk -f tests/causes/findings.awk -v mode="$mode" -v paging="$paging" \
				-v out="$out" tests/causes/findings -
	done <"$out/modes"
}

# judge_faults OUT: of each guest's faults at most 1 % may be of no known cause.
judge_faults() {
	local out=$1 mode

	while read -r mode; do
		[ "$(paging_of "$mode")" != hidden ] || continue
		"$build/mmuscope" report --by vm,cause --filter type==fault --json \
			"$out/$mode.data" |
			jq -r '.groups.rows[] | "\(.vm) \(.cause) \(.count)"' |
			awk -v mode="$mode" -f tests/causes/faults.awk | sort -k 3
	done <"$out/modes"
}

# on COLLECTOR OUT: boots and judges; what it prints is the report.
on() {
	if boot "$@"; then
		{ judge "$2"; judge_findings "$2"; judge_faults "$2"; } | tee "$2/table"
		return
	fi
	echo "FAILED  the job failed" | tee "$2/table"
	tail -n 20 "$2/lab.log"
}

# Side by side: a machine keeps one CPU of this one busy.
for collector in $collectors; do
	out=$results/causes-$machine-$kernel-$collector
	rm -rf "$out"
	mkdir -p "$out"
	on "$collector" "$out" >"$out/report" &
done
wait
passed=0 failed=0
for collector in $collectors; do
	out=$results/causes-$machine-$kernel-$collector
	printf '== %s, %s, %s\n' "$kernel" "$machine" "$collector"
	cat "$out/report"
	passed=$((passed + $(grep -c '^ok' "$out/table")))
	failed=$((failed + $(grep -c '^FAILED' "$out/table")))
done
echo "$passed $failed" >"$results/causes.counts"
printf 'causes: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
