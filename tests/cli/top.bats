#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope top: in batches, and on a terminal that tmux provides. Made-up records.
load common

# More of them than can be read in the time of a test: they are there at each refresh.
endless='synth:records=100000000000,vms=3'

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	if [ -S "$BATS_TEST_TMPDIR/tmux" ]; then
		tmux -S "$BATS_TEST_TMPDIR/tmux" kill-server || :
	fi
}

tmux_do() {
	env -u TMUX tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@"
}

# Starts $3 on a terminal of $1 columns and $2 lines; a shell comes after it.
terminal() {
	command -v tmux >/dev/null || skip "tmux is not installed"
	tmux_do new-session -d -s top -x "$1" -y "$2" \
		"stty -g >before; $3; echo \"ended \$?\"; stty -g >after; exec sleep 60"
}

page() {
	tmux_do capture-pane -p -t top
}

keys() {
	tmux_do send-keys -t top "$@"
}

# Waits for a page that matches $1.
see() {
	for _ in $(seq 100); do
		if page | grep -qE -e "$1"; then
			return
		fi
		sleep 0.1
	done
	echo "not seen: $1" >&2
	page >&2
	return 1
}

see_no() {
	for _ in $(seq 100); do
		if ! page | grep -qE -e "$1"; then
			return
		fi
		sleep 0.1
	done
	echo "still seen: $1" >&2
	page >&2
	return 1
}

see_order() {
	for _ in $(seq 100); do
		if [ "$(page | grep -oE '^synth-.' | tr -d '\n')" = "$1" ]; then
			return
		fi
		sleep 0.1
	done
	page >&2
	return 1
}

# The terminal is as it was, and top ended with code $1.
assert_ended() {
	see "^ended $1$"
	[ "$(tmux_do display-message -p -t top '#{alternate_on} #{cursor_flag}')" = "0 1" ]
	for _ in $(seq 50); do
		[ ! -s after ] || break
		sleep 0.1
	done
	diff before after
}

top_on() {
	terminal "$1" "$2" "'$binary' top --source $endless -i 0.2 $3"
	see '^VM .*fault/s'
}

@test "top --batch: the same columns in each refresh, the first has no cost that is none" {
	for args in "" "--by vm,cause" "--by access"; do
		for columns in 40 80 160; do
			# shellcheck disable=SC2086
			COLUMNS=$columns run --separate-stderr mmuscope top --batch -n 4 -i 0.2 \
				$args --source $endless
			[ "$status" = 0 ]
			[ "$(grep -E ' fault/s( |$)' <<<"$output" | sort -u | wc -l)" = 1 ]
			# On a busy host nothing may come in an interval, which then has no rows.
			[ "$(grep -cE ' fault/s( |$)' <<<"$output")" -ge 2 ]
			[[ "$output" != *"refresh 0ns"* ]]
			[[ "$output" == *"refresh "* ]]
		done
	done
	mmuscope top --json -n 2 -i 0.1 --source $endless |
		jq -se '.[0].cost.refresh_ns == null and .[1].cost.refresh_ns > 0'
}

@test "top: wrong numbers and arguments are refused, exit 2" {
	for option in -d0 -i0 -n0 -nx --by=nothing --by= now; do
		run --separate-stderr mmuscope top --batch "$option"
		assert_refused 2
	done
	run --separate-stderr mmuscope top --batch -p 1 --vm x
	assert_refused 2
	run --separate-stderr mmuscope top --batch --sort nothing --source synth:records=10
	assert_refused 2
}

@test "top without a terminal names --batch, exit 2" {
	run --separate-stderr mmuscope top --source synth:records=100
	assert_refused 2
	[[ "$stderr" == *"--batch"* ]]
}

@test "top on a terminal that is not known names --batch" {
	terminal 80 24 "TERM=nosuch '$binary' top --source synth:records=100"
	see "--batch"
	assert_ended 1
}

@test "top without privilege: one sentence, exit 1" {
	run_unprivileged top --batch -n 1
	assert_refused 1
}

@test "top --batch counts what stat counts" {
	command -v jq >/dev/null || skip "jq is not installed"
	source=synth:records=30000,seed=5,vms=3
	mmuscope stat --json --source $source >stat.json
	mmuscope top --json -n 1 --source $source >top.json
	[ "$(wc -l <top.json)" = 1 ]
	diff <(jq -c '[.vms[] | [.name, ([.faults[]?.count] | add), ([.faults[]?.ns] | add),
			([.flushes[]?.count] | add), ([.invalidations[]?.count] | add),
			([.exits[]?.count] | add), ([.dirty[]?.pages] | add)]] | sort' stat.json) \
		<(jq -c '[.top.vms[] | [.name, .faults, .ns, .flushes, .invalidations, .exits,
			.dirty_pages]] | sort' top.json)
}

@test "top --batch --by: rows add up to all that there is" {
	command -v jq >/dev/null || skip "jq is not installed"
	source=synth:records=30000,seed=5
	mmuscope stat --json --source $source >stat.json
	# There are more instructions than rows: what is in no row is said.
	for by in vcpu access slot vm,vcpu rip; do
		mmuscope top --json -n 1 --by $by --source $source >top.json
		[ "$(jq '[.vms[].faults[].count] | add' stat.json)" = \
			"$(jq '([.top.rows[].faults] | add) + .top.uncounted' top.json)" ]
		[ $by = rip ] || [ "$(jq .top.uncounted top.json)" = 0 ]
	done
	mmuscope top --json -n 1 --by vcpu --source $source >top.json
	[ "$(jq '[.vms[].exits[].count] | add' stat.json)" = \
		"$(jq '[.top.rows[].exits] | add' top.json)" ]
}

