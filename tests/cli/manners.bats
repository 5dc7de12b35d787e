#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What users expect of any tool: pager, completion, installation.
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Runs a command line with a terminal as its standard output, and prints what came there.
on_terminal() {
	command -v script >/dev/null || skip "script is not installed"
	TERM=xterm timeout 60 script -qec "$*" /dev/null </dev/null | tr -d '\r'
}

recording() {
	mmuscope record --source synth:records=5000 2>/dev/null
}

@test "on a terminal, what is long goes through the pager" {
	recording
	for command in report script info; do
		PAGER="sed s/^/paged:/" on_terminal "'$binary'" $command >out
		grep -q ^paged: out
		run ! grep -qv ^paged: out
		MMUSCOPE_PAGER="sed s/^/mine:/" PAGER=false on_terminal "'$binary'" $command >out
		grep -q ^mine: out
		PAGER="sed s/^/paged:/" on_terminal "'$binary'" --no-pager $command >out
		[ -s out ]
		run ! grep -q ^paged: out
		PAGER='' on_terminal "'$binary'" $command >plain
		diff out plain
	done
}

@test "into a pipe or a file there is no pager" {
	recording
	PAGER="sed s/^/paged:/" mmuscope report >out
	[ -s out ]
	run ! grep -q ^paged: out
	PAGER="sed s/^/paged:/" on_terminal "'$binary'" report -o file >out
	run ! grep -q ^paged: out
	[ -s file ]
}

@test "the pager gets colours and the terminal's width, not with NO_COLOR" {
	recording
	PAGER="cat -v" on_terminal "stty cols 60; '$binary' report" >out
	grep -qF '^[[1m' out
	[ -z "$(sed 's/\^\[\[[0-9]*m//g' out | awk 'length > 60')" ]
	NO_COLOR=1 PAGER="cat -v" on_terminal "'$binary'" report >out
	run ! grep -qF '^[' out
}

@test "a command's exit code passes the pager" {
	recording
	head -c 3000 mmuscope.data >torn.data
	PAGER="sed s/^/paged:/" on_terminal "'$binary' report torn.data; echo code \$?" >out
	grep -q "^code 1$" out
}

# Completions of the words that are given, the last one being typed.
complete_words() {
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mmuscope
		printf "%s\n" "${COMPREPLY[@]}"' - "$root/tools/completion.bash" "$binary" "$@"
}

@test "completion: all commands, and all of their options" {
	diff <(complete_words '' | grep -v ^- | sort) <(commands_list | sort)
	complete_words -- | grep -qx -e --no-pager
	for command in $(commands_list); do
		diff <(complete_words "$command" -- | grep -vx -e --help | sort -u) \
			<(mmuscope "$command" --help | help_options)
		[ "$(complete_words --no-pager "$command" --he)" = --help ]
	done
}

@test "completion: files, and a command's own words" {
	touch one.data two.data
	[ "$(complete_words report --output one)" = one.data ]
	[ "$(complete_words report --output = two)" = two.data ]
	[ "$(complete_words report tw)" = two.data ]
	complete_words record -- bas | grep -qx bash
	[ "$(complete_words record -- cat on)" = one.data ]
	[ -z "$(complete_words report --sort on)" ]
}

@test "make install: program, pages, completion; uninstall takes all away" {
	make -s -C "$root" DESTDIR="$PWD/dest" PREFIX=/usr install >/dev/null
	[ -x dest/usr/bin/mmuscope ]
	for command in $(commands_list); do
		[ -s "dest/usr/share/man/man1/mmuscope-$command.1" ]
	done
	cmp dest/usr/share/bash-completion/completions/mmuscope "$root/tools/completion.bash"
	make -s -C "$root" DESTDIR="$PWD/dest" PREFIX=/usr uninstall
	[ -z "$(find dest -type f)" ]
}
