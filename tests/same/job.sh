# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Job of the lab: the same guests in each mode, once for each collector. What they
# record is in /results/MODE.COLLECTOR.

insmod /same/mmuscope.ko || fail "the kernel module does not load"
modes="$(lab_tdp) shadow"
echo "$modes" >/results/modes
# The host is to do nothing by itself: no reclaim because huge pages are hard to find.
echo 0 >/proc/sys/vm/watermark_boost_factor
# What the module has from KVM's BTF, and the tracepoints' records have without.
: >/results/without
for mode in $modes; do
	for collector in bpf kmod; do
		wait_detached
		lab_mode "$mode"
		[ -e /sys/kernel/btf/kvm ] ||
			echo "shadow_page.gfn shadow_page.level shadow_page.direct" \
				"unsync.gfn unsync.level" >/results/without
		# What is the first of its kind since boot is not measured.
		[ "$collector" != bpf ] || sh /same/guests.sh || fail "guests fail"
		step "$mode.$collector.run" taskset -c 0 records "$collector" \
			"/tmp/$mode.$collector" sh /same/guests.sh || fail "records of $collector"
		sort "/tmp/$mode.$collector" >"/results/$mode.$collector"
		say "$mode $collector: $(wc -l <"/results/$mode.$collector") records"
	done
done
wait_detached
rmmod mmuscope || fail "the kernel module does not unload"
