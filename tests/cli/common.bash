# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the command-line tests. MMUSCOPE is set by the Makefile.
bats_require_minimum_version 1.5.0

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
binary=${MMUSCOPE:-$root/build/mmuscope}

# A test that hangs is a test that failed.
mmuscope() {
	timeout 60 "$binary" "$@"
}

# Runs the tool as a user without any privilege; a copy, for the tree may be
# out of that user's reach.
run_unprivileged() {
	if [ "$(id -u)" != 0 ]; then
		run --separate-stderr mmuscope "$@"
		return
	fi
	install -m 755 "$binary" "$BATS_TEST_TMPDIR/mmuscope"
	chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	run --separate-stderr timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$BATS_TEST_TMPDIR/mmuscope" "$@"
}

# The subcommands, as the tool itself lists them: "  doctor   can this host..."
commands_list() {
	mmuscope --help | sed -n 's/^  \([a-z]\{3,\}\)  .*/\1/p'
}

# Long options of a --help text, without those that argp adds everywhere.
help_options() {
	grep -oE '^ +(-[A-Za-z?], +)?--[a-z][a-z0-9-]*' | grep -oE -e '--[a-z0-9-]+' |
		grep -vxE -e '--(help|usage|version)' | sort -u
}

# Long options of a man page's source: lines that begin with *-x*, *--long* or *--long*.
man_options() {
	grep -E '^\*-' "$1" | grep -oE '\*--[a-z][a-z0-9-]*' | tr -d '*' |
		grep -vxE -e '--(help|usage|version)' | sort -u
}

# The last run failed with code $1, wrote nothing to stdout and one short
# message without a crash's marks to stderr.
assert_refused() {
	[ "$status" = "$1" ] || { echo "exit code $status, not $1: $output $stderr"; return 1; }
	[ -z "$output" ] || { echo "on stdout: $output"; return 1; }
	[ -n "$stderr" ] || { echo "silent"; return 1; }
	[ "${#stderr_lines[@]}" -le 2 ] || { echo "too many words: $stderr"; return 1; }
}
