#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# soak-fuzz.sh - ten minutes of random calls on /proc/PID/idle_bitmap
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/system/soak/lib.sh
. "$BED_ROOT/tests/system/soak/lib.sh"

kernel_log_start
insmod "$BED_MODULE"

plan 3
fuzz_soak 600
check "after that it can be unloaded" bed_wait_until 20 rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
