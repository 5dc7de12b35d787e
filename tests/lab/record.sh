# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# Recordings: their size, and what is left of one that was killed. That a report has
# stat's numbers is seen in vms.sh, where both look at the same VMs. And the intervals of top,
# which all together are what happened.

mode "$tdp"
step sized mmuscope record -o /tmp/sized.data -- \
	sh -c 'mmuscope-guest touch --pages 16384 --name sized >/results/sized.guest'
mmuscope info --json /tmp/sized.data >/results/sized.json

# A command that is no VM is how long to record, not whom.
bg torn.stat mmuscope record -o /tmp/torn.data -- sleep 60
wait_attached torn
step torn-guest mmuscope-guest touch --pages 2000 --name torn-guest
# What is a second old is in the file.
usleep 2500000
kill -KILL "$(bg_pid torn.stat)"
bg_wait torn.stat 2>/dev/null
step torn mmuscope report --json -o /results/torn.json /tmp/torn.data

bg top.stat mmuscope top --json -i 0.5 -o /results/top.json
wait_attached top
step top-guest mmuscope-guest touch --pages 2000 --name top-guest
# Exits are counted by KVM's vCPUs and looked at some times a second: of the last ones, too.
usleep 1500000
trace_end top
