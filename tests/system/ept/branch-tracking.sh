#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# branch-tracking.sh - the kernel faults where an indirect call ends at no ENDBR: what the module's job is to run under
#
# The kernel tries such a jump itself when it boots, and switches the tracking off again if no fault comes.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

branches_are_tracked() {
	dmesg | grep -F 'CET detected: Indirect Branch Tracking enabled' && ! dmesg | grep -F 'IBT selftest: Failed'
}

plan 1
check "indirect branch tracking is on" branches_are_tracked
