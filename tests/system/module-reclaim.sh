#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-reclaim.sh - kvm_idle.ko and the host's reclaim take no accessed bit from one another
#
# A guest, and then a process, runs in a memory cgroup that is too small for it and its neighbour, so that the host
# always ages pages and swaps. tests/system/reclaim_check knows what was touched when, and counts what was swapped out
# before it was touched, and what was called idle although it had been touched.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/system/reclaim_check/lib.sh
. "$BED_ROOT/tests/system/reclaim_check/lib.sh"

lru_gen=/sys/kernel/mm/lru_gen/enabled
# Length of a phase; tests/system/long/module-reclaim-long.sh has longer ones.
seconds=${reclaim_seconds-3}
writes=4000

# How much more of a set may be out when it is observed, in touches per million. With all accesses hidden from reclaim
# warm pages are out 10000 times and more in a million.
hot_margin=500
warm_margin=4000

small_host() {
	echo 0 >/proc/sys/kernel/numa_balancing
	echo 0 >/proc/sys/vm/page-cluster
	modprobe zram
	echo 512M >/sys/block/zram0/disksize
	mkswap --quiet /dev/zram0
	swapon /dev/zram0
	reclaim_group_new 96M
}

# measure RUN vm|process small|huge PHASE...
measure() {
	local run=$1 subject=$2 pages=$3
	shift 3
	reclaim_measure "$run" "$subject" "$pages" "$writes" "$seconds" "$@"
}

# out RUN PHASE SET fewest|most: how many of a million touches found their page swapped out, in the phase of that kind
# that had the fewest, or the most.
out() {
	awk -v phase="phase=$2" -v set="$3" -v which="$4" '
		$1 == phase {
			for (i = 2; i <= NF; i++) if (split($i, pair, "=")) value[pair[1]] = pair[2]
			share = value[set] ? int(1000000 * value[set "_out"] / value[set]) : 1000000
			if (!seen++ || (which == "fewest" ? share < out : share > out)) out = share
		}
		END { print seen ? out : 1000000 }' "$BED_OUT/$1"
}

# set_stays RUN PHASE SET MARGIN: as well in that phase as without an observer. Whatever disturbs this host pushes pages
# out, now and then; what an observer does it does in every phase.
set_stays() {
	local alone observed
	alone=$(out "$1" none "$3" fewest) observed=$(out "$1" "$2" "$3" fewest)
	echo "$3 pages out of 1000000 touched, $2: $observed, without observer: $alone"
	[ "$observed" -le $((alone + $4)) ]
}

sets_stay() {
	set_stays "$1" "$2" hot "$hot_margin" && set_stays "$1" "$2" warm "$warm_margin"
}

both_sets_stay() {
	sets_stay "$1" marks && sets_stay "$1" scan
}

untouched_is_idle() {
	local untouched busy
	untouched=$(reclaim_sum "$1" 'marks|scan' untouched) busy=$(reclaim_sum "$1" 'marks|scan' busy)
	echo "$untouched pages not touched, $busy of them not called idle"
	[ "$untouched" -gt 0 ] && [ $((busy * 100)) -le "$untouched" ]
}

# judge RUN WHO LIMIT
judge() {
	check "$2: what was touched is not idle, whatever reclaim has aged" aged_is_not_idle "$1" 'marks|scan' "$3"
	check "$2: what was not touched is idle" untouched_is_idle "$1"
}

# judge_eviction RUN WHO
judge_eviction() {
	check "$2: the working set stays in as well when observed 5 times a second as when not" both_sets_stay "$1"
}

# blind_module: a module that clears accessed bits and tells nobody, and does not hear of those that others clear.
blind_module() {
	insmod "$BED_FAULTS/idle_faults.ko" fault=unseen-aging
	measure blind vm small none marks marks
	rmmod idle_faults
}

# That this test sees it.
sees_plain_clearing() {
	local alone observed
	alone=$(out "$1" none warm fewest) observed=$(out "$1" marks warm most)
	echo "warm pages out of 1000000 touched: $observed, without observer: $alone"
	[ "$observed" -gt $((alone + warm_margin)) ] && ! touched_is_not_idle "$1" marks 1
}

# The switch of the function tracer, kernel.ftrace_enabled.
tracer=/proc/sys/kernel/ftrace_enabled

tracer_stays_on() {
	local refused=1
	echo 0 >"$tracer" || refused=0
	[ "$(cat "$tracer")" = 1 ] || refused=1
	echo 1 >"$tracer"
	return "$refused"
}

refused_without_tracer() {
	local refused=1
	echo 0 >"$tracer"
	insmod "$BED_MODULE" || refused=0
	echo 1 >"$tracer"
	[ "$refused" = 0 ] && dmesg | tail -5 | grep 'kvm_idle: .*kernel.ftrace_enabled is 0'
}

# Others need the kernel's probes, and neither the swap space nor the settings.
clean_up() {
	echo 1 >/sys/kernel/debug/kprobes/enabled
	swapoff /dev/zram0
	rmdir "$reclaim_group"
	echo "$lru_before" >"$lru_gen"
}

kernel_log_start
lru_before=$(awk '{ print $1 }' "$lru_gen")
small_host
trap clean_up EXIT
observed="none marks scan none marks scan"

plan 18
check "the module loads" insmod "$BED_MODULE"
check "while it is loaded the function tracer cannot be switched off" tracer_stays_on
echo 0 >"$lru_gen"
blind_module
check "of a module that does not hear of aging, this test sees pages evicted and called idle" sees_plain_clearing blind
measure unprobed process small none unprobed none unprobed
check "the kernel's probes off and on: the working set stays in" sets_stay unprobed unprobed
check "the kernel's probes off and on: what was touched is not idle" aged_is_not_idle unprobed unprobed 0
# The choice is changed while nobody is under pressure: processes that are would be killed.
for lru in 0:classic 7:multi-generational; do
	echo "${lru%:*}" >"$lru_gen"
	lru=${lru#*:}
	# shellcheck disable=SC2086 # a list
	measure "vm-$lru" vm small $observed
	judge_eviction "vm-$lru" "a guest, $lru LRU"
	judge "vm-$lru" "a guest, $lru LRU" 1
	# shellcheck disable=SC2086
	measure "process-$lru" process small $observed
	# The multi-generational LRU evicts up to 1 % of a process's warm pages by itself, so there is nothing to be seen.
	[ "$lru" != classic ] || judge_eviction "process-$lru" "a process, $lru LRU"
	judge "process-$lru" "a process, $lru LRU" 0
done
rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
check "with the function tracer off it does not load, and says why" refused_without_tracer
