#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# screenshot.sh DIR: the picture in README.md, called by 'make screenshot'. Virtual
# machines are recorded in the lab; the page of the recording is shown by a browser.
# A recording that DIR holds already is used as it is: remove DIR for a new one.
set -euo pipefail
cd "$(dirname "$0")/.."

build=$(cd "${O:-build}" && pwd)
dir=$(mkdir -p "$1" && cd "$1" && pwd)
to=docs/figures/report.png

if ! [ -s "$dir/vms.data" ]; then
	tools/lab/lab run --allow-dmesg --out "$dir" --add "$build/mmuscope:/bin/mmuscope" \
		tools/lab/jobs/vms.sh npt
fi
# The page says how the file was named.
(cd "$dir" && "$build/mmuscope" report --html vms.html --vm db-server vms.data)

# From the VM's headline on: its pictures are what is to be seen.
awk '/^<nav>/ { skip = 1 }
	/^<section / { held = $0; next }
	held != "" { if (/^<h2>VM /) skip = 0; if (!skip) print held; held = "" }
	!skip' "$dir/vms.html" >"$dir/shown.html"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
	--disable-background-networking --disable-component-update --disable-sync \
	--no-first-run --hide-scrollbars --user-data-dir="$profile" --window-size=1200,960 \
	--force-device-scale-factor=0.85 \
	--screenshot="$dir/report.png" "file://$dir/shown.html" 2>"$dir/browser.log"
mv "$dir/report.png" "$to"
printf '%s: %s bytes\n' "$to" "$(wc -c <"$to")"
