# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0
# Bochs emulates VMX with EPT, VPID and PML. It runs some 50 million
# instructions per second, so that nothing is done twice: the kernel is put on
# a disk uncompressed, and a boot sector of ours starts it (boot/disk.S).

machine_smp=1			# a second CPU makes it four times slower
machine_mem=1024
machine_cpu=corei7_skylake_x	# has EPT with accessed bits, VPID, PML

# The display listens on every address there is: it gets none.
intel_alone() {
	if [ "$(id -u)" = 0 ]; then
		echo unshare -n
	else
		echo unshare -r -n
	fi
}

machine_check() {
	local file

	[ -z "$opt_threads$opt_icount" ] ||
		die "$LAB_USAGE" "--threads and --icount are for the machine amd"
	for file in bochs-bin:bochs as:binutils readelf:binutils unshare:util-linux; do
		command -v "${file%:*}" >/dev/null ||
			die "$LAB_PREPARE" "${file%:*} is missing (Debian: ${file#*:})"
	done
	for file in bochs/BIOS-bochs-latest:bochsbios vgabios/vgabios.bin:vgabios; do
		[ -r "/usr/share/${file%:*}" ] ||
			die "$LAB_PREPARE" "/usr/share/${file%:*} is missing (Debian: ${file#*:})"
	done
	# shellcheck disable=SC2046
	$(intel_alone) true 2>/dev/null ||
		die "$LAB_PREPARE" "no network namespace can be made for bochs: run as root"
}

machine_prepare() {
	local print

	intel_flat=$LAB_CACHE/intel-$(cat "$(kernel_dir "$opt_kernel")/release")
	cache_make "${intel_flat##*/}" intel_kernel "$opt_kernel"
	print=intel-print-$(sha256sum "$LAB_DIR/boot/print.S" | cut -c1-16)
	cache_make "$print" intel_print
	opt_add+=("$LAB_CACHE/$print/print:/bin/lab-print")
}

# What the results come back by.
intel_print() {
	as --64 -o "$1/print.o" "$LAB_DIR/boot/print.S" &&
		ld -o "$1/print" "$1/print.o" && rm "$1/print.o"
}

# As it lies in memory, from its first byte to the last that is not zero.
intel_kernel() {
	local to=$1 v=$2

	objcopy -O binary -R .init.scratch "$(kernel_dir "$v")/vmlinux" "$to/flat" ||
		return 1
	truncate -s %512 "$to/flat" || return 1
	# First address, the one behind the last, and the PVH entry (a note of
	# Xen's, type 18).
	readelf -lW "$(kernel_dir "$v")/vmlinux" | awk '
		$1 == "LOAD" { print $4, $6 }' >"$to/segments" || return 1
	readelf -nW "$(kernel_dir "$v")/vmlinux" 2>/dev/null | awk '
		$1 == "Xen" && /\(0x00000012\)/ {
			n = split($0, byte, " ")
			for (i = 1; byte[i] != "data:"; i++)
				;
			print "0x" byte[i + 4] byte[i + 3] byte[i + 2] byte[i + 1]
		}' >"$to/entry" || return 1
	[ -s "$to/entry" ] && [ -s "$to/segments" ]
}

intel_disk() {
	local kernel=$1 initrd=$2 to=$3 words=$4 start size first=0 end=0 initrd_at

	while read -r start size; do
		if [ "$first" = 0 ]; then
			first=$((start))
		fi
		if [ $((start + size)) -gt "$end" ]; then
			end=$((start + size))
		fi
	done <"$kernel/segments"
	initrd_at=$(((end + 0x1ffffff) & ~0x1ffffff))
	printf '%s' "$words" >"$to/cmdline"
	as --32 -I "$to" -o "$to/boot.o" \
		--defsym KERNEL_ENTRY="$(cat "$kernel/entry")" \
		--defsym KERNEL_AT="$first" \
		--defsym KERNEL_SECTORS="$(($(stat -c %s "$kernel/flat") / 512))" \
		--defsym INITRD_AT="$initrd_at" \
		--defsym INITRD_BYTES="$(stat -c %s "$initrd")" \
		--defsym INITRD_SECTORS="$((($(stat -c %s "$initrd") + 511) / 512))" \
		"$LAB_DIR/boot/disk.S" &&
		ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o "$to/boot" "$to/boot.o" &&
		cat "$to/boot" "$kernel/flat" "$initrd" >"$to/disk" &&
		# Whole cylinders of 16 heads and 63 sectors.
		truncate -s %516096 "$to/disk"
}

intel_config() {
	cat <<EOT
config_interface: textconfig
display_library: rfb, options="timeout=0, no_gui_console"
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=1, serial=1
plugin_ctrl: gameport=0, iodebug=0
cpu: model=$machine_cpu, count=$opt_smp
cpu: ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=$opt_mem, host=$opt_mem
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/vgabios/vgabios.bin
pci: enabled=1, chipset=i440fx
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, mode=flat, path=$1/disk, cylinders=0, heads=16, spt=63
boot: disk
com1: enabled=1, mode=file, dev=/dev/fd/3
parport1: enabled=1, file=$2/results.tgz
clock: sync=none, time0=1700000000
log: $2/bochs.txt
panic: action=fatal
error: action=ignore
info: action=ignore
EOT
}

machine_boot() {
	local initrd=$1 out=$2 words tmp code

	words="console=ttyS0,115200 quiet loglevel=4 panic=-1 nokaslr norandmaps"
	words+=" mitigations=off rodata=off cryptomgr.notests=1 log_buf_len=4M"
	words+=" noxsave clearcpuid=28 tsc_early_khz=50000"
	words+=" random.trust_cpu=on softlockup_panic=1"
	tmp=${initrd%/*}/disk
	mkdir "$tmp" || return 1
	intel_disk "$intel_flat" "$initrd" "$tmp" "$words $opt_append" ||
		return 1
	intel_config "$tmp" "$out" >"$tmp/bochsrc"
	# Its debugger wants to be told to go on.
	echo c >"$tmp/commands"
	# shellcheck disable=SC2046
	timeout --foreground -k 5 "$opt_timeout" $(intel_alone) bochs-bin -q -f "$tmp/bochsrc" \
		-rc "$tmp/commands" 3>&1 >"$tmp/said" 2>&1 </dev/null
	code=$?
	cat "$tmp/said" >>"$out/bochs.txt"
	return "$code"
}
