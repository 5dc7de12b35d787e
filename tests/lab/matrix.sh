#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The lab tests on one kernel after the other, and what of each family of records
# they found exact:
#
#   tests/lab/matrix.sh MAKE
#
# CHECK_KERNELS, CHECK_MACHINES and CHECK_COLLECTORS choose; all that there is
# unless they say so. The table is printed, and kept as matrix.json and matrix.txt in
# the folder of results.
set -u
cd "$(dirname "$0")/../.." || exit 1
make=$1
results=${O:-build}/test-results
read -ra kernels <<<"${CHECK_KERNELS:-5.10 6.1 6.12 newest}"
read -ra machines <<<"${CHECK_MACHINES:-amd intel}"
read -ra collectors <<<"${CHECK_COLLECTORS:-bpf kmod}"
passed=0 failed=0

# known VARIABLE WORDS WORD...: a word that is none of WORDS ends it all.
known() {
	local variable=$1 words=$2 word

	shift 2
	for word; do
		[[ " $words " = *" $word "* ]] && continue
		echo "check-matrix: $variable has '$word', which is none of: $words" >&2
		exit 2
	done
}

known CHECK_KERNELS "5.10 6.1 6.12 newest" "${kernels[@]}"
known CHECK_MACHINES "amd intel" "${machines[@]}"
known CHECK_COLLECTORS "bpf kmod" "${collectors[@]}"

# absent KERNEL COLLECTOR WHY: for the table.
absent() {
	jq -n -c --arg kernel "$1" --arg collector "$2" --arg why "$3" \
		'{$kernel, $collector, $why}' >>"$results/matrix.absent"
}

last_line() {
	tail -n 1 "$1" | sed 's/^lab: //'
}

# The collectors that there can be on that kernel, to stdout. A module that does not
# compile is a failure, one that there are no headers for is absent.
collectors_of() {
	local kernel=$1 collector log=$results/matrix-$1.log

	for collector in "${collectors[@]}"; do
		if [ "$collector" = kmod ]; then
			if ! tools/lab/lab headers --kernel "$kernel" >"$log" 2>&1; then
				absent "$kernel" kmod "$(last_line "$log")"
				continue
			fi
			if ! $make --no-print-directory lab-modules LAB_MODULE_KERNELS="$kernel" \
				>"$log" 2>&1; then
				absent "$kernel" kmod "it does not compile, see $log"
				tail -n 20 "$log" >&2
				continue
			fi
		fi
		echo "$collector"
	done
}

# one KERNEL: its tests; what went well is in the table.
one() {
	local kernel=$1 log=$results/matrix-$1.log can=() choice=(--matrix) p=0 f=1

	if ! tools/lab/lab prepare --kernel "$kernel" >"$log" 2>&1; then
		absent "$kernel" "" "$(last_line "$log")"
		failed=$((failed + 1))
		return
	fi
	mapfile -t can < <(collectors_of "$kernel")
	if grep -q -s "\"$kernel\".*does not compile" "$results/matrix.absent"; then
		failed=$((failed + 1))
	fi
	[ ${#can[@]} -gt 0 ] || return
	[ ${#machines[@]} -gt 1 ] || choice+=(--machine "${machines[0]}")
	[ ${#can[@]} -gt 1 ] || choice+=(--collector "${can[0]}")
	tests/lab/run.sh --kernel "$kernel" "${choice[@]}" |
		grep -v '^ok  '
	read -r p f <"$results/lab.counts"
	passed=$((passed + p)) failed=$((failed + f))
}

mkdir -p "$results"
rm -f "$results"/lab-*/families.json "$results"/matrix.*
touch "$results/matrix.absent"
for kernel in "${kernels[@]}"; do
	rm -f "$results/lab.counts"
	one "$kernel"
done
tests/lab/table.sh "$results" >"$results/matrix.txt"
cat "$results/matrix.txt"
echo "$passed $failed" >"$results/matrix.counts"
printf 'matrix: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
