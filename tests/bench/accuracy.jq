# SPDX-License-Identifier: GPL-2.0-or-later
#
# accuracy.jq - what accuracy.c measured of one guest: what was said, under the oracle, and what it cost, without
#
# $costs are the lines of the run without oracle, as one text. What counts is the least cost of the windows: a busy machine
# adds to costs, and never takes away.
include "bench";

def by_way: reduce .[] as $row ({}; .[$row[0]] += [$row]);

rows as $said
| ($costs | split("\n") | map(select(. != "") / "\t" | map(tonumber? // .)) | by_way) as $cost
| ($said | by_way) as $by_way
| [$said | map(.[0]) | reduce .[] as $way ([]; if index([$way]) then . else . + [$way] end) | .[]
   | . as $way | $by_way[$way]
   | { way: $way,
       tells: (if ["smaps Referenced", "balloon statistics"] | index($way) then "how many" else "which" end),
       called_mib: (map(.[3] / 256) | median | rounded),
       hot_mib: (map(.[5] / 256) | median | rounded),
       precision: (map(if .[3] > 0 then .[4] / .[3] else 0 end) | median | rounded),
       recall: (map(.[4] / .[5]) | median | rounded),
       cost: ($cost[$way] | map(.[2]) | spread) }]
| (.[] | select(.way == "module") | .cost.least) as $cost_of_module
| map(. + { times_module: (.cost.least / $cost_of_module | rounded) })
