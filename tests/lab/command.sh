#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# mmuscope lab from end to end, in a machine of its own: what 'munmap' and
# 'sparse-touch' cost under NPT and shadow paging, which the guests' design fixes.
#
#   tests/lab/command.sh KERNEL OUT      prints TAP
set -u
out=$2
program=${MMUSCOPE:-${O:-build}/mmuscope}
nr=0 failed=0

is() {
	nr=$((nr + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $nr - $1"
	else
		echo "not ok $nr - $1"
		echo "! $1: $2 instead of $3"
		failed=1
	fi
}

# number WORKLOAD QUANTITY SIDE
number() {
	jq -r --arg w "$1" --arg q "$2" --arg s "$3" '.workloads[] | select(.name == $w)
		| .numbers[] | select(.what == $q) | .[$s]' "$out/lab.json"
}

echo "== lab command"
"$program" lab run munmap sparse-touch --kernel "$1" --json -o "$out/lab.json" \
	--html "$out/lab.html" >"$out/lab-command.log" 2>&1 </dev/null
is "exit code" "$?" 0
is "remaps do not fault under NPT" "$(number munmap faults amd_npt)" 0
is "nor exit, but for the end" "$(number munmap exits_per_operation amd_npt | cut -c 1-3)" 0.0
is "a fault per remap under shadow paging, and one for the table" \
	"$(number munmap faults amd_shadow)" 1025
is "INVLPG done by KVM" "$(number munmap invlpgs amd_shadow)" 1024
# Without the TDP MMU neighbours are mapped along.
if [ "$(jq -r '.machines[0]["kvm.tdp_mmu"]' "$out/lab.json")" = Y ]; then
	is "walks fault under NPT" "$(number sparse-touch walk_faults amd_npt)" 34
fi
is "and not under shadow paging" "$(number sparse-touch walk_faults amd_shadow)" 0
is "a sentence for each" "$(jq '[.workloads[].notes | length] | add' "$out/lab.json")" 4
is "the page has both walks, 24 references and 4" \
	"$(grep -c -E '<h3>(AMD, NPT: up to 24|Shadow paging: 4) memory' "$out/lab.html")" 2
is "it needs nothing else" "$(grep -c -i -E '<script|src=|href="[^#]|url\(' "$out/lab.html")" 0
is "its elements are closed" "$(grep -o '<svg' "$out/lab.html" | wc -l)" \
	"$(grep -o '</svg>' "$out/lab.html" | wc -l)"
exit "$failed"
