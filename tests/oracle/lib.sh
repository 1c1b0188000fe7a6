# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - what the jobs under the oracle share; they are run with
#
#   bed run --memory 1536,256 --plugin build/bin/libvmheat-plugin.so,oracle
#
# so that the memory that guests get lies in the larger node, at address 0 of the host.

export ORACLE_MAP=/out/plugin.out

# oracle_start: nobody else may unmap, move or collapse pages from here on; guests get none that the oracle does
# not see.
oracle_start() {
	echo 0 >/proc/sys/kernel/numa_balancing
}

# found FAULT PATTERN CHECK: the check fails because of what the pattern says while that build is loaded.
found() {
	local fault=$1 pattern=$2 check=$3 output code=0
	insmod "$BED_FAULTS/$fault/kvm_idle.ko" || return
	output=$(idle_check "$check" 2>&1) || code=$?
	rmmod kvm_idle || return
	printf '%s\n' "$output"
	[ "$code" -eq 1 ] && grep -qE "$pattern" <<<"$output"
}
