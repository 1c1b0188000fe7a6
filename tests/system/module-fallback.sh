#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-fallback.sh - kvm_idle.ko on VMs without TDP MMU: what guests touch is what KVM is asked about
#
# KVM is unloaded and loaded anew, which patches the kernel's text: to be run with bed run --thread single.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# kvm_load KVM_PARAMETER AMD_PARAMETER: "" is none.
kvm_load() {
	local kvm=(${1:+"$1"}) kvm_amd=(${2:+"$2"})
	modprobe -r kvm_amd && modprobe kvm "${kvm[@]}" && modprobe kvm_amd "${kvm_amd[@]}"
}

# vm_checks WHAT: eight checks.
vm_checks() {
	check "$1: scans see what was touched, 200 random rounds, and say that they asked KVM" idle_check vm-aging
	check "$1: touched is what is reported, 200 random rounds by read, write and fetch" idle_check vm-rounds
	check "$1: idle is what neither guest nor VMM touched, 200 random rounds" idle_check vm-mapped
	check "$1: what the guest never touched is a hole, not idle" idle_check vm-holes
	check "$1: 512 pages under a 2 MiB leaf move together" idle_check vm-huge
	check "$1: pages in use in a tight loop are never idle, the others always, 100 passes" idle_check vm-hot
	check "$1: VMs are killed while they are scanned" idle_check vm-killed
	check "$1: VMs and memory slots come and go while they are scanned" idle_check vm-torn-down
}

kernel_log_start
echo 0 >/proc/sys/kernel/numa_balancing

plan 18
insmod "$BED_MODULE"
kvm_load "" npt=0
vm_checks "shadow paging"
kvm_load tdp_mmu=0 ""
vm_checks "nested paging without TDP MMU"
kvm_load "" ""
check "after that, a VM with TDP MMU: touched is what is reported" idle_check vm-rounds
rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
