#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Both collectors on the same guests: the same set of records, field by field.
#
#   tests/same/run.sh [--kernel V]... [--machine NAME]...
#
# Else on CHECK_KERNELS, or 6.1, and on CHECK_MACHINES, or every machine that the lab has,
# side by side. Prints, per mode and family, how many records each collector has and how
# many of them the other one lacks.
set -u
cd "$(dirname "$0")/../.." || exit 1
# What runs in the background does not hear Ctrl-C by itself.
trap 'trap - INT TERM; kill 0' INT TERM
build=${O:-build}
results=$build/test-results
kernels=()
machines=()
limit=1800	# seconds; a minute or five are usual

while [ $# -gt 0 ]; do
	case $1 in
	--kernel | --machine)
		[ $# -ge 2 ] || { echo "same: $1 wants a value" >&2; exit 2; }
		if [ "$1" = --kernel ]; then kernels+=("$2"); else machines+=("$2"); fi
		shift 2
		;;
	*) echo "same: there is no option $1; see the head of $0" >&2; exit 2 ;;
	esac
done
if [ ${#kernels[@]} = 0 ]; then
	read -r -a kernels <<<"${CHECK_KERNELS:-6.1}"
fi
if [ ${#machines[@]} = 0 ]; then
	read -r -a machines <<<"${CHECK_MACHINES-}"
fi
if [ ${#machines[@]} = 0 ]; then
	machines=(tools/lab/machine-*.sh)
	machines=("${machines[@]#*/machine-}")
	machines=("${machines[@]%.sh}")
fi

# boot KERNEL MACHINE OUT: runs the job there.
boot() {
	local kernel=$1 machine=$2 out=$3 headers module

	headers=$(tools/lab/lab headers --kernel "$kernel") || return 1
	module=$build/kmod/${headers##*/linux-headers-}/mmuscope.ko
	if ! [ -e "$module" ]; then
		echo "there is no $module: make lab-modules LAB_MODULE_KERNELS=$kernel"
		return 1
	fi
	tools/lab/lab run --kernel "$kernel" --machine "$machine" --timeout "$limit" --out "$out" \
		--add "$build/tests/same/records" --add "$module:/same/mmuscope.ko" \
		--add tests/same/guests.sh:/same/guests.sh \
		--add "$build/tools/lab/guest/mmuscope-guest" tests/same/job.sh </dev/null
}

# strip OUT FILE: the records without the fields that the module cannot have there, and without
# looks at accessed bits: no guest makes the host look, and the host does when it likes.
strip() {
	awk -v without="$(cat "$1/without")" '
		BEGIN { n = split(without, field, " ") }
		$1 == "age" { next }
		{
			for (i = 1; i <= n; i++) {
				split(field[i], part, ".")
				if ($1 == part[1])
					sub(" " part[2] "=[0-9a-f]*", "")
			}
			print
		}' "$2" | sort >"$2.compared"
}

# compare OUT MODE: a line per family, "ok" or "FAILED" first.
compare() {
	local bpf=$1/$2.bpf.compared kmod=$1/$2.kmod.compared

	strip "$1" "$1/$2.bpf"
	strip "$1" "$1/$2.kmod"
	comm -23 "$bpf" "$kmod" >"$1/$2.only-bpf"
	comm -13 "$bpf" "$kmod" >"$1/$2.only-kmod"
	awk -v mode="$2" '
		{ n[FILENAME, $1]++; family[$1] = 1 }
		END {
			for (f in family) {
				a = n[ARGV[3], f] + 0
				b = n[ARGV[4], f] + 0
				printf "%s  %-8s %-12s %8d %8d %8d %8d\n",
					a + b ? "FAILED" : "ok    ", mode, f,
					n[ARGV[1], f], n[ARGV[2], f], a, b
			}
		}' "$bpf" "$kmod" "$1/$2.only-bpf" "$1/$2.only-kmod" | sort -k 3
}

# judge OUT: the tables of a machine, and what is missing in all of them.
judge() {
	local out=$1 mode family

	printf '        %-8s %-12s %8s %8s %8s %8s\n' mode family bpf kmod 'bpf only' 'kmod only'
	for mode in $(<"$out/modes"); do
		compare "$out" "$mode"
	done | tee "$out/table"
	[ ! -s "$out/without" ] ||
		printf 'not compared, KVM has no BTF here: %s\n' "$(<"$out/without")"
	# A family that neither collector has would compare as equal.
	for family in fault exits vm vcpu slot flush shadow_page unsync invlpg ptwrite \
		invalidate dirty sync; do
		grep -q " $family " "$out/table" ||
			echo "FAILED  no record of $family at all" | tee -a "$out/table"
	done
}

# on KERNEL MACHINE OUT: boots and judges; what it prints is the report.
on() {
	local status=0

	boot "$@" >"$3/lab.log" 2>&1 || status=$?
	if [ "$status" = 0 ]; then
		judge "$3"
		return
	fi
	echo "FAILED  the job ended with exit code $status" | tee "$3/table"
	tail -n 20 "$3/lab.log"
}

rm -f "$results/same.counts"
for machine in "${machines[@]}"; do
	for kernel in "${kernels[@]}"; do
		out=$results/same-$machine-$kernel
		rm -rf "$out"
		mkdir -p "$out"
		on "$kernel" "$machine" "$out" >"$out/report"
	done &
done
wait
passed=0 failed=0
for machine in "${machines[@]}"; do
	for kernel in "${kernels[@]}"; do
		out=$results/same-$machine-$kernel
		echo "same: machine $machine, Linux $kernel"
		cat "$out/report"
		passed=$((passed + $(grep -c '^ok' "$out/table")))
		failed=$((failed + $(grep -c '^FAILED' "$out/table")))
	done
done
echo "$passed $failed" >"$results/same.counts"
printf 'same: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
