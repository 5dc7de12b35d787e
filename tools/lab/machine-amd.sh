# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0
# QEMU without acceleration emulates SVM with nested paging.

machine_smp=2
machine_mem=2048

machine_check() {
	command -v qemu-system-x86_64 >/dev/null ||
		die "$LAB_PREPARE" "qemu-system-x86_64 is missing (Debian: qemu-system-x86)"
}

machine_prepare() {
	:
}

machine_boot() {
	local initrd=$1 out=$2 accel words extra=()

	words="console=ttyS0 quiet loglevel=4 panic=-1 nokaslr norandmaps"
	words+=" mitigations=off random.trust_cpu=on tsc=reliable"
	# On a busy host the emulated timer may be late for the test that it works at all.
	words+=" log_buf_len=4M softlockup_panic=1 no_timer_check"
	# All CPUs in one thread: SVM of QEMU 7.2 loses interrupts when they run
	# in parallel (about every second long run hung), and it is no slower.
	accel="tcg,thread=single"
	if [ -n "$opt_threads" ]; then
		accel="tcg,thread=multi"
	fi
	if [ -n "$opt_icount" ]; then
		accel=tcg
		extra=(-icount "shift=0,sleep=off" -seed 1
			-rtc "base=2026-01-01,clock=vm")
	fi
	timeout --foreground -k 5 "$opt_timeout" qemu-system-x86_64 \
		-nodefaults -no-user-config -no-reboot -nographic -M q35 \
		-accel "$accel" ${extra[@]+"${extra[@]}"} -cpu max \
		-smp "$opt_smp" -m "$opt_mem" -net none -serial stdio \
		-device virtio-serial-pci -device virtserialport,chardev=results \
		-chardev "file,id=results,path=$out/results.tgz" \
		-kernel "$(kernel_dir "$opt_kernel")/vmlinux" -initrd "$initrd" \
		-append "$words $opt_append" </dev/null 2>&1
}
