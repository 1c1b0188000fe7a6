#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest_slowdown.sh - what scans cost a guest, measured in the emulated VM host
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# Nobody else may unmap or collapse the pages meanwhile. Huge pages are for who asks.
echo 0 >/proc/sys/kernel/numa_balancing
echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
echo 600000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs

measure() {
	"$BED_ROOT/build/test/bin/guest_slowdown" >"$BED_OUT/guest_slowdown.tsv"
}

plan 3
check "the module loads" insmod "$BED_MODULE"
check "a guest works with and without scans" measure
check "the module unloads" rmmod kvm_idle
