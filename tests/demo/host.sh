#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# host.sh - the demo, inside the emulated VM host: vmheat's main job on two real KVM guests, told as it happens
#
# Every figure comes from the daemon, from libvirt, or from the kernel (move_pages(2) by page_nodes, the guests' own
# /proc/vmstat); only truth_hot_mib is what the workload in the guest says that it touches. Nothing waits for a fixed
# time: a figure is taken when it has stood still for two windows.
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

bin=$BED_ROOT/build/bin
guests=(lazy busy)
declare -A base wss host_only truth balloon_before balloon_after places
headroom=0
grow_windows=null

say() {
	printf '\n[%3d s] %s\n' "$SECONDS" "$*"
}

ctl() {
	"$bin/vmheatctl" "$@"
}

# show VM FILTER...: one VM's figures as the daemon gives them, through jq.
show() {
	local vm=$1
	shift
	ctl --json show "$vm" | jq -r "$@"
}

mib() {
	awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1048576 }'
}

start_guests() {
	say "Starting libvirtd and the system bus."
	libvirt_start
	dbus_start
	# It hides pages from move_pages(2), and vmheat does its work better.
	echo 0 >/proc/sys/kernel/numa_balancing
	say "Loading kvm_idle.ko into the stock kernel $(uname -r)."
	insmod "$BED_MODULE"
	say "Starting two KVM guests: lazy (384 MiB, 4 KiB pages) and busy (256 MiB, transparent huge pages)."
	guest_define lazy 384 thp=0 swap=/dev/vda
	guest_define busy 256 swap=/dev/vdb
	guest_start lazy
	guest_start busy
	say "Starting vmheatd; it only watches for now."
	"$bin/vmheatd" --config "$BED_ROOT/tests/demo/vmheatd.conf" 2>"$BED_OUT/vmheatd.log" &
	daemon=$!
}

# wait_steady SECONDS: until the working set of every guest has stood within 2 MiB for two windows; tells each window.
wait_steady() {
	local end=$((SECONDS + $1)) vm line window last='' figure steady=0
	local -A previous
	while [ "$steady" -lt 2 ]; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "The working sets did not come to rest in $1 s." >&2
			return 1
		fi
		kill -0 "$daemon"
		sleep 0.5
		line=$(ctl --json list 2>/dev/null | jq -r 'map(select(.windows > 0) | "\(.name) \(.windows) \(."working-set") \(.balloon)") | .[]') || continue
		window=$(awk '$1 == "lazy" { print $2 }' <<<"$line")
		if [ "$(wc -l <<<"$line")" -ne "${#guests[@]}" ] || [ "$window" = "$last" ]; then
			continue
		fi
		last=$window
		steady=$((steady + 1))
		printf '        '
		while read -r vm _ figure balloon; do
			awk -v a="$figure" -v b="${previous[$vm]:-0}" 'BEGIN { d = a - b; exit d * d > (2 * 1048576) ^ 2 }' || steady=0
			previous[$vm]=$figure
			printf '%s: working set %6s of %6s MiB   ' "$vm" "$(mib "$figure")" "$(mib "$balloon")"
		done <<<"$line"
		printf '\n'
	done
}

measure_base() {
	local vm
	say "The workloads sleep: what is accessed now is the guests' own kernels and the agent."
	wait_steady 90
	for vm in "${guests[@]}"; do
		base[$vm]=$(show "$vm" '."working-set"')
	done
}

start_workloads() {
	say "lazy touches 200 MiB once and keeps 40 MiB of them hot; busy touches 160 MiB and keeps every second page of 80 MiB hot."
	{
		guest_workload lazy 'touch 200'
		guest_workload busy 'touch 160'
		guest_workload lazy 'hot 160 40 500 packed'
		guest_workload busy 'hot 80 40 500 spread'
	} >"$BED_OUT/workloads.log"
	say "Finding the working sets."
	wait_steady 120
}

measure_working_sets() {
	local vm
	for vm in "${guests[@]}"; do
		read -r "wss[$vm]" "host_only[$vm]" "balloon_before[$vm]" < <(
			show "$vm" '"\(."working-set") \(."working-set-host-only") \(.balloon)"')
		truth[$vm]=$(guest_workload "$vm" status | jq -r '.hot_mib')
	done
	headroom=$(show lazy '.plan.headroom')
	ctl list
	show lazy '.plan.resize'
}

