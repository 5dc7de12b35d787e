#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# mmuscope on real KVM in an emulated machine, with each of its collectors:
#   tests/lab/run.sh [--kernel V] [--collector bpf|kmod]
# A line for each group of checks, and what differs in those that fail.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${O:-build}
results=$build/test-results
kernel=6.1
collectors="bpf kmod"
while [ $# -gt 0 ]; do
	case $1 in
	--kernel)
		[ $# -ge 2 ] || { echo 'lab: --kernel wants a version' >&2; exit 2; }
		kernel=$2
		shift
		;;
	--collector)
		[ $# -ge 2 ] || { echo 'lab: --collector wants bpf or kmod' >&2; exit 2; }
		collectors=$2
		shift
		;;
	*) echo "lab: there is no option $1; see the head of $0" >&2; exit 2 ;;
	esac
	shift
done
rm -rf "$results/lab.counts"
parts=()
for part in workloads vms stress refusals kmod; do
	parts+=(--add "tests/lab/$part.sh:/lab-tests/$part.sh")
done
headers=$(tools/lab/lab headers --kernel "$kernel") || exit 1
release=${headers##*/linux-headers-}
module=$build/kmod/$release/mmuscope.ko

# run COLLECTOR: in a machine of its own. Adds to "passed" and "failed".
run() {
	local collector=$1 status=0 p f
	local out=$results/lab-$kernel-$collector log=$results/lab-$collector.tap
	rm -rf "$out"
	mkdir -p "$out"
	# The kernel log is one of the checks.
	tools/lab/lab run --kernel "$kernel" --timeout 900 --allow-dmesg --out "$out" \
		--add "${MMUSCOPE:-$build/mmuscope}:/bin/mmuscope" \
		--add "$build/tools/lab/guest/mmuscope-guest" \
		--add "$build/tests/same/records" --add "$module:/lab-tests/mmuscope.ko" \
		--add "$build/tests/lab/tools/hostile" "${parts[@]}" tests/lab/job.sh "$collector" \
		>"$out/lab.log" 2>&1 </dev/null || status=$?
	if [ "$status" != 0 ]; then
		printf 'lab: the job ended with exit code %d\n' "$status"
		tail -n 20 "$out/lab.log"
		failed=$((failed + 1))
		return
	fi
	"$build/san/tests/lab/check" "$out" >"$log" 2>&1 || status=$?
	judge "$log" >"$out/judged"
	sed '$d' "$out/judged"
	read -r p f < <(tail -n 1 "$out/judged")
	if [ "$status" != 0 ] && [ "$f" = 0 ]; then
		f=1
		tail -n 20 "$log"
	fi
	passed=$((passed + p))
	failed=$((failed + f))
}

# TAP of several groups; lines with "! " in front of a result belong to it. The last
# line is two numbers, passed and failed.
judge() {
	awk '
	function group_end() {
		if (group == "")
			return
		printf "%s  %-24s %4d", bad ? "FAILED" : "ok    ", group, good
		if (bad)
			printf " passed, %d failed", bad
		printf "\n%s", text
		good = bad = 0
		text = ""
	}
	/^== / { group_end(); group = substr($0, 4); next }
	/^! / { text = text "    " substr($0, 3) "\n"; next }
	/# SKIP/ { next }
	/^ok / { good++; passed++; next }
	/^not ok / { bad++; failed++; last = $0; sub(/^not ok [0-9]+ - /, "", last); next }
	/^# .*(VMs are|there is no report|report )/ {
		text = text "    " last ": " substr($0, 3) "\n"
	}
	END {
		group_end()
		print passed + 0, failed + 0
	}' "$1"
}

passed=0
failed=0
for collector in $collectors; do
	printf 'collector %s\n' "$collector"
	run "$collector"
done
echo "$passed $failed" >"$results/lab.counts"
printf 'lab: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
