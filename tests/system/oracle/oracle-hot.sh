#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# oracle-hot.sh - what a guest touches in a loop that it does not leave is not idle, and a TLB that is not flushed shows
#
# tests/oracle/lib.sh says how to run it; with --parallel, for a TLB stays hot only while its processor runs the guest, and
# in the meantime another one must mark the guest's pages.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/oracle/lib.sh
. "$BED_ROOT/tests/oracle/lib.sh"

# irqs_to_first: devices' interrupts go to the first processor, for each of them takes the other one out of its guest.
irqs_to_first() {
	local affinity
	for affinity in /proc/irq/*/smp_affinity_list; do
		echo 0 >"$affinity" || true # some are not to be moved
	done 2>/dev/null
}

kernel_log_start
oracle_start
irqs_to_first

plan 5
check "the module loads" insmod "$BED_MODULE"
check "a guest in a tight loop with hot TLBs: what it touched in two laps, 400 times" idle_check oracle-hot
check "it can be unloaded" rmmod kvm_idle
check "TLBs that are not flushed are found" \
	found no-flush 'in use with hot TLBs: of ([0-9]+) pages [1-9][0-9]* are missing; extra 0' oracle-hot
check "the kernel has nothing to complain about" kernel_is_quiet
