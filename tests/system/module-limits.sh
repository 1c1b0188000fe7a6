#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-limits.sh - kvm_idle.ko: a scan holds nobody up
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

kernel_log_start
echo 0 >/proc/sys/kernel/numa_balancing

plan 6
check "the module loads" insmod "$BED_MODULE"
check "a call of a scan takes as long as its budget" idle_check limits-budget
check "a scanner that is killed is gone at once" idle_check limits-killed
check "a guest's page faults go on while it is scanned" idle_check limits-faults
check "it can be unloaded, and the file is gone" eval 'rmmod kvm_idle && idle_bitmap_is_gone'
check "the kernel has nothing to complain about" kernel_is_quiet
