#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-soak.sh - a minute of what soak-scan.sh does: scanning while memory slots, guests and pages come, go and move
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/system/soak/lib.sh
. "$BED_ROOT/tests/system/soak/lib.sh"

kernel_log_start
insmod "$BED_MODULE"

plan 7
scan_soak 60
check "after that it can be unloaded" bed_wait_until 20 rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
