#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope doctor on the machine at hand, whatever it is.
load common

@test "doctor: exit code 0, 1 or 3, and a verdict" {
	run --separate-stderr mmuscope doctor
	[[ "$status" =~ ^[013]$ ]]
	[[ "${lines[-1]}" == "Verdict: "* ]]
}

@test "doctor: text fits 80 columns" {
	run --separate-stderr mmuscope doctor
	[ -n "$output" ]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
}

@test "doctor --json: valid, verdict and exit code agree" {
	command -v jq >/dev/null || skip "jq is not installed"
	run --separate-stderr mmuscope doctor --json
	verdict=$(jq -r .verdict <<<"$output")
	case $status in
	0) [ "$verdict" = fine ] ;;
	1) [ "$verdict" = unable ] ;;
	3) [ "$verdict" = degraded ] ;;
	*) false ;;
	esac
	jq -e '.host | .cpu and .kvm and .memory and .kernel' <<<"$output"
	jq -e '[.host[][] | has("value") and has("state") and has("doc")] | all' <<<"$output"
	jq -e '(.probes == null) != (.probes_error == null)' <<<"$output"
}

@test "doctor --json: the kernel's release is uname's" {
	command -v jq >/dev/null || skip "jq is not installed"
	run --separate-stderr mmuscope doctor --json
	[ "$(jq -r .host.kernel.release.value <<<"$output")" = "$(uname -r)" ]
}

@test "doctor: every missing probe says what is lost" {
	command -v jq >/dev/null || skip "jq is not installed"
	run --separate-stderr mmuscope doctor --json
	[ -n "$output" ]
	jq -e '[.probes // [] | .[] | select(.state == "missing") | .why != "" and .lost != ""] |
		all' <<<"$output"
}

@test "doctor leaves no eBPF program behind" {
	command -v bpftool >/dev/null && [ "$(id -u)" = 0 ] || skip "needs root and bpftool"
	bpftool prog show >/dev/null || skip "bpftool may not list programs here"
	before=$(bpftool prog show | grep -c '^[0-9]' || true)
	run --separate-stderr mmuscope doctor
	[[ "$status" =~ ^[013]$ ]]
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		after=$(bpftool prog show | grep -c '^[0-9]' || true)
		[ "$after" -gt "$before" ] || return 0
		sleep 0.2	# the kernel frees them after a grace period
	done
	false
}

@test "doctor -o prints to a file" {
	run --separate-stderr mmuscope doctor -o "$BATS_TEST_TMPDIR/out"
	[ -z "$output" ]
	grep -q '^Verdict: ' "$BATS_TEST_TMPDIR/out"
}

@test "doctor -o to where nothing can be written: one sentence" {
	run --separate-stderr mmuscope doctor -o /nowhere/out
	assert_refused 1
	[[ "$stderr" == *"/nowhere/out"* ]]
}

@test "doctor without root: facts, one sentence on the probes, not exit 0" {
	run_unprivileged doctor
	[[ "$status" =~ ^[13]$ ]]
	[[ "$output" == *"root is needed"* || "$output" == *"kvm is not loaded"* ]]
	[[ "$output" == *"Kernel"* ]]
}

@test "doctor takes no argument" {
	run --separate-stderr mmuscope doctor now
	assert_refused 2
	[[ "$stderr" == *now* ]]
}
