#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs test suites and adds up what they counted.
#
#   tests/run.sh MAKE SUITE...    make check-SUITE for each, all of them whatever fails
#
# SUITE+SUITE...: side by side, after make check-built; together they boot as many machines
# at once as there are CPUs.
#
# A suite leaves $O/test-results/SUITE.counts: two numbers, passed and failed.
# One that leaves none, or whose target fails with no test failed, counts as
# one failure. The sum goes to $O/test-results/summary and is the last line.
set -u
# What runs in the background does not hear Ctrl-C by itself.
trap 'trap - INT TERM; kill 0' INT TERM
results=${O:-build}/test-results
make=$1
shift

mkdir -p "$results"
rm -f "$results"/*.counts "$results"/summary
passed=0
failed=0

# suite NAME: runs it; what it returned goes to a file.
suite() {
	local begin=$SECONDS status=0

	printf '== %s\n' "$1"
	$make --no-print-directory "check-$1" || status=$?
	echo "$status" >"$results/$1.status"
	printf '%s: %d seconds\n' "$1" "$((SECONDS - begin))"
}

# count NAME: what it left.
count() {
	local p=0 f=0

	if [ -r "$results/$1.counts" ]; then
		read -r p f <"$results/$1.counts"
	else
		printf '%s: did not finish\n' "$1"
	fi
	if [ $((p + f)) = 0 ] || { [ "$(<"$results/$1.status")" != 0 ] && [ "$f" = 0 ]; }; then
		f=1
	fi
	passed=$((passed + p))
	failed=$((failed + f))
}

# together NAME...: what they print comes when all have ended.
together() {
	local i slots=$results/slots

	rm -rf "$slots"
	mkdir "$slots"
	for ((i = 0; i < $(nproc); i++)); do
		: >"$slots/$i"
	done
	# What cannot be built is told by the suite that needs it.
	$make --no-print-directory check-built >"$results/built.log" 2>&1 || :
	for name; do
		LAB_SLOTS=$(realpath "$slots") suite "$name" >"$results/$name.log" &
		# The first ones named are the first to get a CPU.
		sleep 2
	done
	wait
	for name; do
		cat "$results/$name.log"
	done
}

for suites in "$@"; do
	read -ra names <<<"${suites//+/ }"
	if [ ${#names[@]} = 1 ]; then
		suite "$suites"
	else
		together "${names[@]}"
	fi
	for name in "${names[@]}"; do
		count "$name"
	done
done
printf '%d passed, %d failed\n' "$passed" "$failed" | tee "$results/summary"
[ "$failed" = 0 ]
