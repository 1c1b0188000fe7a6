#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# oracle-linux.sh - kvm_idle.ko says of each page of a Linux guest what its instructions did; each difference is explained
#
# tests/oracle/lib.sh says how to run it.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/oracle/lib.sh
. "$BED_ROOT/tests/oracle/lib.sh"

# registers NAME: CR3, and where the guest's processor has its IDT, GDT and TSS.
registers() {
	virsh qemu-monitor-command "$1" --hmp info registers | tr -d '\r' | awk '
		{ for (i = 1; i <= NF; i++) if ($i ~ /^CR3=/) cr3 = substr($i, 5) }
		/^IDT=/ { idt = $2 } /^GDT=/ { gdt = $2 } /^TR / { tss = $2 == "=" ? $4 : $3 }
		END { print cr3, idt, gdt, tss }'
}

# watch NAME LEAVES: with part of its memory in use, and a few programs that wait.
watch() {
	local name=$1 leaves=$2 register
	guest_workload "$name" 'touch 32' && guest_workload "$name" 'hot 0 8 50 spread' || return
	read -ra register < <(registers "$name")
	"$BED_ROOT/build/test/bin/oracle_linux" "$(guest_pid "$name")" "$leaves" "${register[@]}" | tee "$BED_OUT/$leaves.tsv"
}

kernel_log_start
oracle_start
libvirt_start

plan 7
check "the module loads" insmod "$BED_MODULE"
guest_define small 128 thp=0
check "a guest starts, in pages of 4 KiB" guest_start small
check "each page that it touches is accessed, each other that is accessed is of a known class, five intervals" \
	watch small small
guest_destroy small
guest_define large 128
check "a guest starts, in pages of 2 MiB" guest_start large
check "likewise, or shares its leaf with one that is, five intervals" watch large large
guest_destroy large
check "it can be unloaded" rmmod kvm_idle
check "the kernel has nothing to complain about" kernel_is_quiet
