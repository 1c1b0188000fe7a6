#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-damon.sh - kvm_idle.ko and DAMON, on a kernel that has it, take no accessed bit from one another's observers
#
# DAMON samples the observed process hundreds of times a second, by addresses anywhere in a page or a large leaf.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/system/reclaim_check/lib.sh
. "$BED_ROOT/tests/system/reclaim_check/lib.sh"

damon=/sys/kernel/mm/damon/admin/kdamonds

# Switches DAMON on for whoever comes first in the cgroup: the observed process.
damon_start() {
	local context=$damon/0/contexts/0
	bed_wait_until 20 grep -q . "$reclaim_group/cgroup.procs"
	echo 1 >"$damon/nr_kdamonds"
	echo 1 >"$damon/0/contexts/nr_contexts"
	echo vaddr >"$context/operations"
	echo 2000 >"$context/monitoring_attrs/intervals/sample_us"
	echo 40000 >"$context/monitoring_attrs/intervals/aggr_us"
	echo 1000 >"$context/monitoring_attrs/nr_regions/max"
	echo 500 >"$context/monitoring_attrs/nr_regions/min"
	echo 1 >"$context/targets/nr_targets"
	head -n 1 "$reclaim_group/cgroup.procs" >"$context/targets/0/pid_target"
	echo on >"$damon/0/state"
}

# observed_with_damon RUN vm|process small|huge
observed_with_damon() {
	local measurement
	reclaim_measure "$1" "$2" "$3" 200 8 marks scan &
	measurement=$!
	damon_start
	wait "$measurement"
	# It ends when nobody is left to be observed.
	bed_wait_until 20 grep -q off "$damon/0/state"
	aged_is_not_idle "$1" 'marks|scan' 0
}

kernel_log_start
echo 0 >/proc/sys/kernel/numa_balancing
reclaim_group_new max

plan 5
check "the module loads" insmod "$BED_MODULE"
check "a guest, also observed by DAMON: what was touched is not idle" observed_with_damon vm vm small
check "a guest with 2 MiB leaves, also observed by DAMON: likewise" observed_with_damon vm-huge vm huge
check "a process, also observed by DAMON: likewise" observed_with_damon process process small
rmmod kvm_idle
rmdir "$reclaim_group"
check "the kernel has nothing to complain about" kernel_is_quiet
