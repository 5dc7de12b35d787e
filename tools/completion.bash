# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of mmuscope's command line in bash. Commands and options are those
# of the tool's own tables: mmuscope --list-commands, mmuscope COMMAND --list-options.

# The command's words begin behind its place, $1 in COMP_WORDS.
_mmuscope_command_line() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif [ "$COMP_CWORD" = "$1" ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

# What is written after an option whose argument is called $1.
_mmuscope_value() {
	case $1 in
	FILE) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	esac
}

_mmuscope() {
	local tool=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} at=1 before option options
	COMPREPLY=()
	[ "${COMP_WORDS[1]}" != --no-pager ] || at=2
	if [ "$COMP_CWORD" -le "$at" ]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$("$tool" --list-commands 2>/dev/null) --help --version --no-pager" -- "$word")
		return
	fi
	for ((before = at + 1; before < COMP_CWORD; before++)); do
		if [ "${COMP_WORDS[before]}" = -- ]; then
			_mmuscope_command_line $((before + 1))
			return
		fi
	done
	mapfile -t options < <("$tool" "${COMP_WORDS[at]}" --list-options 2>/dev/null)
	# "--sort ns", or "--sort=ns", of which bash makes three words.
	before=${COMP_WORDS[COMP_CWORD - 1]}
	if [ "$before" = = ] || [ "$word" = = ]; then
		[ "$word" != = ] || word=
		before=${COMP_WORDS[COMP_CWORD - 1 - (${#word} > 0 || ${#before} == 1)]}
	fi
	for option in "${options[@]}"; do
		if [ "${option%%=*}" = "$before" ] && [ "$option" != "$before" ]; then
			_mmuscope_value "${option#*=}" "$word"
			return
		fi
	done
	if [[ "$word" == -* ]]; then
		options=("${options[@]%%=*}")
		mapfile -t COMPREPLY < <(compgen -W "${options[*]}" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -o bashdefault -F _mmuscope mmuscope
