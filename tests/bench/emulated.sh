#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# emulated.sh - runs the benchmarks that need KVM in the emulated VM host: tables for people, and in the report
# "scan_cost", "guest_slowdown", "scan_vs_global_page_idle", "scan_vs_pagemap_page_idle" and "scan_vs_damon"
#
# Everything there is emulated, so only the ratios mean something, and they only roughly. Counts of instructions are
# exact. A goal that is missed is said to be missed; it is no error.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
top=$(cd "$here/../.." && pwd)

# run NAME OPTION... JOB...: an emulated host whose report is called NAME.
run() {
	local name=$1
	shift
	"$top/tests/bed/bed" run --name "$name" --kernel page-idle --timeout 600 "$@"
}

# summarize FILTER FILE ARGUMENT...: what a filter makes of measurements.
summarize() {
	local filter=$1 file=$2
	shift 2
	jq -R -n -L "$here" "$@" -f "$here/$filter.jq" "$file"
}

# The measurements of a round, with the counts of instructions that were noted in it.
with_counts() {
	paste "$1" <(paste - - - <"$2")
}

# table FILTER: rows that a jq filter makes of the report, as a table.
table() {
	echo
	jq -r -L "$here" "$1 | @tsv" "$bench_report" | column -t -s $'\t'
}

costs=$top/build/report/bed/bench
timed=$top/build/report/bed/bench-timed
counted=$top/build/report/bed/bench-counted
run bench --memory 3072,512 "$here"/{vs_page_idle,vs_damon,scan_cost}.sh
# The guest has a processor of its own, which goes on while it is scanned.
run bench-timed --parallel "$here/guest_slowdown.sh"
run bench-counted --parallel --plugin "$top/build/test/bin/insn_count.so" "$here/guest_slowdown.sh"
with_counts "$counted/guest_slowdown/guest_slowdown.tsv" "$counted/plugin.out" >"$counted/counted.tsv"

summarize vs_page_idle "$costs/vs_page_idle/vs_page_idle.tsv" --arg rival page_idle --argjson at_least 50 |
	bench_record scan_vs_global_page_idle
summarize vs_page_idle "$costs/vs_page_idle/vs_page_idle.tsv" --arg rival page_idle_pagemap --argjson at_least 25 |
	bench_record scan_vs_pagemap_page_idle
summarize vs_damon "$costs/vs_damon/vs_damon.tsv" | bench_record scan_vs_damon
summarize scan_cost "$costs/scan_cost/scan_cost.tsv" | bench_record scan_cost
jq -n --argjson time "$(summarize guest_slowdown "$timed/guest_slowdown/guest_slowdown.tsv" --argjson counted false)" \
	--argjson instructions "$(summarize guest_slowdown "$counted/counted.tsv" --argjson counted true)" \
	'{ note: "emulated: of times only ratios mean something", job: "a guest touches 65536 pages in turn; a lap is all of them",
	   of: "per_lap: the guest and its processor; per_scan: who scans", $time, $instructions }' |
	bench_record guest_slowdown

echo
echo "emulated: of times only ratios mean something"
table '.scan_cost | ["scan of", "MiB", "leaf", "active us", "idle us", "active/pagemap", "idle/pagemap"],
	(.sizes[] | [.of, .mib, .leaf, .active.median, .idle.median, .active_vs_pagemap, .idle_vs_pagemap])'
table '.scan_cost | ["line through sizes", "leaf", "scan", "us a MiB", "us at 0", "R2"],
	(.slopes[] | [.of, .leaf, .scan, .slope, .at_zero, .r2])'
# shellcheck disable=SC2016 # the dollars are jq's
table '.guest_slowdown | ["guest, a lap", "scans a second", "median", "least", "most", "slowdown", "a scan"],
	((.time, .instructions) | .unit as $unit | .frequencies[]
	 | [$unit, .scans_per_second, (.per_lap | .median, .least, .most | round), .slowdown, .per_scan // ""])'
# shellcheck disable=SC2016 # the dollars are jq's
table '["a scan, and what else tells the same", "touched", "scan us", "write+read us", "its us", "least", "most", "times a scan", "by processor time"],
	((.scan_vs_global_page_idle, .scan_vs_pagemap_page_idle) | .rival as $rival | .patterns[]
	 | [$rival, .touched, .scan.median, .write_and_read.median, .rival.median, .rival.least, .rival.most, .ratio, .ratio_processor_time])'
table '["watched for a second", "module", "us", "least", "most", "recall", "precision", "times a scan"],
	(.scan_vs_damon.watchers[]
	 | [.watcher, .module, .cost.median, .cost.least, .cost.most, .recall, .precision, .ratio])'
table '["goal", "is", "at least", ""],
	(to_entries[] | select(.value.goal?) | [.key, .value.goal.value, .value.goal.at_least,
	 if .value.goal.met then "met" else "MISSED" end])'
echo
echo "all numbers: $bench_report"
