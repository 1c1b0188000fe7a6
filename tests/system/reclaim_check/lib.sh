# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - how jobs run reclaim_check (main.c beside this file says what it does and prints), and what they read from it

reclaim_group=/sys/fs/cgroup/reclaim

# reclaim_group_new LIMIT: the memory cgroup that it runs in; "max" is no limit.
reclaim_group_new() {
	mkdir "$reclaim_group"
	echo "$1" >"$reclaim_group/memory.max"
}

# reclaim_measure RUN vm|process small|huge WRITES SECONDS PHASE...: into $BED_OUT/RUN.
reclaim_measure() {
	local run=$1
	shift
	timeout $((60 + 2 * $4 * $#)) "$BED_ROOT/build/test/bin/reclaim_check" "$reclaim_group" "$@" >"$BED_OUT/$run"
	# The next one needs the room.
	bed_wait_until 20 eval "! grep -q . $reclaim_group/cgroup.procs"
}

# reclaim_sum RUN PHASES NAME: the values of all phases of these kinds, which are separated by |.
reclaim_sum() {
	awk -v phases="^phase=($2)\$" -v name="$3" '
		$1 ~ phases { for (i = 2; i <= NF; i++) if (split($i, pair, "=") && pair[1] == name) sum += pair[2] }
		END { print sum + 0 }' "$BED_OUT/$1"
}

# touched_is_not_idle RUN PHASES LIMIT: of all pages that were touched, so many for 100000 pages aged may be idle.
touched_is_not_idle() {
	local checked wrong aged
	checked=$(reclaim_sum "$1" "$2" checked)
	wrong=$(reclaim_sum "$1" "$2" wrong)
	aged=$(reclaim_sum "$1" "$2" aged)
	echo "$checked pages touched, $wrong of them called idle, $aged pages aged"
	[ "$checked" -gt 0 ] && [ $((wrong * 100000)) -le $(($3 * aged)) ]
}

# aged_is_not_idle RUN PHASES LIMIT: likewise, and many pages were aged indeed.
aged_is_not_idle() {
	touched_is_not_idle "$@" && [ "$(reclaim_sum "$1" "$2" aged)" -gt 1000 ]
}
