#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs fuzz targets, all at once: tests/fuzz/run.sh PROGRAM...
#
# Each runs for FUZZ_SECONDS (600) and begins with tests/fuzz/corpus-NAME. What it
# learns stays in $O/fuzz/corpus-NAME; an input that breaks the program is printed
# and kept there too: put it into tests/fuzz/corpus-NAME with the correction.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-600}
here=${O:-build}/fuzz
declare -A running
failed=0

for program in "$@"; do
	name=$(basename "$program")
	mkdir -p "$here/corpus-$name"
	"$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -max_len=65536 \
		-print_final_stats=1 -artifact_prefix="$here/found-$name-" \
		"$here/corpus-$name" "tests/fuzz/corpus-$name" >"$here/$name.log" 2>&1 &
	running[$name]=$!
done
for name in "${!running[@]}"; do
	status=0
	wait "${running[$name]}" || status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$here/$name.log")
	if [ "$status" = 0 ]; then
		printf 'ok      %-12s %s inputs in %s s\n' "$name" "${runs:-0}" "$seconds"
	else
		printf 'FAILED  %-12s exit code %d\n' "$name" "$status"
		grep -A 12 -E 'ERROR|runtime error' "$here/$name.log" | head -n 30
		ls "$here/found-$name-"* 2>/dev/null
		failed=1
	fi
done
exit $failed
