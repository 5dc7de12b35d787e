# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The cache: things are made once under a lock, in a temporary place, and then
# renamed, so that a half-made thing is never seen.

# cache_make NAME FUNCTION ARG...: unless there, has FUNCTION fill the folder
# whose path it gets as its first argument.
cache_make() {
	local name=$1 what=$2 target=$LAB_CACHE/$1 part

	shift 2
	if [ -e "$target" ]; then
		return 0
	fi
	mkdir -p "$(dirname "$target")" ||
		die "$LAB_PREPARE" "cannot make the cache $LAB_CACHE"
	exec 9>"$target.lock"
	if ! flock -n 9; then
		progress "waiting for another lab that makes $name"
		flock 9
	fi
	if ! [ -e "$target" ]; then
		part=$target.part
		rm -rf "$part"
		mkdir "$part"
		"$what" "$part" "$@" 9>&- ||
			die "$LAB_PREPARE" "could not make $name"
		mv "$part" "$target"
	fi
	exec 9>&-
}
