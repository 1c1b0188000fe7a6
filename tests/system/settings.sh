# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# settings.sh - where a VM's settings come from, and what the libvirt hook does
#
# One guest, which vmheatd only measures.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/bed/lib/acts.sh
. "$BED_ROOT/tests/bed/lib/acts.sh"

# reload: have the daemon read its configuration again.
reload() {
	local lines
	lines=$(wc -l <"$daemon_log")
	kill -HUP "$daemon_pid"
	bed_wait_until 10 eval "tail -n +$((lines + 1)) '$daemon_log' | grep -q 'configuration'"
}

# hook_is_harmless BINDIR: libvirt's hook ends at once and well, whatever it is told and whatever hangs or is missing.
hook_is_harmless() {
	local started
	sed "s|@BINDIR@|$1|" "$BED_ROOT/scripts/libvirt/vmheat-hook" >/run/hook
	chmod 755 /run/hook
	started=$EPOCHSECONDS
	/run/hook && /run/hook plain started begin - </dev/null && /run/hook plain stopped end - <&- &&
		/run/hook $'odd\nname' release end - && [ $((EPOCHSECONDS - started)) -le 8 ]
}

settings() {
	virsh --quiet metadata plain --uri https://vmheat.org/domain/1.0 --key vmheat --live "$@" >&2
}

[ -d /sys/module/kvm_idle ] || insmod "$BED_MODULE"
libvirt_start
dbus_start
guest_define plain $whole agent=0
guest_start plain

plan 11
configure observe
daemon_start
bed_wait_until 30 ctl show plain

# Settings from elsewhere than the command line.
windows plain 1
before=$(figure plain .windows)
sed -i 's/^headroom = .*/headroom = 20MiB/' "$daemon_conf"
reload
check "SIGHUP: new settings count, and what was learnt stays" \
	holds plain ".settings.headroom == \"20MiB\" and .windows >= $before"
echo 'nonsense' >>"$daemon_conf"
reload
check "SIGHUP: a wrong configuration is not taken, and it is said where it is wrong" \
	grep -q 'not taken: /run/vmheatd.conf:[0-9]*: ' "$daemon_log"
sed -i '/^nonsense$/d' "$daemon_conf"
settings --set "<settings floor='96MiB' headroom='24MiB'/>"
check "an owner's metadata wins over the configuration" \
	bed_wait_until 20 holds plain '.settings.floor == "96MiB" and .settings.headroom == "24MiB"'
ctl set plain floor=80MiB >&2
check "a command wins over both" holds plain '.settings.floor == "80MiB" and .settings.headroom == "24MiB"'
ctl set plain mode=act >&2
settings --set "<settings floor='lots'/>"
check "metadata that is wrong: nothing is done to the VM, and it is said why" \
	bed_wait_until 20 holds plain '.mode == "dry-run" and (.["settings-problem"] | test("lots"))'
ctl set plain mode=observe floor=64MiB >&2
settings --remove
mkdir -p /run/hanging
printf '#!/bin/sh\nexec sleep 60\n' >/run/hanging/vmheatctl
chmod 755 /run/hanging/vmheatctl
check "libvirt's hook ends well and at once: without vmheatctl" hook_is_harmless /nonexistent
check "libvirt's hook ends well and at once: with one that hangs" hook_is_harmless /run/hanging
check "libvirt's hook ends well and at once: with the real one" hook_is_harmless "$BED_ROOT/build/bin"
daemon_stop
check "the daemon stops cleanly" test "$daemon_code" = 0

# Fifty VMs at once, of libvirt's test driver. They have no QEMU, so each waits, and says why.
fifty_wait() {
	ctl --json list | jq -e 'length == 50 and all(.[]; .state == "waiting" and (.["state-reason"] | test("not a QEMU domain")))'
}
{
	echo '<node>'
	for number in {1..50}; do
		echo "<domain type='test'><name>idle$number</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"
	done
	echo '</node>'
} >/run/fifty.xml
sed -i 's|^\[vmheatd\]|&\nlibvirt-uri = test:////run/fifty.xml|' "$daemon_conf"
"$BED_ROOT/build/bin/vmheatd" --config "$daemon_conf" >>"$daemon_log" 2>&1 &
daemon_pid=$!
check "fifty domains at once: each is there" bed_wait_until 60 fifty_wait
daemon_stop
check "and the daemon stops cleanly" test "$daemon_code" = 0
guest_destroy plain
