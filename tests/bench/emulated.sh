#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# emulated.sh - runs the benchmarks that need KVM in the emulated VM host: tables for people, "scan_cost" and
# "guest_slowdown" in the report
#
# Everything there is emulated, so only the ratios mean something, and they only roughly.
set -euo pipefail

# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
"$top/tests/bed/bed" run --timeout 400 --name bench "$top/tests/bench/scan_cost.sh"
measured=$top/build/report/bed/bench/scan_cost/scan_cost.tsv

# Functions for both: the median of an array with its least and most, the rows of a kind, three decimals.
# shellcheck disable=SC2016 # the dollars are jq's
functions='
	def spread: sort | { median: ((.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2), least: .[0], most: .[-1] };
	def rows($kind): [inputs / "\t" | select(.[0] == $kind) | .[1:]];
	def rounded: . * 1000 | round / 1000;'

# The slope is that of the least-squares line through size and time; "linear" is its coefficient of determination.
jq -R -n "$functions"'
	def line: (length) as $n | (map(.x) | add / $n) as $x | (map(.y) | add / $n) as $y
		| (map((.x - $x) * (.y - $y)) | add) as $xy | (map((.x - $x) * (.x - $x)) | add) as $xx
		| (map((.y - $y) * (.y - $y)) | add) as $yy
		| { us_per_mib: ($xy / $xx | rounded), linear: ($xy * $xy / $xx / $yy | rounded) };
	[rows("cost") | group_by([(.[0] | tonumber), .[1]])[]
	 | { mib: (.[0][0] | tonumber), leaf: .[0][1],
	     active: (map((.[4] | tonumber) + (.[5] | tonumber)) | spread),
	     idle: (map((.[6] | tonumber) + (.[7] | tonumber)) | spread),
	     pagemap: (map(.[8] | tonumber) | spread) }
	 | . + { active_vs_pagemap: (.active.median / .pagemap.median | rounded),
	         idle_vs_pagemap: (.idle.median / .pagemap.median | rounded) }] as $sizes
	| { note: "emulated: only ratios mean something", unit: "us; a scan reads and marks all pages", sizes: $sizes,
	    slopes: [("4K", "2M") as $leaf | ("active", "idle") as $kind
		     | { leaf: $leaf, scan: $kind }
		       + ([$sizes[] | select(.leaf == $leaf) | { x: .mib, y: .[$kind].median }] | line)] }' \
	"$measured" | bench_record scan_cost

jq -R -n "$functions"'
	[rows("guest") | group_by(.[0] | tonumber)[]
	 | { scans_per_second: (.[0][0] | tonumber), us_per_lap: (map(.[2] | tonumber) | spread) }] as $all
	| { note: "emulated: only ratios mean something", job: "a guest that touches 65536 pages in turn",
	    frequencies: [$all[] | . + { slowdown: (.us_per_lap.median / $all[0].us_per_lap.median | rounded) }] }' \
	"$measured" | bench_record guest_slowdown

echo
echo "emulated: only ratios mean something"
jq -r '.scan_cost | ["scan", "MiB", "leaf", "active us", "idle us", "active/pagemap", "idle/pagemap"],
	(.sizes[] | ["", .mib, .leaf, .active.median, .idle.median, .active_vs_pagemap, .idle_vs_pagemap]) | @tsv' \
	"$bench_report" | column -t -s $'\t'
echo
jq -r '.scan_cost | ["slope", "leaf", "us/MiB", "R2"], (.slopes[] | [.scan, .leaf, .us_per_mib, .linear]) | @tsv' \
	"$bench_report" | column -t -s $'\t'
echo
jq -r '.guest_slowdown | ["scans a second", "us a lap", "least", "most", "slowdown"],
	(.frequencies[] | [.scans_per_second, .us_per_lap.median, .us_per_lap.least, .us_per_lap.most, .slowdown]) | @tsv' \
	"$bench_report" | column -t -s $'\t'
echo
echo "all numbers: $bench_report"
