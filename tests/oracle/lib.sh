# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - what the jobs under the oracle share; they are run with
#
#   bed run --memory 1536,256 --plugin build/bin/libvmheat-plugin.so,oracle
#
# so that the memory that guests get lies in the larger node, at address 0 of the host. The emulated processors
# run in parallel, because a TLB that was not flushed shows only while its processor goes on running the guest.

export ORACLE_MAP=/out/plugin.out

second_processor=/sys/devices/system/cpu/cpu1/online

# oracle_start: nobody else may unmap, move or collapse pages from here on; guests get none that the oracle does
# not see.
oracle_start() {
	echo 0 >/proc/sys/kernel/numa_balancing
}

# load_alone MODULE, unload_alone: with one processor online. Loading patches the kernel's text, which emulated
# processors that run in parallel do not always survive.
load_alone() {
	echo 0 >"$second_processor"
	insmod "$1"
	echo 1 >"$second_processor"
}

unload_alone() {
	echo 0 >"$second_processor"
	rmmod kvm_idle
	echo 1 >"$second_processor"
}
