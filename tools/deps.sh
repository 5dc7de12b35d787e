#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Packages that the build, the tests and the lab need, by Debian's names.
#
#   tools/deps.sh list GROUP...      print the packages
#   tools/deps.sh check GROUP...     exit 0 if all are installed, else say what to run
#   tools/deps.sh install GROUP...   install what is missing (root), ask nothing
set -euo pipefail
shopt -s inherit_errexit

declare -A packages=(
	[build]="make gcc libc6-dev clang bpftool libbpf-dev libelf-dev zlib1g-dev
		libzstd-dev libjansson-dev libncurses-dev scdoc"
	[deb]="debhelper dh-dkms dpkg-dev lintian"
	[fuzz]="clang libclang-rt-dev"
	[test]="libcmocka-dev bats jq util-linux dkms kmod babeltrace2 tmux libvirt0"
	[browser]="chromium libpng-dev libxml2-utils fonts-dejavu-core"
	[style]="clang-format shellcheck codespell universal-ctags sparse"
	[lab]="qemu-system-x86 bochs bochs-term bochsbios vgabios
		busybox-static cpio kmod xz-utils zstd util-linux binutils"
	[debug]="make gcc libc6-dev flex bison bc dwarves libelf-dev xz-utils"
	[bench]="linux-perf trace-cmd bpftrace jq"
)

die() {
	printf 'deps: %s\n' "$1" >&2
	exit 1
}

groups_list() {
	local group
	for group in "$@"; do
		[ -n "${packages[$group]-}" ] || die "unknown group '$group'"
		# shellcheck disable=SC2086
		printf '%s\n' ${packages[$group]}
	done | sort -u
}

# Reads wanted packages, prints those that are not installed.
packages_missing() {
	local wanted installed
	wanted=$(groups_list "$@")
	# dpkg-query fails when it does not know one of them, and prints the others.
	# shellcheck disable=SC2086
	installed=$(
		{ dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || :; } |
			sed -n 's/^installed //p' | sort -u
	)
	comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

packages_install() {
	export DEBIAN_FRONTEND=noninteractive
	local apt="apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300"
	local log=${O:-build}/deps.log
	mkdir -p "${log%/*}"
	printf 'deps: installing %s\n' "$*" >&2
	# Package lists may be older than the mirror, or not there at all.
	$apt update </dev/null >"$log" 2>&1 ||
		printf 'deps: the package lists could not be updated, going on\n' >&2
	if ! $apt install --no-install-recommends "$@" </dev/null >>"$log" 2>&1; then
		tail -n 20 "$log" >&2
		die "installing failed, see $log: $*"
	fi
}

[ $# -ge 2 ] || die "usage: deps.sh list|check|install GROUP..."
mode=$1
shift

if [ "$mode" = list ]; then
	groups_list "$@"
	exit
fi
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	# Another distribution: its owner knows the names; the build says what it lacks.
	exit 0
fi
missing=$(packages_missing "$@" | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0

case $mode in
install)
	[ "$(id -u)" = 0 ] || die "packages are missing, run as root: apt-get install $missing"
	# shellcheck disable=SC2086
	packages_install $missing
	;;
check)
	die "packages are missing, run as root: apt-get install $missing"
	;;
*)
	die "unknown mode '$mode'"
	;;
esac
