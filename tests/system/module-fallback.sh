#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-fallback.sh - kvm_idle.ko on VMs whose accesses do not show in TDP tables: KVM is asked, and exact all the same
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# kvm_load KVM_PARAMETER AMD_PARAMETER: "" is none.
kvm_load() {
	local kvm=(${1:+"$1"}) kvm_amd=(${2:+"$2"})
	modprobe -r kvm_amd && modprobe kvm "${kvm[@]}" && modprobe kvm_amd "${kvm_amd[@]}"
}

kernel_log_start
echo 0 >/proc/sys/kernel/numa_balancing

plan 21
insmod "$BED_MODULE"
kvm_load "" npt=0
aging_checks "shadow paging"
check "shadow paging: a guest that writes to its own page tables, 200 random rounds" idle_check vm-paging
kvm_load tdp_mmu=0 ""
aging_checks "nested paging without TDP MMU"
kvm_load "" ""
check "pages that only a guest's guest touches are seen, 200 random rounds" idle_check vm-nested
check "a VM with TDP MMU: touched is what is reported, 200 random rounds" idle_check vm-rounds
check "the same, a guest that writes to its own page tables" idle_check vm-paging
rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
