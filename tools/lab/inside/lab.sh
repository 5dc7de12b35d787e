# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# What a job has at hand; sourced before it. Busybox sh: no arrays.

TRACEFS=/sys/kernel/tracing
LAB_RESULTS=${LAB_RESULTS:-/results}
LAB_TMP=${LAB_TMP:-/tmp}

# What this CPU virtualizes memory with: npt or ept; prints nothing where it cannot.
lab_tdp() {
	case $(grep -m 1 -o -w -E 'svm|vmx' /proc/cpuinfo | head -n 1) in
	svm) echo npt ;;
	vmx) echo ept ;;
	esac
}

# A moment between two looks at something, in microseconds. In Bochs waiting costs
# nothing, and looking takes as long as a moment elsewhere.
case $(lab_tdp) in
ept) LAB_NAP=100000 ;;
*) LAB_NAP=20000 ;;
esac

nap() {
	usleep "$LAB_NAP"
}

# say TEXT: shown at once by "lab run".
say() {
	echo "LAB-SAY: $*" >/dev/console
}

fail() {
	say "failed: $*"
	exit 1
}

# step NAME CMD...: output and exit code go to /results/NAME.{out,err,rc}.
step() {
	_step_name=$1
	shift
	"$@" >"$LAB_RESULTS/$_step_name.out" 2>"$LAB_RESULTS/$_step_name.err"
	_step_rc=$?
	echo "$_step_rc" >"$LAB_RESULTS/$_step_name.rc"
	if [ -n "$LAB_VERBOSE" ] || [ "$_step_rc" != 0 ]; then
		say "$_step_name: exit code $_step_rc"
		head -3 "$LAB_RESULTS/$_step_name.err" | while read -r _line; do
			say "$_step_name: $_line"
		done
	fi
	return "$_step_rc"
}

# bg NAME CMD...: the same in the background; bg_wait NAME waits for it.
bg() {
	_bg_name=$1
	shift
	"$@" >"$LAB_RESULTS/$_bg_name.out" 2>"$LAB_RESULTS/$_bg_name.err" &
	echo $! >"$LAB_TMP/bg.$_bg_name"
}

bg_pid() {
	cat "$LAB_TMP/bg.$1"
}

# A child that has ended stays there as a zombie until it is waited for.
bg_alive() {
	grep -q '^State:.[^Z]' "/proc/$(cat "$LAB_TMP/bg.$1")/status" 2>/dev/null
}

bg_wait() {
	wait "$(cat "$LAB_TMP/bg.$1")"
	_bg_rc=$?
	echo "$_bg_rc" >"$LAB_RESULTS/$1.rc"
	return "$_bg_rc"
}

# wait_file PATH [SECONDS]: until PATH exists.
wait_file() {
	_wait_left=$((${2:-60} * (1000000 / LAB_NAP)))
	while ! [ -e "$1" ]; do
		_wait_left=$((_wait_left - 1))
		[ "$_wait_left" -gt 0 ] || return 1
		nap
	done
}

# wait_detached: mmuscope may go on detaching in a process of its own, and KVM stays in use.
wait_detached() {
	_detach_left=300
	while grep -q -s '^mmuscope-detach' /proc/[0-9]*/comm; do
		_detach_left=$((_detach_left - 1))
		[ "$_detach_left" -gt 0 ] || return 1
		usleep $((5 * LAB_NAP))
	done
}

# module_load NAME [PARAM=VALUE...]: with what it depends on.
module_load() {
	_mod_name=$1
	shift
	[ -e "/lab/modules/$_mod_name.chain" ] || return 1
	_mod_last=$(tail -n 1 "/lab/modules/$_mod_name.chain")
	while read -r _mod_file; do
		_mod_short=$(basename "$_mod_file" .ko | tr - _)
		[ -e "/sys/module/$_mod_short/refcnt" ] && continue
		if [ "$_mod_file" = "$_mod_last" ]; then
			insmod "/lab/modules/$_mod_file" "$@" || return 1
		elif [ "$_mod_short" = kvm ]; then
			# shellcheck disable=SC2086
			insmod "/lab/modules/$_mod_file" $_kvm_params || return 1
		else
			insmod "/lab/modules/$_mod_file" || return 1
		fi
	done <"/lab/modules/$_mod_name.chain"
}

