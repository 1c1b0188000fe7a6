#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# oracle-faults.sh - builds of kvm_idle.ko with a fault each (tests/bed/faults/kvm_idle) are found by the checks of oracle.sh
#
# To be run as oracle.sh is, after it.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/oracle/lib.sh
. "$BED_ROOT/tests/oracle/lib.sh"

kernel_log_start
oracle_start

plan 5
check "one page table in 512 that is skipped" \
	found skipped-table 'the pages of 1 tables of 512 are missing, those of 0 extra' oracle-tables
check "the wrong accessed bit" \
	found wrong-bit 'missing ([1-9][0-9]*), of these unwritten \1,' oracle-rounds
check "a scan that loses the bits of another observer" \
	found lost-observer "reader after another's scan: missing [1-9][0-9]*,.* extra 0" oracle-rounds
check "a memory slot whose last page is skipped" \
	found slot-end 'reader: missing ([1-9][0-9]*),.* last of a slot \1; extra 0' oracle-rounds
check "the kernel has nothing to complain about" kernel_is_quiet
