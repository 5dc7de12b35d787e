# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# The initramfs: a base per kernel (cached) with what one run adds behind it.
# Both are byte-reproducible: runs with --icount repeat bit for bit.

# Packs folder $1 into cpio $2: fixed order, times, inodes and owner.
initramfs_pack() {
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --quiet -0 -o -H newc --reproducible -R 0:0) >"$2"
}

# Without their signatures modules load in a tenth of the time where an emulator
# would have to compute them.
initramfs_unsign() {
	find "$1" -name '*.ko' -exec strip --strip-debug {} +
}

initramfs_base() {
	local to=$1 v=$2 root=$1/root dir

	mkdir -p "$root"/{bin,sbin,etc,lab/modules,proc,sys,dev,tmp,results,root}
	cp "$(command -v busybox)" "$root/bin/busybox" || return 1
	"$root/bin/busybox" --list | while read -r dir; do
		if [ "$dir" != busybox ]; then
			ln -s busybox "$root/bin/$dir"
		fi
	done
	cp "$(kernel_dir "$v")"/modules/* "$root/lab/modules/" || return 1
	initramfs_unsign "$root/lab/modules" || return 1
	cp "$LAB_DIR/inside/lab.sh" "$root/lab.sh" || return 1
	install -m 755 "$LAB_DIR/inside/init" "$root/init" || return 1
	# No device nodes: the kernel's own built-in part has /dev/console.
	initramfs_pack "$root" "$to/cpio" || return 1
	rm -rf "$root"
}

# Copies a program's shared libraries; a static one has none.
initramfs_libraries() {
	local file=$1 root=$2 lib

	{ ldd "$file" 2>/dev/null || true; } |
		sed -n 's,^[^/]*\(/[^ ]*\).*,\1,p' | while read -r lib; do
		if ! [ -e "$root$lib" ]; then
			install -D -m 755 "$lib" "$root$lib"
		fi
	done
}

is_elf() {
	[ -f "$1" ] && [ "$(head -c 4 "$1" | od -An -tx1 | tr -d ' ')" = 7f454c46 ]
}

initramfs_add() {
	local spec=$1 root=$2 file dest

	file=${spec%%:*}
	case $spec in
	*:*) dest=${spec#*:} ;;
	*)
		dest=/${file##*/}
		if [ -f "$file" ] && [ -x "$file" ]; then
			dest=/bin$dest
		fi
		;;
	esac
	mkdir -p "$root$(dirname "$dest")"
	cp -rL "$file" "$root$dest" || die "$LAB_USAGE" "cannot copy $file"
	if is_elf "$file"; then
		initramfs_libraries "$file" "$root"
	fi
}

# What belongs to one run: the job, its arguments and the added files.
initramfs_run_part() {
	local root=$1 to=$2 spec guest

	mkdir -p "$root"
	cp "${opt_job[0]}" "$root/job.sh"
	{
		printf 'set --'
		if [ ${#opt_job[@]} -gt 1 ]; then
			printf ' %q' "${opt_job[@]:1}"
		fi
		echo
	} >"$root/job.args"
	guest=${MMUSCOPE_GUEST:-$LAB_DIR/../../${O:-build}/tools/lab/guest/mmuscope-guest}
	if [ -x "$guest" ]; then
		initramfs_add "$guest:/bin/mmuscope-guest" "$root"
	fi
	for spec in ${opt_add[@]+"${opt_add[@]}"}; do
		initramfs_add "$spec" "$root"
	done
	for spec in ${opt_module[@]+"${opt_module[@]}"}; do
		initramfs_module "$spec" "$root"
	done
	initramfs_pack "$root" "$to"
}

initramfs_module() {
	local name=$1 root=$2 v=$opt_kernel

	if [ -e "$(kernel_dir "$v")/modules/$name.chain" ]; then
		return
	fi
	cache_make "module-$v-$name" kernel_extra_module "$v" "$name"
	mkdir -p "$root/lab/modules"
	cp "$LAB_CACHE/module-$v-$name/modules"/* "$root/lab/modules/"
	initramfs_unsign "$root/lab/modules"
}

# A changed init, lab.sh, busybox or kernel makes a new base.
initramfs_key() {
	cat "$(command -v busybox)" "$LAB_DIR"/inside/* "$LAB_DIR/initramfs.sh" \
		"$(kernel_dir "$1")"/{release,modules/*.chain} | sha256sum | cut -c1-16
}

initramfs_make() {
	local v=$1 to=$2 base

	base=base-$v-$(initramfs_key "$v")
	cache_make "$base" initramfs_base "$v"
	# Bases of older keys, once nobody can be using them any more.
	find "$LAB_CACHE" -maxdepth 1 -name "base-$v-*" ! -name "$base*" \
		-mtime +1 -exec rm -rf {} +
	initramfs_run_part "$to.root" "$to.run"
	cat "$LAB_CACHE/$base/cpio" "$to.run" >"$to"
	rm -rf "$to.root" "$to.run"
}
