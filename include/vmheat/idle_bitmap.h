/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * idle_bitmap.h - the ABI of /proc/PID/idle_bitmap
 *
 * The file is an array of 8-byte words in the host's byte order, indexed by the virtual page number of
 * process PID: bit i of the word at file offset 8 * w is virtual page 64 * w + i, as in
 * /sys/kernel/mm/page_idle/bitmap. read() and write() act on one idle state that all openers share; the scan
 * ioctl on one of the open file's own. docs/idle_bitmap.md is the reference: semantics, errors and worked
 * examples.
 *
 * For C and C++; it needs nothing but the kernel's own headers.
 */
#ifndef VMHEAT_IDLE_BITMAP_H
#define VMHEAT_IDLE_BITMAP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/** The entry's name under /proc/PID and /proc/PID/task/TID. */
#define VMHEAT_IDLE_BITMAP_NAME "idle_bitmap"

/** Size of one word in bytes. Every file offset and every size must be a multiple of it. */
#define VMHEAT_IDLE_BITMAP_WORD_SIZE 8

/** Pages that one word describes. */
#define VMHEAT_IDLE_BITMAP_WORD_PAGES 64

/** Log2 of the size of a page in bytes: a bit always stands for 4 KiB, however large the leaf that maps it.
 */
#define VMHEAT_IDLE_BITMAP_PAGE_SHIFT 12

/** Log2 of the size of a block in bytes: 2 MiB, 512 pages, 8 words. Scans work on whole blocks. */
#define VMHEAT_IDLE_BITMAP_BLOCK_SHIFT 21

/*
 * Both structures below begin with their size as the caller knows it. They may grow at the end, and are never
 * changed otherwise: what an older caller does not know is left out, what an older module does not know must
 * be zero, or the call fails with E2BIG. All pointers are user pointers in 64 bits.
 */

/** In struct vmheat_idle_scan.flags: leave the TLBs alone. Cheaper, but pages in use may then look idle. */
#define VMHEAT_IDLE_SCAN_NO_FLUSH (1U << 0)

/* In struct vmheat_idle_scan.paths: by which ways accesses were looked for. */
/** The process's own page tables. */
#define VMHEAT_IDLE_PATH_HOST (1U << 0)
/** Second-level tables (NPT, EPT), read directly. */
#define VMHEAT_IDLE_PATH_TDP (1U << 1)
/** KVM's own aging, page by page: shadow paging, guests' guests, accessed bits switched off. Slower. */
#define VMHEAT_IDLE_PATH_KVM_AGING (1U << 2)

/* In struct vmheat_idle_scan.leaves: what maps pages of the block; several may. */
#define VMHEAT_IDLE_LEAF_GUEST_4K (1U << 0)
#define VMHEAT_IDLE_LEAF_GUEST_2M (1U << 1)
#define VMHEAT_IDLE_LEAF_GUEST_1G (1U << 2)
#define VMHEAT_IDLE_LEAF_HOST_4K  (1U << 4)
#define VMHEAT_IDLE_LEAF_HOST_2M  (1U << 5)
#define VMHEAT_IDLE_LEAF_HOST_1G  (1U << 6)

/**
 * struct vmheat_idle_scan - VMHEAT_IDLE_IOC_SCAN: what was accessed since this open file's last scan
 *
 * in:
 * @size:      sizeof(struct vmheat_idle_scan)
 * @flags:     VMHEAT_IDLE_SCAN_*
 * @start:     first address, a multiple of 2 MiB
 * @end:       address after the last, a multiple of 2 MiB; what lies beyond the address space is all holes
 * @budget_us: stop after about this many microseconds, at least one block being done; 0: never
 * @accessed:  bitmap of (@end - @start) / 32768 bytes: pages that are mapped and not known to be idle; or 0
 * @present:   bitmap of the same size: pages that are mapped; or 0
 * @coarse:    bitmap of the same size: pages that are accessed as far as only a leaf larger than 4 KiB can
 *             tell, so it need not have been these; or 0
 * @leaves:    one byte, VMHEAT_IDLE_LEAF_*, for each 2 MiB; or 0
 *
 * out:
 * @next:           where to go on: all before it is done, and its results are written; @end if complete
 * @window_min_ns:  the shortest and
 * @window_max_ns:  the longest time, of all blocks scanned before, from its last scan to this one; 0 if none
 *                  was
 * @pages_present:  how many pages are mapped
 * @pages_accessed: how many of them count as accessed
 * @pages_first:    how many of these do because their block was never scanned before through this file
 * @pages_skipped:  how many do because their accessed bits are not this process's alone
 * @paths:          VMHEAT_IDLE_PATH_*
 * @reserved:       0
 */
struct vmheat_idle_scan {
	__u32 size;
	__u32 flags;
	__u64 start;
	__u64 end;
	__u64 budget_us;
	__u64 accessed;
	__u64 present;
	__u64 coarse;
	__u64 leaves;
	__u64 next;
	__u64 window_min_ns;
	__u64 window_max_ns;
	__u64 pages_present;
	__u64 pages_accessed;
	__u64 pages_first;
	__u64 pages_skipped;
	__u32 paths;
	__u32 reserved;
};

/**
 * struct vmheat_idle_memslot - a range of a guest's memory and where the process has it
 * @gfn:           number of the first guest page
 * @hva:           address of that page in the process
 * @pages:         size
 * @vm:            which VM of the process: 0, 1, ...; valid within one answer
 * @address_space: 0: the guest's memory; 1: what it sees in System Management Mode
 * @id:            the number that the VMM gave it
 * @flags:         KVM_MEM_* of linux/kvm.h
 */
struct vmheat_idle_memslot {
	__u64 gfn;
	__u64 hva;
	__u64 pages;
	__u32 vm;
	__u32 address_space;
	__u32 id;
	__u32 flags;
};

/**
 * struct vmheat_idle_memslots - VMHEAT_IDLE_IOC_MEMSLOTS: the memory layout of the process's VMs
 *
 * in:
 * @size:      sizeof(struct vmheat_idle_memslots)
 * @slot_size: sizeof(struct vmheat_idle_memslot)
 * @slots:     array of struct vmheat_idle_memslot
 * @capacity:  how many elements it has room for; 0 to ask how many there are
 *
 * out:
 * @count:     how many there are. If that is more than @capacity, only @capacity were written.
 * @vms:       how many VMs the process has
 * @reserved:  0
 *
 * Slots come by VM, address space and guest page number.
 */
struct vmheat_idle_memslots {
	__u32 size;
	__u32 slot_size;
	__u64 slots;
	__u32 capacity;
	__u32 count;
	__u32 vms;
	__u32 reserved;
};

/* The size is in the structure, not in the number, so that the number stays when the structure grows. */
#define VMHEAT_IDLE_IOC_SCAN	 _IOC(_IOC_READ | _IOC_WRITE, 0xd8, 0, 0)
#define VMHEAT_IDLE_IOC_MEMSLOTS _IOC(_IOC_READ | _IOC_WRITE, 0xd8, 1, 0)

#endif /* VMHEAT_IDLE_BITMAP_H */
