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

# keep_a_vm: KVM patches the kernel's text when its first VM comes and when its last one goes, and emulated processors
# that run in parallel sometimes hang in text that is being patched. So one VM is always there; it ends with the job.
keep_a_vm() {
	local fifo=$BED_OUT/vmm.commands
	mkfifo "$fifo"
	# Opened for both, so that neither end waits for the other.
	exec {commands}<>"$fifo"
	"$BED_ROOT/build/test/bin/vmm" <&"$commands" >"$BED_OUT/vmm.log" 2>&1 &
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
