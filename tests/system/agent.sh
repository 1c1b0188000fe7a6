#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# agent.sh - the agent in a real guest tells what the guest really does, and survives whatever its host does
#
# Truth is what the workload in the guest measured of itself; what the agent says comes through the host's own parser
# (agent-client). Pages that the guest's kernel and the agent use themselves come on top of the workload's: at most
# "base" pages, measured with the workload stopped.
#
# shellcheck disable=SC2016 # the $names in jq's expressions are jq's
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

memory_mib=384
window_ms=3000
channel=$BED_OUT/channel.xml

agent() {
	"$BED_ROOT/build/test/bin/agent-client" "$socket" "$memory_mib" "$@"
}

# A scan of one window of its own: the first marks, the second tells.
scan() {
	agent scan "wait:$window_ms" scan | tail -n 1
}

# holds JSON EXPRESSION [NAME VALUE]...: whether the jq expression is true of it; shows both if not.
holds() {
	local json=$1 expression=$2 arguments=()
	shift 2
	while [ $# -gt 0 ]; do
		arguments+=(--argjson "$1" "$2")
		shift 2
	done
	jq --exit-status "${arguments[@]}" "$expression" <<<"$json" || {
		echo "not so: $expression ${arguments[*]}: $json"
		return 1
	}
}

introduces_itself() {
	holds "$(agent hello)" ".page_idle and .page_flags and .cgroups and (.lru_gen | not) and .page_shift == 12 and
		.end_gfn > 256 * $memory_mib * 0.99 and .end_gfn <= 256 * $memory_mib"
}

# Accessed: the hot set and at most base pages more. Idle: all that was touched and is not hot; and half a MiB that the
# guest's own processes touched when they started. But for the few pages that a CPU still keeps from its LRU lists: such
# a page cannot be evicted, and of those no kind is kept.
hot_set_is_seen() {
	local load seen
	guest_workload g1 "hot $1" >&2 && seen=$(scan) && load=$(guest_workload g1 status) || return
	diag "hot $1: accessed_anon $(jq .accessed_anon <<<"$seen") of $(jq .hot_pages <<<"$load")," \
		"idle_anon $(jq .idle_anon <<<"$seen"), bytes $(jq .bytes <<<"$seen"), scan_ms $(jq .scan_ms <<<"$seen")" >&3
	holds "$load" '.rounds >= 2 and .late_rounds == 0 and .corrupt == 0' &&
		holds "$seen" '.accessed >= $load.hot_pages and .accessed_anon >= $load.hot_pages - 64 and
			.accessed_anon <= $load.hot_pages + $base' load "$load" base "$base" &&
		holds "$seen" '.idle_anon >= $load.touched_mib * 256 - $load.hot_pages - 64 and
			.idle_anon <= $load.touched_mib * 256 - $load.hot_pages + $base + 128' load "$load" base "$base"
}

# The workload runs in a cgroup of its own: all its memory is found there, idle and accessed apart, and no page twice.
workload_is_accounted_for() {
	local seen load
	seen=$(scan) && load=$(guest_workload g1 status) || return
	diag "$(jq -c '[.cgroups[] | {path, idle_anon, accessed_anon, unknown}]' <<<"$seen"), cpu_ms $(jq .cpu_ms <<<"$seen")" >&3
	holds "$seen" '(.cgroups[0].path == "/workload") and (.cgroups[0] |
		.accessed_anon >= $load.hot_pages - 64 and .accessed_anon <= $load.hot_pages + 512 and
		.idle_anon >= $load.touched_mib * 256 - $load.hot_pages - 64 and
		.idle_anon <= $load.touched_mib * 256 - $load.hot_pages + 512)' load "$load" &&
		holds "$seen" '([.cgroups[] | .idle_anon + .idle_file] | add) <= .idle and
			([.cgroups[] | .accessed_anon + .accessed_file] | add) <= .accessed and .excess_cgroups == 0 and .cpu_ms > 0 and
			([.cgroups[] | select(.path == "/")] | length) == 1'
}

window_is_true() {
	holds "$1" ".window_ms >= $window_ms and .window_ms < 2 * $window_ms and .scan_ms < 1000"
}

# The guest's own MemFree, but for what CPUs keep in their lists (unknown): 2 % of the guest at most.
free_pages_are_free() {
	holds "$1" '.free * 4 <= .memory_free_kib * 1.01 + $given and
		.free * 4 >= .memory_free_kib + $given - .memory_total_kib * 0.02' given "$2"
}

nothing_was_wrong() {
	holds "$1" '.bad_frames == 0 and .stale_frames == 0 and .skipped_bytes == 0 and .foreign_pages == 0'
}

