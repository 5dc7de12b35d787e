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

kmod_cycles() {
	start load touch --pages $((6000 * speed))
	go load
	i=0 failures=0
	while [ "$i" -lt $((20 * speed)) ]; do
		i=$((i + 1))
		rmmod mmuscope || failures=$((failures + 1))
		insmod /lab-tests/mmuscope.ko || failures=$((failures + 1))
		[ $((i % 10)) != 0 ] || mmuscope stat --collector kmod -d 0.05 -o /dev/null ||
			failures=$((failures + 1))
	done
	wait_done load
	end load
	fact cycles_failed "$failures"
}

kmod_many() {
	trace many
	wait_attached many
	touch_once warm-up 10
	_before=$(memory)
	i=0
	while [ "$i" -lt $((50 * speed)) ]; do
		i=$((i + 1))
		mmuscope-guest touch --pages 10 --name "many-$i" >/dev/null
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
for _part in filters auto reload two hostile hotplug many killed cycles; do
	say "kmod $_part: $(cut -d ' ' -f 1 /proc/uptime) s"
	"kmod_$_part"
done
rmmod mmuscope
fact unloaded "$([ -e /sys/module/mmuscope ] && echo 0 || echo 1)"
step no-module mmuscope stat --collector kmod -d 1
