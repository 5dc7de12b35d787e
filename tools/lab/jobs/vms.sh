# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Job: several VMs at work at the same time, recorded; what the screenshot of a report
# shows. Argument: the mode (npt, ept, shadow).

lab_mode "$1"
echo 16 >/proc/sys/vm/nr_hugepages
cat >/bin/guests <<'END'
#!/bin/sh
mmuscope-guest retouch --mem 12 --rounds 5 --vcpus 2 --name db-server &
sleep 1
mmuscope-guest touch --mem 96 --backing thp --name batch &
mmuscope-guest dirtylog --mem 4 --rounds 6 --name migrating &
mmuscope-guest touch --mem 32 --backing hugetlb --name hugetlb
mmuscope-guest mixed --mem 8 --rounds 3 --name desktop
wait
END
chmod +x /bin/guests
step record mmuscope record -o "$LAB_RESULTS/vms.data" -- guests
