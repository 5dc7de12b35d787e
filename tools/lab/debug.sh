# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The debug kernel: Debian's linux-source with debug.config, built once. Its tree
# stays beside it, to build modules against.

LAB_DEBUG_SOURCE=linux-source-6.1

# Another configuration is another kernel; comments do not count.
debug_wanted() {
	grep -E '^(CONFIG_|# CONFIG_)' "$LAB_DIR/debug.config"
}

debug_key() {
	debug_wanted | sha256sum | cut -c1-8
}

# Nothing of the caller's: a make above us would pass its own O= on.
debug_make() {
	local tree=$1

	shift
	# The PVH entry and the memcmp() that it calls run before there is memory for
	# KASAN to look at.
	env -i PATH="$PATH" LC_ALL=C nice -n 19 make -C "$tree" ARCH=x86_64 \
		"LOCALVERSION=-debug-$(debug_key)" KASAN_SANITIZE_enlighten.o=n \
		KASAN_SANITIZE_string.o=n "$@"
}

debug_fill() {
	local dir=$1 tree=$1/tree release

	"$LAB_DIR/../deps.sh" check debug || return 1
	mkdir "$dir/deb" "$tree" "$dir/root"
	progress "building the debug kernel: this is done once, and takes 10 to 60 minutes"
	suite_download_one "$LAB_DEBUG_SOURCE" 6.1 "$dir/deb" || return 1
	debug_unpack "$dir"/deb/*.deb "$tree" || return 1
	debug_configure "$tree" || return 1
	debug_build "$tree" "$dir/build.log" || return 1
	release=$(cat "$tree/include/config/kernel.release") || return 1
	strip --strip-debug -o "$dir/vmlinux" "$tree/vmlinux" || return 1
	debug_make "$tree" -s INSTALL_MOD_PATH="$dir/root" INSTALL_MOD_STRIP=1 DEPMOD=true \
		modules_install >>"$dir/build.log" 2>&1 || return 1
	# shellcheck disable=SC2086
	kernel_modules "$dir/root" "$dir/modules" $LAB_MODULES || return 1
	debug_prune "$tree" || return 1
	mv "$tree" "$dir/linux-headers-$release" || return 1
	rm -rf "$dir/deb" "$dir/root"
	echo "$release" >"$dir/release"
}

# Without sources of drivers and architectures that debug.config never names; what
# describes them to the build is needed all the same.
debug_unpack() {
	local deb=$1 tree=$2 name skip=()

	for name in Documentation sound samples tools/testing tools/perf \
		drivers/{gpu/drm,net/ethernet,net/wireless,media,staging,infiniband,iio}; do
		skip+=(--exclude="*/$name/*.[chS]" --exclude="*/$name/*.rst"
			--exclude="*/$name/*.yaml" --exclude="*/$name/*.txt")
	done
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xO "./usr/src/$LAB_DEBUG_SOURCE.tar.xz" |
		tar -xJ -C "$tree" --strip-components=1 --wildcards "${skip[@]}"
}

# A line that the kernel does not take over is one whose conditions do not hold.
debug_configure() {
	local tree=$1 missing

	debug_make "$tree" -s KCONFIG_ALLCONFIG="$LAB_DIR/debug.config" allnoconfig >&2 ||
		return 1
	missing=$(debug_wanted | { grep -vxFf "$tree/.config" || :; } | tr '\n' ' ')
	[ -z "$missing" ] ||
		die "$LAB_PREPARE" "the debug kernel cannot be configured with ${missing% }"
}

debug_build() {
	local tree=$1 log=$2 status=0

	debug_make "$tree" -j"$(nproc)" vmlinux modules 2>&1 | tee "$log" |
		awk '{ if (!(++n % 200)) { print "lab: debug kernel:", n, "steps"; fflush() } }' \
			>&2 || status=1
	if [ "$status" != 0 ]; then
		tail -n 20 "$log" >&2
	fi
	return "$status"
}

# Modules are built with headers, scripts and the kernel's own symbols.
debug_prune() {
	find "$1" -type f \( -name '*.[oac]' -o -name '*.cmd' -o -name '*.ko' \
		-o -name '.tmp_vmlinux*' \) ! -path "$1/scripts/*" -delete
}
