# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# resize-faults.sh - whatever fails in the middle of a resize, the guest ends at a correct size, and no act is open
#
# "lazy" obeys its balloon, "stuck" has no driver for it, "full" has no swap space and has touched 90 MiB: what its balloon
# asks for beyond that it cannot give. resize-killed.sh is about the daemon itself.
# Not a part of make check: four to eight minutes, and a fault that comes when its act is over already shows nothing.
#
# shellcheck disable=SC2016 # the $names in jq's expressions are jq's
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"
# shellcheck source=tests/bed/lib/acts.sh
. "$BED_ROOT/tests/bed/lib/acts.sh"

# shrinking VM: an act of it is open. By the journal itself: a quick guest is at its new size before the daemon could be asked.
shrinking() {
	tail -n 1 "$state/acts.journal" | grep '"state":"applied"' | grep -q "\"vm\":\"$1\""
}

# Fails if there is none for a minute.
wait_for_act() {
	local end=$((SECONDS + 60))
	until shrinking "$1"; do
		[ "$SECONDS" -lt "$end" ] || return
	done
}

[ -d /sys/module/kvm_idle ] || insmod "$BED_MODULE"
libvirt_start
dbus_start
mkdir -p "$state"
guest_define lazy $whole agent=0
sed -i 's|<on_reboot>destroy|<on_reboot>restart|' "$BED_OUT/lazy.xml"
virsh --quiet define "$BED_OUT/lazy.xml" >&2
guest_define stuck $whole agent=0 balloon=0
guest_define full $whole agent=0
for guest in lazy stuck full; do
	guest_start "$guest" &
done
wait

plan 20

# Each fault falls on a VM on which an act is open, and nothing new is begun after it.
configure observe
daemon_start

# begin VM: from its whole size on, until an act is open.
begin() {
	virsh --quiet setmem "$1" "${whole}M" --live >&2
	bed_wait_until 30 balloon_stands_at "$1" $whole
	ctl set "$1" mode=act >&2
	wait_for_act "$1"
}

# observe_only VM: no act of it is begun after that, not even by the window that is just ending.
observe_only() {
	ctl set "$1" mode=observe >&2
	sleep 3
}

# survives WHAT VM COMMAND...: the command is the fault.
survives() {
	local what=$1 vm=$2
	shift 2
	begin "$vm"
	"$@" >&2
	observe_only "$vm"
	check "$what: the guest ends at a correct size, with no act open" bed_wait_until 60 settled "$vm"
	settled "$vm" >&2 || true
}

restart_libvirtd() {
	kill -TERM "$(cat /run/libvirtd.pid)"
	bed_wait_until 20 test ! -e /run/libvirtd.pid
	libvirt_start
	bed_wait_until 30 ctl show stuck
}

pause_a_while() {
	virsh --quiet suspend lazy
	bed_wait_until 20 holds lazy '.["state-reason"] == "the guest is paused"'
	sleep 3
	virsh --quiet resume lazy
}

step_clock() {
	date --set '+1 day'
	sleep 3
	date --set '-2 days'
	sleep 1
	date --set '+1 day'
}

unload_module() {
	! rmmod kvm_idle || insmod "$BED_MODULE"
}

nothing() {
	:
}

second_daemon() {
	local output code=0
	output=$("$BED_ROOT/build/bin/vmheatd" --config "$daemon_conf" 2>&1) || code=$?
	[ "$code" = 1 ] && grep -q 'is locked: is another vmheatd running?' <<<"$output"
}

survives "a balloon that never answers" stuck nothing
survives "libvirtd restarts" stuck restart_libvirtd
survives "the guest is paused for a while" lazy pause_a_while
survives "the guest is rebooted" lazy virsh --quiet reset lazy
survives "the clock is stepped" lazy step_clock
survives "somebody tries to unload the module" lazy unload_module
check "a second daemon refuses: the journal is locked" second_daemon

# A guest that cannot give what it is asked for.
guest_workload full 'touch 90' >&2
begin full
check "a balloon that stops half way: it is given up" bed_wait_until 90 grep -q 'full: .*the guest does not give more' "$daemon_log"
observe_only full
check "a balloon that stops half way: the guest ends at a correct size, with no act open" bed_wait_until 60 settled full
check "and what runs in it lives" guest_workload full 'check'

check "explain says each decision in a sentence" \
	eval "ctl explain full | grep '^size: ' && ctl explain full | grep '^last act: act [0-9]*, verified'"
check "history is for people, too" eval "ctl history full | grep 'full  160.0 MiB -> 144.0 MiB'"

# A VM that ends.
begin stuck
virsh --quiet save stuck /run/stuck.save >&2
check "the guest is saved: no act is open" bed_wait_until 30 closed stuck
virsh --quiet restore /run/stuck.save >&2
check "and restored: it is tracked again" bed_wait_until 60 holds stuck '.state == "tracking"'
begin stuck
kill -KILL "$(guest_pid stuck)"
check "the guest's QEMU is killed: no act is open" bed_wait_until 30 closed stuck
daemon_stop
check "the daemon has stopped cleanly after all that" test "$daemon_code" = 0

# No room for the journal: 640 KiB in memory, filled up.
state=/run/vmheat-small
mkdir -p "$state"
mount -t tmpfs -o size=640k small "$state"
dd if=/dev/zero of="$state/filling" bs=4k count=150 2>/dev/null
virsh --quiet setmem lazy "${whole}M" --live >&2
bed_wait_until 30 balloon_stands_at lazy $whole
configure act lazy
log_before=$(wc -l <"$daemon_log")
daemon_start
windows lazy 8
check "the disk is full: nothing is done to the guest, measuring goes on" balloon_stands_at lazy $whole
check "it is said once" test "$(tail -n "+$((log_before + 1))" "$daemon_log" | grep -c 'measuring goes on')" = 1
rm "$state/filling"
check "there is room again: so are acts" bed_wait_until 60 settled lazy
observe_only lazy
bed_wait_until 60 settled lazy
daemon_stop
check "and the daemon stops cleanly" test "$daemon_code" = 0
umount "$state"
for guest in lazy full; do
	guest_destroy "$guest"
done
virsh --quiet undefine stuck >&2 || true
