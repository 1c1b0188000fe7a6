#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# agent-hostile.sh - agents by vsock, agents that come and go, and a guest that does its worst beside an honest one
#
# Two guests: "honest" has its agent by vsock; "hostile" has a program on its port (garbage-agent) that floods, stalls, lies
# or replays. The daemon runs with the sanitizers. Whatever the hostile one does, the honest one is tracked on with its
# agent's data, window by window, and the daemon does not grow with what it is sent.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

with_agent='.state == "tracking" and .sources == ["module", "agent"] and .agent["bad-frames"] == 0'

daemon_kib() {
	awk '/^VmRSS/ { print $2 }' "/proc/$daemon_pid/status"
}

# hostile_is MODE EXPRESSION: while it is so, the expression comes true of it; and meanwhile the honest one has had new
# windows, and its agent's data in them.
hostile_is() {
	local program before
	rm -f "$socket"
	"$BED_ROOT/build/test/bin/garbage-agent" "$socket" "$1" &
	program=$!
	before=$(figure honest .windows)
	if bed_wait_until 40 holds hostile ".state == \"tracking\" and ($2)" && windows hostile 2 &&
		bed_wait_until 40 holds honest ".windows >= $before + 2 and $with_agent"; then
		kill "$program"
	else
		holds hostile "$2"
		holds honest "$with_agent"
		kill "$program"
		return 1
	fi
}

# The agent has new data: in a window after those that are known now.
agent_is_back() {
	local before
	before=$(figure honest '.windows // 0')
	bed_wait_until 60 holds honest "(.windows < $before or .windows >= $before + 2) and $with_agent"
}

echo 0 >/proc/sys/kernel/numa_balancing
[ -d /sys/module/kvm_idle ] || insmod "$BED_MODULE"
printf '[vmheatd]\ninterval = 2s\nworking-set-age = 6s\nagent-timeout = 1s\n[defaults]\nmode = observe\n' >"$daemon_conf"

plan 12
libvirt_start
dbus_start
guest_define honest 192 vsock=42 shell=1
guest_define hostile 192 agent=0
guest_start honest
guest_start hostile
guest_workload honest 'touch 60' >&2
daemon_start
check "by vsock: host and guest data are merged" bed_wait_until 60 holds honest "$with_agent"
windows honest 2
check "of each cgroup of the guest it is shown what is idle" holds honest '.agent.data == "page_idle" and
	(.cgroups | map(select(.path == "/workload")) | .[0]["idle-anon"] >= 58 * 1048576)'
ctl show honest >"$BED_OUT/honest.txt"
check "and people see it" grep -E '^ *[0-9.]+ MiB .* /workload$' "$BED_OUT/honest.txt"

socket=$(guest_agent_socket hostile)
mv "$socket" "$socket.away"
before_kib=$(daemon_kib)
check "garbage is dropped" hostile_is garbage '.agent["bad-frames"] > 0 and .sources == ["module"]'
check "a flood is cut off" hostile_is flood '(.quality | test("sends too much")) and .sources == ["module"]'
check "who stalls is not waited for" hostile_is stall '(.quality | test("has not answered")) and .sources == ["module"]'
check "who replays is not heard" hostile_is replay '.agent["stale-frames"] > 1 and .sources == ["module"]'
check "a liar's names and sums do no harm" hostile_is lie '.agent["excess-cgroups"] > 0 and (.cgroups | length) <= 64 and
	([.cgroups[] | .path | test("^[ -~]*$")] | all) and ([.cgroups[] | .idle] | add) <= .maximum'
after_kib=$(daemon_kib)
diag "the daemon's memory before $before_kib KiB, after $after_kib KiB"
check "the daemon has grown by less than 48 MiB, what the sanitizers keep of freed memory included" \
	test $((after_kib - before_kib)) -lt 49152

# shellcheck disable=SC2016 # the guest's shell expands it
guest_shell honest 'kill $(pidof vmheat-guest); echo killed' >&2
check "an agent that was restarted is found again" agent_is_back
kill -KILL "$daemon_pid"
wait "$daemon_pid" || true
daemon_start
check "a daemon that was killed and started finds it again" agent_is_back
guest_destroy honest
guest_define honest 192 vsock=42
: >"$BED_OUT/honest.console"
guest_start honest
check "so does it find the agent of a guest that was started anew, by the same CID" agent_is_back
guest_destroy honest
guest_destroy hostile
