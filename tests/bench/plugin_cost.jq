# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugin_cost.jq - what the plugin costs: lines of QEMU, variant, milliseconds become medians, and ratios to no plugin
include "bench";

[rows] | group_by(.[0]) | map(
	.[0][0] as $qemu | (map(select(.[1] == "none") | .[2]) | median) as $none
	| { qemu: $qemu, variants: (group_by(.[1]) | map((map(.[2]) | spread) as $time
		| { variant: .[0][1], user_ms: $time, times_none: ($time.median / $none | rounded) })) })
| { note: "user time of QEMU for one boot of a Linux guest, by medians; this machine's own time", qemus: . }
