#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs cmocka programs, as many at once as there are CPUs: tests/unit/run.sh PROGRAM...
# A line for each; the whole output of those that fail.
set -u
results=${O:-build}/test-results
mkdir -p "$results/unit"
rm -f "$results/unit.counts"
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=${ASAN_OPTIONS-abort_on_error=0}
passed=0
failed=0

# cmocka prints a skipped test as "not ok N # SKIP" or "ok N # SKIP".
tap_count() {
	grep -v '# SKIP' "$2" | grep -c "^$1 " || true
}

# run_program FOLDER PROGRAM: exported, for xargs.
run_program() {
	local log=$1/${2##*/}.tap status=0

	"$2" >"$log" 2>&1 </dev/null || status=$?
	echo "$status" >"$log.status"
}
export -f run_program

rm -f "$results"/unit/*
printf '%s\0' "$@" |
	xargs -0 -n 1 -P "$(nproc)" bash -c 'run_program "$@"' - "$results/unit"
for program in "$@"; do
	name=$(basename "$program")
	log=$results/unit/$name.tap
	status=$(cat "$log.status" 2>/dev/null || echo 1)
	[ -e "$log" ] || echo "it was not run" >"$log"
	p=$(tap_count ok "$log")
	f=$(tap_count 'not ok' "$log")
	if [ "$status" != 0 ] && [ "$f" = 0 ]; then
		f=1
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	if [ "$status" = 0 ] && [ "$f" = 0 ]; then
		printf 'ok      %-28s %4d\n' "$name" "$p"
	else
		printf 'FAILED  %-28s exit code %d\n' "$name" "$status"
		sed 's/^/    /' "$log"
	fi
done
printf '%d %d\n' "$passed" "$failed" >"$results/unit.counts"
printf 'unit: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
