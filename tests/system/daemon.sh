#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# daemon.sh - vmheatd and vmheatctl on real guests: what they find, what they do, and what they say when it goes wrong
#
# Two guests: "lazy" has an agent, swap space and huge pages on the host; "plain" has no agent and 4 KiB pages. The
# daemon runs with the sanitizers, so a fault in it fails the test at its end. Truth is what the workload in the guest
# says of itself; "base" is what the daemon measures with the workload stopped: the guest's kernel and agent.
#
# shellcheck disable=SC2016 # the $names in jq's expressions are jq's
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

# fails_with CODE TEXT COMMAND...: the command fails with this exit code, and says this text.
fails_with() {
	local code=$1 text=$2 output actual=0
	shift 2
	output=$("$@" 2>&1) || actual=$?
	if [ "$actual" -ne "$code" ] || ! grep -qF -- "$text" <<<"$output"; then
		echo "exit code $actual, not $code, or without \"$text\": $output"
		return 1
	fi
}

# The balloon's steps in the log, as "from to": downwards, none is larger than shrink-step.
steps_are_small() {
	grep -oE 'lazy: shrink from [0-9]+ to [0-9]+' "$daemon_log" | awk '
		{ count++; if ($4 - $6 > 64) { print "too large:", $0; bad = 1 } }
		END { print count + 0, "steps"; exit bad || count < 2 }'
}

# far_by_kernel VM: by the kernel's own word, too, what the daemon calls cold and far lies on node 1. What is moved or given
# back between the two looks makes a difference: to be asked again.
far_by_kernel() {
	local far
	far=$(figure "$1" ".placement.\"cold-far\" / $mib") || return
	awk -v far="$far" '{ for (i = 1; i <= NF; i++) if (sub(/^N1=/, "", $i)) pages += $i }
		END { print pages / 256, "MiB on node 1, said to be", far; exit far == 0 || pages / 256 < far * 0.9 }' \
		"/proc/$(guest_pid "$1")/numa_maps"
}

# watch_all_the_time VM: look at it every moment for as long as the daemon counts a page as used.
watch_all_the_time() {
	local goal
	goal=$(($(figure "$1" .windows) + 4))
	until holds "$1" ".windows >= $goal" >/dev/null; do
		ctl idle "$(guest_pid "$1")" 0.01 >/dev/null
	done
}

# By libvirt's messages, which `virsh dominfo` shows.
is_not_tainted() {
	local info
	info=$(virsh dominfo "$1") || return
	! grep -i 'custom monitor' <<<"$info"
}

is_picture() {
	[ "$(grep -cE '^0x[0-9a-f]{10}  [-#%*+=._ ]+$' "$1")" -gt 10 ] && grep -q '# accessed in the last window' "$1"
}

echo 0 >/proc/sys/kernel/numa_balancing # it hides idle pages from move_pages(2)
[ ! -d /sys/module/kvm_idle ] || rmmod kvm_idle
cat >"$daemon_conf" <<-EOT
	[vmheatd]
	interval = 2s
	working-set-age = 6s
	fall-half-life = 2s
	[defaults]
	floor = 64MiB
	headroom = 48MiB
	shrink-step = 64MiB
	dead-band = 16MiB
	settle-windows = 3
	backoff = 5s
	pressure-stall = 50%
	hot-age = 4s
	cold-age = 8s
	move-limit = 1GiB
	[vm plain]
	mode = observe
EOT

plan 36
# Before anything runs.
sed 's/^floor = .*/floor = 64/' "$daemon_conf" >/run/wrong.conf
check "a wrong configuration names file, line, key, value and what is allowed" \
	fails_with 1 '/run/wrong.conf:6: [defaults] floor = "64": allowed is a size' \
	"$BED_ROOT/build/bin/vmheatd" --config /run/wrong.conf --check-config
check "vmheatd does not start with it" fails_with 1 'floor = "64"' "$BED_ROOT/build/bin/vmheatd" --config /run/wrong.conf
libvirt_start
dbus_start
check "vmheatctl without a daemon: exit code 4" fails_with 4 'vmheatd is not running' ctl list

# The module is not loaded, then is.
guest_define lazy 384 swap=/dev/vda
guest_define plain 192 agent=0 thp=0
guest_start lazy
daemon_start
check "without the module a VM waits, and it is said for what" \
	bed_wait_until 20 holds lazy '.state == "waiting" and (.["state-reason"] | test("kvm_idle"))'
guest_start plain
check "a VM that starts while the daemon runs is found" bed_wait_until 20 holds plain '.state == "waiting"'
check "a second daemon refuses" fails_with 1 'is another vmheatd running?' \
	"$BED_ROOT/build/bin/vmheatd" --config "$daemon_conf"
check "an unknown VM: exit code 3, and its name" fails_with 3 'no running VM is named "nosuch"' ctl show nosuch
check "the hook's word is taken without a word, whatever VM and operation" \
	test -z "$(ctl notify lazy stopped 2>&1 || echo "exit code $?")$(ctl notify nosuch nonsense 2>&1 || echo "exit code $?")"
