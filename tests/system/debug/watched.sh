#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# watched.sh - whether the debug kernel has watched the jobs before this one to their end, and has found no leak
#
# Reports in the kernel's log are the bed's to find. But lockdep switches itself off at the first report or when its
# tables are full, and kmemleak tells only when it is asked.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

leaks=/sys/kernel/debug/kmemleak

lockdep_is_on() {
	grep -qE '^ *debug_locks: +1$' /proc/lockdep_stats
}

# An object counts as leaked when two scans, some seconds apart, found nothing that points to it.
no_leak() {
	echo scan >"$leaks"
	sleep 6
	echo scan >"$leaks"
	[ -z "$(tee "$BED_OUT/kmemleak" <"$leaks")" ] || { cat "$BED_OUT/kmemleak"; return 1; }
}

plan 3
check "this kernel has KASAN" grep -qE ' (kasan_report|__asan_load8)$' /proc/kallsyms
check "lockdep is still on" lockdep_is_on
check "nothing has leaked" no_leak
