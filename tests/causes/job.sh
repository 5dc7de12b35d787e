# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Job of the lab: guests whose memory is taken away for one reason each, under each kind of
# paging. Argument: the collector. /results/MODE.records has what it says of them.

swap_on() {
	module_load zram || return 1
	echo 256M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0
}

# NUMA balancing at once where it is switched on; its numbers are in debugfs or, until 5.12,
# among the kernel's parameters.
numa_fast() {
	echo 0 >/proc/sys/kernel/numa_balancing
	for _dir in /sys/kernel/debug/sched/numa_balancing/ /proc/sys/kernel/numa_balancing_; do
		for _set in scan_delay_ms=1 scan_period_min_ms=10 scan_period_max_ms=20; do
			[ ! -e "$_dir${_set%=*}" ] || echo "${_set#*=}" >"$_dir${_set%=*}"
		done
	done 2>/dev/null
}

collector=$1
[ "$collector" != kmod ] || insmod /causes/mmuscope.ko || fail "the kernel module does not load"
swap_on || say "no swap"
numa_fast
uname -r >/results/kernel
ls /sys/devices/system/node >/results/nodes
echo 1 >/proc/sys/vm/overcommit_memory
for mode in "$(lab_tdp)" shadow; do
	wait_detached
	lab_mode "$mode" kvm.nx_huge_pages=force kvm.nx_huge_pages_recovery_ratio=1 \
		kvm.nx_huge_pages_recovery_period_ms=200 || fail "KVM does not load"
	echo "$mode" >>/results/modes
	step "$mode.record" mmuscope record --collector "$collector" -o "/tmp/$mode.data" -- \
		sh /causes/guests.sh "$mode" || fail "record failed"
	mmuscope script --json "/tmp/$mode.data" | grep -E \
		'^\{"type": "(invalidate|flush|split|collapse|shadow_page|lost|vm)"' |
		gzip -1 >"/results/$mode.records.gz"
	say "$mode: $(zcat "/results/$mode.records.gz" | wc -l) records"
done
wait_detached
[ "$collector" != kmod ] || rmmod mmuscope || fail "the kernel module does not unload"
