#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# idle_tool.sh - vmheatctl idle on processes whose working set is known, on a guest, and where it must refuse
#
# No service and no bus run: the command needs neither.
#
# shellcheck disable=SC2016 # the $names in jq's expressions are jq's
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

ctl=$BED_ROOT/build/bin/vmheatctl
report=$BED_OUT/known.json
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# fails_with CODE TEXT COMMAND...: the command fails with this exit code, says this text, and prints no figures.
fails_with() {
	local code=$1 text=$2 output actual=0
	shift 2
	output=$("$@" 2>&1 >"$BED_OUT/stdout") || actual=$?
	if [ "$actual" -ne "$code" ] || ! grep -qF -- "$text" <<<"$output" || [ -s "$BED_OUT/stdout" ]; then
		echo "exit code $actual, not $code, or without \"$text\", or with figures: $output"
		cat "$BED_OUT/stdout"
		return 1
	fi
}

# holds FILE EXPRESSION: whether the jq expression is true of the report. Shows it if not.
holds() {
	jq -e "def within(\$truth): . >= \$truth * 0.99 and . <= \$truth * 1.01; def mib: . * 1048576; $2" "$1" >/dev/null ||
		{ echo "not so: $2"; jq -c '.mappings = .mappings[:8]' "$1"; return 1; }
}

# Sorted by the first column, and the last row is the sum of all.
table_is_in_order() {
	"$ctl" --top 4 idle "$1" 0.5 >"$BED_OUT/table" || return
	cat "$BED_OUT/table"
	awk '/^REFERENCED/ { on = 1; next }
		on && / more\)$/ { more++; next }
		on && /\(all\)$/ { all++; next }
		on { rows++; unit = $2 == "GiB" ? 1048576 : $2 == "MiB" ? 1024 : 1; kib = $1 * unit
			if (rows > 1 && kib > last) { print "out of order:", $0; bad = 1 } last = kib }
		END { exit bad || rows != 4 || more != 1 || all != 1 }' "$BED_OUT/table"
}

shows_progress() {
	script --quiet --return --command "$ctl idle $1 2.5" "$BED_OUT/terminal" >/dev/null &&
		grep -q 'waiting: 3 s left' "$BED_OUT/terminal" &&
		"$ctl" idle "$1" 2.5 >/dev/null 2>"$BED_OUT/stderr" && test ! -s "$BED_OUT/stderr"
}

# The second would find little referenced if the first took accesses away from it.
two_at_once() {
	local first
	while true; do
		"$ctl" idle "$1" 0.01 >/dev/null
	done &
	first=$!
	"$ctl" --json idle "$1" 4 >"$BED_OUT/two.json" || return
	kill "$first"
	holds "$BED_OUT/two.json" '[.mappings[] | select(.size == (256 | mib)) | .referenced] | add | within(96 | mib)'
}

# ends_early TEXT PROGRAM: a process that soon ends or runs another program: it is said so long before the 60 s.
ends_early() {
	local pid start=$SECONDS
	bash -c "$2" &
	pid=$!
	fails_with 1 "$1" "$ctl" idle "$pid" 60 || return
	kill "$pid" 2>/dev/null || true
	echo "after $((SECONDS - start)) s"
	[ $((SECONDS - start)) -lt 30 ]
}

guest_report() {
	"$ctl" --json idle "$(guest_pid known)" 4 >"$BED_OUT/guest.$1.json"
}

# In MiB, of the mapping that is the guest's memory.
guest_referenced() {
	jq '[.mappings[] | select(.size == 192 * 1048576 and (.name | startswith("/memfd:")))][0].referenced / 1048576' \
		"$BED_OUT/guest.$1.json"
}

# near TRUTH_MIB FIGURE: within 10 % or 12 MiB, whichever is more.
near() {
	awk -v truth="$1" -v figure="$2" 'BEGIN {
		allowed = truth * 0.1 > 12 ? truth * 0.1 : 12
		printf "truth %.1f MiB, measured %.1f MiB\n", truth, figure
		exit !(figure >= truth - allowed && figure <= truth + allowed) }'
}

echo 0 >/proc/sys/kernel/numa_balancing # a page that it unmaps to see who touches it is not idle
[ ! -d /sys/module/kvm_idle ] || rmmod kvm_idle

plan 22
check "without the module it is said what to do" fails_with 1 'modprobe kvm_idle' "$ctl" idle $$
insmod "$BED_MODULE"

