#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Debian packages of what has been built: tools/deb/build.sh VERSION DIRECTORY
#
# The packages and a folder to make them in are left in DIRECTORY. They are given
# DEBFULLNAME and DEBEMAIL of the environment as their maintainer.
set -euo pipefail
shopt -s inherit_errexit

version=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$out/mmuscope-$version
maintainer="${DEBFULLNAME:-mmuscope} <${DEBEMAIL:-mmuscope@packages.invalid}>"

rm -rf "$work" "$out"/*.deb
mkdir -p "$work/debian"
cp "$here/copyright" "$here/mmuscope.lintian-overrides" "$work/debian/"
sed "s/@MAINTAINER@/$maintainer/" "$here/control" >"$work/debian/control"
install -m 755 "$here/rules" "$work/debian/rules"
sed 's/@VERSION@/#MODULE_VERSION#/' "$here/../../kmod/dkms.conf" >"$work/debian/mmuscope-dkms.dkms"
# The time of the last commit, so that the same source makes the same package.
cat >"$work/debian/changelog" <<END
mmuscope ($version) unstable; urgency=medium

  * Version $version; what changed is in the project's history.

 -- $maintainer  $(date -R -u -d "@$(git -C "$here" log -1 --format=%ct 2>/dev/null ||
	stat -c %Y "$here/control")")
END
if ! (cd "$work" && TOP=$here/../.. VERSION=$version DEB_BUILD_OPTIONS=noautodbgsym \
	dpkg-buildpackage -us -uc -b -d) \
	>"$out/deb.log" 2>&1; then
	tail -n 20 "$out/deb.log" >&2
	printf 'deb: making the packages failed, see %s\n' "$out/deb.log" >&2
	exit 1
fi
for package in "$out"/*.deb; do
	printf '%s\n' "$package"
done
