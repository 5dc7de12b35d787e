# SPDX-License-Identifier: GPL-2.0
# judge.awk -v mode=npt -v name=dontneed -v kind=invalidate -v causes=madvise -v others=-
#	-v how=pages GUEST.out RECORDS
# RECORDS: kind, VM, time, first address, end and cause, separated by tabs. Of those in the
# guest's measured time, and of invalidations in its memory, 99 % must have one of the causes, but
# for what else is done, and none another one. One line: ok, FAILED or skipped.

function number(hex,	i, value)
{
	for (i = 3; i <= length(hex); i++)
		value = 16 * value + index("0123456789abcdef", substr(hex, i, 1)) - 1
	return value
}

function page_of(address)
{
	return int((address - out["data"]) / 4096)
}

function take(cause, start, end,	i, last)
{
	n[cause]++
	if (kind != "invalidate")
		return
	i = start > out["data"] ? page_of(start) : 0
	last = end < out["data"] + out["data_size"] ? page_of(end) : out["pages"]
	for (; i < last; i++) {
		if (!((cause, i) in taken)) {
			taken[cause, i]
			pages[cause]++
		}
	}
}

function list(what,	cause, text)
{
	for (cause in what)
		if (what[cause])
			text = text " " cause "=" what[cause]
	return text
}

FNR == NR {
	split($0, part, "=")
	# What the host did is over before the guest goes on.
	if (part[1] == "deed_to")
		part[1] = "to"
	if (!(part[1] in out))
		out[part[1]] = part[2]
	next
}

$2 == name && $1 == kind && $3 >= out["from"] && ($3 <= out["to"] || how == "after") {
	start = number($4)
	end = number($5)
	if (kind == "invalidate" && (start >= out["data"] + out["data_size"] || end <= out["data"]))
		next
	total++
	take($6, start, end)
}

END {
	right = "ok"
	good = 0
	wanted = split(causes, want, ",")
	for (i = 1; i <= wanted; i++) {
		is_wanted[want[i]]
		good += n[want[i]]
		if (!n[want[i]] || (how == "pages" && pages[want[i]] < 0.99 * out["pages"]))
			right = "FAILED"
	}
	split(others, other, ",")
	for (i in other) {
		is_other[other[i]]
		total -= n[other[i]]
	}
	for (cause in n) {
		if (n[cause] && !(cause in is_wanted) && !(cause in is_other) && cause != "unknown")
			right = "FAILED"
	}
	if (good < 0.99 * total || out["check"] != "ok")
		right = "FAILED"
	if (out["exit"] == 77)
		right = "skipped"
	printf "%-8s%-7s %-13s %-11s%s%s%s\n", right, mode, name, kind, list(n),
		how == "pages" ? "; pages" list(pages) : "", out["check"] == "ok" ? "" : "; guest failed"
}
