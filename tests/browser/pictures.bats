#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Pages and pictures in a real browser: is there something to see, and is all in its place?
load ../cli/common

build=${O:-build}
[[ $build = /* ]] || build=$root/$build
picture=$build/tests/browser/picture
# Of html_colours in user/render/html.c: background, parts p0 and p1, shades h1 and h8.
light=(f6f6f4 0072b2 e69f00 fde725 440154)
dark=(15171a 56b4e9 e69f00 4c2a85 fde725)

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	mmuscope record -o made.data --source synth:records=60000,vms=3,vcpus=4 2>/dev/null
	mmuscope report --html made.html made.data
	mmuscope heatmap -o time.svg made.data
	mmuscope heatmap -o verdict.svg --by verdict made.data
	mmuscope heatmap -o one.svg --vm synth-2:1000000002 --time 0.01, made.data
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
}

# browse OPTION... URL: no network, nothing kept.
browse() {
	local dir status=0
	dir=$(mktemp -d "$BATS_TEST_TMPDIR/profile.XXXXXX")
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--disable-background-networking --disable-component-update --disable-sync \
		--no-first-run --hide-scrollbars --user-data-dir="$dir" "$@" \
		2>"$BATS_TEST_TMPDIR/browser.log" || status=$?
	rm -rf "$dir"
	return "$status"
}

# screenshot FILE WIDTH HEIGHT light|dark: to FILE-WIDTH-light.png
screenshot() {
	local options=()
	[ "$4" = light ] || options=(--blink-settings=preferredColorScheme=0 --force-dark-mode)
	browse ${options[@]+"${options[@]}"} --window-size="$2,$3" \
		--screenshot="$PWD/${1%.*}-$2-$4.png" "file://$PWD/$1" >/dev/null
}

# assert_shows FILE.png COLOUR...: a picture of many colours, with 50 pixels of each of these.
assert_shows() {
	local file=$1 width height colours ink colour pixels
	shift
	{
		read -r width height colours ink
		echo "$file: $width x $height, $colours colours, $ink % ink"
		[ "$colours" -gt 50 ] || return 1
		[ "$ink" -ge 5 ] || return 1
		while read -r colour pixels; do
			[ "$pixels" -ge 50 ] || { echo "colour $colour: $pixels pixels"; return 1; }
		done
	} < <("$picture" "$file" "$@")
}

# assert_in_place FILE WIDTH: no text is cut off or over another, the page is not wider.
assert_in_place() {
	local found
	found=$(browse --allow-file-access-from-files --virtual-time-budget=20000 --dump-dom \
		--window-size="$2,1000" "file://$BATS_TEST_DIRNAME/measure.html?$PWD/$1,$2" |
		sed -n '/<pre id="result">/,/<\/pre>/p')
	echo "$found"
	[[ "$found" == *"measured "[1-9]* ]] || return 1
	[ "$(grep -c . <<<"$found")" -le 2 ] || return 1
}

@test "pages and pictures are well-formed" {
	xmllint --noout made.html time.svg verdict.svg one.svg
	# Recordings with anything in them.
	for data in "$root"/tests/golden/*.data; do
		mmuscope report --html golden.html "$data"
		mmuscope heatmap --by access -o golden.svg "$data"
		xmllint --noout golden.html golden.svg
	done
}

@test "the page needs nothing else" {
	run grep -nE '<script|<link|<img|src=|@import|url\(' made.html
	[ "$status" = 1 ]
	# Names of namespaces are no addresses.
	run grep -oE 'https?://[^"]*' made.html
	[ "$(sort -u <<<"$output")" = http://www.w3.org/2000/svg ]
}

@test "the page shows pictures on a desktop, light and dark" {
	screenshot made.html 1280 4000 light
	assert_shows made-1280-light.png "${light[@]}"
	screenshot made.html 1280 4000 dark
	assert_shows made-1280-dark.png "${dark[@]}"
}

@test "the page shows pictures on a phone, light and dark" {
	screenshot made.html 500 7000 light
	assert_shows made-500-light.png "${light[@]}"
	screenshot made.html 500 7000 dark
	assert_shows made-500-dark.png "${dark[@]}"
}

@test "a heat map shows its shades, light and dark" {
	for file in time.svg verdict.svg one.svg; do
		screenshot "$file" 800 1000 light
		assert_shows "${file%.svg}-800-light.png" "${light[@]:3}"
	done
	screenshot time.svg 800 1000 dark
	assert_shows time-800-dark.png "${dark[@]:3}"
}

@test "no text is cut off or over another, and pages do not scroll sideways" {
	for width in 390 1280; do
		assert_in_place made.html "$width"
		assert_in_place time.svg "$width"
		assert_in_place verdict.svg "$width"
	done
}

@test "a note is with the table or picture that it is about" {
	mmuscope report --html golden.html "$root/tests/golden/schema-2.data" || [ $? = 1 ]
	for file in made golden; do
		# A card per line.
		tr -d '\n' <$file.html | sed 's/<\(div\|figure\) class="card/\n&/g' >$file.cards
		run ! grep -q '^<!DOCTYPE.*<p>' $file.cards
	done
	grep -q 'Faults, part by part.*<p>x exit to handler' made.cards
	grep -q 'Faults by cause.*<p>The cause of [0-9.]*% of the faults is not known' made.cards
	grep -q 'memory mapped by.*<p>[0-9]* regions of 2M' made.cards
	grep -q '^<figure class="card tall.*<p>Memslots are not known' golden.cards
	# What is about a whole section stays above it.
	grep -q 'Collection</h2>.*<p>Records were lost' golden.cards
	# A path may go on below behind each folder; with nothing in it when it is copied.
	grep -q '<p>What would confirm it: .* in /proc/<wbr/>PID/<wbr/>smaps' made.html
}

@test "the page can be printed" {
	browse --no-pdf-header-footer --print-to-pdf="$PWD/made.pdf" "file://$PWD/made.html"
	[ "$(head -c 5 made.pdf)" = %PDF- ]
	[ "$(wc -c <made.pdf)" -gt 20000 ]
}