# 64 MiB given to the balloon: they are free for the host, though the guest no longer counts them as free.
ballooned_pages_are_free() {
	virsh --quiet setmem g1 "$((memory_mib - 64))M" --live &&
		bed_wait_until 30 balloon_is "$(((memory_mib - 64) * 1024))" &&
		free_pages_are_free "$(scan)" "$((64 * 1024))"
}

balloon_is() {
	[ "$(virsh dommemstat g1 | awk '$1 == "actual" { print $2 }')" = "$1" ]
}

# The host leaves at once, in the first frame and in the third; then the same parser goes on with a new connection.
host_leaves_in_mid_scan() {
	local left
	for left in 0 1 9000; do
		holds "$(agent "leave:$left" scan "wait:500" scan | tail -n 1)" '.window_ms >= 500 and .accessed > 0' ||
			return
	done
}

garbage_is_passed_over() {
	holds "$(agent garbage:1 scan garbage:100000 scan | tail -n 1)" '.accessed > 0 and .bad_frames == 0'
}

# A port that is unplugged ends the agent; the guest's init starts it again, and it finds the port when it is back.
agent_is_restarted() {
	virsh dumpxml g1 >"$BED_OUT/g1.live.xml" &&
		xmllint --xpath "//channel[target/@name='org.vmheat.guest.0']" "$BED_OUT/g1.live.xml" >"$channel" &&
		virsh --quiet detach-device g1 "$channel" --live &&
		bed_wait_until 20 grep -q 'vmheat-guest.* ended' "$BED_OUT/g1.console" &&
		virsh --quiet attach-device g1 "$channel" --live &&
		bed_wait_until 20 agent hello &&
		holds "$(scan)" '.window_ms > 0 and .accessed > 0 and .bad_frames == 0'
}

# The same kernel without its page_idle, and with its multi-generational LRU switched on: of each cgroup it is known what is
# idle, to within 4 MiB, and of single pages no state but "free".
generations_stand_in() {
	local load seen
	guest_shell g1 'echo y >/sys/kernel/mm/lru_gen/enabled; mount -t tmpfs tmpfs /sys/kernel/mm/page_idle; killall vmheat-guest' &&
		guest_workload g1 'hot 0 40 200 packed' >&2 && sleep 2 &&
		holds "$(agent hello)" '.lru_gen and .cgroups and (.page_idle | not)' && seen=$(scan) &&
		load=$(guest_workload g1 status) || return
	diag "$(jq -c '[.cgroups[] | {path, idle_anon, accessed_anon}]' <<<"$seen"), cpu_ms $(jq .cpu_ms <<<"$seen")" >&3
	holds "$seen" '.flags == 2 and .idle == 0 and .accessed == 0 and .free > 0 and (.cgroups[0].path == "/workload") and
		(.cgroups[0] | (.idle_anon - ($load.touched_mib * 256 - $load.hot_pages) | fabs) <= 1024 and
			(.accessed_anon - $load.hot_pages | fabs) <= 1024)' load "$load"
}

content_is_whole() {
	holds "$(guest_workload g1 check)" '.corrupt == 0 and .oom_kill == 0 and .touched_mib == 200'
}

exec 3>&1
plan 15
libvirt_start
guest_define g1 "$memory_mib" shell=1
guest_start g1
socket=$(guest_agent_socket g1)

check "the agent introduces itself with all it can tell" introduces_itself
guest_workload g1 "touch 200" >&2
base_scan=$(scan)
base=$(jq .accessed <<<"$base_scan")
diag "base: $base pages accessed in $window_ms ms with the workload stopped"
check "a guest whose load is stopped has next to no accessed memory" [ "$base" -lt 2000 ]
check "the window is the time that really passed" window_is_true "$base_scan"
check "free in the guest is what the agent calls free" free_pages_are_free "$base_scan" 0
check "the host's parser found nothing wrong" nothing_was_wrong "$base_scan"
check "40 MiB hot of 200, packed: these are accessed, the others idle" hot_set_is_seen "0 40 200 packed"
check "40 MiB hot of 200, spread over all: these are accessed, the others idle" hot_set_is_seen "0 40 200 spread"
check "100 MiB hot of 200, every other page: these are accessed, the others idle" hot_set_is_seen "0 100 200 spread"
check "whose memory it is: the workload's cgroup has its idle and its hot pages" workload_is_accounted_for
check "what the balloon took is free" ballooned_pages_are_free
check "a host that leaves in mid-scan is served again when it comes back" host_leaves_in_mid_scan
check "garbage from the host does not disturb the agent" garbage_is_passed_over
check "an agent that lost its port starts again and finds it" agent_is_restarted
check "without page_idle the multi-generational LRU tells which memory of each cgroup is idle" generations_stand_in
check "no page of the guest was lost on the way" content_is_whole
guest_destroy g1
