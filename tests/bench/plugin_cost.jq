# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugin_cost.jq - what the plugin costs: lines of QEMU, variant, and the milliseconds of two jobs become medians, and
# ratios to no plugin
include "bench";

# The medians of column number $column, by variant.
def job($column):
	(map(select(.[1] == "none") | .[$column]) | median) as $none
	| group_by(.[1]) | map((map(.[$column]) | spread) as $time
		| { variant: .[0][1], user_ms: $time, times_none: ($time.median / $none | rounded) });

rows | group_by(.[0]) | map({ qemu: .[0][0], boot: job(2), touch: job(3) })
| { note: "user time of QEMU, this machine's own: a Linux guest boots; a process in it touches 300 MiB", qemus: . }
