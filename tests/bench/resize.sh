#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# resize.sh - the same guests with the same load under static size, MOM's balloon rule, a pressure probe, and vmheat
#
# One after the other, each with newly started guests. For each policy: what the guests' QEMUs held of the host's memory
# all the time (resize_guests.c), and what the guests did and suffered (their workload's word, before and after).
#
# lazy has 384 MiB, has used 320 of them, and still fills 200: 40 are hot, and from half the time on 40 others, which it
# did not have before. busy has 256 MiB, has used 210, still fills 160, of which 60 are hot. A round over what is hot
# begins each second; one that is late costs the next. Nothing that was cold gets hot again: two emulations deep a page
# that is swapped in takes tens of milliseconds, hundreds of times what it takes elsewhere. What that costs is a
# question for tests/sim.
#
# Times are SPEED times as short as by default, of vmheat as of the others; sizes of vmheat's settings are an eighth to a
# quarter of the defaults, as the guests are small.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

seconds=180
speed=2.5
floor_mib=64
# Just above what MOM's rule calls critical: it takes what it can, but does not mean to make guests swap.
host_free_percent=6

start_guests() {
	guest_define lazy 384 swap=/dev/vda
	guest_define busy 256 swap=/dev/vdb
	guest_start lazy &
	guest_start busy
	wait $!
	guest_workload lazy 'touch 320'
	guest_workload lazy 'drop 120'
	guest_workload busy 'touch 210'
	guest_workload busy 'drop 50'
	guest_workload lazy 'hot 0 40 1000 packed'
	guest_workload busy 'hot 0 60 1000 packed'
}

# What the load does later; run beside the policy.
change_load() {
	sleep $((seconds / 2))
	guest_workload lazy 'hot 200 40 1000 packed' 300
}

# status WHEN: of both guests, a line of JSON each.
status() {
	local vm
	for vm in lazy busy; do
		guest_workload "$vm" status 300 | jq -c --arg vm "$vm" --arg when "$1" '{vm: $vm, when: $when} + .'
	done
}

# run POLICY: by what resize_guests does, which is "watch" for vmheat.
run() {
	local policy=$1 driver=$1 arguments=() vm
	[ "$policy" != vmheat ] || driver=watch
	start_guests >&2
	for vm in lazy busy; do
		arguments+=("$vm:$(guest_pid "$vm"):$(guest_agent_socket "$vm")")
	done
	if [ "$policy" = vmheat ]; then
		"$BED_ROOT/build/bin/vmheatd" --config "$daemon_conf" 2>"$daemon_log" &
		daemon_pid=$!
	fi
	status before >"$BED_OUT/$policy.status"
	change_load >&2 &
	"$BED_ROOT/build/test/bin/resize_guests" "$driver" "$seconds" "$speed" "$floor_mib" "$host_free_percent" \
		"${arguments[@]}" >"$BED_OUT/$policy.tsv"
	wait $!
	status after >>"$BED_OUT/$policy.status"
	if [ "$policy" = vmheat ]; then
		ctl --json list >"$BED_OUT/vmheat.list"
		kill -TERM "$daemon_pid"
		wait "$daemon_pid"
	fi
	guest_destroy lazy
	guest_destroy busy
}

echo 0 >/proc/sys/kernel/numa_balancing
[ -d /sys/module/kvm_idle ] || insmod "$BED_MODULE"
cat >"$daemon_conf" <<-EOT
	[vmheatd]
	interval = 2s
	working-set-age = 24s
	fall-half-life = 24s
	[defaults]
	mode = act
	moves = no
	floor = ${floor_mib}MiB
	headroom = 32MiB
	shrink-step = 16MiB
	dead-band = 8MiB
	backoff = 24s
	backoff-max = 24min
EOT

plan 4
libvirt_start
dbus_start
for policy in static vmheat mom probe; do
	run "$policy"
	pass "$policy: ran to its end"
done
