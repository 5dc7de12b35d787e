#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# host.sh JOB [ARG]...: runs a job on this machine's own KVM, not in an emulated
# one, as it is loaded. Results go to $LAB_RESULTS. MMUSCOPE and MMUSCOPE_GUEST
# name the programs.
# shellcheck disable=SC2034,SC2317	# the job uses them
set -u
LAB_DIR=$(cd "$(dirname "$(readlink -f "$0")")" && pwd) || exit 1
: "${LAB_RESULTS:?}" "${MMUSCOPE:?}" "${MMUSCOPE_GUEST:?}"

LAB_TMP=$(mktemp -d) || exit 1

# Guests that are stopped do not hear a polite request.
host_end() {
	local pid

	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null
		kill -CONT "$pid" 2>/dev/null
	done
	rm -rf "$LAB_TMP"
}
trap host_end EXIT
trap 'exit 143' INT TERM

# shellcheck source=/dev/null
. "$LAB_DIR/inside/lab.sh"

nap() {
	sleep 0.02
}

say() {
	echo "$*" >&2
}

# What KVM was loaded with stays: this machine is somebody's.
lab_mode() {
	if ! [ -r /dev/kvm ] || ! [ -w /dev/kvm ]; then
		fail "there is no /dev/kvm here that may be used; see 'mmuscope doctor'"
	fi
}

# Software virtualization emulates the guest's kernel instruction by instruction.
LAB_GUEST_OPTIONS=
if [ -e /sys/module/kvm_pvm ]; then
	LAB_GUEST_OPTIONS="--cpl 3"
fi

mkdir "$LAB_TMP/bin" || exit 1
ln -s "$MMUSCOPE" "$LAB_TMP/bin/mmuscope"
ln -s "$MMUSCOPE_GUEST" "$LAB_TMP/bin/mmuscope-guest"
PATH=$LAB_TMP/bin:$PATH
job=$1
shift
# shellcheck source=/dev/null
. "$job"
