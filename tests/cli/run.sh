#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs a suite of bats tests and counts them: run.sh [SUITE], a folder beside this one.
# As many files at once as there are CPUs; what a file prints comes when it has ended.
set -u
suite=${1:-cli}
results=${O:-build}/test-results
log=$results/$suite.tap
mkdir -p "$results"
rm -f "$results/$suite.counts"
: >"$log"

# run_file LOG FILE: exported, for xargs. A file that was not run to its end is a test failed.
run_file() {
	local name=${2##*/} out status=0 planned ran

	out=$(bats --tap "$2" </dev/null 2>&1) || status=$?
	planned=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' <<<"$out" | tail -n 1)
	ran=$(grep -c -E '^(not )?ok ' <<<"$out")
	if [ "$ran" != "${planned:-none}" ] ||
		{ [ "$status" != 0 ] && ! grep -q '^not ok ' <<<"$out"; }; then
		out+=$'\n'"not ok 0 $name: $ran of ${planned:-no} tests, exit code $status"
	fi
	printf '# %s\n%s\n' "$name" "$out" | flock "$1" tee -a "$1"
}
export -f run_file

# Files that compare times have the machine for themselves.
alone=(diff)
files=()
for file in "$(dirname "$0")/../$suite"/*.bats; do
	name=${file##*/}
	[[ " ${alone[*]} " = *" ${name%.bats} "* ]] || files+=("$file")
done
for name in "${alone[@]}"; do
	file=$(dirname "$0")/../$suite/$name.bats
	[ ! -e "$file" ] || run_file "$log" "$file"
done
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'run_file "$@"' - "$log"
for file in "${files[@]}"; do
	grep -q -x "# ${file##*/}" "$log" ||
		echo "not ok 0 ${file##*/}: was not run" | tee -a "$log"
done
passed=$(grep -v '# skip' "$log" | grep -c '^ok ')
failed=$(grep -c '^not ok ' "$log")
printf '%d %d\n' "$passed" "$failed" >"$results/$suite.counts"
printf '%s: %d passed, %d failed\n' "$suite" "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
