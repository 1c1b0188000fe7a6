#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# merge_cost.sh PROGRAM - what merging a scan of a 1 TiB guest costs: a table for people, and "merge_cost" in the report
#
# With less memory free than that takes the guest is smaller, and it is said. A goal that is missed is said to be missed; it
# is no error. The machine may be busy.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
results=$(mktemp)
trap 'rm -f "$results"' EXIT
"$1" "${BENCH_ROUNDS:-9}" >"$results"
jq -R -n -L "$here" -f "$here/merge_cost.jq" "$results" | bench_record merge_cost
# shellcheck disable=SC2016 # the dollars are jq's
jq -r '.merge_cost | "ages: \(.ages_mib) MiB\(if .whole_tib then ", a guest of 1 TiB" else ": memory was short for 1 TiB" end)",
	(["pattern", "memcpy us", "host us", "with agent us", "times memcpy", "least", "most", "with agent", "least", "most"],
	 (.patterns[] | [.pattern, (.memcpy_us, .host_us, .with_agent_us | .median | round),
		(.host_times_memcpy, .with_agent_times_memcpy | .median, .least, .most)]),
	 ["goal", "is", "at most", ""],
	 (.goals[] | [.goal, .value, .at_most, if .met then "met" else "MISSED" end]) | @tsv)' "$bench_report" |
	column -t -s $'\t'
