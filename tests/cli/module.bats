#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The kernel module is built and installed against the headers of the lab's kernel, by
# DKMS and without, and nothing of it reaches this machine's own folders.
load common

setup_file() {
	headers=$(LAB_QUIET=1 "$BATS_TEST_DIRNAME/../../tools/lab/lab" headers --kernel 6.1)
	export headers release=${headers##*/linux-headers-}
}

setup() {
	cd "$root" || return
	[ -e "$headers/Makefile" ] || skip "there are no headers of the lab's kernel"
}

make_quiet() {
	make --no-print-directory O="$BATS_TEST_TMPDIR/build" "$@"
}

# Runs a script for root with folders of its own where DKMS and modules have theirs.
apart() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	command -v dkms >/dev/null || skip "needs dkms"
	mkdir -p "$BATS_TEST_TMPDIR"/{src,dkms,"modules/$release"}
	ln -sfn "$headers" "$BATS_TEST_TMPDIR/modules/$release/build"
	# What a kernel's package says of the modules it has, which depmod asks for.
	touch "$BATS_TEST_TMPDIR/modules/$release"/modules.{order,builtin,builtin.modinfo}
	# shellcheck disable=SC2016 # for the inner shell
	TMP_DIR=$BATS_TEST_TMPDIR unshare --mount --propagation private bash -ec '
		mkdir -p /var/lib/dkms /lib/modules
		mount --bind "$TMP_DIR/src" /usr/src
		mount --bind "$TMP_DIR/dkms" /var/lib/dkms
		mount --bind "$TMP_DIR/modules" /lib/modules
		"$@"' apart "$@"
}

installed() {
	find "$BATS_TEST_TMPDIR/modules/$release" -name 'mmuscope.ko*'
}

@test "module: make modules_install puts it below INSTALL_MOD_PATH" {
	run make_quiet modules_install KDIR="$headers" INSTALL_MOD_PATH="$BATS_TEST_TMPDIR/root"
	[ "$status" = 0 ] || { echo "$output"; false; }
	local ko=$BATS_TEST_TMPDIR/root/lib/modules/$release/extra/mmuscope.ko
	[ -f "$ko" ]
	[[ "$(modinfo -F vermagic "$ko")" == "$release "* ]]
	[ "$(modinfo -F license "$ko")" = GPL ]
}

@test "module: without headers, make modules says what to install" {
	run make_quiet modules KDIR=/nonexistent
	[ "$status" != 0 ]
	[[ "$output" == *"no kernel headers in /nonexistent"* ]]
}

@test "module: dkms-install builds and installs it, again as well; dkms-uninstall removes it" {
	run apart make --no-print-directory dkms-install
	[ "$status" = 0 ] || { echo "$output"; false; }
	[[ "$output" == *"mokutil --import /var/lib/dkms/mok.pub"* ]]
	[[ "$(installed)" == */updates/dkms/mmuscope.ko* ]]
	[[ "$(modinfo -F vermagic "$(installed)")" == "$release "* ]]
	run apart dkms status
	[[ "$output" == *"mmuscope"*"$release"*"installed"* ]]
	# A user whose sources are newer says the same once more.
	run apart make --no-print-directory dkms-install
	[ "$status" = 0 ] || { echo "$output"; false; }
	[[ "$output" == *"Building module"* ]]
	[ -n "$(installed)" ]
	run apart make --no-print-directory dkms-uninstall
	[ "$status" = 0 ] || { echo "$output"; false; }
	[ -z "$(installed)" ]
	[ -z "$(ls "$BATS_TEST_TMPDIR/src")" ]
	run apart dkms status
	[ -z "$output" ]
}

@test "module: dkms-install where no kernel has headers says so" {
	run apart make --no-print-directory dkms-install DKMS_KERNELS=
	[ "$status" != 0 ]
	[[ "$output" == *"install linux-headers-"* ]]
}
