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
	headers_programs "$dir" "$v"
}

# Programs of the packages that want a newer libc than this machine's run with that
# of a suite that has it; their other libraries are the machine's.
headers_programs() {
	local dir=$1 v=$2 program libc beside list=()

	while read -r program; do
		if grep -q 'GLIBC_.* not found' <<<"$(ldd "$program" 2>&1)"; then
			list+=("$program")
		fi
	done < <(find "$dir/root/usr/lib" -type f -perm /111)
	[ ${#list[@]} -gt 0 ] || return 0
	mkdir "$dir/deb"
	suite_download_other libc6 "$v" "$dir/deb" || return 1
	dpkg -x "$dir"/deb/libc6_*.deb "$dir/libc" || return 1
	rm -rf "$dir/deb"
	libc=$(dirname "$(find "$dir/libc" -type f -name 'ld-linux-x86-64.so.2')") || return 1
	for program in "${list[@]}"; do
		mv "$program" "$program.elf" || return 1
		beside=$(realpath --relative-to="$(dirname "$program")" "$libc") || return 1
		headers_wrapper "$beside" >"$program" || return 1
		chmod 755 "$program"
	done
}

# A script that runs what lies beside it with the libc in folder $1, seen from there.
headers_wrapper() {
	cat <<EOF
#!/bin/sh
libc=\$(dirname "\$(readlink -f "\$0")")/$1
exec "\$libc/ld-linux-x86-64.so.2" --library-path "\$libc" "\$0.elf" "\$@"
EOF
}
