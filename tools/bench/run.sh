#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What tracing costs. Called by 'make bench', which builds what is measured.
#
# In the lab time is the number of instructions executed, so figures repeat whatever
# else the machine does. On this machine's own KVM they are wall time. A figure that
# misses its target is marked; the exit code is 1 only if something could not be run.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."

out=${O:-build}
mmuscope=${MMUSCOPE:-$out/mmuscope}
guest=$out/tools/lab/guest/mmuscope-guest
here=tools/bench
kernel=6.1
json='' lab=1 host=1 quick=''
pages=16384 repetitions=3 rounds=12
failed=0

usage() {
	cat <<'EOF'
Usage: tools/bench/run.sh [OPTION]...
Measures what tracing costs: instructions per fault in the lab, wall time per fault
on this machine's KVM, start and detach, and what user space can take in.

  --json        print JSON
  --lab-only    only what runs in the lab
  --host-only   only what runs on this machine
  --quick       fewer rounds, and no perf in the lab
  -h, --help    print this help
EOF
}

die() {
	printf 'bench: %s\n' "$1" >&2
	exit "${2:-1}"
}

say() {
	printf 'bench: %s\n' "$1" >&2
}

skip() {
	say "$1"
	printf '%s\n' "$1" >>"$tmp/skipped"
}

# row SECTION KEY TEXT VALUE UNIT [TARGET LIMIT [AIM]], TARGET being one of <= >= < =
row() {
	local IFS=$'\t'
	printf '%s\n' "$*" >>"$tmp/rows"
}

