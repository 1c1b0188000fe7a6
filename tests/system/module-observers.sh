#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-observers.sh - kvm_idle.ko: observers do not disturb one another, and all see the VMs' memory layout
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

kernel_log_start
echo 0 >/proc/sys/kernel/numa_balancing
insmod "$BED_MODULE"

plan 7
check "three others scan and read all the time: none of three observers misses anything, 200 random rounds" \
	idle_check crowd-scans
check "three others mark, too: two that scan miss nothing, 200 random rounds" idle_check crowd-marks
check "three others scan and read while a memory slot goes, comes and moves, 200 random rounds" idle_check crowd-moving
check "a VM ends with its process, however often its file was opened and used" idle_check vm-references
check "the memslots are those that the VMM has set up, in two VMs and for System Management Mode" idle_check memslots
check "it can be unloaded, and the file is gone" eval 'rmmod kvm_idle && idle_bitmap_is_gone'
check "the kernel has nothing to complain about" kernel_is_quiet
