#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# walker.sh WALKER - what harvesting page tables costs on this processor: a table for people, and "walker" in the report
#
# A goal that is missed is said to be missed; it is no error. The machine may be busy.
set -euo pipefail

# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${BENCH_ROUNDS:-9}

measured=$("$1" "$rounds")

# The goals: at most so many times another measurement, or so many ns. Names are those that walker.c prints.
jq -R -n --arg rounds "$rounds" '
	def median($rows; $name; $accessed): $rows[] | select(.name == $name and .accessed == $accessed) | .median;
	def goal($what; $value; $at_most):
		{ goal: $what, value: ($value * 1000 | round / 1000), at_most: $at_most, met: ($value <= $at_most) };
	[inputs] as $lines
	| [$lines[] | select(startswith("#") | not) / "\t"
	   | { name: .[0], accessed: .[1], median: (.[2] | tonumber), least: (.[3] | tonumber), most: (.[4] | tonumber) }
	  ] as $rows
	| median($rows; "limit_read"; "none") as $read
	| { tables: ($lines[0] | ltrimstr("# ")), unit: "ns per entry, processor time of one thread",
	    rounds: ($rounds | tonumber), measurements: $rows,
	    goals: [
		goal("VM, all accessed, locked: ns"; median($rows; "harvest_vm"; "all"); 3.5),
		goal("process, all accessed, plain store: ns"; median($rows; "harvest_process"; "all"); 1.5),
		goal("VM, none accessed: times reading the tables"; median($rows; "harvest_vm"; "none") / $read; 1.3),
		goal("process, none accessed: times reading the tables";
		     median($rows; "harvest_process"; "none") / $read; 1.3)
	    ] }' <<<"$measured" | bench_record walker

# table FILTER: what a jq filter makes of the report's "walker", as a table.
table() {
	jq -r ".walker | $1 | @tsv" "$bench_report" | column -t -s $'\t'
	echo
}

jq -r '"\(.walker.tables)\n\(.machine.cpu), load \(.machine.load)\n"' "$bench_report"
table '["ns an entry", "accessed", "median", "least", "most"],
	(.measurements[] | [.name, .accessed, .median, .least, .most])'
table '["goal", "is", "at most", ""],
	(.goals[] | [.goal, .value, .at_most, if .met then "met" else "MISSED" end])'
echo "all numbers: $bench_report"
