#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# mmuscope on real KVM in emulated machines:
#
#   tests/lab/run.sh [--kernel V] [--machine amd|intel] [--collector bpf|kmod] [--matrix]
#	[PART]...
#
# Without --machine both run, side by side, with each collector in turn; the kernel module
# is left out on the slow one unless it or the machine is asked for. One alone runs with
# both collectors side by side. A line for each group of checks, and what differs in those
# that fail. PART: what of the job to run. Translate takes minutes on the slow machine, and
# is run there when named. With --matrix the slow machine runs with both collectors, and of
# the job the part that has records of every family.
set -u
cd "$(dirname "$0")/../.." || exit 1
# What runs in the background does not hear Ctrl-C by itself.
trap 'trap - INT TERM; kill 0' INT TERM
build=${O:-build}
results=$build/test-results
kernel=6.1
machines=(amd intel)
collectors=(bpf kmod)
parts=(workloads vms record stress refusals translate)
chosen=()
asked=
matrix=
limit=1800	# seconds; five minutes are usual, on a machine with nothing else to do
memory=()

while [ $# -gt 0 ]; do
	case $1 in
	--kernel | --machine | --collector)
		[ $# -ge 2 ] || { echo "lab: $1 wants a value" >&2; exit 2; }
		case $1 in
		--kernel) kernel=$2 ;;
		--machine) machines=("$2") asked=1 ;;
		--collector) collectors=("$2") asked=1 ;;
		esac
		shift
		if [ "$kernel" = debug ]; then
			# All is several times slower there, and larger.
			limit=7200
			memory=(--mem 4096)
			machines=(amd)
		fi
		;;
	--matrix) matrix=1 ;;
	-*) echo "lab: there is no option $1; see the head of $0" >&2; exit 2 ;;
	*) chosen+=("$1") ;;
	esac
	shift
done

# has WORD LIST...
has() {
	local word=$1

	shift
	[[ " $* " = *" $word "* ]]
}

# collectors_of MACHINE: to stdout.
collectors_of() {
	if [ "$1" = intel ] && [ -z "$asked$matrix" ]; then
		echo bpf
	else
		echo "${collectors[@]}"
	fi
}

