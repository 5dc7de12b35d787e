#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What the lab tests found, as a table: kernel by mode by collector by family of records.
#
#   tests/lab/table.sh RESULTS      RESULTS/lab-*/families.json; to stdout and matrix.json
set -u
results=$1

touch "$results/matrix.absent"
jq -s '.' "$results"/lab-*/families.json >"$results/matrix.runs" || exit 1
jq -s --slurpfile runs "$results/matrix.runs" '{runs: $runs[0], absent: .}' \
	"$results/matrix.absent" >"$results/matrix.json" || exit 1
rm -f "$results/matrix.runs"

# One row of the table for each family, one column for each mode of each machine.
cells() {
	jq -r '.runs[] | . as $run | .families[] |
		[$run.kernel, $run.collector, $run.machine, .mode, .family, .state] | @tsv' \
		"$results/matrix.json"
}

# What is lost, once for all modes and families it is lost in.
reasons() {
	jq -r '[.runs[] | . as $run | .families[] | . as $family | .missing[] |
		{kernel: $run.kernel, collector: $run.collector, family: $family.family} + .] |
		group_by([.kernel, .lost, .why])[] |
		[.[0].kernel, ([.[].probe] | unique | join(", ")),
		([.[].family] | unique | join(", ")), ([.[].collector] | unique |
		map(if . == "bpf" then "eBPF" else "kernel module" end) | join(" and ")),
		.[0].lost, .[0].why] | @tsv' \
		"$results/matrix.json"
}

{
	cells | sed 's/^/cell\t/'
	reasons | sed 's/^/reason\t/'
} | sort -s -t "$(printf '\t')" -k 2,2V | awk -F '\t' '
	# Lines of 80 columns, all but the first indented.
	function wrap(text,    n, i, word, at, lines) {
		n = split(text, word, " ")
		at = 1
		lines = " "
		for (i = 1; i <= n; i++) {
			if (at + 1 + length(word[i]) > 80) {
				lines = lines "\n   "
				at = 3
			}
			lines = lines " " word[i]
			at += 1 + length(word[i])
		}
		return lines
	}
	function block_begin() {
		kernel = $2
		nr_rows = nr_reasons = 0
		split("", state)
		split("", seen)
	}
	function block_end(    i, j) {
		if (kernel == "")
			return
		printf "\nLinux %s\n", kernel
		printf "%-12s %-32s%s\n", "", "eBPF", "kernel module"
		printf "%-12s %-16s%-16s%-16s%s\n", "", "Intel", "AMD", "Intel", "AMD"
		printf "%-12s", "family"
		for (i = 1; i <= 8; i++)
			printf " %-7s", title[i]
		print ""
		for (i = 1; i <= nr_rows; i++) {
			printf "%-12s", row[i]
			for (j = 1; j <= 8; j++) {
				cell = state[row[i], column[j]]
				printf " %-7s", cell == "" ? "" : cell
			}
			print ""
		}
		for (i = 1; i <= nr_reasons; i++)
			print reason[i]
	}
	BEGIN {
		split("ept shadow npt shadow ept shadow npt shadow", title, " ")
		split("bpf/intel/ept bpf/intel/shadow bpf/amd/npt bpf/amd/shadow " \
			"kmod/intel/ept kmod/intel/shadow kmod/amd/npt kmod/amd/shadow",
			column, " ")
		word["exact"] = "exact"; word["reduced"] = "reduced"; word["absent"] = "absent"
		word["wrong"] = "WRONG"; word["untested"] = "-"
	}
	$2 != kernel { block_end(); block_begin() }
	$1 == "cell" {
		if (!seen[$6]++)
			row[++nr_rows] = $6
		state[$6, $3 "/" $4 "/" $5] = word[$7]
	}
	$1 == "reason" {
		reason[++nr_reasons] = wrap($4 ", " $5 ": " $6 " (" $3 ": " $7 ")")
	}
	END { block_end() }' | sed 's/ *$//'
jq -r '.absent[] | "\nLinux \(.kernel)\(if .collector == "" then "" else ", " + .collector end):" +
	" absent: \(.why)"' "$results/matrix.json" | fold -s -w 80
cat <<'EOF'

exact: what was counted is what the guest did, KVM counted and tracefs saw.
reduced: the same, without what is named below the table. absent: no hook for it.
-: nothing of the kind happened in these tests.
EOF