# ---------------------------------------------------------------- the lab
# lab_start MODE: both modes run at once; instructions do not get more by that.
lab_start() {
	local perf=() headers module
	headers=$(tools/lab/lab headers --kernel $kernel)
	module=$out/kmod/${headers##*/linux-headers-}/mmuscope.ko
	if [ -z "$quick" ] && command -v perf >/dev/null; then
		perf=(--add "$(command -v perf)")
	fi
	LAB_QUIET=1 tools/lab/lab run --kernel $kernel --icount --timeout 420 --out "$tmp/$1" \
		--add "$mmuscope:/bin/mmuscope" --add "$out/tools/bench/startup" \
		--add "$module:/bench/mmuscope.ko" \
		--add $here/reps.sh:/bin/reps "${perf[@]}" $here/job.sh "$1" "$pages" \
		"$repetitions" >"$tmp/$1.log" 2>&1
}

# lab_figures MODE: "NAME added-per-fault spread consumer-per-fault" for each way
# to trace; the first run of each is thrown away.
lab_figures() {
	awk '
	NF < 5 { next }
	$1 ~ /-idle$/ { idle[$1] = $4 / $5; next }
	seen[$1]++ == 0 { order[++n] = $1; next }
	{
		each = $2 / $3
		runs[$1]++
		sum[$1] += each
		consumer[$1] += ($4 - idle[$1 "-idle"] * $5) / $3
		if (runs[$1] == 1 || each < min[$1]) min[$1] = each
		if (each > max[$1]) max[$1] = each
	}
	END {
		base = sum["untraced"] / runs["untraced"]
		for (i = 1; i <= n; i++) {
			name = order[i]
			if (!runs[name]) continue
			mean = sum[name] / runs[name]
			printf "%s %.1f %.1f %.1f\n", name, mean - (i > 1 ? base : 0),
				max[name] - min[name], consumer[name] / runs[name]
		}
	}' "$tmp/$1/runs"
}

# The text and target of each way to trace; a '-' has no target.
lab_texts=(
	"untraced|a fault, untraced|-"
	"stat-stopped|+ mmuscope stat, recording alone (consumer stopped)|900 700"
	"stat|+ mmuscope stat, all (consumer on the guest's CPU)|-"
	"kmod-stopped|+ the same by the kernel module, recording alone|700 450"
	"kmod|+ the same by the kernel module, all|-"
	"ftrace-one|+ ftrace, kvm_page_fault alone|-"
	"ftrace-all|+ ftrace, all of kvm and kvmmmu|-"
	"perf-stat|+ perf stat, counting all of kvm and kvmmmu|-"
	"perf-record-stopped|+ perf record, all of kvm and kvmmmu, recording alone|-"
	"perf-record|+ perf record, the same, all (consumer on the guest's CPU)|-"
)

lab_rows() {
	local mode=$1 line name added spread consumer rest text target
	lab_figures "$mode" >"$tmp/$mode.figures"
	for line in "${lab_texts[@]}"; do
		name=${line%%|*} rest=${line#*|}
		text=${rest%%|*} target=${rest#*|}
		read -r added spread consumer < <(
			sed -n "s/^$name //p" "$tmp/$mode.figures") || continue
		if [ "$target" = - ]; then
			row "$mode" "$name" "$text" "$added" instructions/fault
		else
			row "$mode" "$name" "$text" "$added" instructions/fault '<=' \
				"${target% *}" "${target#* }"
		fi
		row "$mode" "$name-spread" "" "$spread" hidden
		case $name in
		stat | kmod | perf-record)
			row "$mode" "$name-consumer" "  of ${name/-/ }, executed by the consumer" \
				"$consumer" instructions/fault
			;;
		esac
	done
}

lab_lost() {
	local mode=$1 lost
	lost=$(jq -s 'map(.collection.lost) | add' "$tmp/$mode"/{stat,kmod}{,-stopped}.out)
	row "$mode" lost "mmuscope: records lost in all of these runs" "$lost" records = 0
}

# lab_startup_mean MODE KEY: of what startup said, in millions.
lab_startup_mean() {
	sed -n "s/^$2=//p" "$tmp/$1"/startup-*.out |
		awk '{ n += $1 } END { printf "%.3f", n / NR / 1e6 }'
}

# What is executed takes longer here, at one instruction per nanosecond, than on a
# real CPU. Waiting, mostly for RCU, takes as long as it does anywhere.
lab_startup() {
	local mode=$1 key text all cpu
	while IFS='|' read -r key text; do
		all=$(lab_startup_mean "$mode" "${key}_ns")
		cpu=$(lab_startup_mean "$mode" "${key}_cpu_ns")
		row "$mode" "$key-wait" "mmuscope stat: $text, waiting" \
			"$(awk -v all="$all" -v cpu="$cpu" 'BEGIN { print all - cpu }')" ms '<' 500
		row "$mode" "$key-executed" "  executed by it" "$cpu" "M instructions"
	done <<-'EOF'
		start|start to first record
		detach|end of its command to its own end
	EOF
	row "$mode" gone "mmuscope stat: end of its command to its last probe gone" \
		"$(lab_startup_mean "$mode" gone_ns)" "ms, 1 instr. per ns" '<' 500
}

lab_mode_finish() {
	local mode=$1 title
	if ! wait "$2"; then
		say "the run in the lab failed, $mode:"
		tail -n 5 "$tmp/$mode.log" >&2
		failed=1
		return
	fi
	title="shadow paging"
	[ "$mode" = shadow ] || title="${mode^^}"
	row "$mode" '' "Lab: $title, Debian's kernel $kernel, CPU emulated" '' title
	lab_rows "$mode"
	lab_lost "$mode"
	lab_startup "$mode"
}

bench_lab() {
	local npt shadow
	if [ -n "$quick" ]; then
		skip "--quick: no comparison with perf in the lab."
	elif ! command -v perf >/dev/null; then
		skip "perf is not installed: no comparison with it in the lab."
	fi
	if ! tools/lab/lab prepare --kernel $kernel >"$tmp/prepare" 2>&1; then
		tail -n 3 "$tmp/prepare" >&2
		failed=1
		return
	fi
	say "lab, NPT and shadow paging at once, $pages faults a run"
	lab_start npt &
	npt=$!
	lab_start shadow &
	shadow=$!
	lab_mode_finish npt $npt
	lab_mode_finish shadow $shadow
}

# ------------------------------------------------------------ this machine
events=(kvmmmu:kvm_mmu_spte_requested kvmmmu:kvm_mmu_set_spte)
count_program='tracepoint:kvmmmu:kvm_mmu_spte_requested { @requested = count(); }
tracepoint:kvmmmu:kvm_mmu_set_spte { @set = count(); }'
latency_program='tracepoint:kvmmmu:kvm_mmu_spte_requested { @begin[tid] = nsecs; }
tracepoint:kvmmmu:kvm_mmu_set_spte /@begin[tid]/ {
	@ns = hist(nsecs - @begin[tid]);
	delete(@begin[tid]);
}'

host_texts=(
	"untraced|a fault, untraced"
	"stat|+ mmuscope stat"
	"bpftrace-count|+ bpftrace, counting two events"
	"bpftrace-latency|+ bpftrace, latency histogram of two events"
	"perf-record|+ perf record, two events"
	"trace-cmd|+ trace-cmd record, two events"
)

# host_trace WAY COMMAND: the command, traced.
host_trace() {
	local last
	case $1 in
	untraced) "$2" ;;
	stat)
		last=$("$out/tools/bench/startup" --last)
		"$mmuscope" stat --json -o "$tmp/host-stat.json" -- "$2"
		jq .collection.lost "$tmp/host-stat.json" >>"$tmp/host-lost" || return
		# What it leaves behind for a while must not be in what follows.
		"$out/tools/bench/startup" --settle "$last" 5 ||
			say "BPF programs are left after mmuscope stat, or others were loaded"
		;;
	perf-record)
		perf record -q -a -o "$tmp/perf.data" -e "${events[0]}" -e "${events[1]}" -- "$2"
		;;
	trace-cmd)
		trace-cmd record -q -o "$tmp/trace.dat" -e "${events[0]}" -e "${events[1]}" "$2"
		;;
	bpftrace-count) bpftrace -o "$tmp/bpftrace" -c "/bin/sh $2" -e "$count_program" ;;
	bpftrace-latency) bpftrace -o "$tmp/bpftrace" -c "/bin/sh $2" -e "$latency_program" ;;
	esac
}