module_unload() {
	[ -e "/sys/module/$1" ] || return 0
	rmmod "$1"
}

# lab_mode tdp|npt|ept|shadow|none [PARAM=VALUE...]: loads KVM anew that way, tdp
# being npt or ept, whichever there is. A parameter of kvm.ko is written
# kvm.NAME=VALUE.
lab_mode() {
	_mode=$1
	shift
	_kvm_params=
	_vendor_params=
	for _param in "$@"; do
		case $_param in
		kvm.*) _kvm_params="$_kvm_params ${_param#kvm.}" ;;
		*) _vendor_params="$_vendor_params $_param" ;;
		esac
	done
	_tdp=$(lab_tdp)
	case $_tdp in
	npt) _vendor=kvm_amd ;;
	ept) _vendor=kvm_intel ;;
	*) fail "lab_mode: this CPU has neither SVM nor VMX" ;;
	esac
	module_unload "$_vendor" || fail "lab_mode: $_vendor is in use"
	if [ "$_mode" = none ] || [ -n "$_kvm_params" ]; then
		module_unload kvm || fail "lab_mode: kvm is in use"
	fi
	case $_mode in
	none) return 0 ;;
	tdp | "$_tdp") _tdp=$_tdp=1 ;;
	shadow) _tdp=$_tdp=0 ;;
	*) fail "lab_mode: there is no mode $_mode here" ;;
	esac
	# shellcheck disable=SC2086
	module_load "$_vendor" "$_tdp" $_vendor_params ||
		fail "lab_mode: $_vendor does not load"
}

tp_dir() {
	case $1 in
	*:*) echo "events/${1%%:*}/${1#*:}" ;;
	*) echo "events/kvm/$1" ;;
	esac
}

# tp_present SYSTEM:EVENT
tp_present() {
	[ -e "$TRACEFS/$(tp_dir "$1")/enable" ]
}

# Counts trace events exactly: each event has a trace instance of its own,
# whose ring buffer counts what was written, kept or not. Instances stay, since
# making and removing them is slow; a count is the difference of two readings.
tp_total() {
	cat "$1"/per_cpu/cpu*/stats | awk '
		/^entries:|^overrun:|^dropped events:|^commit overrun:/ { n += $NF }
		END { print n + 0 }'
}

# tp_count_start SYSTEM:EVENT...   (missing events are left out)
tp_count_start() {
	rm -rf /tmp/tp
	mkdir /tmp/tp
	for _tp in "$@"; do
		tp_present "$_tp" || continue
		_tp=$(echo "$_tp" | tr : .)
		_tp_inst=$TRACEFS/instances/lab.$_tp
		if ! [ -e "$_tp_inst" ]; then
			mkdir "$_tp_inst" || return 1
			echo 16 >"$_tp_inst/buffer_size_kb"
		fi
		tp_total "$_tp_inst" >"/tmp/tp/$_tp"
	done
	for _tp in /tmp/tp/*; do
		tp_enable "${_tp##*/}" 1
	done
}

tp_enable() {
	echo "$2" >"$TRACEFS/instances/lab.$1/events/${1%%.*}/${1#*.}/enable"
}

# tp_count_stop FILE: writes "system:event=count" lines.
tp_count_stop() {
	for _tp in /tmp/tp/*; do
		tp_enable "${_tp##*/}" 0
	done
	for _tp in /tmp/tp/*; do
		_tp_name=${_tp##*/}
		_tp_now=$(tp_total "$TRACEFS/instances/lab.$_tp_name")
		echo "${_tp_name%%.*}:${_tp_name#*.}=$((_tp_now - $(cat "$_tp")))"
	done >"$1"
}
