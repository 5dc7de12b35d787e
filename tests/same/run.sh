#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Both collectors on the same guests: the same set of records, field by field.
#
#   tests/same/run.sh [--kernel V]
#
# Prints, per mode and family, how many records each collector has and how many of
# them the other one lacks.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${O:-build}
results=$build/test-results
kernel=6.1
if [ "${1-}" = --kernel ]; then
	kernel=${2:?--kernel wants a version}
fi
out=$results/same-$kernel
rm -rf "$out" "$results/same.counts"
mkdir -p "$out"
headers=$(tools/lab/lab headers --kernel "$kernel") || exit 1
release=$(basename "$headers")
module=$build/kmod/${release#linux-headers-}/mmuscope.ko

status=0
tools/lab/lab run --kernel "$kernel" --timeout 480 --out "$out" \
	--add "$build/tests/same/records" --add "$module:/same/mmuscope.ko" \
	--add tests/same/guests.sh:/same/guests.sh \
	--add "$build/tools/lab/guest/mmuscope-guest" tests/same/job.sh \
	>"$out/lab.log" 2>&1 </dev/null || status=$?
if [ "$status" != 0 ]; then
	printf 'same: the job ended with exit code %d\n' "$status"
	tail -n 20 "$out/lab.log"
	echo 0 1 >"$results/same.counts"
	exit 1
fi

# compare MODE: a line per family, "ok" or "FAILED" first.
compare() {
	local bpf=$out/$1.bpf kmod=$out/$1.kmod
	comm -23 "$bpf" "$kmod" >"$out/$1.only-bpf"
	comm -13 "$bpf" "$kmod" >"$out/$1.only-kmod"
	awk -v mode="$1" '
		{ n[FILENAME, $1]++; family[$1] = 1 }
		END {
			for (f in family) {
				a = n[ARGV[3], f] + 0
				b = n[ARGV[4], f] + 0
				printf "%s  %-8s %-12s %8d %8d %8d %8d\n",
					a + b ? "FAILED" : "ok    ", mode, f,
					n[ARGV[1], f], n[ARGV[2], f], a, b
			}
		}' "$bpf" "$kmod" "$out/$1.only-bpf" "$out/$1.only-kmod" | sort -k 3
}

printf '        %-8s %-12s %8s %8s %8s %8s\n' mode family bpf kmod 'bpf only' 'kmod only'
for mode in npt shadow; do
	compare "$mode"
done | tee "$out/table"
passed=$(grep -c '^ok' "$out/table")
failed=$(grep -c '^FAILED' "$out/table")
# A family that neither collector has would compare as equal.
for family in fault exits vm vcpu slot flush shadow_page invalidate dirty sync invlpg; do
	if ! grep -q " $family " "$out/table"; then
		printf 'FAILED  no record of %s at all\n' "$family"
		failed=$((failed + 1))
	fi
done
echo "$passed $failed" >"$results/same.counts"
printf 'same: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