# Three runs of the guest for each start of the tracing program; "ns per fault" each.
host_command() {
	cat >"$tmp/guest" <<-EOF
		#!/bin/sh
		for i in 1 2 3; do
			"$PWD/$guest" touch --cpl 3 --pages $pages >"$tmp/guest.out" || exit 1
			awk -F = -v khz="$khz" '{ v[\$1] = \$2 } END {
				faults = v["stat.pf_taken"] ? v["stat.pf_taken"] : v["pages"]
				printf "%.1f\\n", v["tsc"] * 1e6 / khz / faults
			}' "$tmp/guest.out" >>"$tmp/ns"
		done
	EOF
	chmod +x "$tmp/guest"
}

# Leaves those ways that work here in the array "ways".
host_ways() {
	local line name tool
	for line in "${host_texts[@]}"; do
		name=${line%%|*} tool=${name%%-*}
		[ "$name" != trace-cmd ] || tool=trace-cmd
		case $tool in
		perf | bpftrace | trace-cmd)
			if ! command -v "$tool" >/dev/null; then
				skip "$tool is not installed: not compared with."
				continue
			fi
			;;
		esac
		if host_trace "$name" "$tmp/guest" >"$tmp/try" 2>&1 && [ -s "$tmp/ns" ]; then
			ways+=("$name")
		else
			skip "$name does not work here ($(grep -v '^Attaching' "$tmp/try" |
				head -n 1)): not compared with."
		fi
		rm -f "$tmp/ns"
	done
}

