#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-ept-fallback.sh - kvm_idle.ko on an Intel processor without EPT's accessed bits, and without EPT: what guests
# touch is what KVM is asked about
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# kvm_intel_load PARAMETER: the module as init has loaded it, but for a parameter, which it must then have.
kvm_intel_load() {
	rmmod kvm_intel && insmod "$(grep '/kvm-intel\.ko' /modules)" "$1" &&
		[ "$(cat "/sys/module/kvm_intel/parameters/${1%=*}")" = N ]
}

plan 19
check "the module loads" insmod "$BED_MODULE"
check "KVM does without accessed bits" kvm_intel_load eptad=0
aging_checks "accessed bits off"
check "KVM does without EPT" kvm_intel_load ept=0
aging_checks "shadow paging"
