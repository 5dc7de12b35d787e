# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Job: the demonstration's guests under one kind of paging.
# Arguments: the mode (npt, ept, shadow), then GUEST=WORKLOAD...
#
# Tracing takes long to attach in an emulated machine, so one session sees all
# guests, which mmuscope tells apart. Each is built and warmed up before, and
# stopped except while it does its measured work: nothing else is traced, and
# none takes time from another. All is done twice, once for people's eyes and
# once as JSON, since two sessions at once would measure each other.

mode=$1
shift

# After attaching, mmuscope sleeps for records.
wait_attached() {
	while bg_alive "$1"; do
		case $(cat "/proc/$(bg_pid "$1")/wchan") in
		*epoll* | ep_*) return 0 ;;
		esac
		usleep 20000
	done
	return 1
}

# wait_guest PASS NAME STATE: until the guest is there, or has ended.
wait_guest() {
	until [ -e "/tmp/$2.$3" ]; do
		bg_alive "$2.$1" || return 1
		usleep 10000
	done
}

guest_start() {
	rm -f "/tmp/$2".*
	bg "$2.$1" mmuscope-guest "$3" -name "guest=$2" --ready-file "/tmp/$2.ready" \
		--go-file "/tmp/$2.go" --done-file "/tmp/$2.done" --hold-file "/tmp/$2.hold"
	wait_guest "$1" "$2" ready || fail "$2 ($3): $(head -n 1 "/results/$2.$1.err")"
	kill -STOP "$(bg_pid "$2.$1")"
}

guest_work() {
	say "$mode: $2 runs $3"
	touch "/tmp/$2.go"
	kill -CONT "$(bg_pid "$2.$1")"
	wait_guest "$1" "$2" "done" || fail "$2 ($3): $(head -n 1 "/results/$2.$1.err")"
	kill -STOP "$(bg_pid "$2.$1")"
}

guest_end() {
	touch "/tmp/$2.hold"
	kill -CONT "$(bg_pid "$2.$1")"
	bg_wait "$2.$1" || fail "$2 ($3): exit code $?, $(head -n 1 "/results/$2.$1.err")"
}

# each STEP PASS GUEST=WORKLOAD...
each() {
	step=$1 pass=$2
	shift 2
	for guest in "$@"; do
		"$step" "$pass" "${guest%%=*}" "${guest#*=}"
	done
}

# trace PASS OPTION... -- GUEST=WORKLOAD...
trace() {
	pass=$1 options=
	shift
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	each guest_start "$pass" "$@"
	# shellcheck disable=SC2086
	bg "stat.$pass" mmuscope stat $options
	wait_attached "stat.$pass" || fail "mmuscope: $(head -n 1 "/results/stat.$pass.err")"
	say "$mode: tracing $# guests, summary as $pass"
	each guest_work "$pass" "$@"
	kill -INT "$(bg_pid "stat.$pass")"
	bg_wait "stat.$pass" || fail "mmuscope: $(head -n 1 "/results/stat.$pass.err")"
	each guest_end "$pass" "$@"
}

uname -r >/results/kernel
lab_mode "$mode"
say "$mode: KVM is loaded"
trace text -o /results/stat.txt -- "$@"
trace json --json -o /results/stat.json -- "$@"
say "$mode: done"
