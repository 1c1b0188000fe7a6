# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# judge.sh - what a run's files say: a job's TAP, and the emulated host's kernel log
#
# Pure functions of files, so that they are tested without an emulator (tests/bed/selftest).

# What no healthy kernel says. Noise of an emulated host (unhandled MSRs, late hrtimers, an unstable TSC, a missing
# microcode's "WARNING: See ..." in mid-line) is not here.
judge_kernel_patterns='BUG:|BUG at|Oops|general protection fault|[Uu]nable to handle|Kernel panic|KASAN|UBSAN'
judge_kernel_patterns+='|KFENCE|blocked for more than|detected stalls|self-detected stall|possible recursive locking'
judge_kernel_patterns+='|circular locking dependency|inconsistent lock state|suspicious RCU usage|soft lockup|hard LOCKUP'

# judge_kernel FILE...: prints each line of kernel logs that means trouble, once; succeeds if there is none.
judge_kernel() {
	local found
	found=$(cat "$@" 2>/dev/null | tr -d '\r' |
		grep -aE "^\[ *[0-9.]+\](\[ *[CT][0-9]+\])? (WARNING:|.*($judge_kernel_patterns))" | sort -u || true)
	[ -n "$found" ] || return 0
	printf '%s\n' "$found"
	return 1
}

# judge_tap FILE CODE: prints "PASSED FAILED SKIPPED REASON" of a job that ended with exit code CODE, or with "limit";
# REASON is empty if all is well. A job without a plan, with other than the planned number of results, or with a bad
# exit code is not well.
judge_tap() {
	awk -v code="$2" '
		/^1\.\.[0-9]+/ { planned = substr($1, 4) + 0; have_plan = 1 }
		/^(not )?ok [0-9]+/ { seen++ }
		/^(not )?ok [0-9]+.*# SKIP/ { skipped++; next }
		/^ok [0-9]+/ { passed++ }
		/^not ok [0-9]+/ { failed++ }
		END {
			if (code == "limit") reason = "time limit"
			else if (!have_plan) reason = "no plan, exit code " code
			else if (seen != planned) reason = seen + 0 " results, " planned " planned, exit code " code
			else if (failed) reason = failed " failed"
			else if (code != 0) reason = "exit code " code " although nothing failed"
			print passed + 0, failed + 0, skipped + 0, reason
		}' "$1"
}
