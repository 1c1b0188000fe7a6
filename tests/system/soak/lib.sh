# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - loading and scanning for a long time: what the soak jobs and their short forms in `make check` share

# What it printed, the seed and how often each outcome was seen, is kept.
idle_fuzz() {
	"$BED_ROOT/build/test/bin/idle_fuzz" "$@" | tee "$BED_OUT/idle_fuzz"
}

# fuzz_soak SECONDS: one result.
fuzz_soak() {
	check "$1 s of random calls, by root and an ordinary user, about processes that live, change and die" idle_fuzz "$1"
}
