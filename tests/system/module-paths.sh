#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-paths.sh - kvm_idle.ko: exact on each way by which a guest reaches memory, and on each kind of memory
#
# Each path takes 200 random rounds, in which the shared observer and two of open files look in turn.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

huge_2m=/sys/kernel/mm/hugepages/hugepages-2048kB
huge_1g=/sys/kernel/mm/hugepages/hugepages-1048576kB
khugepaged=/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs

kernel_log_start
# Both change mappings whenever they like; the one check for which khugepaged shall do so wakes it.
echo 0 >/proc/sys/kernel/numa_balancing
khugepaged_interval=$(cat "$khugepaged")
echo 3600000 >"$khugepaged"
echo 8 >"$huge_2m/nr_hugepages"
insmod "$BED_MODULE"

plan 20
check "4 KiB pages, and a balloon" idle_check path-small
check "4 KiB pages whose guest frames are not congruent to them, and a balloon" idle_check path-skewed
check "a shared memory file, of which pages are cut out" idle_check path-memfd
check "a file that can only be read" idle_check path-file
check "transparent huge pages, leaf for leaf" idle_check path-huge
check "hugetlb pages of 2 MiB, leaf for leaf" idle_check path-hugetlb-2m
what="a hugetlb page of 1 GiB, leaf for leaf"
if [ "$(cat "$huge_1g/free_hugepages" 2>/dev/null || echo 0)" -gt 0 ]; then
	check "$what" idle_check path-hugetlb-1g
else
	skip "$what" "this host has no such page to give"
fi
check "a memory slot that moves, and shows other pages" idle_check path-moving
check "two VMs of one process that show the same memory" idle_check path-two-vms
check "System Management Mode, which sees other memory at the same address" idle_check path-smm
check "a guest's guest on the guest's address space, by the VM's first vCPU" idle_check path-nested
check "a guest's guest with nested paging, for which KVM keeps shadow pages" idle_check path-nested-paging
check "a VM whose first vCPU never runs" idle_check path-second-vcpu
check "two VMs, a guest's guest and System Management Mode in tight loops: hot is accessed, the others are idle" \
	idle_check path-hot
check "a huge page that was split, with one hot page: 511 are idle" idle_check change-split-hot
check "huge pages that are split, collapsed and punched: no touched page is idle, no untouched one else accessed" \
	idle_check change-split
check "khugepaged collapses pages while they are observed: no touched page is idle" idle_check change-khugepaged
check "a process with the number of one that has exited has no marks of that" idle_check file-pid-reuse
echo 0 >"$huge_2m/nr_hugepages"
echo "$khugepaged_interval" >"$khugepaged"
check "it can be unloaded, and the file is gone" eval 'rmmod kvm_idle && idle_bitmap_is_gone'
check "the kernel has nothing to complain about" kernel_is_quiet
