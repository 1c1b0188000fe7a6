#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vs_page_idle.sh - what a scan costs beside IDLE_PAGE_TRACKING, measured in the emulated VM host
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# Nobody else may unmap, move or collapse the pages meanwhile.
echo 0 >/proc/sys/kernel/numa_balancing
echo never >/sys/kernel/mm/transparent_hugepage/enabled

measured=$BED_OUT/vs_page_idle.tsv

measure() {
	"$BED_ROOT/build/test/bin/vs_page_idle" 512 "$BED_MODULE" >"$measured"
}

# agrees PAGES WAY...: these ways were wrong about at most so many pages of a million.
agrees() {
	local most=$1
	shift
	awk -v most="$most" -v ways=" $* " 'index(ways, " " $1 " ") { wrong += $6 + $7; pages += $8 }
		END { print wrong " of " pages " pages"; exit !(pages && wrong * 1000000 <= most * pages) }' "$measured"
}

plan 4
check "a guest of 512 MiB is scanned, and the host's page_idle bitmap" measure
check "scans say of each page what the guest did" agrees 0 scan idle_bitmap
check "so does page_idle, but for pages that happen to be off the kernel's lists" agrees 100 page_idle page_idle_pagemap
check "the module unloads" rmmod kvm_idle
