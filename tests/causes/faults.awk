# SPDX-License-Identifier: GPL-2.0
# Lines "VM CAUSE COUNT" of faults: how many of each VM have no known cause? One percent is let
# pass, and of guests with few faults one.
# Given: mode.
{ all[$1] += $3 }
$2 == "unknown" { unknown[$1] += $3 }
END {
	if (!NR)
		printf "FAILED  %-7s no faults at all\n", mode
	for (vm in all) {
		bad = unknown[vm] > 1 && unknown[vm] * 100 > all[vm]
		printf "%s  %-7s %-11s %-13s %d of %d of no known cause\n", bad ? "FAILED" : "ok    ",
			mode, vm, "faults", unknown[vm], all[vm]
	}
}
