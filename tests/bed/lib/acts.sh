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
		floor = 64MiB
		headroom = 16MiB
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

# settled VM: no act of it is open, and it has the size that the last one that was not undone has left.
settled() {
	local size acts
	acts=$(history "$1") || return
	# In whole bytes: a balloon that stopped half way stands anywhere.
	size=$(virsh dommemstat "$1" | awk '$1 == "actual" { printf "%.0f", $2 * 1024 }')
	jq -e --argjson size "$size" '
		all(.[]; .state == "verified" or .state == "rolled-back") and
		([.[] | select(.kind == "balloon")] | last | .state == "verified" and .to == $size and .to >= 64 * 1048576)
	' <<<"$acts" >/dev/null || { echo "$1 has $size bytes; its last acts:"; jq -c '.[-3:][]' <<<"$acts"; return 1; }
}

# closed VM: no act of it is open.
closed() {
	history "$1" | jq -e 'all(.[]; .state == "verified" or .state == "rolled-back")' >/dev/null
}