if has kmod "${collectors[@]}"; then
	headers=$(tools/lab/lab headers --kernel "$kernel") || exit 1
	module=$build/kmod/${headers##*/linux-headers-}/mmuscope.ko
	if ! [ -e "$module" ]; then
		echo "lab: there is no $module: make lab-modules LAB_MODULE_KERNELS=$kernel" >&2
		exit 1
	fi
fi

# The command that boots machines by itself.
command=
if [ ${#chosen[@]} = 0 ] && has amd "${machines[@]}" && has bpf "${collectors[@]}" &&
	[ "$kernel" != debug ]; then
	command=$results/lab-command-$kernel
fi

# progress TEXT: what takes minutes says where it is.
progress() {
	printf 'lab: %4d s: %s\n' "$SECONDS" "$1" >&2
}

# TAP of several groups; lines with "! " in front of a result belong to it.
# judge_tap OUT STATUS: STATUS is of the program that printed it.
judge_tap() {
	local out=$1 status=$2 passed failed

	awk '
		function group_end() {
			if (group == "")
				return
			printf "%s  %-24s %4d", bad ? "FAILED" : "ok    ", group, good
			if (bad)
				printf " passed, %d failed", bad
			printf "\n%s", text
			good = bad = 0
			text = ""
		}
		/^== / { group_end(); group = substr($0, 4); next }
		/^! / { text = text "    " substr($0, 3) "\n"; next }
		/# SKIP/ { next }
		/^ok / { good++; passed++; next }
		/^not ok / {
			bad++
			failed++
			next
		}
		END {
			group_end()
			print passed + 0, failed + 0 >counts
		}' counts="$out/counts" "$out/tap"
	read -r passed failed <"$out/counts"
	if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
		tail -n 20 "$out/tap"
		echo "$passed 1" >"$out/counts"
	fi
}

judge() {
	local out=$1 status=0

	"$build/san/tests/lab/check" "$out" >"$out/tap" 2>&1 || status=$?
	judge_tap "$out" "$status"
}

# run NAME COLLECTOR OUT PART...: one boot.
run() {
	local name=$1 collector=$2 out=$3 adds=() part

	shift 3
	if [ "$collector" = kmod ]; then
		adds+=(--add "$build/tests/same/records" --add "$build/tests/lab/tools/hostile"
			--add "$build/tests/lab/tools/session"
			--add "$build/tests/lab/tools/older.so:/bin/older.so"
			--add "$module:/lab-tests/mmuscope.ko")
	fi
	for part in "${parts[@]}" kmod; do
		adds+=(--add "tests/lab/$part.sh:/lab-tests/$part.sh")
	done
	# The kernel log is one of the checks.
	tools/lab/lab run --machine "$name" --kernel "$kernel" --timeout "$limit" --allow-dmesg \
		${memory[@]+"${memory[@]}"} \
		--out "$out" --add "${MMUSCOPE:-$build/mmuscope}:/bin/mmuscope" \
		--add "$build/tools/lab/guest/mmuscope-guest" "${adds[@]}" \
		tests/lab/job.sh "$collector" "$@" >"$out/lab.log" 2>&1 </dev/null
}

# What several boots of a machine left becomes one folder.
merge() {
	local out=$1 boot

	for boot in "$out"/boot.*; do
		cat "$boot/dmesg.txt" >>"$out/dmesg.txt"
		find "$boot" -maxdepth 1 -type f ! -name dmesg.txt -exec cp {} "$out" \;
	done
}

# machine NAME COLLECTOR OUT: the slow one is booted twice, for half of the parts each.
machine() {
	local name=$1 collector=$2 out=$3 boots=("${chosen[*]}") i pid=() bad=0

	if [ "$name" = intel ] && [ -n "$matrix" ]; then
		boots=(workloads)
	elif [ "$name" = intel ] && [ ${#chosen[@]} = 0 ]; then
		boots=(workloads "vms record stress refusals")
		[ "$collector" = bpf ] || boots[1]+=" kmod"
	fi
	for i in "${!boots[@]}"; do
		mkdir "$out/boot.$i"
		# shellcheck disable=SC2086
		run "$name" "$collector" "$out/boot.$i" ${boots[$i]} &
		pid+=($!)
	done
	for i in "${!boots[@]}"; do
		wait "${pid[$i]}" && continue
		printf 'lab: the job (%s) ended with exit code %d\n' "${boots[$i]}" "$?"
		tail -n 20 "$out/boot.$i/lab.log"
		bad=1
	done
	if [ "$bad" = 0 ]; then
		merge "$out"
		judge "$out"
		return
	fi
	echo 0 1 >"$out/counts"
}

# lane NAME COLLECTOR...: one after the other.
lane() {
	local name=$1 collector out passed failed

	shift
	for collector; do
		out=$results/lab-$name-$kernel-$collector
		rm -rf "$out"
		mkdir -p "$out"
		progress "$name, $kernel, $collector: begins"
		machine "$name" "$collector" "$out" >"$out/report"
		read -r passed failed <"$out/counts"
		progress "$name, $kernel, $collector: $passed passed, $failed failed"
		if [ "$name $collector" = "amd bpf" ] && [ -n "$command" ]; then
			rm -rf "$command"
			mkdir -p "$command"
			tests/lab/command.sh "$kernel" "$command" >"$command/tap"
			judge_tap "$command" "$?" >"$command/report"
		fi
	done
}

mkdir -p "$results"
rm -f "$results/lab.counts"
if [ ${#machines[@]} -gt 1 ]; then
	for name in "${machines[@]}"; do
		# shellcheck disable=SC2046
		lane "$name" $(collectors_of "$name") &
	done
else
	for collector in "${collectors[@]}"; do
		lane "${machines[0]}" "$collector" &
	done
fi
wait
passed=0 failed=0
for name in "${machines[@]}"; do
	for collector in $(collectors_of "$name"); do
		out=$results/lab-$name-$kernel-$collector
		release=$(cat "$out/kernel" 2>/dev/null || echo "$kernel")
		printf 'lab: machine %s, Linux %s, collector %s\n' "$name" "$release" "$collector"
		cat "$out/report"
		read -r p f <"$out/counts" || p=0 f=1
		passed=$((passed + p)) failed=$((failed + f))
	done
done
if [ -n "$command" ]; then
	cat "$command/report"
	read -r p f <"$command/counts" || p=0 f=1
	passed=$((passed + p)) failed=$((failed + f))
fi
echo "$passed $failed" >"$results/lab.counts"
printf 'lab: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
