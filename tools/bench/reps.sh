#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Inside the lab: reps NAME REPETITIONS PAGES [stop|count PID|parent]
#
# Runs the guest again and again and adds a line per run to /results/runs:
#
#   NAME tsc faults consumer_ns elapsed_cs
#
# The run number 0 is there to be thrown away. PID is the program in user space
# that takes in what is recorded. With "stop" it is stopped during each run: what
# is left is the cost of recording. With "count" it runs, and what it executes
# until it has taken in everything is counted; a line NAME-idle says what it does
# in a second without records.
name=$1 reps=$2 pages=$3 what=${4-} pid=${5-}
[ "$pid" != parent ] || pid=$PPID

uptime_cs() {
	sed 's/ .*//; s/\.//; s/^0*//' /proc/uptime
}

executed_ns() {
	if [ "$what" = count ]; then
		cut -d ' ' -f 1 "/proc/$pid/schedstat"
	else
		echo 0
	fi
}

# mmuscope has the kernel account for BPF now and then: not while it is stopped.
consumer_stop() {
	while :; do
		kill -STOP "$pid"
		# shellcheck disable=SC2010
		ls -l "/proc/$pid/fd" | grep -q bpf-stats || break
		kill -CONT "$pid"
		usleep 30000
	done
}

one() {
	cs=$(uptime_cs) ns=$(executed_ns)
	[ "$what" != stop ] || consumer_stop
	"$@" >/tmp/reps.out || echo "$name: exit code $?" >>/results/failed
	[ "$what" != stop ] || kill -CONT "$pid"
	# The consumer looks about every 100 ms, and holds back the newest 100 ms.
	[ -z "$pid" ] || usleep 500000
	ns=$(($(executed_ns) - ns)) cs=$(($(uptime_cs) - cs))
}

if [ "$what" = count ]; then
	one usleep 1000000
	echo "$name-idle 0 0 $ns $cs" >>/results/runs
fi
i=0
while [ "$i" -le "$reps" ]; do
	one mmuscope-guest touch -name guest=bench --pages "$pages"
	tsc=$(sed -n 's/^tsc=//p' /tmp/reps.out)
	faults=$(sed -n 's/^stat.pf_taken=//p' /tmp/reps.out)
	echo "$name ${tsc:-0} ${faults:-$pages} $ns $cs" >>/results/runs
	i=$((i + 1))
done
