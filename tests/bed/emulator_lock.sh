# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# emulator_lock.sh - as many emulated hosts at a time as this machine has processors, in one checkout

# emulator_lock NAME: returns when one more may run, which counts until the calling script ends. NAME says who waits.
emulator_lock() {
	local slot slots waiting=
	slots=$(nproc)
	mkdir -p "${top:?}/build"
	while :; do
		for ((slot = 0; slot < slots; slot++)); do
			exec 9>"$top/build/emulator.$slot.lock"
			if flock --nonblock 9; then
				return
			fi
		done
		[ -n "$waiting" ] || echo "$1: other emulated hosts run; waiting for one of them to end" >&2
		waiting=yes
		sleep 1
		progress "$1: waiting for another emulated host: $SECONDS s"
	done
}
