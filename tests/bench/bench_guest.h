/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_guest.h - the guest that is measured: a test VMM with so much memory, and scanning all of that
 *
 * Pages are numbered from 0 through all slots. Each function ends the program with a message if it fails.
 */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vmheat/idle_bitmap.h>
#include "vmm_client.h"

#define BENCH_SLOT_PAGES  65536UL /* 256 MiB: the test VMM's largest */
#define BENCH_MAX_SLOTS	  8
#define BENCH_MAX_PAGES	  (BENCH_SLOT_PAGES * BENCH_MAX_SLOTS)
#define BENCH_PAGES_A_MIB 256UL

/**
 * struct bench_guest - the VMM and its slots
 * @pages:      in all slots
 * @slot_pages: in each
 * @first_page: of each slot, as virtual page number of the VMM
 * @scan:       the range of all slots; its bitmaps are what the last scan has found
 */
struct bench_guest {
	struct vmm_client vmm;
	size_t pages;
	size_t slot_pages;
	unsigned int slots;
	uint64_t first_page[BENCH_MAX_SLOTS];
	struct vmheat_idle_scan scan;
};

/** bench_guest_start() - @mib: a power of two from 1 to 2048; @huge: under leaves of 2 MiB */
void bench_guest_start(struct bench_guest *guest, size_t mib, bool huge);
void bench_guest_stop(struct bench_guest *guest);

/**
 * bench_guest_touch() - touch pages once
 * @by:   "touch": the guest does; "host": the VMM's process
 * @mode: 'r' or 'w'
 * @set:  a byte a page; NULL: all
 */
void bench_guest_touch(struct bench_guest *guest, const char *by, char mode, const bool *set);

/**
 * bench_guest_mark() - mark all pages idle through /proc/PID/idle_bitmap
 * @idle_map: that file, open
 */
void bench_guest_mark(const struct bench_guest *guest, int idle_map);

/** bench_guest_read() - read the idle bits of all pages; @idle: a bit a page */
void bench_guest_read(const struct bench_guest *guest, int idle_map, uint64_t *idle);

/** bench_guest_scan() - scan all pages by one ioctl; bench_guest_scanned() then tells which are idle: @idle as above */
void bench_guest_scan(struct bench_guest *guest, int idle_map);
void bench_guest_scanned(const struct bench_guest *guest, uint64_t *idle);

/** bench_guest_pagemap() - read /proc/PID/pagemap of all pages; @entries: a word a page */
void bench_guest_pagemap(const struct bench_guest *guest, int pagemap, uint64_t *entries);

#endif /* BENCH_GUEST_H */
