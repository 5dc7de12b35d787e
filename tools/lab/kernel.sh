# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Kernels: fetched as Debian packages, taken apart without being installed.

# shellcheck source=/dev/null
. "$LAB_DIR/debug.sh"

LAB_KERNELS="6.1 5.10 6.12 newest debug"
# Modules kept of each kernel, with what they depend on; the wanted ones are
# built into some kernels.
LAB_MODULES="kvm_amd kvm_intel"
LAB_MODULES_WANTED="zram virtio_pci virtio_console"

kernel_known() {
	case " $LAB_KERNELS " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

kernel_name() {
	case $1 in
	debug) echo "kernel-debug-$(debug_key)" ;;
	*) echo "kernel-$1" ;;
	esac
}

kernel_dir() {
	echo "$LAB_CACHE/$(kernel_name "$1")"
}

kernel_fetch() {
	case $1 in
	debug) cache_make "$(kernel_name debug)" debug_fill ;;
	*) cache_make "kernel-$1" kernel_fill "$1" ;;
	esac
}

# Newest "linux-image-VERSION-amd64" that the given apt knows; reads the apt
# command from the arguments after the pattern.
kernel_newest_package() {
	local pattern=$1

	shift
	"$@" search --names-only "$pattern" 2>/dev/null |
		awk '{ print $1 }' | sort -V | tail -1
}

kernel_fill() {
	local dir=$1 v=$2 deb image name

	mkdir "$dir/deb" "$dir/root"
	progress "fetching kernel $v"
	suite_download "$v" "$dir/deb" || return 1
	for deb in "$dir"/deb/*.deb; do
		dpkg -x "$deb" "$dir/root" || return 1
	done
	image=$(kernel_image "$dir/root") || return 1
	basename "$(kernel_tree "$dir/root")" >"$dir/release"
	kernel_vmlinux "$image" "$dir/vmlinux" || return 1
	# shellcheck disable=SC2086
	kernel_modules "$dir/root" "$dir/modules" $LAB_MODULES || return 1
	for name in $LAB_MODULES_WANTED; do
		kernel_modules "$dir/root" "$dir/modules" "$name" 2>/dev/null || true
	done
	# The packages stay: --module may want more of them later.
	rm -rf "$dir/root"
}

# The folder of modules, called by the release; /usr/lib from 6.12 on.
kernel_tree() {
	local tree

	for tree in "$1"/lib/modules/* "$1"/usr/lib/modules/*; do
		if [ -d "$tree/kernel" ]; then
			echo "$tree"
			return
		fi
	done
	return 1
}

# In /boot, or beside the modules where the package is split.
kernel_image() {
	local image

	for image in "$1"/boot/vmlinuz-* "$1"/usr/lib/modules/*/vmlinuz; do
		if [ -e "$image" ]; then
			echo "$image"
			return
		fi
	done
	return 1
}

le32() {
	od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '
}

# The ELF inside a bzImage boots faster: nothing is left to decompress. Where
# it lies is in the setup header (Documentation/arch/x86/boot.rst).
kernel_vmlinux() {
	local image=$1 to=$2 sects start length magic unpack

	sects=$(od -An -tu1 -j 497 -N 1 "$image" | tr -d ' ')
	start=$(((sects + 1) * 512 + $(le32 "$image" 584)))
	length=$(le32 "$image" 588)
	magic=$(od -An -tx1 -j "$start" -N 4 "$image" | tr -d ' ')
	case $magic in
	fd377a58) unpack="xz -dc" ;;
	28b52ffd) unpack="zstd -dcq" ;;
	1f8b*) unpack="gzip -dc" ;;
	*) die "$LAB_PREPARE" "the kernel image is compressed in an unknown way ($magic)" ;;
	esac
	# Four bytes of size follow the compressed data.
	dd if="$image" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip="$start" count=$((length - 4)) | $unpack >"$to" || return 1
}

# One folder of plain .ko files, and NAME.chain with their order of loading.
kernel_modules() {
	local root=$1 to=$2 name release

	shift 2
	release=$(basename "$(kernel_tree "$root")")
	if ! [ -e "$root/lib/modules" ]; then
		ln -s usr/lib "$root/lib"
	fi
	# The lists that are missing in an unpacked package are not needed.
	depmod -b "$root" "$release" 2>/dev/null || return 1
	mkdir -p "$to"
	for name; do
		kernel_chain "$root" "$release" "$name" "$to" || return 1
	done
}

# A module beyond LAB_MODULES: taken from the kept packages, cached by name.
kernel_extra_module() {
	local dir=$1 v=$2 name=$3 deb

	[ "$v" != debug ] ||
		die "$LAB_PREPARE" "tools/lab/debug.config has no module $name"
	for deb in "$(kernel_dir "$v")"/deb/*.deb; do
		dpkg -x "$deb" "$dir/root" || return 1
	done
	kernel_modules "$dir/root" "$dir/modules" "$name" || return 1
	rm -rf "$dir/root"
}

kernel_chain() {
	local tree=$1 release=$2 name=$3 to=$4 file base

	{ modprobe -d "$tree" -S "$release" --show-depends "$name" || true; } |
		awk '$1 == "insmod" { print $2 }' >"$to/$name.files"
	: >"$to/$name.chain"
	while read -r file; do
		base=${file##*/}
		case $base in
		*.xz) base=${base%.xz}; xz -dc "$file" >"$to/$base" || return 1 ;;
		*.zst) base=${base%.zst}; zstd -dcq "$file" >"$to/$base" || return 1 ;;
		*) cp "$file" "$to/$base" || return 1 ;;
		esac
		echo "$base" >>"$to/$name.chain"
	done <"$to/$name.files"
	rm "$to/$name.files"
	if ! [ -s "$to/$name.chain" ]; then
		rm "$to/$name.chain"
		return 1
	fi
}
