# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# virtio-mem.sh - a guest is resized by its virtio-mem device: killed in mid act, shrunk, grown
#
# "plug" has 128 MiB of boot memory, and 128 of at most 256 plugged: 256 in all. Its floor is 200, so it is shrunk in steps
# of 16 to 208: the 8 beyond are within the dead band.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/bed/lib/acts.sh
. "$BED_ROOT/tests/bed/lib/acts.sh"
# shellcheck disable=SC2034 # for configure
floor=200MiB headroom=96MiB

# The guest's kernel counts so many MiB less than at the start; a little more is what it keeps for itself.
guest_lost() {
	local now
	now=$(guest_total)
	echo "MemTotal was $total_before kB, is $now kB"
	[ $((total_before - now)) -ge $(($1 * 1024 - 512)) ] && [ $((total_before - now)) -le $(($1 * 1024 + 512)) ]
}

guest_total() {
	guest_shell plug "awk '/MemTotal/ { print \$2 }' /proc/meminfo" | tr -cd 0-9
}

plugged_is() {
	local bytes
	bytes=$(plugged plug)
	echo "plugged: $bytes bytes"
	[ "$bytes" = $(($1 * mib)) ]
}

# By the host's own word, and by the daemon's, which has no other device asked for anything.
shrunk() {
	plugged_is 80 && balloon_stands_at plug 128 &&
		holds plug ".size == 208 * $mib and .balloon == 128 * $mib and .\"virtio-mem\"[0].plugged == 80 * $mib"
}

only_virtio_mem() {
	history plug | jq -e 'length >= 3 and all(.[]; .kind == "virtio-mem" and .device == "virtiomem0")'
}

names_the_device() {
	ctl history plug | grep 'virtio-mem 96.0 MiB -> 80.0 MiB' &&
		ctl explain plug | grep 'by the virtio-mem (96 to 80 MiB of it)' &&
		ctl show plug | grep -E 'virtio-mem +80.0 MiB plugged, 80.0 MiB requested, of 256.0 MiB in blocks of 2.0 MiB; virtiomem0'
}

# What the guest has freed, or never touched, is on its account and not on the host.
free_pages_are_seen() {
	holds plug ".\"free-page-reporting\" and .\"not-on-host\" > 64 * $mib and .\"not-on-host\" < 208 * $mib" &&
		ctl explain plug | grep 'free page reporting: [0-9.]* MiB of what it has are not on the host'
}

grown() {
	holds plug ".\"virtio-mem\"[0].plugged > 80 * $mib and .balloon == 128 * $mib and .\"working-set\" > 100 * $mib"
}

guest_gained() {
	local now
	now=$(guest_total)
	echo "MemTotal was $total_shrunk kB, is $now kB"
	[ "$now" -gt $((total_shrunk + 1024)) ]
}

[ -d /sys/module/kvm_idle ] || insmod "$BED_MODULE"
libvirt_start
dbus_start
guest_define plug 128 agent=0 shell=1 virtio_mem=256:128 free_page_reporting=1
guest_start plug

plan 10
check "the guest plugs what was requested" bed_wait_until 30 plugged_is 128
total_before=$(guest_total)

if ends_well after:1 plug && plugged_is 128; then
	pass "killed before the device was told: it has what it had, and no act is open"
else
	fail "killed before the device was told: it has what it had, and no act is open"
fi
# When the next daemon comes the guest may have unplugged, or not.
if ends_well after:2 plug && { plugged_is 112 || plugged_is 128; }; then
	pass "killed after the device was told: it has what the journal says, and no act is open"
else
	fail "killed after the device was told: it has what the journal says, and no act is open"
fi

configure act plug
daemon_start
check "shrinks by unplugging, to its floor" bed_wait_until 60 shrunk
check "and by nothing else" only_virtio_mem
check "the guest's kernel has 48 MiB less" guest_lost 48
check "vmheatctl names the device" names_the_device
check "free page reporting is noticed" free_pages_are_seen
total_shrunk=$(guest_total)
guest_workload plug 'touch 100' >&2
guest_workload plug 'hot 0 100 500 packed' >&2
check "grows by plugging when it uses more" bed_wait_until 60 grown
check "the guest's kernel has more memory" bed_wait_until 20 guest_gained
guest_workload plug 'stop' >&2
daemon_stop
[ "$daemon_code" = 0 ] || fail "the daemon ended with exit code $daemon_code"
guest_destroy plug