@test "top --batch: text fits 80 columns, and 40" {
	for columns in 80 40; do
		COLUMNS=$columns run --separate-stderr mmuscope top --batch -n 1 \
			--source synth:records=20000
		[ "$status" = 0 ]
		[ "${#lines[@]}" -gt 4 ]
		[ -z "$(awk -v max=$columns 'length > max' <<<"$output")" ]
	done
}

@test "top --batch: -n refreshes, and a reader who goes away ends it" {
	[ "$(mmuscope top --json -n 3 -i 0.1 --source $endless | wc -l)" = 3 ]
	mmuscope top --batch -i 0.1 --source $endless | head -n 1
	[ "${PIPESTATUS[0]}" = 0 ]
}

@test "top --sort sorts by numbers and by names" {
	command -v jq >/dev/null || skip "jq is not installed"
	mmuscope top --json -n 1 --sort flush_rate --source synth:records=20000,vms=5 |
		jq -e '.top.vms | map(.flushes) | . == (sort | reverse)'
	mmuscope top --json -n 1 --sort name --source synth:records=20000,vms=5 |
		jq -e '.top.vms | map(.name) | . == sort'
}

@test "top on 80x24: rows, drilling down and back, q" {
	top_on 80 24
	see '^synth-[123]:'
	see 'refresh [0-9.]+[um]?s'
	see '^q quit .*Enter open'
	[ -z "$(page | awk 'length > 80')" ]
	keys Enter
	see '^synth-[123]:[0-9]+, by vCPU'
	see '^vcpu .*fault/s'
	keys Tab
	see ', by kind of fault'
	see '^condition +access +verdict'
	keys Tab
	see ', by cause'
	keys Tab
	see ', by memslot'
	see '^slot .*fault/s'
	keys BTab BTab BTab
	see ', by vCPU'
	see '^[0-3] '
	keys Enter
	see '^synth-[123]:[0-9]+ > vcpu [0-3], by kind of fault'
	see '^not_present'
	keys Escape
	see '^synth-[123]:[0-9]+, by vCPU'
	keys Escape
	see '^synth-[123]:'
	see '^VMs$'
	keys q
	assert_ended 0
}

@test "top: filter, sort, reverse, freeze" {
	top_on 80 24
	see '^synth-1:'
	keys / h - 2
	see_no '^synth-[13]:'
	see '^synth-2:'
	keys Enter
	see "with 'h-2'"
	keys Escape
	see '^synth-1:'
	keys / n o t h e r e
	see '^No row has this text'
	keys Escape
	see '^synth-1:'
	# From the time to the name, which is the first.
	keys '<' '<' '<'
	see_order synth-1synth-2synth-3
	keys r
	see_order synth-3synth-2synth-1
	keys Space
	see FROZEN
	page | tail -n +2 >one
	sleep 0.5
	page | tail -n +2 >two
	diff one two
	keys Space
	see_no FROZEN
	keys q
	assert_ended 0
}

@test "top on 40x12: what matters is there, help can be scrolled, size can change" {
	top_on 40 12
	see '^synth-.* [0-9.]+[um]?s'
	[ -z "$(page | awk 'length > 40')" ]
	keys '?'
	see 'look into the selected row'
	for _ in 1 2 3 4 5; do keys Down; done
	see 'q +quit'
	keys x
	see '^VMs$'
	tmux_do resize-window -t top -x 100 -y 30
	see 'exits/s'
	tmux_do resize-window -t top -x 10 -y 3
	sleep 0.5
	tmux_do resize-window -t top -x 80 -y 24
	see 'exits/s'
	keys q
	assert_ended 0
}

@test "top: Ctrl-C, SIGTERM and SIGHUP give the terminal back" {
	top_on 80 24
	keys C-c
	assert_ended 0
	rm after
	for signal in TERM:0 HUP:129 QUIT:131 SEGV:139; do
		teardown
		rm -f tmux after pid
		terminal 80 24 "sh -c 'echo \$\$ >pid; exec \"$binary\" top --source $endless'"
		see '^VM .*fault/s'
		kill -"${signal%:*}" "$(cat pid)"
		assert_ended "${signal#*:}"
	done
}

@test "top: no colour with NO_COLOR, only what a light terminal can show otherwise" {
	top_on 80 24
	see '^synth'
	tmux_do capture-pane -e -p -t top >coloured
	keys q
	# Neither a background of its own nor white, yellow, cyan or blue.
	run ! grep -qE $'\033''\[([0-9;]*;)?(4[0-8]|3[02346-8]|9[0-7]|10[0-7])(;|m)' coloured
	grep -qE $'\033''\[([0-9;]*;)?35m' coloured
	teardown
	rm -f tmux
	terminal 80 24 "NO_COLOR=1 '$binary' top --source $endless -i 0.2"
	see '^VM .*fault/s'
	tmux_do capture-pane -e -p -t top >plain
	run ! grep -qE $'\033''\[([0-9;]*;)?(3[0-8]|4[0-8])(;|m)' plain
}
