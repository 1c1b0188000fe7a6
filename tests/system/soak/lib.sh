# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lib.sh - loading and scanning for a long time: what the soak jobs and their short forms in `make check` share

declare -A soak_pids     # what runs in the background, by name
declare -A scan_settings # the kernel's own, by file

idle_soak() {
	"$BED_ROOT/build/test/bin/idle_soak" "$@"
}

# soak_vm_start: a VM whose guest writes for ever; ends with the job, or by soak_vm_end. Leaves soak_vm, its process, and
# soak_vm_address, of its memory.
soak_vm_start() {
	local log=$BED_OUT/vmm.log fifo=$BED_OUT/vmm.commands
	rm -f "$fifo"
	mkfifo "$fifo"
	# Opened for both, so that neither end waits for the other.
	exec {soak_vm_commands}<>"$fifo"
	"$BED_ROOT/build/test/bin/vmm" <&"$soak_vm_commands" >"$log" 2>&1 &
	soak_vm=$!
	printf '%s\n' 'slot add 0 2048 small' 'loop w 0 0-2047/3' >&"$soak_vm_commands"
	bed_wait_until 20 eval "[ \"\$(grep -c '^ok' '$log')\" = 2 ]" || return
	soak_vm_address=$(sed -n '1s/^ok //p' "$log")
}

soak_vm_end() {
	kill "$soak_vm"
	wait "$soak_vm" || true
	exec {soak_vm_commands}>&-
}

# load_disturb: always looks up, lists, opens, marks and reads, its own files and those of the VM; lets the kernel age
# the VM's pages; and starts processes that end at once.
load_disturb() {
	set +e # most of it fails while the module is away
	while :; do
		ls -l "/proc/$BASHPID" "/proc/$BASHPID/task/$BASHPID" /proc/1
		stat /proc/1/idle_bitmap "/proc/$BASHPID/idle_bitmap"
		dd if="/proc/$BASHPID/idle_bitmap" of=/dev/null bs=64K count=1
		# 64 KiB of the file are 2 GiB of addresses.
		head -c 65536 /dev/zero | tr '\0' '\377' |
			dd of="/proc/$soak_vm/idle_bitmap" bs=64K seek=$((soak_vm_address >> 31)) conv=notrunc,nocreat
		echo 1 >"/proc/$soak_vm/clear_refs"
		(:)
	done >/dev/null 2>&1
}

# load_cycles MODULE COUNT [ARGUMENT...]: loads and unloads it, at once or after something may have used it. A lookup
# that is under way, or an open file, holds it for a moment.
load_cycles() {
	local module=$1 count=$2 name cycle
	shift 2
	name=$(basename "$module" .ko)
	for ((cycle = 0; cycle < count; cycle++)); do
		insmod "$module" "$@" || return
		[ $((cycle % 2)) -eq 0 ] || sleep 0.2
		bed_wait_until 20 rmmod "$name" || return
	done
}

# load_in_company COUNT: so often, while a guest runs and others use the files.
load_in_company() {
	local pids=() code=0
	soak_vm_start || return
	for _ in 1 2 3; do
		load_disturb &
		pids+=($!)
	done
	# They are to have what loading leaves of the processor, not the other way round.
	renice -n 10 -p "$soak_vm" "${pids[@]}" >/dev/null
	load_cycles "$BED_MODULE" "$1" || code=$?
	kill "${pids[@]}"
	wait "${pids[@]}" || true
	soak_vm_end
	[ "$code" -eq 0 ] && idle_bitmap_is_gone
}

# kernel_memory FILE: notes how many objects are in the kernel's caches that a module or its file would grow, and its other
# memory in KiB. Other caches follow the processes that come and go.
kernel_memory() {
	# What was freed comes back only after a grace period or two, and what is unused only when it is asked for.
	for _ in 1 2 3; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		sleep 1
	done
	{
		awk '$1 ~ /^(kmalloc-|mm_struct$|radix_tree_node$|dentry$|proc_inode_cache$)/ { print $1, $2 }' /proc/slabinfo
		awk '/^(VmallocUsed|Percpu):/ { print $1, $2 }' /proc/meminfo
	} >"$1"
}

# kernel_memory_is_stable BEFORE AFTER CYCLES: fails if anything has grown by one object or KiB in every other cycle.
kernel_memory_is_stable() {
	awk -v limit=$(($3 / 2)) '
		NR == FNR { before[$1] = $2; next }
		$2 - before[$1] >= limit { print $1 ": " before[$1] " before, " $2 " after"; bad = 1 }
		END { exit bad }' "$1" "$2"
}

# scan_set FILE VALUE: a setting of the kernel, until scan_disturb_end.
scan_set() {
	scan_settings[$1]=$(cat "$1")
	echo "$2" >"$1"
}

