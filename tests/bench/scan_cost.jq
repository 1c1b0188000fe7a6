# SPDX-License-Identifier: GPL-2.0-or-later
#
# scan_cost.jq - what scan_cost.c measured, by size, and the line through the sizes
include "bench";

def cost($kind): map(.[$kind]) | spread;

[rows | map({ of: .[1], mib: .[2], leaf: .[3], active: .[5], idle: .[6], pagemap: .[7] })
 | group_by([.of, .mib, .leaf])[]
 | (.[0] | { of, mib, leaf }) + { active: cost("active"), idle: cost("idle"), pagemap: cost("pagemap") }
 | . + { active_vs_pagemap: (.active.median / .pagemap.median | rounded),
	 idle_vs_pagemap: (.idle.median / .pagemap.median | rounded) }] as $sizes
| { note: note, unit: "us a scan; slopes in us a MiB", sizes: $sizes,
    slopes: [("guest", "process") as $of | ("4K", "2M") as $leaf | ("active", "idle") as $scan
	     | { of: $of, leaf: $leaf, scan: $scan }
	       + ([$sizes[] | select(.of == $of and .leaf == $leaf) | { x: .mib, y: .[$scan].median }] | line)] }
