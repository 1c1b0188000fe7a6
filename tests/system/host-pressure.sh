#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# host-pressure.sh - a host that is short of memory takes it where shares and idleness say
#
# Two guests of 192 MiB that would keep all they have, by a large headroom: "idle" uses little of it, "busy" most. They
# have no agents, which would tell that the headroom is not there. The host is called short by setting host-free above
# what is available.
#
# shellcheck disable=SC2016 # the $names in jq's expressions are jq's
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# host_free_short_of MIB: the percentage of memory that is about so much more than what is available.
host_free_short_of() {
	awk -v lacking="$1" '{ kib[$1] = $2 } END { printf "%.0f", 100 * (kib["MemAvailable:"] + lacking * 1024) / kib["MemTotal:"] }' \
		/proc/meminfo
}

# write_conf HOST_FREE_PERCENT
write_conf() {
	cat >"$daemon_conf" <<-EOT
		[vmheatd]
		interval = 2s
		working-set-age = 6s
		fall-half-life = 2s
		host-free = $1%
		host-stall = 100%
		[defaults]
		mode = act
		moves = no
		floor = 80MiB
		headroom = 256MiB
		shrink-step = 32MiB
		dead-band = 8MiB
		settle-windows = 5
	EOT
}

plan 7
echo 0 >/proc/sys/kernel/numa_balancing
[ -d /sys/module/kvm_idle ] || insmod "$BED_MODULE"
libvirt_start
dbus_start
guest_define idle 192 agent=0 swap=/dev/vda
guest_define busy 192 agent=0 swap=/dev/vdb
guest_start idle &
guest_start busy
wait $!
guest_workload idle 'touch 130' >&2
guest_workload busy 'touch 130' >&2
guest_workload busy 'hot 0 120 500 packed' >&2

write_conf 0
daemon_start
windows busy 7
check "a host that has enough takes nothing" holds idle '.balloon == 192 * 1048576 and .plan.reason == "dead-band"'
daemon_stop

write_conf "$(host_free_short_of 60)"
daemon_start
check "a host that is short says so" bed_wait_until 30 grep -q 'the host is short of memory: .* MiB are available' "$daemon_log"
check "the idle guest yields, and it is said why" \
	bed_wait_until 60 grep -qE 'idle: shrink from [0-9]+ to [0-9]+ MiB by the balloon: the host is short of [0-9]+ MiB, and leaves it [0-9]+ MiB by its 1000 shares and [0-9]+ MiB of idle memory' "$daemon_log"
check "it gives half of what the host lacked at least" bed_wait_until 60 holds idle '.balloon <= (192 - 30) * 1048576'
check "but is not below its floor" holds idle '.balloon >= 80 * 1048576'
check "the guest that uses its memory keeps what it uses" holds busy '.balloon >= .["working-set"] and .["working-set"] >= 110 * 1048576'
daemon_stop
check "the daemon stops cleanly" test "$daemon_code" = 0
guest_destroy idle
guest_destroy busy
