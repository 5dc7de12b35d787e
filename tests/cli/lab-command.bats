#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope lab, as far as it goes without booting anything.
load common

setup() {
	# Nothing is to be fetched, nor left behind.
	export MMUSCOPE_CACHE=$BATS_TEST_TMPDIR/cache TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
}

teardown() {
	[ ! -e "$MMUSCOPE_CACHE" ]
	[ -z "$(ls "$TMPDIR")" ]
}

@test "lab list: every workload says in two sentences or so what to look for" {
	run --separate-stderr mmuscope lab list
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	for name in cold-touch warm-touch huge-pages sparse-touch vcpus fork-storm \
		context-switch munmap tlb-flush mmio migration balloon ksm; do
		[[ "$output" == *"$name: "* ]]
	done
	for name in amd intel host; do
		grep -q "^  $name " <<<"$output"
	done
	[ -z "$(awk 'length > 80' <<<"$output")" ]
}

@test "lab list --json: guests are those that the guest program has" {
	command -v jq >/dev/null || skip "jq is not installed"
	guest=${binary%/*}/tools/lab/guest/mmuscope-guest
	[ -x "$guest" ] || skip "the guest program is not built"
	mmuscope lab list --json >"$BATS_TEST_TMPDIR/list"
	[ "$(jq '.workloads | length' "$BATS_TEST_TMPDIR/list")" -ge 11 ]
	[ "$(jq '[.workloads[] | select(.look | length < 80)] | length' \
		"$BATS_TEST_TMPDIR/list")" = 0 ]
	for work in $(jq -r '.workloads[].guest | split(" ")[0]' "$BATS_TEST_TMPDIR/list"); do
		"$guest" list | grep -q "^  $work "
	done
}

@test "lab: neither list nor run: exit 2" {
	run --separate-stderr mmuscope lab
	assert_refused 2
	run --separate-stderr mmuscope lab show
	assert_refused 2
	[[ "$stderr" == *show* ]]
	run --separate-stderr mmuscope lab list more
	assert_refused 2
	[[ "$stderr" == *more* ]]
}

@test "lab run: an unknown workload is named, and what was meant" {
	run --separate-stderr mmuscope lab run fork-strm
	assert_refused 2
	[[ "$stderr" == *fork-strm*fork-storm* ]]
}

@test "lab run: wrong machines and modes are named, exit 2" {
	run --separate-stderr mmuscope lab run --machine sparc
	assert_refused 2
	[[ "$stderr" == *sparc* ]]
	run --separate-stderr mmuscope lab run --modes tdp
	assert_refused 2
	[[ "$stderr" == *tdp* ]]
	run --separate-stderr mmuscope lab run --machine amd --modes ept
	assert_refused 2
	[[ "$stderr" == *amd*ept* ]]
	run --separate-stderr mmuscope lab run --machine host --modes shadow
	assert_refused 2
}

@test "lab run: a kernel that there is not is named, and nothing is booted" {
	run --separate-stderr mmuscope lab run cold-touch --kernel 9.9
	assert_refused 2
	[[ "$stderr" == *9.9*6.12* ]]
}

@test "lab run: files that cannot be written are named before anything is booted" {
	run --separate-stderr mmuscope lab run --html "$BATS_TEST_TMPDIR/no/where.html"
	assert_refused 1
	[[ "$stderr" == *no/where.html* ]]
	run --separate-stderr mmuscope lab run -o "$BATS_TEST_TMPDIR/no/where.txt"
	assert_refused 1
	[[ "$stderr" == *no/where.txt* ]]
}

@test "lab run: without its scripts it says where it looked" {
	install -m 755 "$binary" "$BATS_TEST_TMPDIR/mmuscope"
	run --separate-stderr "$BATS_TEST_TMPDIR/mmuscope" lab run
	assert_refused 1
	[[ "$stderr" == *libexec/mmuscope/lab* ]]
}

@test "lab run: being ended ends the run, its emulator, and cleans up, exit 130" {
	dir=$BATS_TEST_TMPDIR/bin
	mkdir -p "$dir/lab/jobs"
	install -m 755 "$binary" "$dir/mmuscope"
	mkdir -p "$dir/tools/lab/guest"
	printf '#!/bin/sh\n' >"$dir/tools/lab/guest/mmuscope-guest"
	# A driver that never ends, and tells that it is there.
	cat >"$dir/lab/lab" <<-EOF
		#!/bin/sh
		[ "\$1" = prepare ] && exit 0
		echo \$\$ >$BATS_TEST_TMPDIR/pid
		exec sleep 1000
	EOF
	chmod 755 "$dir/lab/lab" "$dir/tools/lab/guest/mmuscope-guest"
	timeout -k 1 60 "$dir/mmuscope" lab run --modes npt cold-touch 2>/dev/null 3>&- &
	for _ in $(seq 500); do
		[ ! -s "$BATS_TEST_TMPDIR/pid" ] || break
		sleep 0.02
	done
	kill -TERM $!
	code=0
	wait $! || code=$?
	[ "$code" = 130 ]
	run ! kill -0 "$(cat "$BATS_TEST_TMPDIR/pid")"
}
