#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# accuracy_report.sh - who finds the hot pages of a guest, and at which cost: a table for people, and
# build/report/accuracy.json
#
# Everything is emulated: what is called hot is exact, but of costs only the ratios mean something, and they only roughly.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
top=$(cd "$here/../.." && pwd)
report=$top/build/report/accuracy.json

# run NAME OPTION...: an emulated host whose report is called NAME. As much memory as the oracle sees.
run() {
	local name=$1
	shift
	"$top/tests/bed/bed" run --name "$name" --kernel page-idle --memory 1536,256 --timeout 900 "$@" "$here/accuracy.sh"
}

# guest NAME: what was said of it, and what that cost.
guest() {
	jq -R -n -L "$here" --rawfile costs "$top/build/report/bed/bench-accuracy-cost/accuracy/$1.tsv" \
		-f "$here/accuracy.jq" "$top/build/report/bed/bench-accuracy/accuracy/$1.tsv"
}

run bench-accuracy --plugin "$top/build/bin/libvmheat-plugin.so,oracle"
run bench-accuracy-cost
jq -n --argjson machine "$(bench_machine)" --argjson small "$(guest small)" --argjson large "$(guest large)" '
	{ machine: $machine,
	  note: "emulated: of costs only ratios mean something. Ways that tell only how many pages are hot are judged as if as many had been chosen at random.",
	  unit: "cost: us of processor time for each window",
	  guest: { memory_mib: 192, touched_mib: 96, hot_mib: 12, window_seconds: 2, windows: 3 },
	  leaves: { "4K": $small, "2M": $large } }' >"$report.new"
mv "$report.new" "$report"

echo
jq -r '["leaves", "way", "tells", "called MiB", "hot MiB", "precision", "recall", "cost us", "times module"],
	(.leaves | to_entries[] | .key as $leaf | .value[]
	 | [$leaf, .way, .tells, .called_mib, .hot_mib, .precision, .recall, .cost.least, .times_module]) | @tsv' "$report" |
	column -t -s $'\t'
echo
echo "all numbers: $report"
