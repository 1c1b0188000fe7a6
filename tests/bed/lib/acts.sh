# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# acts.sh - what vmheatd's journal says of a guest, for jobs that disturb resizes
#
# Their guests have 160 MiB and use little, so the daemon shrinks them by 16 MiB a step.
#
# shellcheck disable=SC2034,SC2154 # variables of the job, and of daemon.sh

state=/run/vmheat # where the journal is
whole=160
floor=64MiB # settings of the guests; a job may change them
headroom=16MiB

# configure MODE VM...: these VMs are in this mode, all others are measured only.
configure() {
	local mode=$1 vm
	shift
	cat >"$daemon_conf" <<-EOT
		[vmheatd]
		interval = 1s
		working-set-age = 2s
		fall-half-life = 500ms
		state-directory = $state
		[defaults]
		mode = observe
		moves = no
		floor = $floor
		headroom = $headroom
		shrink-step = 16MiB
		dead-band = 8MiB
		settle-windows = 1
		backoff = 1s
		backoff-max = 2s
		pressure-stall = 100%
		pressure-swap-in = 1GiB
		pressure-refault = 1GiB
	EOT
	for vm; do
		printf '[vm %s]\nmode = %s\n' "$vm" "$mode" >>"$daemon_conf"
	done
}

history() {
	ctl --json history "$@"
}

# plugged VM: bytes that the guest has plugged of its virtio-mem device; 0 without one.
plugged() {
	virsh dumpxml "$1" | sed -nE "s|.*<current unit='KiB'>([0-9]+)</current>.*|\1|p" | awk '{ kib += $1 } END { printf "%.0f", kib * 1024 }'
}

# settled VM: no act of it is open, and the device of the last resize gives the size that that has left. No guest here is
# to have less than 64 MiB.
settled() {
	local balloon plugged acts
	acts=$(history "$1") || return
	# In whole bytes: a balloon that stopped half way stands anywhere.
	balloon=$(virsh dommemstat "$1" | awk '$1 == "actual" { printf "%.0f", $2 * 1024 }')
	plugged=$(plugged "$1")
	jq -e --argjson balloon "$balloon" --argjson plugged "$plugged" '
		all(.[]; .state == "verified" or .state == "rolled-back") and
		([.[] | select(.kind == "balloon" or .kind == "virtio-mem")] | last | .state == "verified" and
			.to == (if .kind == "balloon" then $balloon else $plugged end)) and
		$balloon + $plugged >= 64 * 1048576
	' <<<"$acts" >/dev/null || {
		echo "$1 has $balloon bytes of boot memory and $plugged plugged; its last acts:"
		jq -c '.[-3:][]' <<<"$acts"
		return 1
	}
}

# closed VM: no act of it is open.
closed() {
	history "$1" | jq -e 'all(.[]; .state == "verified" or .state == "rolled-back")' >/dev/null
}

# killed_at MOMENT VM: a daemon that resizes the VM dies at that moment; the code that it ended with is in daemon_code.
killed_at() {
	configure act "$2"
	KILL_AT=$1 LD_PRELOAD=$BED_ROOT/build/test/bin/kill-at.so "$BED_ROOT/build/bin/vmheatd" --config "$daemon_conf" \
		>>"$daemon_log" 2>&1 &
	daemon_pid=$!
	if ! bed_wait_until 60 test ! -e "/proc/$daemon_pid/exe"; then
		kill -KILL "$daemon_pid"
	fi
	daemon_code=0
	wait "$daemon_pid" || daemon_code=$?
}

# ends_well MOMENT VM: kill the daemon then; the next one, which may do nothing of its own, brings it to an end.
ends_well() {
	killed_at "$1" "$2"
	[ "$daemon_code" = 137 ] || { echo "the daemon was not killed $1: exit code $daemon_code" >&2; return 1; }
	configure dry-run "$2"
	daemon_start
	local code=0
	bed_wait_until 30 settled "$2" || code=1
	settled "$2" >&2 || true
	daemon_stop
	[ "$code" = 0 ] && [ "$daemon_code" = 0 ]
}
