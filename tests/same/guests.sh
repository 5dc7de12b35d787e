#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guests whose records are compared: one vCPU each, so that what they do is the
# same each time; and on a CPU of their own where there are two: whether Linux 5.10 copies a page
# hangs on what that CPU did before.
guest() {
	name=$1
	shift
	taskset -c $(($(nproc --all) - 1)) mmuscope-guest "$@" -name "guest=$name" \
		>"/tmp/same.$name" 2>&1
	# 77: this KVM cannot do it.
	case $? in
	0 | 77) ;;
	*) exit 1 ;;
	esac
}

for w in touch retouch dirtylog ptchurn switch invlpg mmio rom slots mixed walk \
	directory demand warm fork; do
	guest "$w" "$w"
done
guest exec touch --access x
guest read touch --access r
guest mprotect retouch --mprotect
guest cpl3 touch --cpl 3
guest ring dirtyring
guest thp touch --backing thp
guest split mixed --backing thp --pages 2048
exit 0
