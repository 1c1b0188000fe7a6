#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bed.sh - the emulated VM host is what the other system tests take it for
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

debian_kernel() {
	grep -q '#1 SMP .* Debian ' /proc/version && [ "$(uname -r)" = "$(cat "$BED_ROOT/build/kernel/6.1/release")" ]
}

two_nodes() {
	[ "$(cat /sys/devices/system/node/online)" = 0-1 ] &&
		[ -n "$(cat /sys/devices/system/node/node0/cpulist)" ] &&
		[ -z "$(cat /sys/devices/system/node/node1/cpulist)" ]
}

nested_paging() {
	[ -c /dev/kvm ] && [[ $(cat /sys/module/kvm_amd/parameters/npt) =~ ^[Y1]$ ]]
}

# The guest's init says what its kernel offers, three times.
guest_tracks_idle_pages() {
	bed_wait_until 10 grep -q 'with page_idle' "$BED_OUT/g1.console"
}

memory_on_near_node() {
	# numastat -p's last line: "Total NODE0_MB NODE1_MB TOTAL_MB"
	numastat -p "$(guest_pid g1)" | awk '$1 == "Total" { exit !($2 > 50 && $3 < $2 / 10) }'
}

is_off() {
	[ "$(virsh domstate g1)" = "shut off" ]
}

powers_off() {
	virsh shutdown g1 --mode acpi && bed_wait_until 60 is_off
}

plan 10
check "the kernel is the stock one of Debian, as packaged" debian_kernel
check "two NUMA nodes, the second without processors" two_nodes
check "KVM is there and uses nested page tables" nested_paging
check "libvirtd answers" libvirt_start
diag "libvirtd answered at $(cut -d' ' -f1 /proc/uptime) s of uptime"
check "a system bus answers" dbus_start
guest_define g1 256
check "a KVM guest gets READY" guest_start g1
diag "the guest was READY at $(cut -d' ' -f1 /proc/uptime) s of uptime"
check "the guest's kernel tracks idle pages" guest_tracks_idle_pages
check "the guest's memory starts on the near node" memory_on_near_node
check "the workload in the guest answers" guest_workload g1 status
check "the guest powers off when asked to" powers_off
