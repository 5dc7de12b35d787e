# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Every workload of the guest program in every mode, traced by mmuscope and counted
# by tracefs and by KVM at the same time. All guests of a mode are there when
# mmuscope attaches; then one after the other does its work, so that tracefs, which
# knows no VMs, counts one guest's.

EVENTS="kvm:kvm_exit kvm:kvm_entry kvm:kvm_page_fault kvm:kvm_unmap_hva_range
	kvm:kvm_cr kvm:kvm_pml_full kvm:kvm_dirty_ring_push kvm:kvm_dirty_ring_reset
	kvm:kvm_inj_exception
	kvmmmu:kvm_mmu_get_page kvmmmu:kvm_mmu_prepare_zap_page
	kvmmmu:kvm_mmu_unsync_page kvmmmu:kvm_mmu_sync_page kvmmmu:kvm_mmu_split_huge_page
	kvmmmu:mark_mmio_spte"

# guest NAME WORKLOAD [OPTION]...: one of the mode's; one that cannot be is left out.
guest() {
	_short=$1
	shift
	if start "$mode-$_short" "$@"; then
		guests="$guests $mode-$_short"
	else
		bg_wait "$mode-$_short"
	fi
}

measure() {
	counts_read /tmp/before
	go "$1"
	wait_done "$1"
	counts_read /tmp/after
	kill -STOP "$(bg_pid "$1")"
	counts_between /tmp/before /tmp/after "/results/$1.tp"
}

workloads() {
	mode=$1
	guests=
	mode "$mode"
	for w in touch retouch dirtylog ptchurn switch invlpg mmio rom slots mixed walk directory \
		demand; do
		guest "$w" "$w"
	done
	guest exec touch --access x
	guest read touch --access r
	guest mprotect retouch --mprotect
	guest vcpus touch --vcpus 2
	guest thp touch --backing thp
	guest split mixed --backing thp --pages 2048
	guest cpl3 touch --cpl 3
	guest ring dirtyring
	guest race race --rounds 2000
	kprobes_on
	# shellcheck disable=SC2086
	tp_count_start $EVENTS
	# What an exit cut short is injected again: the guest sees it once.
	echo 'reinjected == 0' >"$TRACEFS/instances/lab.kvm.kvm_inj_exception/events/kvm/\
kvm_inj_exception/filter"
	trace "$mode"
	wait_attached "$mode"
	for g in $guests; do
		measure "$g"
	done
	trace_end "$mode"
	tp_count_stop "/results/$mode.tp"
	kprobes_off
	# shellcheck disable=SC2086
	end $guests
}

workloads "$tdp"
workloads shadow