# What changes mappings, as busy as it can be: khugepaged, KSM, NUMA balancing, and swap.
scan_disturb_start() {
	local khugepaged=/sys/kernel/mm/transparent_hugepage/khugepaged ksm=/sys/kernel/mm/ksm
	local numa=/sys/kernel/debug/sched/numa_balancing
	scan_set "$khugepaged/scan_sleep_millisecs" 10
	scan_set "$khugepaged/alloc_sleep_millisecs" 10
	scan_set "$khugepaged/pages_to_scan" 8192
	scan_set "$ksm/pages_to_scan" 1000
	scan_set "$ksm/sleep_millisecs" 20
	scan_set "$ksm/run" 1
	scan_set "$numa/scan_delay_ms" 100
	scan_set "$numa/scan_period_min_ms" 100
	scan_set "$numa/scan_period_max_ms" 200
	scan_set /proc/sys/kernel/numa_balancing 1
	mkswap /dev/vda >/dev/null
	swapon /dev/vda
	mkdir /sys/fs/cgroup/soak
}

scan_disturb_end() {
	local file
	for file in "${!scan_settings[@]}"; do
		echo "${scan_settings[$file]}" >"$file"
	done
	swapoff /dev/vda
}

# What of it has happened so far, by the kernel's own counters.
scan_disturbances() {
	awk '/^(pswpout|pswpin|pgmigrate_success|thp_collapse_alloc|numa_hint_faults|cow_ksm) /' /proc/vmstat
}

# scan_disturbed BEFORE: fails if one of these has not happened since scan_disturbances printed BEFORE.
scan_disturbed() {
	scan_disturbances | awk 'NR == FNR { before[$1] = $2; next }
		{ print $1, $2 - before[$1] } $2 == before[$1] { bad = 1 } END { exit bad }' "$1" -
}

# soak_begin NAME COMMAND...: in the background. soak_end NAME: when all have ended; prints what it printed, and succeeds
# if it did.
soak_begin() {
	local name=$1
	shift
	{
		local code=0
		# QEMU and libvirtd are to have a part of this: guests boot, however busy the others are.
		renice -n 10 -p "$BASHPID" >/dev/null
		"$@" || code=$?
		echo "$code" >"$BED_OUT/$name.code"
	} >"$BED_OUT/$name.log" 2>&1 &
	soak_pids[$name]=$!
}

soak_end() {
	cat "$BED_OUT/$1.log"
	[ "$(cat "$BED_OUT/$1.code")" = 0 ]
}

# soak_limited COMMAND...: in the cgroup whose memory soak_pressure reclaims. To be called in a subshell.
soak_limited() {
	echo "$BASHPID" >/sys/fs/cgroup/soak/cgroup.procs && "$@"
}

# What they use is reclaimed as at a limit; but there, whoever needs memory waits for it, and the observers would, too.
soak_pressure() {
	while :; do
		# Less than that can be had sometimes.
		echo 8M >/sys/fs/cgroup/soak/memory.reclaim || true
		sleep 0.5
	done 2>/dev/null
}

soak_scan_guest() {
	local file=/run/libvirt/qemu/$1.pid
	bed_wait_until 120 test -s "$file" && idle_soak scan "$(cat "$file")" 600
}

# A guest boots, works, is moved to the other node and back, has lost nothing, and is killed; all of it while it is
# scanned.
soak_guest_round() {
	local pid scanner
	guest_define g1 160
	soak_scan_guest g1 &
	scanner=$!
	guest_start g1 || return
	pid=$(guest_pid g1)
	guest_workload g1 'touch 48' && guest_workload g1 'hot 0 8 50 spread' || return
	migratepages "$pid" 0 1 && migratepages "$pid" 1 0 || return
	guest_workload g1 check | tee /dev/stderr | jq -e '.corrupt == 0' || return
	guest_destroy g1
	wait "$scanner"
}

# soak_rounds SECONDS COMMAND...: again and again, at least once.
soak_rounds() {
	local end=$((SECONDS + $1)) rounds=0
	shift
	while [ "$rounds" -eq 0 ] || [ "$SECONDS" -lt "$end" ]; do
		"$@" || return
		rounds=$((rounds + 1))
	done
	echo "$rounds rounds"
}

soak_vmms_round() {
	idle_check vm-killed && idle_check vm-torn-down
}

# scan_soak SECONDS: five results.
scan_soak() {
	local seconds=$1 pressure
	scan_disturb_start
	libvirt_start
	scan_disturbances >"$BED_OUT/before"
	soak_pressure &
	pressure=$!
	soak_begin process soak_limited idle_soak process "$seconds"
	soak_begin vm soak_limited idle_soak vm "$seconds"
	soak_begin vmms soak_rounds "$seconds" soak_vmms_round
	soak_begin guests soak_rounds "$seconds" soak_guest_round
	wait "${soak_pids[@]}" || true
	kill "$pressure"
	check "$seconds s: what a process touches all the time is never idle, and it loses nothing" soak_end process
	check "nor of a guest, while memory slots beside it come and go" soak_end vm
	check "VMs that come and go while they are scanned" soak_end vmms
	check "QEMU's guests boot, work and die while they are scanned, and lose nothing" soak_end guests
	check "pages were swapped, moved, merged, made huge, and unmapped by NUMA balancing at the time" \
		scan_disturbed "$BED_OUT/before"
	scan_disturb_end
}

# What it printed, the seed and how often each outcome was seen, is kept.
idle_fuzz() {
	"$BED_ROOT/build/test/bin/idle_fuzz" "$@" | tee "$BED_OUT/idle_fuzz"
}

# fuzz_soak SECONDS: one result.
fuzz_soak() {
	check "$1 s of random calls, by root and an ordinary user, about processes that live, change and die" idle_fuzz "$1"
}
