#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# daemon-tcg.sh - vmheatd and vmheatctl on a guest that runs without KVM, which QEMU's plugin observes
#
# The module is not loaded: nothing here needs it. Truth is what the workload in the guest says of itself; "base" is what
# the daemon measures with the workload stopped. One emulator in another is slow, so there is one guest, and little of it.
#
# shellcheck disable=SC2016 # the $names in jq's expressions are jq's
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

map=/run/emulated.map

is_unarmed() {
	# The first observer's word "armed" in the header.
	[ "$(od -A n -t u4 -j 68 -N 4 "$map" | tr -d ' ')" = 0 ]
}

[ ! -d /sys/module/kvm_idle ] || rmmod kvm_idle
cat >"$daemon_conf" <<-EOT
	[vmheatd]
	interval = 4s
	working-set-age = 12s
	fall-half-life = 4s
	[defaults]
	floor = 64MiB
	headroom = 32MiB
	shrink-step = 16MiB
	dead-band = 8MiB
	settle-windows = 3
	moves = no
EOT

plan 9
libvirt_start
dbus_start
guest_define emulated 192 agent=0 plugin="$map"
guest_define bare 64 agent=0 kvm=0
check "a guest without KVM starts with the plugin" guest_start emulated
# Before anybody observes, for that makes it slower still.
guest_workload emulated 'touch 60' >&2
virsh --quiet start bare
daemon_start
check "it is tracked, and by which source" \
	bed_wait_until 60 holds emulated '.state == "tracking" and .windows >= 1 and .sources == ["plugin"]'
check "without the plugin it waits, and it is said for what" \
	bed_wait_until 20 holds bare '.state == "waiting" and (.["state-reason"] | test("libvmheat-plugin"))'
guest_destroy bare
windows emulated 5
base=$(working_set_mib emulated)
diag "base: $base MiB"
truth=$(guest_workload emulated 'hot 0 30 1000 spread' | jq .hot_mib)
windows emulated 4
check "the working set is the workload's, above the base" \
	near "$truth" "$(figure emulated ".\"working-set\" / $mib - $base")"
check "all of the guest's memory is known, and what it has not touched are holes" \
	holds emulated '.holes > 0 and .merge.idle > 25 * 1048576'
ctl map emulated >"$BED_OUT/emulated.map"
check "the map is a picture with addresses" grep -qE '^0x[0-9a-f]{10}  [-#%*+=._ ]+$' "$BED_OUT/emulated.map"
ctl act emulated >"$BED_OUT/emulated.act"
check "a resize is carried out" bed_wait_until 60 balloon_stands_at emulated 176
daemon_stop
check "the daemon stops cleanly" test "$daemon_code" = 0
check "and then nothing is recorded" bed_wait_until 20 is_unarmed
guest_destroy emulated