host_faults() {
	local ways=() name line text
	host_command
	host_ways
	rm -f "$tmp/host-lost"
	for _ in $(seq "$rounds"); do
		for name in "${ways[@]}"; do
			host_trace "$name" "$tmp/guest" >"$tmp/try" 2>&1 ||
				say "$name failed: $(head -n 1 "$tmp/try")"
			cat "$tmp/ns" >>"$tmp/ns.$name"
			rm -f "$tmp/ns"
		done
	done
	for line in "${host_texts[@]}"; do
		name=${line%%|*} text=${line#*|}
		[ -s "$tmp/ns.$name" ] || continue
		row host "$name" "$text" "$(host_added "$name")" ns/fault
	done
	if [ -s "$tmp/host-lost" ]; then
		row host lost "mmuscope: records lost in all of these runs" \
			"$(awk '{ n += $1 } END { print n + 0 }' "$tmp/host-lost")" records = 0
	fi
}

host_added() {
	local base=0
	[ "$1" = untraced ] || base=$(sort -n "$tmp/ns.untraced" | head -n 1)
	sort -n "$tmp/ns.$1" | awk -v base="$base" 'NR == 1 { printf "%.0f", $1 - base; exit }'
}

# The median of five.
host_startup() {
	local i key text
	for i in 1 2 3 4 5; do
		if ! "$out/tools/bench/startup" "$mmuscope" stat -o /dev/null -- \
			>"$tmp/startup.$i" 2>"$tmp/try"; then
			skip "mmuscope stat does not start here: $(head -n 1 "$tmp/try")"
			return
		fi
	done
	while IFS='|' read -r key text; do
		row host "$key" "$text" "$(sed -n "s/^${key}_ns=//p" "$tmp"/startup.[1-5] |
			sort -n | awk 'NR == 3 { printf "%.4f", $1 / 1e9 }')" s '<' 0.5
	done <<-'EOF'
		start|mmuscope stat: start to first record
		detach|mmuscope stat: end of its command to its own end
		gone|mmuscope stat: end of its command to its last probe gone
	EOF
}

bench_host() {
	local khz
	say "this machine's KVM, $rounds rounds"
	if [ "$(id -u)" != 0 ]; then
		skip "Not root: nothing was measured on this machine's own KVM."
	elif ! [ -e /dev/kvm ]; then
		skip "No /dev/kvm here: no wall times."
	elif ! "$guest" touch --cpl 3 --pages 16 >"$tmp/try" 2>&1; then
		skip "No guest runs on this machine's /dev/kvm, so no wall times: $(
			head -n 1 "$tmp/try")"
	else
		khz=$("$out/tools/bench/startup" --tsc-khz)
		row host '' "This machine's KVM ($(sed -n 's/^vendor=//p' "$tmp/try"), $(
			sed -n 's/^mode=//p' "$tmp/try"), Linux $(uname -r)), wall time, best run" \
			'' title
		host_faults
		host_startup
	fi
}

bench_user() {
	local streams records rate rss lost text
	say "user space, made-up records"
	if ! "$out/tools/bench/user-rate" --json >"$tmp/user.json"; then
		failed=1
		return
	fi
	row user '' "User space: made-up records through merge, model and histograms, one CPU" \
		'' title
	while read -r streams records rate rss lost; do
		text="$streams streams, $((records / 1000000)) M records"
		row user "rate-$streams-$records" "$text" "$rate" records/s '>=' 10000000
		row user "rss-$streams-$records" "  memory" "$rss" KiB
		row user "lost-$streams-$records" "  lost" "$lost" records = 0
	done < <(jq -r '.[] | "\(.streams) \(.records) \(.records_per_s) \(.rss_kib) \(.lost)"' \
		"$tmp/user.json")
}

# ------------------------------------------------------------------ output
# Adds a column: ok, MISSED or nothing.
judged() {
	awk -F '\t' -v OFS='\t' '{
		v = $4 + 0; t = $7 + 0; verdict = ""
		if ($6 == "<=") verdict = v <= t
		else if ($6 == "<") verdict = v < t
		else if ($6 == ">=") verdict = v >= t
		else if ($6 == "=") verdict = v == t
		if ($6 != "") verdict = verdict ? "ok" : "MISSED"
		print $1, $2, $3, $4, $5, $6, $7, $8, verdict
	}' "$tmp/rows"
}

print_table() {
	judged | awk -F '\t' '
	function grouped(s,    sign, out) {
		sign = sub(/^-/, "", s) ? "-" : ""
		while (length(s) > 3) {
			out = "," substr(s, length(s) - 2) out
			s = substr(s, 1, length(s) - 3)
		}
		return sign s out
	}
	function figure(v) {
		if (v + 0 < 10 && v + 0 > -10 && v != int(v)) return sprintf("%.2f", v)
		return grouped(sprintf("%.0f", v))
	}
	$5 == "hidden" { next }
	$5 == "title" { printf "%s%s\n", (NR > 1 ? "\n" : ""), $3; next }
	{
		target = $6 " " ($7 < 1 ? $7 : grouped($7)) ($8 == "" ? "" : " (aim " $8 ")")
		if ($6 == "") target = ""
		line = sprintf("  %-60s %12s %-20s %-18s %s", $3, figure($4), $5, target, $9)
		sub(/ +$/, "", line)
		print line
	}'
	if [ -s "$tmp/skipped" ]; then
		echo
		cat "$tmp/skipped"
	fi
}

