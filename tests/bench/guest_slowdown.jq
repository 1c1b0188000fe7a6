# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest_slowdown.jq - what guest_slowdown.c measured, beside the same without scans
#
# Lines are what the program printed, then, from a run in which insn_count.so counted ($counted), the instructions of
# processors 0 and 1 at the round's beginning, after the last scan, and at the end of the guest's last lap.
include "bench";

def per_lap: if $counted then (.[11] - .[7]) / .[4] else .[3] / .[4] end;
def scanning: .[8] - .[6];

[rows | group_by(.[1])[]
 | { scans_per_second: .[0][1], per_lap: (map(per_lap) | spread), scans: .[0][5],
     scanning: (if $counted then map(scanning) | median else null end) }] as $all
| { unit: (if $counted then "instructions" else "us" end),
    frequencies: [$all[] | . + { slowdown: (.per_lap.median / $all[0].per_lap.median | rounded) }
	| if $counted and .scans > 0 then .per_scan = ((.scanning - $all[0].scanning) / .scans | round) else . end
	| del(.scanning, .scans)] }
