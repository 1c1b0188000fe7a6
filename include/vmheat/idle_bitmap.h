/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * idle_bitmap.h - the ABI of /proc/PID/idle_bitmap
 *
 * The file is an array of 8-byte words in the host's byte order, indexed by the virtual page number of
 * process PID: bit i of the word at file offset 8 * w is virtual page 64 * w + i, as in
 * /sys/kernel/mm/page_idle/bitmap. docs/idle_bitmap.md is the reference: semantics, errors and a worked
 * example.
 */
#ifndef VMHEAT_IDLE_BITMAP_H
#define VMHEAT_IDLE_BITMAP_H

/** The entry's name under /proc/PID. */
#define VMHEAT_IDLE_BITMAP_NAME "idle_bitmap"

/** Size of one word in bytes. Every file offset and every size must be a multiple of it. */
#define VMHEAT_IDLE_BITMAP_WORD_SIZE 8

/** Pages that one word describes. */
#define VMHEAT_IDLE_BITMAP_WORD_PAGES 64

/** Log2 of the size of a page in bytes: a bit always stands for 4 KiB, however large the leaf that maps it.
 */
#define VMHEAT_IDLE_BITMAP_PAGE_SHIFT 12

#endif /* VMHEAT_IDLE_BITMAP_H */