print_json() {
	judged | jq -R -s --rawfile skipped "$tmp/skipped" --arg kernel "$(uname -r)" \
		--arg pages "$pages" '
	(split("\n") | map(select(. != "") | split("\t"))) as $rows |
	{
		report: "bench", host_kernel: $kernel, pages: ($pages | tonumber),
		figures: [ $rows[] | select(.[4] != "title" and .[4] != "hidden") | . as $r | {
			section: .[0], name: .[1], text: (.[2] | ltrimstr("  ")),
			value: (.[3] | tonumber), unit: .[4]
		} + ([ $rows[] | select(.[0] == $r[0] and .[1] == $r[1] + "-spread") |
			{ spread: (.[3] | tonumber) } ] | add // {})
		+ if .[5] == "" then {} else {
			target: "\(.[5]) \(.[6])", met: (.[8] == "ok")
		} end ],
		skipped: ($skipped | split("\n") | map(select(. != "")))
	}'
}

# -------------------------------------------------------------- recordings
# "touch": faults of guests that touch their memory. "mixed": all kinds of records at
# random, so that nearly all of it is noise; no target but memory.
bench_recording() {
	local load
	say "recordings: packed, unpacked and reported on"
	if ! "$out/tools/bench/bench_file" --json "$tmp" >"$tmp/file.json"; then
		failed=1
		return
	fi
	row file '' "Recordings, on one CPU" '' title
	for load in touch mixed large; do
		recording_rows $load
	done
}

recording_rows() {
	local load=$1 bytes written counted reported rss mib
	read -r bytes written counted reported rss mib < <(jq -r --arg load "$load" \
		'.[] | select(.load == $load) | "\(.bytes_per_record) \(.written_per_s) " +
			"\(.counted_per_s) \(.reported_per_s) \(.rss_kib) \(.file_mib)"' \
		"$tmp/file.json")
	if [ "$load" = touch ]; then
		row file touch-bytes "faults of a touching guest: bytes each" "$bytes" B '<=' 8
		row file touch-written "  written" "$written" records/s '>=' 2000000
		row file touch-reported "  reported on, by the sums in the file" "$reported" \
			records/s '>=' 20000000
		row file touch-counted "  counted one by one, as --time does" "$counted" records/s
		return
	fi
	row file "$load-bytes" "all kinds at random, $mib MiB: bytes each" "$bytes" B
	row file "$load-written" "  written" "$written" records/s '>=' 2000000
	row file "$load-reported" "  reported on, by the sums in the file" "$reported" records/s
	row file "$load-counted" "  counted one by one, as --time does" "$counted" records/s
	row file "$load-rss" "  memory for that" "$rss" KiB '<=' 65536
}

# -------------------------------------------------------------------- main
while [ $# -gt 0 ]; do
	case $1 in
	--json) json=1 ;;
	--lab-only) host='' ;;
	--host-only) lab='' ;;
	--quick) quick=1 rounds=4 ;;
	-h | --help)
		usage
		exit
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done
[ -n "$lab$host" ] || die "--lab-only and --host-only exclude each other" 2
for file in "$mmuscope" "$guest" "$out/tools/bench/startup" "$out/tools/bench/user-rate" \
	"$out/tools/bench/bench_file"; do
	[ -x "$file" ] || die "$file is missing: run 'make bench'"
done
for tool in jq awk; do
	command -v $tool >/dev/null || die "$tool is missing: run 'make bench'"
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# All figures are of one program, also if it is built anew in the meantime.
cp -L "$mmuscope" "$tmp/mmuscope"
mmuscope=$tmp/mmuscope
: >"$tmp/rows"
: >"$tmp/skipped"
[ -z "$lab" ] || bench_lab
if [ -n "$host" ]; then
	bench_host
	bench_user
	bench_recording
fi
if [ -n "$json" ]; then
	print_json
else
	print_table
fi
exit $failed
