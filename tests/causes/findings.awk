# SPDX-License-Identifier: GPL-2.0
# findings.awk -v mode=npt -v paging=tdp -v out=FOLDER FINDINGS -
# Standard input: VM and rule of each finding. One line per guest that is expected to have some
# or none: ok, FAILED or skipped; and one if a guest is not in the list.

FNR == NR {
	if ($1 !~ /^(#|$)/ && ($2 == paging || ($2 == "all" && paging ~ /^(tdp|shadow)$/))) {
		order[++guests] = $1
		must[$1] = $3
		may[$1] = $4
	}
	next
}

{
	found[$1] = found[$1] " " $2
	if (!($1 in must))
		strange = strange " " $1 ":" $2
}

# Whether @rule is of the list. How long is waited hangs on the load of the machine: these may be,
# but in guests that do nothing.
function listed(name, rule, list,	part, i, n)
{
	if ((rule == "mmu_lock" || rule == "host_page_slow") && name !~ /^(quiet|wrap|nowrap)$/)
		return 1
	n = split(list, part, ",")
	for (i = 1; i <= n; i++)
		if (part[i] == rule)
			return 1
	return 0
}

function was_skipped(name,	line, skipped)
{
	while ((getline line <(out "/" mode "." name ".out")) > 0)
		skipped = skipped || line == "exit=77"
	return skipped
}

END {
	for (i = 1; i <= guests; i++) {
		name = order[i]
		right = was_skipped(name) ? "skipped" : "ok"
		lacks = wrong = ""
		n = split(must[name] == "-" ? "" : must[name], want, ",")
		for (k = 1; k <= n; k++)
			if (index(found[name] " ", " " want[k] " ") == 0)
				lacks = lacks " " want[k]
		n = split(found[name], got, " ")
		for (k = 1; k <= n; k++)
			if (!listed(name, got[k], must[name] "," may[name]))
				wrong = wrong " " got[k]
		if (right == "ok" && (lacks != "" || wrong != ""))
			right = "FAILED"
		printf "%-8s%-7s %-13s explain    %s%s%s\n", right, mode, name, found[name],
			lacks == "" ? "" : "; lacks" lacks, wrong == "" ? "" : "; not expected:" wrong
	}
	if (strange != "")
		printf "FAILED  %-7s %-13s explain    %s\n", mode, "others", strange
}
