# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0
# The job of the lab tests: tests/lab/run.sh has it run inside. What comes out in
# /results is judged on the outside, by tests/lab/check.c.
#
# Arguments: the collector, bpf or kmod; then the parts to run (default: all).

# start NAME WORKLOAD [OPTION]...: a guest that stands still before its measured work.
start() {
	_name=$1
	shift
	bg "$_name" mmuscope-guest "$@" -name "guest=$_name" --timeout 3600 \
		--ready-file "/tmp/$_name.ready" --go-file "/tmp/$_name.go" \
		--done-file "/tmp/$_name.done" --hold-file "/tmp/$_name.hold"
	_left=0
	until [ -e "/tmp/$_name.ready" ]; do
		_left=$((_left + 1))
		[ $((_left % 10)) != 0 ] || bg_alive "$_name" || return 1
		nap
	done
	kill -STOP "$(bg_pid "$_name")"
}

go() {
	touch "/tmp/$1.go"
	kill -CONT "$(bg_pid "$1")"
}

# Until the measured work is done and reported; the VM stays.
wait_done() {
	wait_file "/tmp/$1.done" 100 || return 1
	_left=500
	until grep -q '^check=' "/results/$1.out" || [ "$_left" = 0 ]; do
		_left=$((_left - 1))
		nap
	done
}

# end NAME...: the VMs are destroyed.
end() {
	for _name in "$@"; do
		touch "/tmp/$_name.hold"
		kill -CONT "$(bg_pid "$_name")" 2>/dev/null
	done
	for _name in "$@"; do
		bg_wait "$_name"
	done
}

# trace NAME [OPTION]...: stat in the background, to NAME.json and NAME.stat.{out,err,rc}.
trace() {
	_name=$1
	shift
	bg "$_name.stat" mmuscope stat --collector "$collector" --json \
		-o "/results/$_name.json" "$@"
}

# The same where another one runs: the kernel module serves one at a time.
trace_also() {
	_name=$1
	shift
	bg "$_name.stat" mmuscope stat --collector bpf --json -o "/results/$_name.json" "$@"
}

# Attached, and running VMs were found: the program waits for records.
wait_attached() {
	_left=600
	until grep -q -E '^(232|281|441) ' "/proc/$(bg_pid "$1.stat")/syscall" 2>/dev/null; do
		_left=$((_left - 1))
		[ "$_left" -gt 0 ] && bg_alive "$1.stat" || return 1
		usleep $((5 * LAB_NAP))
	done
}

# The sum is printed by the time this returns; probes may still be taken away.
trace_end() {
	for _name in "$@"; do
		kill -INT "$(bg_pid "$_name.stat")"
	done
	for _name in "$@"; do
		bg_wait "$_name.stat"
	done
}

# How often KVM's module is in use: by files of VMs and vCPUs, and by those who watch.
kvm_refs() {
	cat /sys/module/kvm_amd/refcnt /sys/module/kvm_intel/refcnt 2>/dev/null
}

# vms_gone REFS: until KVM is in use no more than REFS times. A VM can outlive its process: who
# reads a command line holds the memory of the process, and that the files of its vCPUs. Not for
# ever: what is wrong then the checks see.
vms_gone() {
	_left=1200
	while [ "$(kvm_refs)" -gt "$1" ]; do
		_left=$((_left - 1))
		[ "$_left" -gt 0 ] || break
		usleep $((5 * LAB_NAP))
	done
}

mode() {
	wait_detached
	lab_mode "$@"
}

# All counters of trace events, "system:event N" lines. The events stay on from
# tp_count_start to tp_count_stop; switching them takes longer than a workload.
counts_read() {
	awk '/^entries:|^overrun:|^dropped events:|^commit overrun:/ {
			split(FILENAME, part, "/")
			n[part[6]] += $NF
		}
		END {
			for (i in n) {
				name = i
				sub(/^lab\./, "", name)
				sub(/\./, ":", name)
				print name, n[i]
			}
		}' "$TRACEFS"/instances/lab.*/per_cpu/cpu*/stats >"$1"
	awk '{ print "lab:" $1, $2 }' "$TRACEFS/kprobe_profile" >>"$1"
}

# counts_between BEFORE AFTER FILE
counts_between() {
	awk 'NR == FNR { n[$1] = $2; next } { print $1 "=" $2 - n[$1] }' "$1" "$2" >"$3"
}

# Calls of functions that KVM counts nowhere; those that a kernel lacks are left
# out. The kernel counts hits by itself, so that these need no trace instance.
FUNCTIONS="kvm_mmu_load kvm_mmu_sync_roots vmx_flush_tlb_all vmx_flush_tlb_current
	vmx_flush_tlb_guest vmx_flush_tlb_gva svm_flush_tlb_asid svm_flush_tlb svm_flush_tlb_gva"

kprobes_on() {
	# The list is long, and made anew each time that it is read.
	cut -d ' ' -f 1 "$TRACEFS/available_filter_functions" >/tmp/hooked
	for _fn in $FUNCTIONS; do
		grep -q -x "$_fn" /tmp/hooked || continue
		echo "p:lab/$_fn $_fn" >>"$TRACEFS/kprobe_events"
	done
	echo 1 >"$TRACEFS/events/lab/enable"
}

kprobes_off() {
	echo 0 >"$TRACEFS/events/lab/enable"
	for _fn in "$TRACEFS"/events/lab/*/; do
		echo "-:lab/$(basename "$_fn")" >>"$TRACEFS/kprobe_events"
	done
}

uname -r >/results/kernel
# The hardware's mode is called by its name, in the jobs and by the checks. The
# Intel machine is a tenth as fast; a ring of 4 KiB overflows there as well.
tdp=$(lab_tdp)
case $tdp in
npt) vendor=amd speed=10 flood_pages=16384 ;;
ept) vendor=intel speed=1 flood_pages=4096 ;;
*) fail "this CPU has neither SVM nor VMX" ;;
esac
{
	echo "tdp=$tdp"
	echo "cpus=$(nproc)"
	# A long list as well.
	echo "multi=$(grep -q -F ' register_fprobe_ips' /proc/kallsyms && echo 1 || echo 0)"
} >/results/machine
for program in mmuscope mmuscope-guest; do
	command -v "$program" >/dev/null || fail "there is no $program"
done
collector=$1
shift
echo "$collector" >/results/collector
if [ $# = 0 ]; then
	set -- workloads vms record stress refusals
	case $collector in
	bpf) set -- "$@" translate ;;
	kmod) set -- "$@" kmod ;;
	esac
fi
if [ "$collector" = kmod ]; then
	insmod /lab-tests/mmuscope.ko || fail "the kernel module does not load"
fi
# What the collector has here, and what it lacks: what to compare is decided by that.
mode "$tdp"
mmuscope doctor --collector "$collector" --json >/results/doctor.json
for part in "$@"; do
	say "part $part: $(cut -d ' ' -f 1 /proc/uptime) s"
	# What is begun is judged, whatever comes of it.
	: >"/results/$part.part"
	# shellcheck source=/dev/null
	. "/lab-tests/$part.sh"
done
wait_detached
say "end: $(cut -d ' ' -f 1 /proc/uptime) s"
