# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module.sh - what jobs ask of kvm_idle.ko, and of the kernel's log while it is there

idle_check() {
	"$BED_ROOT/build/test/bin/idle_check" "$@"
}

idle_bitmap_is_gone() {
	[ ! -e /proc/self/idle_bitmap ] && ! find /proc/self -maxdepth 1 -name idle_bitmap | grep -q .
}

# kernel_log_start, kernel_is_quiet: whether the kernel has complained, or the module has said anything, in between.
# Loading an unsigned module from outside of the kernel's tree always makes the kernel say so.
kernel_log_start() {
	kernel_log_first=$(($(dmesg | wc -l) + 1))
}

kernel_is_quiet() {
	! dmesg | tail -n "+$kernel_log_first" | grep -E 'WARNING|BUG|Oops|Call Trace|kvm_idle' |
		grep -v 'kvm_idle: loading out-of-tree\|kvm_idle: module verification failed'
}

# aging_checks WHAT: eight checks of VMs for which the module must ask KVM what was accessed.
aging_checks() {
	check "$1: scans see what was touched, 200 random rounds, and say that they asked KVM" idle_check vm-aging
	check "$1: touched is what is reported, 200 random rounds by read, write and fetch" idle_check vm-rounds
	check "$1: idle is what neither guest nor VMM touched, 200 random rounds" idle_check vm-mapped
	check "$1: what the guest never touched is a hole, not idle" idle_check vm-holes
	check "$1: 512 pages under a 2 MiB leaf move together" idle_check vm-huge
	check "$1: pages in use in a tight loop are never idle, the others always, 100 passes" idle_check vm-hot
	check "$1: VMs are killed while they are scanned" idle_check vm-killed
	check "$1: VMs and memory slots come and go while they are scanned" idle_check vm-torn-down
}