# Refused.
sleep 0 &
dead=$!
wait "$dead"
check "a process that has ended" fails_with 1 "there is no process $dead" "$ctl" idle "$dead"
check "a kernel thread" fails_with 1 'process 2 is a kernel thread' "$ctl" idle 2
check "somebody else's process" fails_with 1 'Permission denied: this takes the right to trace' \
	"${nobody[@]}" "$ctl" idle $$
check "what is no process number: exit code 2" fails_with 2 '"12x" is not a process number' "$ctl" idle 12x
check "too short a time: exit code 2" fails_with 2 '"0.001" is not a number of seconds from 0.01' "$ctl" idle $$ 0.001

# A known process.
"$BED_ROOT/build/test/bin/known-process" >"$BED_OUT/known.ready" &
known=$!
bed_wait_until 60 grep -q ready "$BED_OUT/known.ready"
check "a process is looked at without service and bus, and the report is JSON" \
	eval '"$ctl" --json idle "$known" 2.5 >"$report" && jq -e . "$report"'
check "a memfd: 64 of 256 MiB referenced, 192 idle, within 1 %" holds "$report" \
	'.mappings[] | select(.name | startswith("/memfd:known")) | .permissions == "rw-s" and (.size == (256 | mib)) and
		(.resident | within(256 | mib)) and (.referenced | within(64 | mib)) and (.idle | within(192 | mib))'
check "anonymous memory: each eighth page, 32 of 256 MiB, within 1 %" holds "$report" \
	'[.mappings[] | select(.name == "" and .size == (256 | mib))][0] |
		(.resident | within(256 | mib)) and (.referenced | within(32 | mib)) and (.idle | within(224 | mib))'
check "the totals are the sums, and the greatest comes first" holds "$report" \
	'. as $all | all("size", "resident", "referenced", "idle"; . as $key | $all[$key] == ([$all.mappings[][$key]] | add)) and
		(.mappings[0].name | startswith("/memfd:known")) and .resident == .referenced + .idle'
check "the window is the true one: no shorter than asked for, and the longest is told" holds "$report" \
	'.window >= 2.5 and .window < 6 and .["window-longest"] >= .window and .["window-longest"] < 6'
check "small pages are told apart: nothing is referenced by halves" holds "$report" \
	'[.mappings[] | select(.size == (256 | mib))] | length == 2 and all(.coarse == 0)'
check "the table for people is in order, and has as many rows as asked for" table_is_in_order "$known"
check "a terminal shows how long a wait still is, a file does not" shows_progress "$known"
check "two who look at once do not disturb one another: one every moment, the other for 4 s" two_at_once "$known"
kill "$known"
"$BED_ROOT/build/test/bin/known-process" huge >"$BED_OUT/huge.ready" &
huge=$!
bed_wait_until 60 grep -q ready "$BED_OUT/huge.ready"
"$ctl" --json idle "$huge" 2.5 >"$BED_OUT/huge.json"
check "huge pages: each is referenced as a whole, and it is said that this is coarse" holds "$BED_OUT/huge.json" \
	'[.mappings[] | select(.name == "" and .size == (256 | mib))][0] |
		.coarse >= .resident * 0.9 and .referenced >= .coarse'
kill "$huge"

# Rights, and ends.
"${nobody[@]}" sleep 60 &
own=$!
bed_wait_until 10 grep -q sleep "/proc/$own/comm"
check "an ordinary user looks at his own process" "${nobody[@]}" "$ctl" idle "$own" 0.2
kill "$own"
check "a process that ends in the window: said soon, and no figures" \
	ends_early 'has ended or begun another program' 'sleep 3'
check "a process that begins another program in the window: likewise" \
	ends_early 'has ended or begun another program' 'sleep 3; exec sleep 60'

# A guest: its RAM is a memfd of the QEMU process. "base" is what it references with the workload at rest.
libvirt_start
guest_define known 192 agent=0 thp=0
guest_start known
guest_workload known 'touch 100' >&2
sleep 2
check "a guest's process" guest_report base
truth=$(guest_workload known 'hot 0 40 200 spread' | jq .hot_mib)
guest_report hot
check "a guest: its memory is a mapping with what the workload uses, above the base" \
	near "$truth" "$(awk -v hot="$(guest_referenced hot)" -v base="$(guest_referenced base)" 'BEGIN { print hot - base }')"
guest_destroy known
check "the module can be unloaded: nothing was left open" rmmod kvm_idle
