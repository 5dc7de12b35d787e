# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# A flood into the smallest ring there can be; more VMs than CPUs; then a mmuscope that is killed.

# fdinfo_count WORD: descriptors of BPF objects that any process has.
fdinfo_count() {
	cat /proc/[0-9]*/fdinfo/* 2>/dev/null | grep -c "^$1:"
}

# What is left of mmuscope in the kernel.
traces_left() {
	echo "bpf_links=$(fdinfo_count link_id)"
	echo "bpf_programs=$(fdinfo_count prog_id)"
	echo "bpf_maps=$(fdinfo_count map_id)"
	echo "bpf_files=$(find /sys/fs/bpf -mindepth 1 2>/dev/null | wc -l)"
	echo "hooked_functions=$(grep -c '\[kvm' "$TRACEFS/enabled_functions")"
	echo "kprobes=$(grep -c kvm /sys/kernel/debug/kprobes/list)"
}

seconds() {
	cut -d . -f 1 /proc/uptime
}

flood() {
	mode "$tdp"
	start flood touch --pages "$flood_pages"
	tp_count_start kvm:kvm_page_fault kvmmmu:kvm_mmu_get_page kvm:kvm_unmap_hva_range \
		kvm:kvm_age_hva
	trace flood --ring-size 4K -p "$(bg_pid flood)"
	wait_attached flood
	kill -STOP "$(bg_pid flood.stat)"
	go flood
	wait_done flood
	kill -CONT "$(bg_pid flood.stat)"
	trace_end flood
	tp_count_stop /results/flood.tp
	end flood
	wait_detached
	traces_left >/results/ended
}

# crowd_row X: one VM after the other.
crowd_row() {
	for _i in 1 2 3 4 5 6; do
		mmuscope-guest touch --pages "5$_i" --name "crowd-$1$_i" \
			>"/results/crowd-$1$_i.out" 2>"/results/crowd-$1$_i.err"
	done
}

# All the time several want the same CPU, and the same programs.
crowd() {
	mode "$tdp"
	trace crowd
	trace_also nobody -p $$
	wait_attached crowd
	wait_attached nobody
	_rows=
	for _row in a b c d; do
		crowd_row "$_row" &
		_rows="$_rows $!"
	done
	# shellcheck disable=SC2086
	wait $_rows
	trace_end crowd nobody
}

killed() {
	mode "$tdp"
	start doomed touch
	trace killed
	wait_attached killed
	traces_left >/results/attached
	go doomed
	kill -KILL "$(bg_pid killed.stat)"
	bg_wait killed.stat 2>/dev/null
	wait_done doomed
	end doomed
	_begin=$(seconds)
	while [ -e /sys/module/kvm ] && [ $(($(seconds) - _begin)) -lt 120 ]; do
		rmmod "kvm_$vendor" 2>/dev/null
		rmmod kvm 2>/dev/null
		usleep $((10 * LAB_NAP))
	done
	{
		traces_left
		echo "unloaded=$([ -e /sys/module/kvm ] && echo 0 || echo 1)"
	} >/results/killed
}

flood
crowd
killed
