#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# scan_cost.sh - what scanning a guest costs, measured in the emulated VM host
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# Nobody else may unmap or collapse the pages meanwhile. Huge pages are for who asks.
echo 0 >/proc/sys/kernel/numa_balancing
echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
echo 600000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs

measure() {
	"$BED_ROOT/build/test/bin/scan_cost" >"$BED_OUT/scan_cost.tsv"
}

plan 3
check "the module loads" insmod "$BED_MODULE"
check "guests and processes of 64 MiB to 2 GiB are scanned, active and idle" measure
check "the module unloads" rmmod kvm_idle
