#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module.sh - kvm_idle.ko: /proc/PID/idle_bitmap tells exactly what processes and guests touch
set -euo pipefail
# shellcheck source=tests/bed/lib/bed.sh
. "$BED_ROOT/tests/bed/lib/bed.sh"

module=$BED_MODULE

# example_of_the_documentation NUMBER: runs it on this process, for a second.
example_of_the_documentation() {
	local pid=$BASHPID
	awk -v wanted="$1" '/^```python/ { on = ++number == wanted; next } /^```/ { on = 0 } on' "$BED_ROOT/docs/idle_bitmap.md" |
		sed "s/4711, 10/$pid, 1/" | python3 -
}

kernel_log_start
# NUMA balancing unmaps pages to see who touches them; unmapped by whomever, a page is not idle.
echo 0 >/proc/sys/kernel/numa_balancing

plan 34
check "the module loads" insmod "$module"
check "it stands in /proc/PID and /proc/PID/task/TID, by name and in the listing, with mode 0600, and nowhere else" \
	idle_check file-listed
check "a thread's file is its process's" idle_check file-thread
check "whoever may open pagemap may open it, and nobody else" idle_check file-permission
check "offsets and sizes that are no multiple of 8 are EINVAL" idle_check file-alignment
check "beyond the address space reads end and writes are ENXIO" idle_check file-bounds
check "a buffer that is not there is EFAULT" idle_check file-bad-buffer
check "an ioctl that is not ours is ENOTTY" idle_check file-ioctl
check "init and the reader itself can be read, a kernel thread has no memory" idle_check file-any-process
check "a process that has exited is ESRCH" idle_check file-dead-process
check "marks outlive the open file: one process marks, another reads" idle_check file-outlived
what="marks of processes that have exited are freed"
if grep -q ' kasan_quarantine_put$' /proc/kallsyms; then
	skip "$what" "KASAN keeps back what was freed, so it cannot be counted"
else
	check "$what" idle_check file-freed
fi
check "128 TiB of mostly holes are marked and read in seconds" idle_check file-sparse
check "a process: touched is what is reported, 200 random rounds by read, write and fetch" idle_check process-rounds
check "a process: a hole is not idle, nor is what was unmapped and came back" idle_check process-holes
check "a process: 512 pages under a 2 MiB leaf move together, none gains a mark by another" idle_check process-huge
check "processes that share a page table steal no access from one another" idle_check shared-table
check "a guest: touched is what is reported, 200 random rounds by read, write and fetch" idle_check vm-rounds
check "a guest and its VMM: idle is what neither touched, 200 random rounds" idle_check vm-merged
check "a guest whose frames are not congruent to host pages, 200 random rounds" idle_check vm-skewed
check "a guest in a tight loop with hot TLBs: its pages are never idle, the others always, 100 passes" \
	idle_check vm-hot
check "a guest: what it never touched is a hole, not idle" idle_check vm-holes
check "a guest: 512 pages under a 2 MiB leaf move together" idle_check vm-huge
check "a scan with a budget goes on where it stopped, and finds the same" idle_check scan-budget
if [ -e /proc/sys/abi/vsyscall32 ]; then
	check "a 32-bit program's scan finds the same" idle_check scan-32-bits
else
	skip "a 32-bit program's scan finds the same" "this kernel runs no 32-bit programs"
fi
check "wrong ranges, sizes, flags and buffers of a scan are errors, and lose nothing" idle_check scan-errors
check "the documentation's example of marking and reading runs" \
	eval "example_of_the_documentation 1 | grep -xE '[0-9]+ MiB used, [0-9]+ MiB idle'"
check "the documentation's example of scanning runs" \
	eval "example_of_the_documentation 2 | grep -xE '[0-9]+ MiB used, [0-9]+ MiB idle in 1\.[0-9] s; [0-9]+ MiB of .*'"
check "VMs that are killed while they are scanned" idle_check vm-killed
check "VMs and memory slots that come and go while they are scanned" idle_check vm-torn-down
check "the module cannot be unloaded while the file is open" idle_check unload-while-open
check "nor while a listing of /proc/PID is stopped in the middle" idle_check unload-while-listed
check "it can be unloaded, and the file is gone" eval 'rmmod kvm_idle && idle_bitmap_is_gone'
check "the kernel has nothing to complain about" kernel_is_quiet
