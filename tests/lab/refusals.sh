# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0
# Where mmuscope cannot work it says why, in one sentence. NAME.rc, NAME.err, NAME.out.

mode "$tdp"
echo 'root:x:0:0::/root:/bin/sh' >/etc/passwd
echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
echo 'nogroup:x:65534:' >/etc/group
step no-root su -s /bin/sh nobody -c 'exec mmuscope stat -d 1'
step no-vm mmuscope stat --vm nothere -d 1
step no-pid mmuscope stat -p 999999 -d 1

: >/tmp/empty
mount -o bind /tmp/empty /sys/kernel/btf/vmlinux
step no-btf mmuscope stat --collector bpf -d 1
umount /sys/kernel/btf/vmlinux

mode none
step no-kvm mmuscope stat -d 1
true
