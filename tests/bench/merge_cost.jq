# SPDX-License-Identifier: GPL-2.0-or-later
#
# merge_cost.jq - what merging a scan into the ages costs: each round's ratio to the memcpy beside it, by pattern
include "bench";

def limits: { memcpy_times: 1.5, bytes_a_page: 2.048 };

def ratio($column): map(.[$column] / .[3] | rounded) | spread;

rows as $rows
| [$rows[] | select(.[0] == "cost")] as $costs
| { note: "a guest of as many pages as there are bytes of ages; processor time of one thread, medians of rounds",
    ages_mib: $costs[0][2], bitmap_mib: ($costs[0][2] / 8), whole_tib: ($costs[0][2] == 256),
    patterns: ($costs | group_by(.[1]) | map({
	pattern: .[0][1], memcpy_us: (map(.[3]) | spread), host_us: (map(.[4]) | spread), with_agent_us: (map(.[5]) | spread),
	host_times_memcpy: ratio(4), with_agent_times_memcpy: ratio(5) })),
    ages_alone_us: ([$rows[] | select(.[0] == "way") | { (.[1]): .[2] }] | add),
    memory: ([$rows[] | select(.[0] == "memory")][0] | { ages_mib: .[1], bytes_a_page: .[2] }) }
| . + { goals: (
	[.patterns[] | { goal: "\(.pattern), host data: times memcpy", value: .host_times_memcpy.median, at_most: limits.memcpy_times }]
	+ [{ goal: "memory with an agent: bytes a page", value: .memory.bytes_a_page, at_most: limits.bytes_a_page }]
	| map(. + { met: (.value <= .at_most) })) }
