#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vs_damon.sh - what a scan costs and finds beside DAMON, measured in the emulated VM host
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# Nobody else may unmap, move or collapse the pages meanwhile.
echo 0 >/proc/sys/kernel/numa_balancing
echo never >/sys/kernel/mm/transparent_hugepage/enabled
measured=$BED_OUT/vs_damon.tsv

measure() {
	"$BED_ROOT/build/test/bin/vs_damon" "$BED_MODULE" >"$measured"
}

scans_are_right() {
	awk '$1 == "scan" { scans++; wrong += $6 != $7 || $7 != $8 } END { exit !(scans && !wrong) }' "$measured"
}

plan 3
check "a guest is watched by DAMON and by scans" measure
check "scans find the pages that the guest uses and no others" scans_are_right
check "the module unloads" rmmod kvm_idle
