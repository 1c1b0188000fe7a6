# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# resize-killed.sh - vmheatd is killed at each state of a resize: the guest ends at a correct size, and no act is open
#
# "lazy" obeys its balloon, "stuck" has no driver for it. The daemon that is killed has a library preloaded that ends it at
# a chosen record of the journal; the next one may do nothing of its own, and ends what it finds.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/bed/lib/acts.sh
. "$BED_ROOT/tests/bed/lib/acts.sh"

[ -d /sys/module/kvm_idle ] || insmod "$BED_MODULE"
libvirt_start
dbus_start
guest_define lazy $whole agent=0
guest_define stuck $whole agent=0 balloon=0
for guest in lazy stuck; do
	guest_start "$guest" &
done
wait

plan 6

# A daemon that is killed at each state of an act.
for moment in after:1 before:2 after:2 before:3 after:3; do
	if ends_well "$moment" lazy; then
		pass "killed $moment a record: the guest ends at a correct size, with no act open"
	else
		fail "killed $moment a record: the guest ends at a correct size, with no act open"
	fi
done
if ends_well after:2 stuck; then
	pass "killed while a balloon does not answer: the shrink is undone"
else
	fail "killed while a balloon does not answer: the shrink is undone"
fi
for guest in lazy stuck; do
	guest_destroy "$guest"
done
