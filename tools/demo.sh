#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The demonstration, called by 'make demo': the same guests under NPT and under
# shadow paging, traced by mmuscope, in two emulated machines side by side.
# Exit code 0 when all went well and the numbers can be trusted.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

build=${O:-build}
out=$build/demo
modes=(npt shadow)
guests=(web1=touch db1=ptchurn desk1=switch batch1=mixed)
# Whose summary is shown; the files have all.
shown=batch1
running=()

die() {
	printf 'demo: %s\n' "$1" >&2
	exit 1
}

# Each machine has a process group of its own, so that none is left behind.
# shellcheck disable=SC2317	# called by trap
machines_end() {
	local pid
	for pid in "${running[@]}"; do
		kill -- "-$pid" 2>/dev/null
	done
}

# Time counted in instructions: one machine's does not hang on what the other does.
machine_start() {
	LAB_QUIET=1 tools/lab/lab run --icount --mem 1024 --timeout 240 --out "$out/$1" \
		--add "$build/mmuscope" tools/demo/job.sh "$1" "${guests[@]}" </dev/null &
	running+=($!)
}

# heading TEXT
heading() {
	printf '%s%s%s\n' "$bold" "$1" "$plain"
}

# Of mmuscope's report, the section of one VM and the last one.
summary() {
	awk -v vm="VM $1" -v bold="$bold" -v plain="$plain" '
		/^[^ ]/ { show = $0 == vm || $0 == vm " (ended)" || $0 == "Collection" }
		show { print /^[^ ]/ ? bold $0 plain : $0 }' "$2"
}

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\033[1m' plain=$'\033[0m'
fi

LAB_QUIET=1 tools/lab/lab prepare || die "the lab has no kernel to boot"
rm -rf "$out"
mkdir -p "$out" || exit 1
printf 'Booting two emulated AMD machines, KVM with npt=1 and npt=0: half a minute\n' >&2
set -m
trap machines_end EXIT
trap 'exit 130' INT TERM
failed=0
for mode in "${modes[@]}"; do
	machine_start "$mode"
done
for i in "${!modes[@]}"; do
	wait "${running[$i]}" || {
		printf 'demo: the machine with %s failed, exit code %d; see %s\n' \
			"${modes[$i]}" "$?" "$out/${modes[$i]}" >&2
		failed=1
	}
done
running=()
[ "$failed" = 0 ] || exit 1

for mode in "${modes[@]}"; do
	heading "=== mmuscope stat, $mode, $shown of ${#guests[@]} VMs (all: $out/$mode/stat.txt)"
	summary "$shown" "$out/$mode/stat.txt"
done
heading "=== Linux $(cat "$out/npt/kernel"), real KVM on an emulated AMD processor"
"$build/tools/demo/compare" "$out/npt" "$out/shadow" || failed=1
cat <<'TEXT'

Time is emulated, not hardware's: 1 ns is one instruction that KVM, Linux and
mmuscope's probes execute. What hardware does without instructions, as switching
to the guest, TLB misses and NPT's longer walks, takes none. Counts are real.

Where there is /dev/kvm, the same on hardware:
TEXT
printf '  sudo ./mmuscope stat -- %s/tools/lab/guest/mmuscope-guest touch\n' "$build"
exit "$failed"