insmod "$BED_MODULE"
check "once the module is loaded, data appears" bed_wait_until 30 holds lazy '.state == "tracking" and .windows >= 1'

# What is measured.
guest_workload lazy 'touch 200' >&2
guest_workload plain 'touch 100' >&2
windows lazy 6
base=$(working_set_mib lazy)
base_plain=$(working_set_mib plain)
diag "base: lazy $base MiB, plain $base_plain MiB"
truth=$(guest_workload lazy 'hot 0 40 200 packed' | jq .hot_mib)
truth_plain=$(guest_workload plain 'hot 0 30 200 spread' | jq .hot_mib)
windows lazy 4
check "lazy: the working set is the workload's, above the base" \
	near "$truth" "$(figure lazy ".\"working-set\" / $mib - $base")"
check "plain: likewise, on the host's data alone" \
	near "$truth_plain" "$(figure plain ".\"working-set\" / $mib - $base_plain")"
check "lazy: host and guest data are merged, and no frame was dropped" \
	holds lazy '.sources == ["module", "agent"] and .agent["bad-frames"] == 0 and .guest.total > 300 * 1048576'
check "plain: without an agent the host's data stands alone, and it is said why" \
	holds plain '.sources == ["module"] and (.quality | test("alone.*has not answered"))'
check "plain: mode observe makes no plan" holds plain '.plan.resize == "no resizing: mode = observe"'
watch_all_the_time plain
check "plain: somebody else who looks at it all the time takes nothing away" \
	near "$truth_plain" "$(figure plain ".\"working-set\" / $mib - $base_plain")"
check "nothing was asked of QEMU's monitor: libvirt has not marked the domain for that" is_not_tainted lazy
ctl map lazy >"$BED_OUT/lazy.map"
check "the map is a picture with addresses and a legend" is_picture "$BED_OUT/lazy.map"

# Dry-run, and settings.
check "dry-run plans one step down" holds lazy '.mode == "dry-run" and .plan.reason == "shrink" and .plan.target == 320 * 1048576'
check "dry-run changes nothing" test "$(balloon_mib lazy)" = 384
check "settings are taken all or none: exit code 2, and which is wrong" \
	fails_with 2 'floor = "lots"' ctl set lazy headroom=64MiB floor=lots
check "after a refusal none is changed" holds lazy '.settings.headroom == "48MiB"'
ctl act lazy >"$BED_OUT/lazy.act"
check "act carries the plan out once" bed_wait_until 20 balloon_stands_at lazy 320
windows lazy 2
check "and only once" test "$(balloon_mib lazy)" = 320

# Acting.
ctl set lazy mode=act >&2
check "lazy: shrinks to what it needs" bed_wait_until 120 holds lazy '.balloon <= 200 * 1048576'
check "lazy: in small steps" steps_are_small
windows lazy 4
check "lazy: 95 % of the cold pages are on the far node, 95 % of the hot ones near, by the kernel's word" \
	bed_wait_until 30 holds lazy '.placement.cold > 0 and .placement["cold-far"] >= .placement.cold * 0.95 and
		.placement.hot > 0 and .placement["hot-near"] >= .placement.hot * 0.95'
check "lazy: numa_maps says so too" bed_wait_until 20 far_by_kernel lazy
check "plain: has not been touched" test "$(balloon_mib plain)" = 192
guest_workload lazy 'hot 0 120 200 packed' 240 >&2
check "lazy: grows again with its working set" bed_wait_until 20 holds lazy '.balloon >= (120 + 48) * 1048576'
check "lazy: no process was killed for memory" holds lazy '.guest["oom-kills"] == 0'
figure lazy '{balloon, "working-set", plan, pressure, guest, placement}' >"$BED_OUT/lazy.json"
daemon_stop
check "the daemon stops cleanly" test "$daemon_code" = 0

# An agent that talks nonsense: the guest's own is shut off from its port.
socket=$(guest_agent_socket lazy)
mv "$socket" "$socket.away"
"$BED_ROOT/build/test/bin/garbage-agent" "$socket" &
daemon_start
windows lazy 2
check "garbage is counted, and the host's data used" holds lazy '.sources == ["module"] and
	.agent["bad-frames"] > 0 and .agent["stale-frames"] > 0 and .agent["skipped-bytes"] > 4000'
check "the other VM is tracked as before" holds plain '.state == "tracking" and .windows >= 1'

# A guest that dies under the scan, and a libvirtd that restarts.
kill -KILL "$(guest_pid lazy)"
bed_wait_until 20 fails_with 3 'lazy' ctl show lazy
windows plain 2
check "a guest killed in mid-scan: the other is tracked on" holds plain '.state == "tracking"'
before=$(figure plain .windows)
kill -TERM "$(cat /run/libvirtd.pid)"
bed_wait_until 20 test ! -e /run/libvirtd.pid
libvirt_start
windows plain 3
check "libvirtd restarts: ages and windows are kept" holds plain ".windows > $before and .state == \"tracking\""
daemon_stop
check "the daemon stops cleanly again" test "$daemon_code" = 0
guest_destroy plain
virsh --quiet undefine lazy
