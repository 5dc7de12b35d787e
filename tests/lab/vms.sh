# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Several VMs, some there before mmuscope, some after, one after the other and at
# once, and four mmuscopes that look at them with different filters. A fifth records. Of the
# kernel module's own filters kmod.sh takes care.

mode "$tdp"
start vm-a touch --pages 1000
start vm-b touch --pages 3000
# What is left of KVM's use when, of all VMs, vm-a and vm-b are left.
kept=$(kvm_refs)
start victim touch --pages 500
kept=$((kept - $(kvm_refs)))
trace all
trace_also by-pid -p "$(bg_pid vm-a)"
trace_also by-name --vm vm-b
bg recorded.stat mmuscope record --collector bpf -o /tmp/recorded.data
for t in all by-pid by-name recorded; do
	wait_attached "$t"
done
kept=$((kept + $(kvm_refs)))
for g in vm-a vm-b victim; do
	go "$g"
done
step by-command mmuscope stat --collector bpf --json -o /results/by-command.json -- \
	sh -c 'mmuscope-guest touch --pages 700 --name command >/results/command.out; exit 7'
for g in vm-a vm-b victim; do
	wait_done "$g"
done
kill -KILL "$(bg_pid victim)"
bg_wait victim 2>/dev/null
step twin mmuscope-guest touch --vms 2 --name twin --pages 1500
awk '/^workload=/ { held = $0; next }
	/^name=/ { to = "/results/" substr($0, 6) ".out"; print held >to }
	to { print >to }' /results/twin.out
i=0
while [ "$i" -lt 30 ]; do
	i=$((i + 1))
	step "life-$i" mmuscope-guest touch --pages $((20 + i)) --name "life-$i"
done
vms_gone "$kept"
trace_end all by-pid by-name recorded
step report mmuscope report --json -o /results/recorded.json /tmp/recorded.data
end vm-a vm-b

# Its events come before it is looked for.
bg busy mmuscope-guest retouch --pages 500 --rounds 1000000 --name busy --timeout 0
sleep 1
step busy.stat mmuscope stat --collector "$collector" --json -d 1 -o /results/busy.json
kill -KILL "$(bg_pid busy)"
bg_wait busy 2>/dev/null
