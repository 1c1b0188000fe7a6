#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# accuracy.sh - which pages of a Linux guest are hot: what each way to find out says and costs, in the emulated VM host
#
# Under the oracle it is measured what they say; without it, what they cost.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/oracle/lib.sh
. "$BED_ROOT/tests/oracle/lib.sh"

memory_mib=192

# measure LEAVES: in a guest of this name, which runs.
measure() {
	"$BED_ROOT/build/test/bin/accuracy" "$1" "$(guest_pid "$1")" "$memory_mib" "/run/$1.workload" "$(guest_agent_socket "$1")" \
		"$BED_MODULE" >"$BED_OUT/$1.tsv"
}

[ -e "$ORACLE_MAP" ] || unset ORACLE_MAP
oracle_start
libvirt_start

plan 4
guest_define small "$memory_mib" thp=0
guest_start small
check "a guest in pages of 4 KiB is watched by each way" measure small
check "the module unloads" rmmod kvm_idle
guest_destroy small
guest_define large "$memory_mib"
guest_start large
check "a guest in pages of 2 MiB is watched by each way" measure large
check "the module unloads" rmmod kvm_idle
guest_destroy large
