#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# oracle.sh - kvm_idle.ko says of each page what the guest did, every instruction of which was seen
#
# tests/oracle/lib.sh says how to run it.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/oracle/lib.sh
. "$BED_ROOT/tests/oracle/lib.sh"

kernel_log_start
oracle_start

plan 6
check "the module loads" insmod "$BED_MODULE"
check "a guest: what it read, wrote and executed is what two observers are told, 0 missing, 0 extra, 500 random rounds" \
	idle_check oracle-rounds
check "a guest under 2 MiB leaves: leaf for leaf, 50 random rounds" idle_check oracle-huge
check "a guest on 512 page tables: a page in each, 10 random rounds" idle_check oracle-tables
check "it can be unloaded" rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
