#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# figures.sh DIR: measures anew what docs/paging.md shows, called by 'make figures'.
# The command's output replaces what stands there between "<!-- lab NAME -->" and
# the next "```" fence's end; pictures of its page become docs/figures/NAME-N.svg.
# A run that DIR holds already is used as it is: remove DIR for a new one.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$1
page=docs/paging.md
mkdir -p "$dir" docs/figures

if ! [ -s "$dir/lab.txt" ] || ! [ -s "$dir/lab.html" ]; then
	"${O:-build}/mmuscope" lab run --machine amd,intel -o "$dir/lab.txt.part" \
		--html "$dir/lab.html"
	mv "$dir/lab.txt.part" "$dir/lab.txt"
fi

# Alone, a picture needs a size and the style of the page.
awk -v to=docs/figures '
	/<style>/ { style = 1; sub(/.*<style>/, "") }
	style { rules = rules $0 "\n" }
	/<\/style>/ { style = 0; sub(/<\/style>.*/, "", rules) }
	match($0, /(section|div) class="card" id="[a-z-]+"/) {
		name = substr($0, RSTART, RLENGTH)
		sub(/.*id="/, "", name)
		sub(/"/, "", name)
		nr = 0
	}
	/^<svg / && name != "" {
		file = to "/" name "-" ++nr ".svg"
		match($0, /viewBox="0 0 [0-9]+ [0-9]+"/)
		split(substr($0, RSTART, RLENGTH - 1), view, " ")
		sub(/viewBox="[^"]*"/, sprintf("viewBox=\"-10 -10 %d %d\" width=\"%d\"",
			view[3] + 20, view[4] + 20, 1.5 * (view[3] + 20)))
		sub(/<\/title>/, "</title><style>" rules \
			"svg{margin:0;background:var(--card)}</style>")
		print >file
		close(file)
	}' "$dir/lab.html"

# Only those that the page shows are kept.
for file in docs/figures/*.svg; do
	grep -q -F "${file#docs/}" "$page" || rm "$file"
done

awk -v text="$dir/lab.txt" '
	BEGIN {
		while ((getline line <text) > 0) {
			if (line ~ /^[a-z-]+: /) {
				name = line
				sub(/:.*/, "", name)
			} else if (line ~ /^[A-Z]/) {
				name = "machines"
			}
			sub(/ +$/, "", line)
			out[name] = out[name] line "\n"
		}
	}
	/^<!-- lab [a-z-]+ -->$/ { want = $3 }
	skip && /^```$/ { skip = 0 }
	!skip { print }
	want != "" && /^```text$/ {
		sub(/\n+$/, "\n", out[want])
		printf "%s", out[want]
		want = ""
		skip = 1
	}' "$page" >"$dir/page.md"
mv "$dir/page.md" "$page"