# The balloon of a guest by QEMU's own word, in bytes; over one virsh that stays, since starting one takes a second.
balloon_of() {
	local line
	echo "domstats --balloon $1" >&"$virsh_in"
	while read -r -t 10 line <&"$virsh_out"; do
		case $line in
		*balloon.current=*)
			echo $((${line#*=} * 1024))
			return 0
			;;
		esac
	done
	return 1
}

# wait_balloon VM SECONDS: until the size of its balloon has been the same for two windows, printing each change.
wait_balloon() {
	local end=$((SECONDS + $2)) size last=0 since=$SECONDS
	while [ $((SECONDS - since)) -lt 11 ]; do
		[ "$SECONDS" -lt "$end" ] || return 1
		size=$(balloon_of "$1")
		if [ "$size" != "$last" ]; then
			echo "        $1 has $(mib "$size") MiB; $(show "$1" '.plan.resize')"
			last=$size
			since=$SECONDS
		fi
		sleep 0.3
	done
}

shrink() {
	say "vmheatd may act on both guests now: lazy is shrunk step by step, cold pages move to the far node."
	ctl set lazy mode=act
	ctl set busy mode=act
	wait_balloon lazy 150
	wait_balloon busy 100
	wait_steady 60
	balloon_after[lazy]=$(balloon_of lazy)
	balloon_after[busy]=$(balloon_of busy)
	echo "        QEMU of lazy holds $(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$(guest_pid lazy)/status") MiB of the host's memory now."
}

# Grows the hot set of lazy and counts the windows until its balloon stands where it then stays. The workload answers
# when all of its new memory is touched, which may take as long as the memory takes to come: nobody waits for it here.
grow() {
	local begin now size window
	window=$(show lazy '.window')
	say "The hot set of lazy grows by 80 MiB of new memory."
	begin=${EPOCHREALTIME/./}
	guest_workload lazy 'hot 160 120 500 packed' >"$BED_OUT/growth.workload" &
	for ((now = begin; now - begin < 20000000; now = ${EPOCHREALTIME/./})); do
		echo "$now $(balloon_of lazy)"
		sleep 0.5
	done | awk -v begin="$begin" '{ print ($1 - begin) / 1e6, $2 }' >"$BED_OUT/growth"
	wait $!
	wait_steady 90
	# Back: as large as the guest stays, less the dead band within which the daemon leaves a size alone.
	size=$(balloon_of lazy)
	grow_windows=$(awk -v s="$size" -v w="$window" -v before="${balloon_after[lazy]}" '
		$2 >= s - 8 * 1048576 && $2 > before { n = int($1 / w); print n + ($1 > n * w); found = 1; exit }
		END { if (!found) print "null" }' "$BED_OUT/growth")
	echo "        The memory was back after $grow_windows windows of $window s; lazy has $(mib "$size") MiB."
}

# Where the pages lie that the daemon called cold and hot in its last window, by the kernel's word.
measure_places() {
	local vm
	say "Asking the kernel where the cold and the hot pages lie."
	for vm in "${guests[@]}"; do
		ctl --json map "$vm" >"$BED_OUT/$vm.map.json"
		jq -r '.placement[] | "\(.[1]) \(.[2]) \(["", "hot", "cold"][.[3]])"' "$BED_OUT/$vm.map.json" |
			"$BED_ROOT/build/test/bin/page_nodes" "$(guest_pid "$vm")" >"$BED_OUT/$vm.nodes.json"
		places[$vm]=$(jq -c '{cold_pages: .cold.mapped, cold_pages_far: .cold.nodes[1],
			hot_pages: .hot.mapped, hot_pages_near: .hot.nodes[0]}' "$BED_OUT/$vm.nodes.json")
	done
}

guest_json() {
	local vm=$1
	guest_workload "$vm" status | jq -c --arg name "$vm" --argjson places "${places[$vm]}" \
		--argjson memory "$(virsh dominfo "$vm" | awk '/Max memory/ { print $3 / 1024 }')" \
		--argjson truth "${truth[$vm]}" --argjson base "${base[$vm]}" --argjson wss "${wss[$vm]}" \
		--argjson host_only "${host_only[$vm]}" --argjson before "${balloon_before[$vm]}" \
		--argjson after "${balloon_after[$vm]}" --argjson windows "$([ "$vm" = lazy ] && echo "$grow_windows" || echo null)" '
		def mib: . / 1048576;
		{name: $name, memory_mib: $memory, truth_hot_mib: $truth, wss_mib: ($wss | mib),
		 wss_host_only_mib: ($host_only | mib), base_mib: ($base | mib), balloon_before_mib: ($before | mib),
		 balloon_after_mib: ($after | mib), grow_windows: $windows, oom_kills: .oom_kill, swap_in_pages: .pswpin,
		 corrupt_pages: .corrupt} + $places'
}

report() {
	local vm
	for vm in "${guests[@]}"; do
		guest_json "$vm"
	done | jq -s --arg kernel "$(uname -r)" --argjson headroom "$headroom" '
		{kernel: $kernel, path: "npt", seconds: null, emulated: true, headroom_mib: ($headroom / 1048576),
		 base: "the working set that the daemon measured in each guest before its workload had touched anything",
		 guests: .}' >"$BED_OUT/demo.json"
	say "Truth and measurement, in MiB (base: the guest's own working set before its workload began):"
	jq -r 'def r: . * 10 | round / 10;
		(["guest", "hot", "base", "measured", "host only", "balloon", "cold pages far", "hot pages near"],
		 (.guests[] | [.name, (.truth_hot_mib | r), (.base_mib | r), (.wss_mib | r), (.wss_host_only_mib | r),
		  "\(.balloon_before_mib | round) -> \(.balloon_after_mib | round)", "\(.cold_pages_far) of \(.cold_pages)",
		  "\(.hot_pages_near) of \(.hot_pages)"])) | @tsv' "$BED_OUT/demo.json" | column -t -s $'\t'
	ctl map lazy --color >"$BED_OUT/map.color"
	ctl map lazy --no-color >"$BED_OUT/map.plain"
}

plan 1
start_guests
coproc virsh { exec virsh --quiet; }
# Copies, because pipelines do not inherit those of a coprocess.
exec {virsh_in}>&"${virsh[1]}" {virsh_out}<&"${virsh[0]}"
measure_base
start_workloads
measure_working_sets
shrink
grow
measure_places
report
kill "$daemon"
wait "$daemon"
pass "the demo ran to its end"
