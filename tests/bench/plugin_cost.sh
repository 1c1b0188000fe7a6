#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugin_cost.sh - what libvmheat-plugin.so costs emulated guests, off and on, beside no plugin and one with a lock and a
# hash table: a table for people, and in the report "plugin_cost"
#
# Usage: plugin_cost.sh PROGRAM
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
top=$(cd "$here/../.." && pwd)

"$top/tests/plugin/fetch-qemu" 10.0
make --no-print-directory -C "$top" bed-images >&2
results=$(mktemp)
trap 'rm -f "$results"' EXIT
cd "$top"
"$1" 5 qemu-system-x86_64 installed build/qemu/10.0/run 10.0-backports >"$results"
jq -R -n -L "$here" -f "$here/plugin_cost.jq" "$results" | bench_record plugin_cost
# shellcheck disable=SC2016 # the dollars are jq's
jq -r '.plugin_cost | ["QEMU", "job", "plugin", "user ms", "least", "most", "times none"],
	(.qemus[] | .qemu as $qemu | ("boot", "touch") as $job | .[$job][]
	 | [$qemu, $job, .variant, (.user_ms | .median, .least, .most), .times_none])
	| @tsv' "$bench_report" | column -t -s $'\t'
