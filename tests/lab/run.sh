#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# mmuscope on real KVM in an emulated machine: tests/lab/run.sh [--kernel V]
# A line for each group of checks, and what differs in those that fail.
set -u
limit=480
memory=2048
cd "$(dirname "$0")/../.." || exit 1
build=${O:-build}
results=$build/test-results
kernel=6.1
while [ $# -gt 0 ]; do
	case $1 in
	--kernel)
		[ $# -ge 2 ] || { echo 'lab: --kernel wants a version' >&2; exit 2; }
		kernel=$2
		shift
		if [ "$kernel" = debug ]; then
			# All is several times slower there, and larger.
			limit=3600
			memory=4096
		fi
		;;
	*) echo "lab: there is no option $1; see the head of $0" >&2; exit 2 ;;
	esac
	shift
done
out=$results/lab-$kernel
log=$results/lab.tap
rm -rf "$out" "$results/lab.counts"
mkdir -p "$out"

parts=()
for part in workloads vms stress refusals; do
	parts+=(--add "tests/lab/$part.sh:/lab-tests/$part.sh")
done
# The kernel log is one of the checks.
status=0
tools/lab/lab run --kernel "$kernel" --timeout "$limit" --mem "$memory" --allow-dmesg --out "$out" \
	--add "${MMUSCOPE:-$build/mmuscope}:/bin/mmuscope" \
	--add "$build/tools/lab/guest/mmuscope-guest" \
	"${parts[@]}" tests/lab/job.sh \
	>"$out/lab.log" 2>&1 </dev/null || status=$?
if [ "$status" != 0 ]; then
	printf 'lab: the job ended with exit code %d\n' "$status"
	tail -n 20 "$out/lab.log"
	echo 0 1 >"$results/lab.counts"
	exit 1
fi

"$build/san/tests/lab/check" "$out" >"$log" 2>&1 || status=$?
# TAP of several groups; lines with "! " in front of a result belong to it.
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
		print passed + 0, failed + 0 >counts
	}' counts="$results/lab.counts" "$log"
read -r passed failed <"$results/lab.counts"
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
	failed=1
	tail -n 20 "$log"
	echo "$passed $failed" >"$results/lab.counts"
fi
printf 'lab: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
