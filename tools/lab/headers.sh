# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Header packages of the lab's kernels, to build the kernel module against; like
# the kernels they are taken apart without being installed.

# The debug kernel's are where it was built.
headers_fetch() {
	case $1 in
	debug) kernel_fetch debug ;;
	*) cache_make "headers-$1" headers_fill "$1" ;;
	esac
}

# The folder for make -C.
headers_dir() {
	local dir=$LAB_CACHE/headers-$1

	if [ "$1" = debug ]; then
		dir=$(kernel_dir debug)
		echo "$dir/linux-headers-$(cat "$dir/release")"
		return
	fi
	echo "$dir/root/usr/src/linux-headers-$(cat "$dir/release")"
}

headers_fill() {
	local dir=$1 v=$2 release deb

	mkdir "$dir/deb" "$dir/root"
	release=$(cat "$(kernel_dir "$v")/release")
	progress "fetching headers of kernel $release"
	suite_download_headers "$v" "$release" "$dir/deb" || return 1
	for deb in "$dir"/deb/*.deb; do
		dpkg -x "$deb" "$dir/root" || return 1
	done
	echo "$release" >"$dir/release"
	# The packages name one another by where they would be installed.
	# shellcheck disable=SC2016
	sed -i 's,^include /usr/src/,include $(dir $(lastword $(MAKEFILE_LIST)))../,' \
		"$dir/root/usr/src/linux-headers-$release/Makefile" || return 1
	rm -rf "$dir/deb"
}
