#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs a suite of bats tests and counts them: run.sh [SUITE], a folder beside this one.
set -u
suite=${1:-cli}
results=${O:-build}/test-results
mkdir -p "$results"
rm -f "$results/$suite.counts"
log=$results/$suite.tap
bats --tap "$(dirname "$0")/../$suite" </dev/null 2>&1 | tee "$log"
passed=$(grep -v '# skip' "$log" | grep -c '^ok ')
failed=$(grep -c '^not ok ' "$log")
printf '%d %d\n' "$passed" "$failed" >"$results/$suite.counts"
printf '%s: %d passed, %d failed\n' "$suite" "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
