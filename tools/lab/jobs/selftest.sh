# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Job: every workload under hardware and shadow paging, with the trace events
# counted over the measured phase and held against what the guest expects.
# Arguments: options for the guest (--vcpus 2 ...).

events="kvm:kvm_page_fault kvm:kvm_exit kvm:kvm_entry kvm:kvm_mmio kvm:kvm_cr
	kvm:kvm_inj_exception kvmmmu:kvm_mmu_set_spte kvmmmu:kvm_mmu_get_page
	kvmmmu:kvm_mmu_unsync_page kvmmmu:kvm_mmu_sync_page
	kvmmmu:kvm_mmu_prepare_zap_page kvmmmu:fast_page_fault
	kvmmmu:handle_mmio_page_fault"

value() {
	sed -n "s/^$2=//p" "$1"
}

# one MODE WORKLOAD [OPTION...]
one() {
	mode=$1 work=$2 name=$1-$2
	shift 2
	rm -f /tmp/ready /tmp/go /tmp/done /tmp/hold
	bg "$name" mmuscope-guest "$work" -name "guest=$name" --timeout 30 \
		--ready-file /tmp/ready --go-file /tmp/go \
		--done-file /tmp/done --hold-file /tmp/hold "$@"
	while ! [ -e /tmp/ready ] && bg_alive "$name"; do
		usleep 10000
	done
	# shellcheck disable=SC2086
	tp_count_start $events
	touch /tmp/go
	while ! [ -e /tmp/done ] && bg_alive "$name"; do
		usleep 10000
	done
	tp_count_stop "/results/$name.tp"
	touch /tmp/hold
	bg_wait "$name"
	judge "$?"
}

judge() {
	rc=$1 out=/results/$name.out
	faults=$(value "/results/$name.tp" kvm:kvm_page_fault)
	taken=$(value "$out" stat.pf_taken)
	if [ "$mode" = shadow ]; then
		want=$(value "$out" expect_faults_shadow)
	else
		want=$(value "$out" expect_faults_tdp)
		# kvm_page_fault does not fire for EPT misconfigurations.
		misconfigs=$(value "$out" expect_misconfigs)
		want=${want:+$((want - ${misconfigs:-0}))}
	fi
	# Faults of several vCPUs can meet, and one is then taken again.
	spare=0
	if [ "$(value "$out" expect_exact)" = no ]; then
		spare=$((want / 100))
	fi
	verdict=ok
	if [ "$rc" = 77 ]; then
		verdict=skipped
	elif [ "$rc" != 0 ]; then
		verdict=FAILED bad=1
	elif [ -n "$want" ] && ! [ "$faults" -ge "$want" ]; then
		verdict=DIFFERS differ=1
	elif [ -n "$want" ] && ! [ "$faults" -le $((want + spare)) ]; then
		verdict=DIFFERS differ=1
	fi
	say "$(printf '%-18s rc=%-2s faults=%-6s taken=%-6s expected=%-6s %s' \
		"$name" "$rc" "$faults" "$taken" "${want:--}" "$verdict")"
	grep mmuscope-guest "/results/$name.err" | while read -r line; do
		say "  $line"
	done
}

bad=0 differ=0
for lab in tdp shadow; do
	lab_mode "$lab"
	for w in touch retouch dirtylog dirtyclear dirtyring ptchurn switch invlpg mmio \
		rom slots mixed walk warm fork ksm; do
		one "$lab" "$w" "$@"
	done
done
say "failed=$bad differ=$differ uptime=$(cut -d ' ' -f 1 /proc/uptime)"
[ "$bad$differ" = 00 ]
