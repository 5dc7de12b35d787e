#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs test suites and adds up what they counted.
#
#   tests/run.sh MAKE SUITE...    make check-SUITE for each, all of them whatever fails
#
# A suite leaves $O/test-results/SUITE.counts: two numbers, passed and failed.
# One that leaves none, or whose target fails with no test failed, counts as
# one failure. The sum goes to $O/test-results/summary and is the last line.
set -u
results=${O:-build}/test-results
make=$1
shift

mkdir -p "$results"
rm -f "$results"/*.counts "$results"/summary
passed=0
failed=0
for suite in "$@"; do
	printf '== %s\n' "$suite"
	begin=$SECONDS
	status=0
	$make --no-print-directory "check-$suite" || status=$?
	p=0
	f=0
	if [ -r "$results/$suite.counts" ]; then
		read -r p f <"$results/$suite.counts"
	else
		printf '%s: did not finish\n' "$suite"
	fi
	if [ $((p + f)) = 0 ] || { [ "$status" != 0 ] && [ "$f" = 0 ]; }; then
		f=1
	fi
	printf '%s: %d seconds\n' "$suite" "$((SECONDS - begin))"
	passed=$((passed + p))
	failed=$((failed + f))
done
printf '%d passed, %d failed\n' "$passed" "$failed" | tee "$results/summary"
[ "$failed" = 0 ]
