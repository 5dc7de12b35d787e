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

# run_file FILE: exported, for xargs.
run_file() {
	local out

	out=$(bats --tap "$1" </dev/null 2>&1)
	printf '# %s\n%s\n' "${1##*/}" "$out" | flock "$2" tee -a "$2"
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
	[ ! -e "$file" ] || run_file "$file" "$log"
done
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -I FILE bash -c 'run_file "$@"' - FILE "$log"
passed=$(grep -v '# skip' "$log" | grep -c '^ok ')
skipped=$(grep -c '^ok .*# skip' "$log")
failed=$(grep -c '^not ok ' "$log")
# A file that came to no end has promised more than it did.
promised=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
if [ $((passed + skipped + failed)) -lt "$promised" ]; then
	failed=$((promised - passed - skipped))
fi
printf '%d %d\n' "$passed" "$failed" >"$results/$suite.counts"
printf '%s: %d passed, %d failed\n' "$suite" "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
