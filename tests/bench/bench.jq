# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench.jq - what the benchmarks' filters share
#
# Measurements come as tab-separated lines, a line a round; a filter gets them by `jq -R -n -L tests/bench`.

def note: "emulated: only ratios mean something";

# The lines, as arrays; with a number wherever there is one.
def rows: [inputs / "\t" | map(tonumber? // .)];

def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;

# An array's median, quartiles and extremes.
def spread:
	sort | { median: median, quartiles: [.[(length - 1) / 4 | floor], .[(length - 1) * 3 / 4 | ceil]],
		 least: .[0], most: .[-1], rounds: length };

def rounded: . * 1000 | round / 1000;

# The least-squares line through points {x, y}, and its coefficient of determination.
def line:
	length as $n | (map(.x) | add / $n) as $x | (map(.y) | add / $n) as $y
	| (map((.x - $x) * (.y - $y)) | add) as $xy | (map((.x - $x) * (.x - $x)) | add) as $xx
	| (map((.y - $y) * (.y - $y)) | add) as $yy
	| { slope: ($xy / $xx | rounded), at_zero: ($y - $xy / $xx * $x | rounded), r2: ($xy * $xy / $xx / $yy | rounded) };

# A goal that is to be at least so much.
def goal_at_least($at_least): { value: rounded, at_least: $at_least, met: (. >= $at_least) };
