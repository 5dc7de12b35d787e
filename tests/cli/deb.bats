#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# make deb: what is in the packages, and whether they can be installed.
load common

setup_file() {
	local root
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	command -v dh_dkms >/dev/null || return 0
	make -s -C "$root" deb >"$BATS_FILE_TMPDIR/list" 2>"$BATS_FILE_TMPDIR/errors" ||
		cat "$BATS_FILE_TMPDIR/errors" >&2
}

setup() {
	command -v dh_dkms >/dev/null || skip "dh-dkms is not installed"
	cd "$BATS_TEST_TMPDIR" || return 1
	tool=$(grep '/mmuscope_.*\.deb$' "$BATS_FILE_TMPDIR/list")
	module=$(grep '/mmuscope-dkms_.*\.deb$' "$BATS_FILE_TMPDIR/list")
	version=$(mmuscope --version | cut -d' ' -f2)
}

@test "deb: two packages, of the tool's version" {
	[ "$(grep -c '\.deb$' "$BATS_FILE_TMPDIR/list")" = 2 ]
	for package in "$tool" "$module"; do
		[ "$(dpkg-deb -f "$package" Version)" = "$version" ]
	done
}

@test "deb: lintian finds no error" {
	command -v lintian >/dev/null || skip "lintian is not installed"
	lintian --allow-root --fail-on error "$tool" "$module"
}

@test "deb: every library that the program needs is a dependency" {
	dpkg-deb -f "$tool" Depends >depends
	dpkg-deb -x "$tool" x
	for library in $(readelf -d x/usr/bin/mmuscope | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'); do
		# "libbpf.so.1" is in libbpf1, "libm.so.6" in libc6.
		path=$(ldd x/usr/bin/mmuscope | awk -v l="$library" '$1 == l { print $3 }')
		path=$(realpath "$path")
		# dpkg may know it by its place before /lib was merged into /usr.
		owner=$(dpkg -S "$path" "${path#/usr}" 2>/dev/null | sed -n '1s/:.*//p')
		grep -qE "(^|, )$owner( |,|$)" depends || { echo "$library of $owner"; return 1; }
	done
}

@test "deb: what is installed runs, and goes again" {
	mkdir -p root/var/lib/dpkg/{info,updates}
	touch root/var/lib/dpkg/{status,available}
	[ "$(id -u)" = 0 ] || skip "needs root"
	dpkg --root="$PWD/root" --force-depends --force-script-chrootless -i "$tool" >log 2>&1
	[ "$(root/usr/bin/mmuscope --version)" = "mmuscope $version" ]
	root/usr/bin/mmuscope lab list >/dev/null
	[ -x root/usr/libexec/mmuscope/lab/lab ]
	for command in $(commands_list); do
		[ -s "root/usr/share/man/man1/mmuscope-$command.1.gz" ]
	done
	[ -s root/usr/share/bash-completion/completions/mmuscope ]
	dpkg --root="$PWD/root" --force-script-chrootless -P mmuscope >>log 2>&1
	[ -z "$(find root/usr -type f)" ]
}

@test "deb: DKMS gets all that the module is built of" {
	dpkg-deb -x "$module" x
	sources=x/usr/src/mmuscope-$version
	grep -q "^PACKAGE_VERSION=\"$version\"" "$sources/dkms.conf"
	diff -r "$root/kmod/configure" "$sources/kmod/configure"
	for file in "$root"/kmod/*.[chS] "$root/kmod/Kbuild"; do
		cmp "$file" "$sources/kmod/${file##*/}"
	done
	diff -r "$root/include/mmuscope" "$sources/include/mmuscope"
	dpkg-deb -f "$module" Depends | grep -q dkms
	dpkg-deb -e "$module" scripts
	grep -q "mmuscope" scripts/postinst
	grep -q "dkms" scripts/prerm
}
