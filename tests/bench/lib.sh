# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# lib.sh - build/report/bench.json, the report that all benchmarks share
#
# An object: "machine" says where and when the last benchmark ran, every other key belongs to one benchmark.

bench_report=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/report/bench.json

# bench_machine: this machine, as JSON.
bench_machine() {
	jq -n \
		--arg cpu "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1)" \
		--arg signature "$(awk -F': ' '/^(cpu family|model|stepping)[[:space:]]*:/ { printf "%s%s", sep, $2; sep = "/" }
			/^$/ { exit }' /proc/cpuinfo)" \
		--arg processors "$(nproc)" \
		--arg virtual "$(grep -q '^flags.* hypervisor' /proc/cpuinfo && echo true || echo false)" \
		--arg kernel "$(uname -sr)" \
		--arg memory "$(awk '/^MemTotal:/ { printf "%d", $2 / 1024 }' /proc/meminfo)" \
		--arg load "$(cut -d' ' -f1-3 /proc/loadavg)" \
		--arg time "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		'{ cpu: $cpu, family_model_stepping: $signature, processors: ($processors | tonumber),
		   virtual: ($virtual == "true"), kernel: $kernel, memory_mib: ($memory | tonumber), load: $load, time: $time }'
}

# bench_record KEY: puts the JSON on standard input into the report, in the place of what KEY had before.
bench_record() {
	local key=$1 old='{}'
	mkdir -p "$(dirname "$bench_report")"
	[ ! -s "$bench_report" ] || old=$(cat "$bench_report")
	jq --arg key "$key" --argjson old "$old" --argjson machine "$(bench_machine)" \
		'. as $result | $old + { machine: $machine, ($key): $result }' >"$bench_report.new"
	mv "$bench_report.new" "$bench_report"
}
