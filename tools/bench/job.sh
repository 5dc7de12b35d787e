# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Job of the lab, with --icount: one guest, traced in each way, and how long
# mmuscope takes to start and to go. Arguments: MODE PAGES REPETITIONS.
mode=$1 pages=$2 reps=$3

# stat_open NAME OPTION...: returns when it is attached and waits for records.
stat_open() {
	bg "$@"
	pid=$(bg_pid "$1")
	left=500
	while ! grep -q epoll "/proc/$pid/wchan" 2>/dev/null; do
		left=$((left - 1))
		{ [ "$left" -gt 0 ] && bg_alive "$1"; } || fail "mmuscope stat does not start"
		usleep 10000
	done
	# The first looks are dearer than those that follow.
	usleep 300000
}

stat_close() {
	kill -INT "$(bg_pid "$1")"
	bg_wait "$1" || fail "mmuscope stat ended with $?"
	# It may leave hooks behind that go later, and must not be in what follows.
	startup --settle "$last" 20 || fail "BPF programs are left after mmuscope stat"
}

bench_stat() {
	stat_open stat-stopped mmuscope stat --json --ring-size 16M
	reps stat-stopped "$reps" "$pages" stop "$pid"
	stat_close stat-stopped
	stat_open stat mmuscope stat --json
	reps stat "$reps" "$pages" count "$pid"
	stat_close stat
}

# The same by the kernel module.
bench_kmod() {
	insmod /bench/mmuscope.ko || fail "the kernel module does not load"
	stat_open kmod-stopped mmuscope stat --collector kmod --json --ring-size 16M
	reps kmod-stopped "$reps" "$pages" stop "$pid"
	stat_close kmod-stopped
	stat_open kmod mmuscope stat --collector kmod --json
	reps kmod "$reps" "$pages" count "$pid"
	stat_close kmod
	rmmod mmuscope || fail "the kernel module does not go"
}

ftrace() {
	for event in "$@"; do
		echo 1 >"$TRACEFS/events/$event/enable"
	done
}

bench_ftrace() {
	ftrace kvm/kvm_page_fault
	reps ftrace-one "$reps" "$pages"
	ftrace kvm kvmmmu
	reps ftrace-all "$reps" "$pages"
	echo 0 >"$TRACEFS/events/enable"
	echo >"$TRACEFS/trace"
}

bench_perf() {
	[ -e /bin/perf ] || return 0
	step perf-stat perf stat -a -o /tmp/perf.txt -e 'kvm:*' -e 'kvmmmu:*' -- \
		reps perf-stat "$reps" "$pages"
	step perf-record perf record -a -o /tmp/perf.data -e 'kvm:*' -e 'kvmmmu:*' -- \
		reps perf-record "$reps" "$pages" count parent
	rm -f /tmp/perf.data
	step perf-record-stopped perf record -a -m 64M -o /tmp/perf.data \
		-e 'kvm:*' -e 'kvmmmu:*' -- \
		reps perf-record-stopped "$reps" "$pages" stop parent
	rm -f /tmp/perf.data*
}

lab_mode "$mode"
last=$(startup --last)
echo >/results/runs
reps untraced "$reps" "$pages"
bench_stat
for i in 1 2; do
	step "startup-$i" startup mmuscope stat -o /dev/null --
done
bench_kmod
bench_ftrace
bench_perf
! [ -s /results/failed ]
