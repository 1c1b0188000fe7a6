# SPDX-License-Identifier: GPL-2.0-or-later
#
# vs_page_idle.jq - what vs_page_idle.c measured of one of page_idle's ways beside a scan
#
# $rival: which way; $at_least: how many times the scan's cost it should be. What counts is the rival without the module
# in the kernel.
include "bench";

def picked($way; $kernel; $pattern): map(select(.[0] == $way and .[1] == $kernel and .[2] == $pattern));
def cost($way; $kernel; $pattern): picked($way; $kernel; $pattern) | map(.[4]) | spread;
def processor_time($way; $kernel; $pattern): picked($way; $kernel; $pattern) | map(.[8]) | median;
def wrong: { missed: (map(.[5]) | add), false: (map(.[6]) | add), of: (map(.[7]) | add) };

rows as $rows
| [("all", "half", "none") as $pattern
   | { touched: $pattern,
       scan: ($rows | cost("scan"; "loaded"; $pattern)),
       write_and_read: ($rows | cost("idle_bitmap"; "loaded"; $pattern)),
       rival: ($rows | cost($rival; "unloaded"; $pattern)),
       rival_beside_module: ($rows | cost($rival; "loaded"; $pattern)) }
   | . + { ratio: (.rival.median / .scan.median | rounded),
	   ratio_processor_time: (($rows | processor_time($rival; "unloaded"; $pattern))
				  / ($rows | processor_time("scan"; "loaded"; $pattern)) | rounded),
	   ratio_write_and_read: (.rival.median / .write_and_read.median | rounded) }] as $patterns
| { note: note, unit: "us of system time", guest_mib: ($rows[0][7] / 256), rival: $rival, patterns: $patterns,
    goal: ($patterns[0].ratio | goal_at_least($at_least)),
    pages_wrong: { scan: ($rows | map(select(.[0] == "scan")) | wrong),
		   write_and_read: ($rows | map(select(.[0] == "idle_bitmap")) | wrong),
		   rival: ($rows | map(select(.[0] == $rival)) | wrong) } }
