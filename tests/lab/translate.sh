# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Addresses of guests that map pages of 4K, 2M and 1G, with and without huge pages
# of the host: translate and slots, against what the guest and /proc/self/pagemap say.
# And KVM's sequence of invalidations, before and after a known number of them.

# map NAME WORKLOAD [OPTION]...: a guest that a mode cannot have is left out.
map() {
	_map=$1
	_work=$2
	shift 2
	if ! start "$_map" "$_work" --map-file "/results/$_map.map" "$@"; then
		bg_wait "$_map"
		return
	fi
	go "$_map"
	wait_done "$_map"
	cut -d ' ' -f 1 "/results/$_map.map" >/tmp/addresses
	step "$_map.gva" mmuscope translate "$_map" - --json </tmp/addresses
	step "$_map.slots" mmuscope slots "$_map" --json -o "/results/$_map.slots.json"
	if [ "$_work" = map ] && [ $# = 0 ]; then
		gpas "$_map"
	fi
	end "$_map"
}

gpas() {
	awk '$2 != "0" { print $2 }' "/results/$1.map" >/tmp/addresses
	step "$1.gpa" mmuscope translate "$1" - --gpa --json </tmp/addresses
}

sequence() {
	start "$1" retouch --rounds 20 --pages 64 || fail "$1 does not start"
	step "$1.before" mmuscope slots "$1" --json -o "/results/$1.before.json"
	go "$1"
	wait_done "$1"
	step "$1.after" mmuscope slots "$1" --json -o "/results/$1.after.json"
	end "$1"
}

# The commands do not trace: one collector's turn is enough.
if [ "$collector" = bpf ]; then
	# Pages must stay where the guest found them.
	echo 0 >/sys/kernel/mm/transparent_hugepage/khugepaged/defrag
	echo 100000000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
	grep -q -w la57 /proc/cpuinfo && echo la57=1 >>/results/machine
	for m in "$tdp" shadow; do
		mode "$m"
		map "$m-map" map
		map "$m-map-thp" map --backing thp
		for p in 32 pae la57; do
			map "$m-paging-$p" paging --paging "$p"
		done
		sequence "$m-sequence"
	done
fi
