#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# soak-load.sh - kvm_idle.ko is loaded and unloaded 500 times while a guest runs and processes come and go
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/system/soak/lib.sh
. "$BED_ROOT/tests/system/soak/lib.sh"

cycles=500
warm_up=50 # what is set up once and for all is there after that

leak_is_known() {
	local grown
	! grown=$(kernel_memory_is_stable "$BED_OUT/after" "$BED_OUT/leaked" 100) && grep '^kmalloc-4k:' <<<"$grown"
}

kernel_log_start
echo 0 >/proc/sys/kernel/numa_balancing
plan 5
load_in_company "$warm_up" >&2
kernel_memory "$BED_OUT/before"
check "$cycles times loaded and unloaded while a guest runs, files are open, and /proc/PID is listed" \
	load_in_company "$cycles"
kernel_memory "$BED_OUT/after"
check "the kernel's memory has not grown" kernel_memory_is_stable "$BED_OUT/before" "$BED_OUT/after" "$cycles"
load_cycles "$BED_FAULTS/faults.ko" 100 fault=leak
kernel_memory "$BED_OUT/leaked"
check "a module that leaks 4000 bytes a cycle is known after 100 cycles" leak_is_known
insmod "$BED_MODULE"
check "after that it is exact" idle_check vm-rounds
rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
