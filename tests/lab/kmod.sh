# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# What only the kernel module can get wrong. NAME=VALUE lines in /results/robust*. How
# much is done follows from how fast the machine is.

fact() {
	echo "$1=$2" >>/results/robust
}

memory() {
	awk '$1 == "Slab:" || $1 == "VmallocUsed:" { n += $2 } END { print n }' /proc/meminfo
}

# touch_once NAME PAGES
touch_once() {
	mmuscope-guest touch --pages "$2" --name "$1" >"/results/$1.out"
}

# The filters, one after the other.
kmod_filters() {
	mode "$tdp"
	start one touch --pages 600
	start two touch --pages 700
	trace kmod-by-pid -p "$(bg_pid one)"
	wait_attached kmod-by-pid
	go one
	go two
	wait_done one
	wait_done two
	trace_end kmod-by-pid
	end one two
	step kmod-by-command mmuscope stat --collector kmod --json \
		-o /results/kmod-by-command.json -- \
		mmuscope-guest touch --pages 700 --name kmod-command
}

# Kinds of records, by the request that starts a session: some that a hook has in common with
# others, and nothing of those.
kmod_families() {
	mode shadow
	step only-fault session fault -- mmuscope-guest touch --pages 100
	step only-work session sync invlpg ptwrite -- mmuscope-guest directory
	step all-kinds session -- mmuscope-guest directory
	mode "$tdp"
}

# A module of another version; "older" changes what the tool says it is.
kmod_older() {
	step older env LD_PRELOAD=/bin/older.so mmuscope stat --collector kmod -d 1
}

# Where eBPF cannot go the tool takes the module by itself, and says so.
kmod_auto() {
	: >/tmp/empty
	mount -o bind /tmp/empty /sys/kernel/btf/vmlinux
	step auto mmuscope stat --json -o /results/auto.json -- \
		mmuscope-guest touch --pages 300 --name auto
	umount /sys/kernel/btf/vmlinux
}

# KVM goes and comes back in another mode, while one session looks on.
kmod_reload() {
	mode "$tdp"
	trace reload
	wait_attached reload
	touch_once reload-1 100
	lab_mode shadow
	touch_once reload-2 200
	lab_mode none
	lab_mode "$tdp"
	touch_once reload-3 300
	trace_end reload
}

kmod_two() {
	trace first
	wait_attached first
	step second mmuscope stat --collector kmod -d 1
	touch_once seen 100
	step status head /sys/class/misc/mmuscope/holder /sys/class/misc/mmuscope/records
	step status-mode stat -c '%a %u' /sys/class/misc/mmuscope/holder \
		/sys/class/misc/mmuscope/records
	fact status_pid "$(cut -d ' ' -f 1 /sys/class/misc/mmuscope/holder)"
	fact first_pid "$(bg_pid first.stat)"
	fact status_records "$(cat /sys/class/misc/mmuscope/records)"
	trace_end first
	step after mmuscope stat --collector kmod -d 0.1
}

kmod_killed() {
	start busy touch --pages $((6000 * speed))
	go busy
	i=0
	while [ "$i" -lt 20 ]; do
		i=$((i + 1))
		mmuscope stat --collector kmod -o /dev/null 2>/dev/null &
		_pid=$!
		usleep $((i * i * 2500))
		kill -KILL "$_pid"
		wait "$_pid" 2>/dev/null
	done
	wait_done busy
	end busy
	fact killed_holder "$(wc -c </sys/class/misc/mmuscope/holder)"
}

# Guests at work until load_end.
load_begin() {
	: >/tmp/load
	while [ -e /tmp/load ]; do
		mmuscope-guest touch --pages 2000 >/dev/null || echo failed >>/results/load
	done &
	_load=$!
}

load_end() {
	rm /tmp/load
	wait "$_load"
}

# Every fifth with a session that begins and ends amid faults.
kmod_cycles() {
	load_begin
	session
	_before=$(memory)
	i=0 failures=0
	while [ "$i" -lt $((20 * speed)) ]; do
		i=$((i + 1))
		rmmod mmuscope || failures=$((failures + 1))
		insmod /lab-tests/mmuscope.ko || failures=$((failures + 1))
		[ $((i % 5)) != 0 ] || session >/dev/null || failures=$((failures + 1))
	done
	load_end
	fact cycles_failed "$failures"
	fact cycles_grown "$(($(memory) - _before))"
	fact load_failed "$([ -e /results/load ] && echo 1 || echo 0)"
}

# VMs of 10 to 16 pages: one that got another's records has a number that is not its own.
kmod_many() {
	trace many
	wait_attached many
	touch_once warm-up 10
	_before=$(memory)
	i=0
	while [ "$i" -lt $((50 * speed)) ]; do
		i=$((i + 1))
		mmuscope-guest touch --pages $((10 + i % 7)) --name "many-$i" |
			sed -n "s/^stat_total.pf_taken=/many-$i=/p" >>/results/many.taken
	done
	fact many_made "$((i + 1))"
	fact many_grown "$(($(memory) - _before))"
	trace_end many
}

kmod_hotplug() {
	# The boot CPU stays.
	[ -e /sys/devices/system/cpu/cpu1/online ] || return 0
	trace hotplug
	wait_attached hotplug
	touch_once plug-1 100
	echo 0 >/sys/devices/system/cpu/cpu1/online
	touch_once plug-2 100
	echo 1 >/sys/devices/system/cpu/cpu1/online
	touch_once plug-3 100
	trace_end hotplug
}

kmod_hostile() {
	bg hostile hostile 4
	touch_once with-hostile $((800 * speed))
	bg_wait hostile
	# It left an open session behind, which went with it.
	step hostile-after mmuscope stat --collector kmod -d 0.1
}

mode "$tdp"
for _part in filters families older auto reload two hostile hotplug many killed cycles; do
	say "kmod $_part: $(cut -d ' ' -f 1 /proc/uptime) s"
	"kmod_$_part"
done
rmmod mmuscope
fact unloaded "$([ -e /sys/module/mmuscope ] && echo 0 || echo 1)"
step no-module mmuscope stat --collector kmod -d 1
