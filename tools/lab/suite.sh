# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Kernel packages: from the machine's own apt where it has them, otherwise from
# other suites of the same mirror through an apt state of our own. They are only
# downloaded; nothing of the machine's own state is touched.

# Suites that may have kernel $1, best first.
suite_names() {
	case $1 in
	5.10) echo bullseye-security bullseye ;;
	6.1) echo bookworm-security bookworm ;;
	6.12) echo bookworm-backports trixie-security trixie ;;
	newest) echo trixie-backports sid ;;
	esac
}

# The mirror that the machine itself uses, for suite $1.
suite_mirror() {
	local want=0

	case $1 in
	*-security) want=1 ;;
	esac
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
		'Created-By: Packages' 'Origin: Debian' |
		awk -v want=$want '($2 ~ /-security$/) == want && !seen++ { print $1 }'
}

# suite_apt STATE COMMAND ARG...: apt with nothing of the machine's in it.
suite_apt() {
	local state=$1 command=$2

	shift 2
	"$command" -qq -o Dir::State="$state/state" \
		-o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
		-o Dir::Etc::sourcelist="$state/sources.list" \
		-o Dir::Etc::sourceparts="$state/none" -o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts="$state/none" -o APT::Sandbox::User=root \
		-o Acquire::Languages=none -o Acquire::Check-Valid-Until=false "$@"
}

# Makes the state for suite $2 in folder $1 and reads its index.
suite_open() {
	local state=$1 suite=$2 mirror signed='' key

	mirror=$(suite_mirror "$suite")
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -n "$mirror" ] || return 1
	if [ -e "$key" ]; then
		signed="[arch=amd64 signed-by=$key]"
	fi
	mkdir -p "$state/none" "$state"/state/lists/partial "$state"/cache/archives/partial
	: >"$state/status"
	echo "deb $signed $mirror $suite main" >"$state/sources.list"
	suite_apt "$state" apt-get update >/dev/null 2>&1
}

# The concrete image that linux-image-amd64 of the suite stands for, if it is
# of version $2, and the packages it is split into.
suite_packages() {
	local state=$1 v=$2 image

	image=$(suite_apt "$state" apt-cache depends linux-image-amd64 2>/dev/null |
		awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
	case $v:$image in
	*:) return 1 ;;
	newest:* | "$v":linux-image-"$v".*) ;;
	*) return 1 ;;
	esac
	echo "$image"
	suite_apt "$state" apt-cache depends "$image" | awk '
		$1 == "Depends:" && $2 ~ /^linux-(modules|binary)-/ { print $2 }'
}

# One package of whatever architecture, into folder $3: from the machine's own apt,
# else from the suites of kernel $2.
suite_download_one() {
	if apt-cache show "$1" >/dev/null 2>&1; then
		(cd "$3" && apt-get -qq -o APT::Sandbox::User=root download "$1" >&2) && return
	fi
	suite_download_other "$@"
}

# The same from the suites of the kernel alone.
suite_download_other() {
	local package=$1 v=$2 to=$3 suite

	for suite in $(suite_names "$v"); do
		rm -rf "$to/apt"
		suite_open "$to/apt" "$suite" || continue
		(cd "$to" && suite_apt "$to/apt" apt-get download "$package" >&2) || continue
		rm -rf "$to/apt"
		return 0
	done
	rm -rf "$to/apt"
	die "$LAB_PREPARE" "no suite of this machine's mirror has $package"
}

suite_download() {
	local v=$1 to=$2 suite packages package

	if [ "$v" = 6.1 ]; then
		package=$(kernel_newest_package '^linux-image-6\.1\.0-[0-9]+-amd64$' apt-cache)
		if [ -n "$package" ]; then
			(cd "$to" && apt-get -qq -o APT::Sandbox::User=root \
				download "$package" >&2)
			return
		fi
	fi
	for suite in $(suite_names "$v"); do
		rm -rf "$to/apt"
		suite_open "$to/apt" "$suite" || continue
		packages=$(suite_packages "$to/apt" "$v") || continue
		progress "downloading $(tr '\n' ' ' <<<"$packages")from $suite"
		# shellcheck disable=SC2086
		(cd "$to" && suite_apt "$to/apt" apt-get download $packages >&2) ||
			continue
		rm -rf "$to/apt"
		return 0
	done
	rm -rf "$to/apt"
	die "$LAB_PREPARE" "no suite of this machine's mirror has kernel $v"
}

# What the headers of release $1 consist of, as the given apt-cache tells.
suite_headers() {
	local release=$1

	shift
	"$@" depends "linux-headers-$release" 2>/dev/null | awk -v first="linux-headers-$release" '
		BEGIN { print first }
		$1 == "Depends:" && $2 ~ /^linux-(headers|kbuild)-/ { print $2; n++ }
		END { exit !n }'
}

# Headers of exactly the kernel of release $2.
suite_download_headers() {
	local v=$1 release=$2 to=$3 suite packages

	if packages=$(suite_headers "$release" apt-cache); then
		# shellcheck disable=SC2086
		(cd "$to" && apt-get -qq -o APT::Sandbox::User=root download $packages >&2) &&
			return 0
	fi
	for suite in $(suite_names "$v"); do
		rm -rf "$to/apt"
		suite_open "$to/apt" "$suite" || continue
		packages=$(suite_headers "$release" suite_apt "$to/apt" apt-cache) || continue
		# shellcheck disable=SC2086
		(cd "$to" && suite_apt "$to/apt" apt-get download $packages >&2) || continue
		rm -rf "$to/apt"
		return 0
	done
	rm -rf "$to/apt"
	die "$LAB_PREPARE" "no suite of this machine's mirror has headers of kernel $release"
}
