#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# resize_report.sh - who saves how much memory of guests, and what that costs them: a table for people, and
# build/report/resize.json
#
# Measured on real guests in the emulated VM host. A goal that is missed is said to be missed; it is no error. That a
# guest ran out of memory, or lost content, is one.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
top=$(cd "$here/../.." && pwd)
report=$top/build/report/resize.json
result=$top/build/report/bed/bench-resize/resize

"$top/tests/bed/bed" run --name bench-resize --timeout 2400 "$here/resize.sh"
for policy in static mom probe vmheat; do
	jq -R -s --arg policy "$policy" --slurpfile status "$result/$policy.status" \
		'{$policy, samples: [split("\n")[] | select(. != "") | split("\t")], $status}' "$result/$policy.tsv"
done | jq -s --argjson machine "$(bench_machine)" -f "$here/resize.jq" >"$report.new"
mv "$report.new" "$report"

echo
# shellcheck disable=SC2016 # the dollars are jq's
jq -r 'def r: . * 10 | round / 10;
	(["policy", "resident MiB", "saved MiB", "saved %", "balloon at the end", "work lost %", "late rounds", "round ms",
	  "swapped in MiB", "refaults MiB", "OOM kills"],
	 (.policies[] | [.policy, (.resident_mib | r), (.saved_mib | r), (.saved_percent | r),
	  ([.guests[].balloon_end_mib | round | tostring] | join(" + ")), .work_lost_percent, .late_rounds, (.round_ms | r),
	  (.swapped_in_mib | r), (.refault_mib | r), .oom_kills])) | @tsv' "$report" | column -t -s $'\t'
echo
# shellcheck disable=SC2016
jq -r '(["goal", "is", "wanted", ""], (.goals[] | [.what, .value, .wanted, if .met then "met" else "MISSED" end])) | @tsv' \
	"$report" | column -t -s $'\t'
echo
echo "all numbers: $report"
jq -e '[.policies[] | .oom_kills, .corrupt_pages] | add == 0' "$report" >/dev/null
