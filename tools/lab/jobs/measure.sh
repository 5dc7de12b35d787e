# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Job: guests that each do one kind of work, under one kind of paging; what
# 'mmuscope lab' reports on.
# Arguments: the mode (npt, ept, shadow; host: as it is), what to call it, then
# NAME=WORKLOAD OPTION...
#
# Each guest runs twice: untraced, for comparison, and in a VM of its own again,
# traced. Attaching takes long in an emulated machine, so one session sees all
# guests, which mmuscope tells apart. Each is built before and stopped except
# while it does its measured work: nothing else is traced, and none takes time
# from another.

mode=$1 label=$2
shift 2

# After attaching, mmuscope waits for records: epoll_wait and its like.
wait_attached() {
	while bg_alive "$1"; do
		if grep -q -E '^(232|281|441) ' "/proc/$(bg_pid "$1")/syscall" 2>/dev/null; then
			return 0
		fi
		nap
	done
	return 1
}

# wait_guest NAME STATE: until the guest is there, or has ended.
wait_guest() {
	until [ -e "$LAB_TMP/$1.$2" ]; do
		bg_alive "$1" || return 1
		nap
	done
}

# Some work is not possible everywhere: exit code 77 says so.
guest_failed() {
	bg_wait "$1"
	[ "$?" = 77 ] || fail "$1: $(head -n 1 "$LAB_RESULTS/$1.err")"
	say "$label: $1 is not possible here: $(head -n 1 "$LAB_RESULTS/$1.err")"
}

# guest_start NAME WORKLOAD OPTION...
guest_start() {
	name=$1
	shift
	# shellcheck disable=SC2086
	bg "$name" mmuscope-guest "$@" ${LAB_GUEST_OPTIONS:-} -name "guest=$name" --timeout 300 \
		--ready-file "$LAB_TMP/$name.ready" --go-file "$LAB_TMP/$name.go" \
		--done-file "$LAB_TMP/$name.done" --hold-file "$LAB_TMP/$name.hold"
	wait_guest "$name" ready || { guest_failed "$name"; return 1; }
	kill -STOP "$(bg_pid "$name")"
}

guest_work() {
	touch "$LAB_TMP/$1.go"
	kill -CONT "$(bg_pid "$1")"
	wait_guest "$1" "done" || fail "$1: $(head -n 1 "$LAB_RESULTS/$1.err")"
}

guest_end() {
	touch "$LAB_TMP/$1.hold"
	# Who was not stopped may have ended by now.
	kill -CONT "$(bg_pid "$1")" 2>/dev/null
	bg_wait "$1" || fail "$1: exit code $?, $(head -n 1 "$LAB_RESULTS/$1.err")"
}

control() {
	say "$label: untraced"
	for guest in "$@"; do
		# shellcheck disable=SC2086
		guest_start "${guest%%=*}.control" ${guest#*=} || continue
		guest_work "${guest%%=*}.control"
		guest_end "${guest%%=*}.control"
	done
}

traced() {
	names=
	for guest in "$@"; do
		# shellcheck disable=SC2086
		guest_start "${guest%%=*}" ${guest#*=} && names="$names ${guest%%=*}"
	done
	say "$label: mmuscope attaches"
	bg stat mmuscope stat --json -o "$LAB_RESULTS/stat.json"
	wait_attached stat || fail "mmuscope: $(head -n 1 "$LAB_RESULTS/stat.err")"
	for name in $names; do
		say "$label: $name"
		guest_work "$name"
		kill -STOP "$(bg_pid "$name")"
	done
	kill -INT "$(bg_pid stat)"
	bg_wait stat || fail "mmuscope: $(head -n 1 "$LAB_RESULTS/stat.err")"
	for name in $names; do
		guest_end "$name"
	done
}

# parameters MODULE NAME...: what KVM was loaded with, as far as it has it.
parameters() {
	module=$1
	shift
	for name in "$@"; do
		file=/sys/module/$module/parameters/$name
		[ ! -r "$file" ] || echo "$module.$name=$(cat "$file")"
	done
}

# Of the emulated machines the kernel is told how fast time passes; none counts
# more than an instruction per tick.
facts() {
	echo "kernel=$(uname -r)"
	echo "cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
	khz=$(sed -n 's/.*tsc_early_khz=\([0-9]*\).*/\1/p' /proc/cmdline)
	echo "ns_per_instruction=$((1000000 / ${khz:-1000000}))"
	parameters kvm_intel ept vpid pml eptad
	parameters kvm_amd npt
	parameters kvm tdp_mmu
	# Nested tables of AMD have as many levels as the kernel's own; those of
	# Intel have five only for guests with more than 48 bits of address.
	levels=4
	if grep -q -w svm /proc/cpuinfo && grep -q -w la57 /proc/cpuinfo; then
		levels=5
	fi
	echo "tdp_levels=$levels"
}

lab_mode "$mode"
facts >"$LAB_RESULTS/facts"
control "$@"
traced "$@"
say "$label: done"
