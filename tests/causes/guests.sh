#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guests: something is done to each one's memory, by the host or by itself. What a
# guest prints goes to /results/$1.NAME.out, and its exit code is in the last line.
at=$1

# guest NAME WORKLOAD [OPTION]...
guest() {
	_name=$1
	shift
	mmuscope-guest "$@" -name "guest=$_name" >"/results/$at.$_name.out" \
		2>"/results/$at.$_name.err"
	echo "exit=$?" >>"/results/$at.$_name.out"
}

# In a small control group, whose limit makes the host look for pages that are not used.
aged() (
	export MMUSCOPE_GUEST_CGROUP=/tmp/cgroup/guest
	# The shell in parentheses, which is this one's parent.
	sh -c 'echo $PPID >$MMUSCOPE_GUEST_CGROUP/cgroup.procs'
	guest age host --do age "$@"
)

# none NAME: it cannot be here.
none() {
	echo exit=77 >"/results/$at.$1.out"
}

case $at in
*-hidden)
	guest dontneed host --do dontneed --rounds 10
	exit 0
	;;
esac
if [ "$at" = ept-plain ]; then
	aged --rounds 20
	# On this machine's only CPU an invalidation has to wait for the vCPU that waits for it.
	guest race race
	exit 0
fi
# In all rounds together it is worth a finding of explain; the first one is judged by its records.
for deed in dontneed mprotect munmap mremap pageout softdirty punch remove uffd migrate fork; do
	guest "$deed" host --do "$deed" --rounds 10
done
# Pages of a file that are written back, and of memory that fails.
(cd /tmp/disk && guest msync host --do msync)
guest offline host --do offline --pages 64
aged
guest split host --do split --backing thp --pages 4096
guest dontneed-thp host --do dontneed --backing thp
# It makes khugepaged fast, which is for the whole host: the others want it slow.
khuge=/sys/kernel/mm/transparent_hugepage/khugepaged
khuge_settings='scan_sleep_millisecs alloc_sleep_millisecs pages_to_scan'
for setting in $khuge_settings; do
	cat "$khuge/$setting" >"/tmp/$at.$setting"
done
guest collapse host --do collapse --pages 4096
for setting in $khuge_settings; do
	cat "/tmp/$at.$setting" >"$khuge/$setting"
done
guest ksm ksm --pages 2048
echo 1 >/proc/sys/kernel/numa_balancing
guest numa host --do numa --rounds 20000 --pages 2048
echo 0 >/proc/sys/kernel/numa_balancing
guest dirtylog dirtylog
guest dirtythp dirtylog --backing thp
guest slots slots
guest ptchurn ptchurn
guest invlpg invlpg
guest guestfork fork
guest switch switch
guest recycle recycle --rounds 20
guest touch touch --pages 4096
# Pages that are fetched when they are asked for.
guest lazy host --do lazy --rounds 3
# What nothing is to be said of, but for its begin.
guest quiet warm --pages 16 --rounds 24000
guest mmio mmio
# Two that are worth it only if one CPU does not have to do all.
if [ "$(nproc)" = 1 ]; then
	none storm
	none locks
else
	guest storm dirtyclear
	if [ -e /causes/provoke.ko ]; then
		# KVM maps each page with mmu_lock held, and this makes it slow.
		insmod /causes/provoke.ko slow=make_spte
		guest locks touch --vcpus 2
		rmmod provoke
	else
		none locks
	fi
fi
# Once a minute where the kernel has no such parameter: too seldom for a test.
if [ -e /sys/module/kvm/parameters/nx_huge_pages_recovery_period_ms ]; then
	guest exec touch --access x --backing thp --hold-file "/tmp/$at.exec" &
	sleep 5
	touch "/tmp/$at.exec"
	wait
	# All that is executed is taken back all the time.
	nx_period=/sys/module/kvm/parameters/nx_huge_pages_recovery_period_ms
	nx_usual=$(cat "$nx_period")
	echo 20 >"$nx_period"
	guest nx warm --access x --backing thp --rounds 40
	echo "$nx_usual" >"$nx_period"
else
	none exec
	none nx
fi
exit 0
