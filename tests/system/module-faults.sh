#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-faults.sh - faults that are put into what kvm_idle.ko answers are found by idle_fuzz and idle_check
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# found FAULT PATTERN PROGRAM ARGUMENT...: the program fails and says so while the fault is there.
found() {
	local fault=$1 pattern=$2 program=$BED_ROOT/build/test/bin/$3 output code=0
	shift 3
	insmod "$BED_FAULTS/idle_faults.ko" "fault=$fault" || return
	output=$("$program" "$@" 2>&1) || code=$?
	rmmod idle_faults
	printf '%s\n' "$output"
	[ "$code" -eq 1 ] && grep -qE "$pattern" <<<"$output"
}

insmod "$BED_MODULE"
echo 0 >/proc/sys/kernel/numa_balancing

plan 4
check "a read that writes one byte too many" found overrun 'byte [0-9]+ of the arena .* was written' idle_fuzz 20
check "a read that fails without a reason" found error 'read: Interrupted system call' idle_fuzz 20
check "a scan that counts one page too many" found miscount 'scan: .* present, .* accessed' idle_fuzz 20
check "translations that are not flushed" \
	found no-flush 'not so: .*kvm_tlb_flushes\(\) > flushes' idle_check vm-hot
rmmod kvm_idle
