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
