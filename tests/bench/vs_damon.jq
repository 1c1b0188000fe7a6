# SPDX-License-Identifier: GPL-2.0-or-later
#
# vs_damon.jq - what vs_damon.c measured
#
# What counts is DAMON without the module in the kernel; "same" are the settings with which it finds as much as a scan,
# and as little else.
include "bench";

def watcher($rows):
	{ watcher: $rows[0][0], module: $rows[0][1], cost: ($rows | map(.[3]) | spread), regions: ($rows | map(.[4]) | median),
	  recall: ($rows | map(.[6] / .[7]) | median | rounded),
	  precision: ($rows | map(if .[5] > 0 then .[6] / .[5] else 0 end) | median | rounded) };

rows | [group_by([.[0], .[1]])[] | watcher(.)] as $watchers
| ($watchers[] | select(.watcher == "scan")) as $scan
| [$watchers[] | . + { ratio: (.cost.median / $scan.cost.median | rounded) }] as $watchers
| { note: note, unit: "us of processor time for each second watched", watchers: $watchers,
    same: [$watchers[] | select(.module == "unloaded" and .recall >= $scan.recall - 0.01
		and .precision >= $scan.precision - 0.01) | { watcher, ratio }] }
