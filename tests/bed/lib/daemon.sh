# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# daemon.sh - vmheatd and what it says of a guest
#
# The daemon runs with the sanitizers, so a fault in it fails the test at its end.

mib=1048576
daemon_log=$BED_OUT/vmheatd.log
daemon_conf=/run/vmheatd.conf # for the job to write
daemon_pid=0
# What it ended with.
# shellcheck disable=SC2034 # for the job
daemon_code=0

ctl() {
	"$BED_ROOT/build/bin/vmheatctl" "$@"
}

# holds VM EXPRESSION: whether the jq expression is true of what the daemon knows of the VM. Shows it if not.
holds() {
	local json
	json=$(ctl --json show "$1") || return
	jq -e "$2" <<<"$json" >/dev/null || { echo "not so: $2"; jq -c 'del(.settings)' <<<"$json"; return 1; }
}

# figure VM EXPRESSION
figure() {
	ctl --json show "$1" | jq "$2"
}

daemon_start() {
	"$BED_ROOT/build/test/bin/vmheatd" --config "$daemon_conf" >>"$daemon_log" 2>&1 &
	daemon_pid=$!
	bed_wait_until 30 ctl list
}

# A clean stop ends with exit code 0, which no finding of a sanitizer leaves. Not inside check: its subshell has no
# children to wait for.
# shellcheck disable=SC2034
daemon_stop() {
	daemon_code=0
	kill -TERM "$daemon_pid"
	wait "$daemon_pid" || daemon_code=$?
}

# windows VM N: wait for N more windows of data.
windows() {
	local goal
	goal=$(($(figure "$1" '.windows // 0') + $2))
	bed_wait_until 60 holds "$1" ".windows >= $goal"
}

balloon_mib() {
	virsh dommemstat "$1" | awk '$1 == "actual" { print $2 / 1024 }'
}

balloon_stands_at() {
	[ "$(balloon_mib "$1")" = "$2" ]
}

# near TRUTH_MIB FIGURE: within 10 % or 12 MiB, whichever is more.
near() {
	awk -v truth="$1" -v figure="$2" 'BEGIN {
		allowed = truth * 0.1 > 12 ? truth * 0.1 : 12
		printf "truth %.1f MiB, measured %.1f MiB\n", truth, figure
		exit !(figure >= truth - allowed && figure <= truth + allowed) }'
}

working_set_mib() {
	figure "$1" ".\"working-set\" / $mib"
}
