#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# House rules that a program can check: tools/style.sh
#
# Licence line, line length, file length, function length, shell scripts and
# spelling must hold for every file. What clang-format would change in the lines
# that differ from STYLE_BASE (the last commit's parent, or the last commit when
# the work tree differs from it) is shown, and is advice.
set -u
cd "$(dirname "$0")/.." || exit 1
columns=100
file_lines=600
function_lines=60
faults=0

fault() {
	printf '%s\n' "$1"
	faults=$((faults + 1))
}

have() {
	command -v "$1" >/dev/null && return
	printf 'style: %s is not installed, skipped\n' "$1" >&2
	return 1
}

# Files of the repository, known to git or new. Arguments are patterns.
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ -f "$file" ] && [ ! -L "$file" ] && printf '%s\n' "$file"
	done
}

check_text() {
	local file
	while read -r file; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' ||
			fault "$file: no SPDX line"
	done < <(files '*.c' '*.h' '*.def' '*.S' '*.sh' '*.bats' '*.mk' Makefile .ci/run)
	while read -r line; do
		fault "$line"
	done < <(files '*.c' '*.h' '*.def' '*.sh' '*.bats' | while read -r file; do
		expand "$file" | awk -v max=$columns -v file="$file" \
			'length > max { print file ":" NR ": " length " columns" }'
	done)
	while read -r line; do
		fault "$line"
	done < <(files '*.c' '*.h' '*.def' '*.sh' '*.bats' | xargs -r wc -l |
		awk -v max=$file_lines '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }')
	while read -r line; do
		fault "$line: space at the end of the line"
	done < <(files '*.c' '*.h' '*.def' '*.sh' '*.bats' '*.mk' Makefile |
		xargs -r grep -nE '[ 	]+$' /dev/null | cut -d: -f1,2)
}

check_functions() {
	have ctags && ctags --version | grep -q Universal || return
	while read -r line; do
		fault "$line"
	done < <(files '*.c' '*.h' | xargs -r ctags -f - --languages=C --langmap=C:+.h \
		--c-kinds=f --fields=+ne | awk -F '\t' -v max=$function_lines '
		{
			from = to = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) from = substr($i, 6)
				if ($i ~ /^end:/) to = substr($i, 5)
			}
			if (to - from + 1 > max)
				print $2 ":" from ": " $1 "() has " to - from + 1 " lines"
		}')
}

check_shell() {
	local scripts
	have shellcheck || return
	mapfile -t scripts < <(
		files '*.sh' '*.bats'
		files .ci tools tests | grep -v '\.sh$\|\.bats$' |
			xargs -r grep -lE '^#!.*[/ ](ba)?sh'
	)
	# Scripts that are sourced by others share variables with them.
	shellcheck -e SC1091,SC2034,SC2154 "${scripts[@]}" || faults=$((faults + 1))
}

check_spelling() {
	have codespell || return
	files '*.c' '*.h' '*.def' '*.sh' '*.bats' '*.md' '*.scd' Makefile |
		xargs -r codespell -L nd,damon || faults=$((faults + 1))
}

# The kernel's own rules. Its script comes with a kernel's source, such as that of the lab's
# debug kernel; CHECKPATCH= names another. What is excepted, and why:
#   AVOID_EXTERNS      symbols that are defined in assembly
#   LINE_SPACING       NOKPROBE_SYMBOL() stands at its function's end
#   BIT_MACRO          headers that user space reads as well
#   the others         macros that define functions, walk lists or name members
check_kernel() {
	local script=${CHECKPATCH-} line
	local except=AVOID_EXTERNS,LINE_SPACING,BIT_MACRO,TRAILING_SEMICOLON,COMPLEX_MACRO
	except+=,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE

	if [ -z "$script" ]; then
		script=$(find "${XDG_CACHE_HOME:-$HOME/.cache}/mmuscope" -maxdepth 5 \
			-name checkpatch.pl 2>/dev/null | head -n 1)
	fi
	if [ -z "$script" ]; then
		echo 'style: no checkpatch.pl (a kernel source has it; CHECKPATCH=), skipped' >&2
		return
	fi
	while read -r line; do
		fault "$line"
	done < <(files 'kmod/*.c' 'kmod/*.h' 'tests/causes/provoke/*.c' include/mmuscope/kmod.h |
		xargs -r -n 1 perl "$script" --no-tree --strict --terse --show-types \
			--ignore "$except" -f 2>/dev/null | grep -v '^total:')
}

advise_format() {
	local base=${STYLE_BASE-}
	git rev-parse -q --verify HEAD >/dev/null || return
	have clang-format && have git-clang-format || return
	if [ -z "$base" ]; then
		git diff --quiet HEAD && base=HEAD^ || base=HEAD
	fi
	git rev-parse -q --verify "$base" >/dev/null || return
	printf 'clang-format, as advice, on lines that differ from %s:\n' "$base"
	git-clang-format --diff --extensions c,h "$base"
}

check_text
check_functions
check_shell
check_spelling
check_kernel
advise_format
printf 'style: %d faults\n' "$faults"
[ "$faults" = 0 ]
