#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs the command-line tests with bats and counts them.
set -u
results=${O:-build}/test-results
mkdir -p "$results"
rm -f "$results/cli.counts"
log=$results/cli.tap
bats --tap "$(dirname "$0")" </dev/null 2>&1 | tee "$log"
passed=$(grep -v '# skip' "$log" | grep -c '^ok ')
failed=$(grep -c '^not ok ' "$log")
printf '%d %d\n' "$passed" "$failed" >"$results/cli.counts"
printf 'cli: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
