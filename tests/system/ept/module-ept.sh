#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-ept.sh - kvm_idle.ko on an Intel processor: what guests touch is exactly what EPT's accessed bits say
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

has_accessed_bits() {
	[ "$(cat /sys/module/kvm_intel/parameters/ept)" = Y ] && [ "$(cat /sys/module/kvm_intel/parameters/eptad)" = Y ]
}

plan 12
check "KVM uses EPT, with accessed bits" has_accessed_bits
check "the module loads" insmod "$BED_MODULE"
check "a process: touched is what is reported, 200 random rounds by read, write and fetch" idle_check process-rounds
check "a guest: touched is what is reported, 200 random rounds by read, write and fetch" idle_check vm-rounds
check "a guest and its VMM: idle is what neither touched, 200 random rounds" idle_check vm-merged
check "a guest whose frames are not congruent to host pages, 200 random rounds" idle_check vm-skewed
check "a guest: what it never touched is a hole, not idle" idle_check vm-holes
check "a guest: 512 pages under a 2 MiB leaf move together" idle_check vm-huge
check "VMs that are killed while they are scanned" idle_check vm-killed
check "VMs and memory slots that come and go while they are scanned" idle_check vm-torn-down
check "a guest in a tight loop with hot TLBs: its pages are never idle, the others always, 100 passes" \
	idle_check vm-hot
check "it can be unloaded" rmmod kvm_idle
