#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-load.sh - kvm_idle.ko comes and goes while others use it
#
# All this patches the kernel's text while it runs, which emulated processors that run in parallel do not always survive,
# with or without this module: to be run with bed run --thread single.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

module=$BED_MODULE

# Something always looks up, lists, opens and reads while the module comes and goes.
disturb() {
	while :; do
		ls -l "/proc/$BASHPID" /proc/1
		stat /proc/1/idle_bitmap "/proc/$BASHPID/idle_bitmap"
		dd if="/proc/$BASHPID/idle_bitmap" of=/dev/null bs=64K count=1
		(:)
	done >/dev/null 2>&1
}

# A lookup that is under way holds the module for a moment.
unload_patiently() {
	bed_wait_until 20 rmmod kvm_idle
}

load_cycles() {
	local cycle pids=()
	for _ in 1 2 3; do
		disturb &
		pids+=($!)
	done
	for cycle in $(seq "$1"); do
		insmod "$module" || return
		# Unloaded at once, or after something has used it.
		[ $((cycle % 2)) -eq 0 ] || sleep 0.2
		unload_patiently || return
	done
	kill "${pids[@]}"
	idle_bitmap_is_gone
}

kernel_log_start
echo 0 >/proc/sys/kernel/numa_balancing

plan 4
check "20 times loaded and unloaded while the file is looked up, listed, opened and read" load_cycles 20
insmod "$module"
check "after that it is exact" idle_check process-rounds
check "and so is a VM" idle_check vm-rounds
rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
