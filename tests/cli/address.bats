#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope translate, slots and list: usage, refusals, libvirt; and, where this machine
# has a KVM that a guest can run on, a guest's own word on where its pages are.
load common

guest=${binary%/*}/tools/lab/guest/mmuscope-guest

teardown() {
	[ -z "${guest_pid-}" ] || { touch "$BATS_TEST_TMPDIR/hold"; wait "$guest_pid" || true; }
}

# guest_start NAME: a guest that has mapped its pages, and stands still.
guest_start() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -w /dev/kvm ] || skip "there is no KVM here"
	[ -x "$guest" ] || skip "the guest program is not built"
	cd "$BATS_TEST_TMPDIR" || return
	"$guest" map --cpl 3 --name "$1" --map-file map --hold-file hold \
		>guest.out 2>&1 3>&- &
	guest_pid=$!
	until [ -e map ] && grep -q ^check= guest.out; do
		kill -0 "$guest_pid" 2>/dev/null || skip "no guest runs here: $(head -1 guest.out)"
		sleep 0.1
	done
	grep -q '^check=ok' guest.out
	"$binary" slots "$1" >/dev/null 2>slots.err ||
		! grep -q BTF slots.err || skip "$(cat slots.err)"
}

@test "translate, slots: wrong usage is named, exit 2" {
	run --separate-stderr mmuscope translate
	assert_refused 2
	run --separate-stderr mmuscope translate web1
	assert_refused 2
	run --separate-stderr mmuscope translate web1 12xy
	assert_refused 2
	[[ "$stderr" == *12xy* ]]
	run --separate-stderr mmuscope translate web1 -- -5
	assert_refused 2
	run --separate-stderr mmuscope translate web1 12345678901234567
	assert_refused 2
	run --separate-stderr mmuscope translate web1 1000 2000
	assert_refused 2
	[[ "$stderr" == *2000* ]]
	run --separate-stderr mmuscope translate web1 1000 --vcpu one
	assert_refused 2
	run --separate-stderr mmuscope translate web1 1000 --cr3 ""
	assert_refused 2
	run --separate-stderr mmuscope slots
	assert_refused 2
	run --separate-stderr mmuscope slots web1 web2
	assert_refused 2
	[[ "$stderr" == *web2* ]]
}

@test "translate, slots without root: one sentence, exit 1" {
	run_unprivileged translate web1 1000
	assert_refused 1
	[[ "$stderr" == *root* ]]
	run_unprivileged slots web1
	assert_refused 1
	[[ "$stderr" == *root* ]]
}

@test "translate, slots: a VM or process that there is not, exit 1" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	run --separate-stderr mmuscope translate no-such-vm 1000
	assert_refused 1
	[[ "$stderr" == *no-such-vm* ]]
	run --separate-stderr mmuscope slots 1
	assert_refused 1
	[[ "$stderr" == *"process 1 has no VM"* ]]
	run --separate-stderr mmuscope slots 999999999
	assert_refused 1
	[[ "$stderr" == *"does not exist"* ]]
}

@test "translate: each address of a guest, against the guest and /proc/PID/pagemap" {
	command -v jq >/dev/null || skip "jq is not installed"
	guest_start translated
	cut -d ' ' -f 1 map | mmuscope translate translated - --json >lines
	[ "$(wc -l <lines)" = "$(wc -l <map)" ]
	jq -r '.translation | "\(.gva) \(.gpa // "0x0") \(.hva // "0x0") \(.hpa // "0x0")"' \
		lines >got
	# The frame of a page, and the offset in it.
	awk '{ print $1, $2, $3, $4 }' map | while read -r gva gpa hva frame; do
		hpa=0x0
		[ "$frame" = 0 ] || printf -v hpa '0x%x' $(((frame << 12) + (hva & 4095)))
		printf '0x%x 0x%x 0x%x %s\n' "$gva" "$gpa" "$hva" "$hpa"
	done >want
	diff got want
	# By process id, and as text.
	run --separate-stderr mmuscope translate "$guest_pid" "$(head -1 map | cut -d ' ' -f 1)"
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	[[ "$output" == *"Guest page table"* ]]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
}

@test "translate: an input line that is no address, a vCPU that there is not, exit 1" {
	guest_start refused
	run --separate-stderr mmuscope translate refused - <<<$'1000\nhello\n2000'
	[ "$status" = 1 ]
	[[ "$stderr" == *"line 2"*hello* ]]
	run --separate-stderr mmuscope translate refused 1000 --vcpu 7
	assert_refused 1
	[[ "$stderr" == *"no vCPU 7"* ]]
}

@test "slots: three slots of a guest, one read-only; resident pages as the guest counts them" {
	command -v jq >/dev/null || skip "jq is not installed"
	guest_start slotted
	mmuscope slots slotted --json >slots.json
	jq -e '.vms | length == 1' slots.json
	jq -e '.vms[0].memslots | length == 3' slots.json
	jq -e '.vms[0].memslots[] | select(.slot == 1) |
		.first_gfn == "0x100000" and .bytes == 3221225472 and .flags == null' slots.json
	jq -e '.vms[0].memslots[] | select(.slot == 2) | .flags == "read-only"' slots.json
	# Every second page of 512, one of 16 in two times 2M, and those of 1G where there are.
	pages=$(awk 'length($2) > 10 && $4 != 0 { n[$4] = 1 }
		END { for (i in n) c++; print c }' map)
	jq -e --argjson pages "$pages" '.vms[0].backing[] | select(.slot == 1) |
		.resident == $pages * 4096 and .swapped == 0 and .backing == "anonymous"' slots.json
	run --separate-stderr mmuscope slots slotted
	[ "$status" = 0 ]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
}

@test "list: memory on the host" {
	command -v jq >/dev/null || skip "jq is not installed"
	guest_start listed
	LIBVIRT_DEFAULT_URI=test:///nowhere.xml mmuscope list --json >list.json
	jq -e '.list.memory[] | select(.name == "listed") |
		.resident > 1048576 and .swapped == 0' list.json
	jq -e '.list | has("libvirt") | not' list.json
}

# libvirt's real library and its test driver; the VMs are made up.
domains() {
	cat <<-'END'
		<node>
		  <domain type='test'>
		    <name>synth-1:1000000001</name>
		    <memory>4194304</memory>
		    <currentMemory>2097152</currentMemory>
		    <os><type>hvm</type></os>
		    <devices><memballoon model='virtio'/></devices>
		  </domain>
		  <domain type='test'>
		    <name>another</name>
		    <memory>1048576</memory>
		    <os><type>hvm</type></os>
		  </domain>
		</node>
	END
}

@test "list: libvirt's figures, from its test driver" {
	command -v jq >/dev/null || skip "jq is not installed"
	ldconfig -p | grep -q libvirt.so.0 || skip "libvirt0 is not installed"
	cd "$BATS_TEST_TMPDIR" || return
	domains >node.xml
	uri=test://$PWD/node.xml
	LIBVIRT_DEFAULT_URI=$uri mmuscope list --json --source synth:vms=2 >list.json
	jq -e '.list.vms | length == 2' list.json
	jq -e '.list.libvirt == [{ name: "synth-1:1000000001", pid: 1000000001,
		domain: "synth-1:1000000001", actual: 2147483648, unused: 1073741824,
		available: 2147483648 }]' list.json
	LIBVIRT_DEFAULT_URI=$uri run --separate-stderr mmuscope list --source synth:vms=2
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	[[ "$output" == *"What libvirt says"*" 2.0G    1.0G       2.0G"* ]]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
}

@test "list: no libvirt daemon: nothing is said of libvirt" {
	LIBVIRT_DEFAULT_URI=test:///nowhere.xml \
		run --separate-stderr mmuscope list --source synth:vms=2
	[ "$status" = 0 ]
	[ -z "$stderr" ]
	[[ "$output" != *libvirt* ]]
}

@test "list: a libvirt that never answers is given up, and that is said" {
	command -v perl >/dev/null || skip "perl is not installed"
	ldconfig -p | grep -q libvirt.so.0 || skip "libvirt0 is not installed"
	cd "$BATS_TEST_TMPDIR" || return
	# It takes connections, and no more.
	perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Local => "sock", Listen => 8);
		sleep 60' 3>&- &
	daemon=$!
	until [ -S sock ]; do sleep 0.1; done
	LIBVIRT_DEFAULT_URI="test+unix:///default?socket=$PWD/sock" \
		run --separate-stderr mmuscope list --source synth:vms=2
	kill "$daemon"
	[ "$status" = 0 ]
	[[ "$stderr" == *"did not answer"* ]]
	[[ "$output" == *synth-1* ]]
}

@test "two VMs of one name: refused, with their processes" {
	guest_start twin
	"$guest" touch --cpl 3 --name twin --hold-file hold >other.out 2>&1 3>&- &
	other_pid=$!
	until grep -q ^check= other.out; do
		sleep 0.1
	done
	for vm in twin twin#2; do
		run --separate-stderr "$binary" slots "$vm"
		assert_refused 1
		[[ "$stderr" == *"2 VMs are named 'twin'"*"$guest_pid"* ]]
		[[ "$stderr" == *"$other_pid"* ]]
	done
	run --separate-stderr "$binary" stat --vm twin -d 0.1
	assert_refused 1
	run "$binary" slots "$other_pid"
	[ "$status" = 0 ]
	touch hold
	wait "$other_pid"
}
