#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# mmuscope heatmap and report --html: the numbers in them. How they look is seen in tests/browser.
load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mmuscope record --source synth:records=20000,seed=3,vms=2 2>/dev/null
}

# Text of a page, without what its elements are.
page_text() {
	sed -e 's/<wbr.>//g' -e 's/<style>.*//' -e '/^[^<]*}$/d' -e 's/<[^>]*>/ /g' \
		-e 's/&lt;/</g' -e 's/&gt;/>/g' "$1"
}

@test "heatmap counts each fault once, whatever its columns are" {
	command -v jq >/dev/null || skip "jq is not installed"
	faults=$(mmuscope report --json | jq '[.vms[].faults[].count] | add')
	for by in time condition verdict access level vcpu mode slot; do
		[ "$(mmuscope heatmap --by "$by" --json |
			jq '[.heatmaps[].heatmap.rows[].counts[]] | add')" = "$faults" ]
	done
}

@test "heatmap columns are what report --by counts" {
	command -v jq >/dev/null || skip "jq is not installed"
	diff <(mmuscope heatmap --by verdict --json | jq -S '[.heatmaps[].heatmap |
		.columns as $names | .rows[].counts | to_entries[] |
		{(($names)[.key]): .value}] | reduce .[] as $x ({}; reduce ($x | keys[]) as $k
		(.; .[$k] += $x[$k]))') \
		<(mmuscope report --by verdict --filter type==fault --json |
			jq -S '[.groups.rows[] | {(.verdict): .count}] | add')
}

@test "heatmap rows hold the addresses that script prints" {
	command -v jq >/dev/null || skip "jq is not installed"
	mmuscope heatmap --vm synth-1:1000000001 --json >map.json
	low=$(jq '.heatmaps[0].heatmap | .rows[3].gpa' map.json)
	size=$(jq '.heatmaps[0].heatmap.row_bytes' map.json)
	count=$(jq '.heatmaps[0].heatmap.rows[3].counts | add' map.json)
	[ "$count" -gt 10 ]
	[ "$(mmuscope script --vm synth-1:1000000001 \
		--filter "type==fault and gpa >= $low and gpa < $((low + size))" |
		wc -l)" = "$count" ]
}

@test "heatmap --time, --filter and --vm choose" {
	command -v jq >/dev/null || skip "jq is not installed"
	sum='[.heatmaps[].heatmap.rows[].counts[]] | add'
	n=$(mmuscope script --filter 'type==fault and access==write' | wc -l)
	[ "$(mmuscope heatmap --filter access==write --json | jq "$sum")" = "$n" ]
	all=$(mmuscope heatmap --json | jq "$sum")
	a=$(mmuscope heatmap --json --time ,0.05 | jq "$sum")
	b=$(mmuscope heatmap --json --time 0.050000001, | jq "$sum")
	[ "$a" -gt 0 ] && [ $((a + b)) = "$all" ]
	# Times are since the begin of the recording, not of what was asked for.
	[ "$(mmuscope heatmap --json --time 0.05, |
		jq '.heatmaps[0].heatmap.begin_ns')" = 50000000 ]
	[ "$(mmuscope heatmap --json --vm synth-2:1000000002 | jq '.heatmaps | length')" = 1 ]
}

@test "heatmap fits the terminal, in letters where there are no blocks" {
	for width in 60 80 200; do
		COLUMNS=$width LC_ALL=C mmuscope heatmap >out
		[ "$(grep -c '|.*|' out)" -gt 20 ]
		[ "$(grep '|$' out | wc -L)" -le "$width" ]
		LC_ALL=C grep -q '[^ -~]' out && return 1
		COLUMNS=$width LC_ALL=C.UTF-8 mmuscope heatmap >out
		grep -q '[░▒▓█]' out
	done
}

@test "heatmap: on the narrowest terminal no line is longer, legend and names included" {
	for by in time condition verdict access vcpu slot cause rip; do
		COLUMNS=40 LC_ALL=C.UTF-8 mmuscope heatmap --by $by >out
		wc -L out
		[ "$(wc -L <out)" -le 40 ]
		# All of the legend is there.
		tr -s ' \n' ' ' <out >words
		grep -qE 'faults, from: . 1 . [0-9]' words
		grep -q 'a row: 32.0M; its memslot, \* several; mapped in: 4 4K, 2 2M, 1 1G,' words
		grep -q ' 1 1G, - nothing' words
	done
	# A name ends at its column, of which a line leads to it.
	COLUMNS=40 LC_ALL=C mmuscope heatmap --by condition --vm synth-1:1000000001 >out
	columns=$(awk -F'|' '/0x0 / { print length($1) + 1 }' out)
	[ "$(awk '/not_present/ { print index($0, "|") - 1 }' out)" = "$columns" ]
	grep -qE 'not_present \| +\| +\|$' out
	grep -qE ' reserved \|$' out
}

@test "heatmap -o is a picture, and says so where there is nothing in it" {
	run --separate-stderr mmuscope heatmap -o map.svg
	[ "$status" = 0 ]
	[ -z "$output$stderr" ]
	grep -q '^<svg xmlns="http://www.w3.org/2000/svg"' map.svg
	[ "$(grep -o '<rect class="h[1-8]"[^>]*><title>' map.svg | wc -l)" -gt 500 ]
	run --separate-stderr mmuscope heatmap --filter 'dur > 1000s' -o none.svg
	[ "$status" = 0 ]
	[[ "$stderr" == *"No fault was seen"* ]]
	grep -q 'No fault was seen' none.svg
}

@test "report --html has every number that report has" {
	mmuscope report --html page.html
	page_text page.html >page.txt
	# Exit to entry as widths allow; names end with a colon in lines.
	COLUMNS=1000 mmuscope report | grep -v '\*' | tr -s ' |' '\n' | sed 's/[,:]$//' |
		grep '[0-9]' | sort -u >words
	[ "$(wc -l <words)" -gt 300 ]
	tr -s ' ' '\n' <page.txt | sed 's/[,:]$//' | sort -u >have
	comm -23 words have >missing
	cat missing
	[ ! -s missing ]
}

@test "report --html --by is a page with that table" {
	mmuscope report --html page.html --by access
	mmuscope report --by access >table.txt
	n=$(awk '$1 == "fault" && $2 == "write" { print $3 }' table.txt)
	[ -n "$n" ]
	page_text page.html | grep -q -w -- "$n"
}

@test "pictures: wrong usage gets a sentence" {
	for args in "heatmap --by nonsense" "heatmap --by rip,access" "heatmap --by scope" \
		"heatmap --by" "report --html" "report --html a -o b" "report --html a --json" \
		"report --html a -i 1" "heatmap a b"; do
		# shellcheck disable=SC2086
		run --separate-stderr mmuscope $args
		assert_refused 2
	done
	for args in "heatmap none.data" "report --html none/page.html" "heatmap -o none/map.svg"; do
		# shellcheck disable=SC2086
		run --separate-stderr mmuscope $args
		assert_refused 1
	done
}

@test "pictures of a torn recording are made, with a sentence" {
	head -c $(($(wc -c <mmuscope.data) / 2)) mmuscope.data >torn.data
	run --separate-stderr mmuscope heatmap torn.data
	[ "$status" = 1 ]
	[[ "$output" == *"0x0 "* ]]
	[ -n "$stderr" ]
	run --separate-stderr mmuscope report --html page.html torn.data
	[ "$status" = 1 ]
	grep -q '</html>' page.html
}
