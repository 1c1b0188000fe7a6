# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tap.sh - a job's results, as TAP lines on stdout: "ok N - JOB: what it shows"
#
# A job says first how many results it will give (plan); fewer than that, and the job counts as failed.

tap_number=0

plan() {
	echo "1..$1"
}

# pass WHAT, fail WHAT, skip WHAT REASON. fail returns 0: the job goes on.
pass() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $BED_JOB: $1"
}

fail() {
	tap_number=$((tap_number + 1))
	echo "not ok $tap_number - $BED_JOB: $1"
}

skip() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $BED_JOB: $1 # SKIP $2"
}

# diag TEXT...: words for whoever reads the result.
diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# check WHAT COMMAND...: passes if the command succeeds; shows what it printed if not. The command runs in a subshell.
check() {
	local what=$1 output code=0
	shift
	output=$("$@" 2>&1) || code=$?
	if [ "$code" -eq 0 ]; then
		pass "$what"
	else
		fail "$what"
		diag "failed with exit code $code: $*"
		[ -z "$output" ] || diag "$(tail -n 20 <<<"$output")"
	fi
}
