#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-reclaim-long.sh - module-reclaim.sh with ten times longer phases: 20 minutes, --timeout 2400
set -euo pipefail

# shellcheck disable=SC2034 # the job below reads it
reclaim_seconds=30
# shellcheck source=tests/system/module-reclaim.sh
. "$BED_ROOT/tests/system/module-reclaim.sh"
