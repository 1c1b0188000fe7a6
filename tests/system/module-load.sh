#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-load.sh - kvm_idle.ko comes and goes while others use it
#
# soak/soak-load.sh does it for longer.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/system/soak/lib.sh
. "$BED_ROOT/tests/system/soak/lib.sh"

kernel_log_start
echo 0 >/proc/sys/kernel/numa_balancing

plan 4
check "20 times loaded and unloaded while a guest runs, and files are looked up, listed, opened, marked and read" \
	load_in_company 20
insmod "$BED_MODULE"
check "after that it is exact" idle_check process-rounds
check "and so is a VM" idle_check vm-rounds
rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
