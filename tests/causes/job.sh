# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Job of the lab: guests whose memory is taken away for one reason each, under each kind of
# paging. Argument: the collector. /results/MODE.records has what it says of them.

swap_on() {
	module_load zram || return 1
	echo 256M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0
}

# A file system that writes pages back: what is in memory alone never does.
disk_on() {
	module_load brd rd_nr=1 rd_size=32768 || return 1
	module_load ext4 || return 1
	mke2fs -F /dev/ram0 >/dev/null && mkdir -p /tmp/disk && mount -t ext4 /dev/ram0 /tmp/disk
}

# A control group for a guest, whose memory can be limited.
cgroup_on() {
	mkdir -p /tmp/cgroup && mount -t cgroup2 none /tmp/cgroup || return 1
	echo +memory >/tmp/cgroup/cgroup.subtree_control && mkdir /tmp/cgroup/guest
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
disk_on || say "no file system on a disk"
cgroup_on || say "no control group"
numa_fast
uname -r >/results/kernel
ls /sys/devices/system/node >/results/nodes
echo 1 >/proc/sys/vm/overcommit_memory
# What explain says of KVM's own sequence of invalidations, which it asks of VMs that are there:
# two alike, and to one of them all but 2^31 invalidations have happened.
wraps() {
	for _vm in wrap nowrap; do
		if ! [ -e /causes/provoke.ko ]; then
			echo exit=77 >"/results/$mode.$_vm.out"
			continue
		fi
		mmuscope-guest touch --pages 16 --name "$_vm" --done-file "/tmp/$mode.$_vm" \
			--hold-file "/tmp/$mode.held" --timeout 3600 \
			>"/results/$mode.$_vm.out" 2>&1 &
		_pid=$!
		wait_file "/tmp/$mode.$_vm" || fail "guest $_vm does not start"
		[ "$_vm" = nowrap ] || insmod /causes/provoke.ko "wrap=$_pid"
	done
	rmmod provoke
	mmuscope explain --collector "$collector" -d 1 --json >"/results/$mode.live.json"
	touch "/tmp/$mode.held"
	wait
}

# Where the addresses of functions are hidden no stack can tell why a page goes.
modes="$(lab_tdp) shadow $(lab_tdp)-hidden"
# Where EPT has no accessed bits, that the host looks at them makes faults.
[ "$(lab_tdp)" != ept ] || modes="$modes ept-plain"
for mode in $modes; do
	wait_detached
	eptad=
	[ "$mode" != ept-plain ] || eptad=eptad=0
	# shellcheck disable=SC2086
	lab_mode "${mode%-*}" $eptad kvm.nx_huge_pages=force \
		kvm.nx_huge_pages_recovery_ratio=1 \
		kvm.nx_huge_pages_recovery_period_ms=200 || fail "KVM does not load"
	echo "$mode" >>/results/modes
	[ "$mode" = "${mode%-hidden}" ] || echo 2 >/proc/sys/kernel/kptr_restrict
	step "$mode.record" mmuscope record --collector "$collector" -o "/tmp/$mode.data" -- \
		sh /causes/guests.sh "$mode" || fail "record failed"
	mmuscope script --json "/tmp/$mode.data" | grep -E \
		'^\{"type": "(invalidate|flush|split|collapse|shadow_page|lost|vm)"' |
		gzip -1 >"/results/$mode.records.gz"
	# What explain says is asked outside, where that takes no time.
	cp "/tmp/$mode.data" /results/
	[ "$mode" != "${mode%-*}" ] || wraps
	echo 0 >/proc/sys/kernel/kptr_restrict
	say "$mode: $(zcat "/results/$mode.records.gz" | wc -l) records"
done
wait_detached
[ "$collector" != kmod ] || rmmod mmuscope || fail "the kernel module does not unload"
