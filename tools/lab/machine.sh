# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Emulated machines. machine-NAME.sh gives the defaults machine_smp and
# machine_mem, and three functions:
#   machine_check       dies with one sentence when the emulator is missing, or
#                       cannot do what was asked for
#   machine_prepare     makes what it needs beside kernel and initramfs
#   machine_boot INITRD OUT   boots; the console goes to stdout, what the job
#                             sends back to OUT/results.tgz (by a virtio port or
#                             a printer); exit code of timeout(1)

machine_load() {
	local file=$LAB_DIR/machine-$1.sh

	[ -r "$file" ] || die "$LAB_USAGE" "there is no machine $1"
	# shellcheck source=/dev/null
	. "$file"
}

# Keeps the whole console and shows what the job says as it says it.
machine_console() {
	tee "$1/console.txt" | sed -un 's/\r$//; s/^.*LAB-SAY: //p' >&2
}

machine_run() {
	local initrd=$1 out=$2 code release

	release=$(cat "$(kernel_dir "$opt_kernel")/release")
	progress "booting Linux $release on $opt_machine, $opt_smp CPU(s)"
	rm -f "$out/results.tgz"
	set +e
	machine_boot "$initrd" "$out" | machine_console "$out"
	code=${PIPESTATUS[0]}
	set -e
	if [ "$code" = 124 ] || [ "$code" = 137 ]; then
		die "$LAB_TIMEOUT" \
			"the machine did not end within $opt_timeout s; see $out/console.txt"
	fi
	if [ -s "$out/results.tgz" ]; then
		tar -xzmf "$out/results.tgz" -C "$out" ||
			echo "lab: what came back is damaged" >&2
	fi
	rm -f "$out/results.tgz"
}
