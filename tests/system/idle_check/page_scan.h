/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_scan.h - the scan ioctl of /proc/PID/idle_bitmap as a checking program uses it
 */
#ifndef PAGE_SCAN_H
#define PAGE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vmheat/idle_bitmap.h>

#define SCAN_BLOCK_SIZE	 (1UL << VMHEAT_IDLE_BITMAP_BLOCK_SHIFT)
#define SCAN_BLOCK_PAGES 512UL

/**
 * page_scan() - scan a range of pages to its end, however often it stops before
 * @address:   of the first page
 * @budget_us: of each call; 0: none
 * @accessed, @present, @coarse: one byte a page; may be NULL
 * @last:      the structure as the last call returned it, but what is counted is the sum of all; may be NULL
 *
 * Return: how many calls it took, or a negative errno.
 */
int page_scan(int fd, uintptr_t address, size_t pages, uint64_t budget_us, bool *accessed, bool *present,
	      bool *coarse, struct vmheat_idle_scan *last);

/**
 * page_scan_leaves() - scan a range of pages, a multiple of 2 MiB at a multiple of it, for what maps them only
 * @leaves: VMHEAT_IDLE_LEAF_*, one byte a block
 *
 * Return: 0 or a negative errno.
 */
int page_scan_leaves(int fd, uintptr_t address, size_t pages, uint8_t *leaves);

#endif /* PAGE_SCAN_H */
