// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_guest.c - the guest that is measured: a test VMM with so much memory, and scanning all of that
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "bench_guest.h"
#include "measure.h"

#define WORDS(pages) ((pages) / VMHEAT_IDLE_BITMAP_WORD_PAGES)

static uint64_t *bitmap(uint64_t pointer)
{
	return (uint64_t *)(uintptr_t)pointer;
}

static uint64_t new_bitmap(uint64_t pages)
{
	uint64_t *words = calloc(WORDS(pages), sizeof(*words));

	if (!words)
		die("no memory for a bitmap");
	return (uintptr_t)words;
}

/* The slots lie one below the other. */
static void prepare_scan(struct bench_guest *guest)
{
	uint64_t first = guest->first_page[0], end = 0;
	unsigned int i;

	for (i = 0; i < guest->slots; i++) {
		uint64_t slot_end = guest->first_page[i] + guest->slot_pages;

		first = guest->first_page[i] < first ? guest->first_page[i] : first;
		end = slot_end > end ? slot_end : end;
	}
	guest->scan = (struct vmheat_idle_scan){
		.size = sizeof(guest->scan),
		.start = first << VMHEAT_IDLE_BITMAP_PAGE_SHIFT,
		.end = end << VMHEAT_IDLE_BITMAP_PAGE_SHIFT,
		.accessed = new_bitmap(end - first),
		.present = new_bitmap(end - first),
	};
}

void bench_guest_start(struct bench_guest *guest, size_t mib, bool huge)
{
	unsigned int i;

	vmm_start(&guest->vmm);
	guest->pages = mib * BENCH_PAGES_A_MIB;
	guest->slot_pages = guest->pages < BENCH_SLOT_PAGES ? guest->pages : BENCH_SLOT_PAGES;
	guest->slots = guest->pages / guest->slot_pages;
	for (i = 0; i < guest->slots; i++)
		guest->first_page[i] = vmm_slot_add(&guest->vmm, i, guest->slot_pages,
						    huge ? BACKING_HUGE : BACKING_SMALL, 0) >>
				       VMHEAT_IDLE_BITMAP_PAGE_SHIFT;
	prepare_scan(guest);
}

void bench_guest_stop(struct bench_guest *guest)
{
	vmm_end(&guest->vmm, false);
	free(bitmap(guest->scan.accessed));
	free(bitmap(guest->scan.present));
}

void bench_guest_touch(struct bench_guest *guest, const char *by, char mode, const bool *set)
{
	unsigned int i;

	for (i = 0; i < guest->slots; i++) {
		if (set)
			vmm_touch(&guest->vmm, by, mode, i, set + i * guest->slot_pages, guest->slot_pages);
		else
			vmm_command(&guest->vmm, "%s %c %u 0-%zu", by, mode, i, guest->slot_pages - 1);
	}
}

void bench_guest_mark(const struct bench_guest *guest, int idle_map)
{
	static const uint64_t ones[WORDS(BENCH_SLOT_PAGES)] = { [0 ... WORDS(BENCH_SLOT_PAGES) - 1] = ~0ULL };
	size_t bytes = WORDS(guest->slot_pages) * sizeof(*ones);
	unsigned int i;

	for (i = 0; i < guest->slots; i++)
		transferred(pwrite(idle_map, ones, bytes,
				   (off_t)WORDS(guest->first_page[i]) * VMHEAT_IDLE_BITMAP_WORD_SIZE),
			    bytes, "marking");
}

void bench_guest_read(const struct bench_guest *guest, int idle_map, uint64_t *idle)
{
	size_t words = WORDS(guest->slot_pages), bytes = words * sizeof(*idle);
	unsigned int i;

	for (i = 0; i < guest->slots; i++)
		transferred(pread(idle_map, idle + i * words, bytes,
				  (off_t)WORDS(guest->first_page[i]) * VMHEAT_IDLE_BITMAP_WORD_SIZE),
			    bytes, "reading");
}

void bench_guest_scan(struct bench_guest *guest, int idle_map)
{
	if (ioctl(idle_map, VMHEAT_IDLE_IOC_SCAN, &guest->scan))
		die("scanning");
	errno = 0;
	if (guest->scan.next != guest->scan.end)
		die("a scan that is not complete");
}

void bench_guest_scanned(const struct bench_guest *guest, uint64_t *idle)
{
	size_t words = WORDS(guest->slot_pages), word;
	unsigned int i;

	for (i = 0; i < guest->slots; i++) {
		size_t first =
			WORDS(guest->first_page[i] - (guest->scan.start >> VMHEAT_IDLE_BITMAP_PAGE_SHIFT));

		for (word = 0; word < words; word++)
			idle[i * words + word] = bitmap(guest->scan.present)[first + word] &
						 ~bitmap(guest->scan.accessed)[first + word];
	}
}

void bench_guest_pagemap(const struct bench_guest *guest, int pagemap, uint64_t *entries)
{
	size_t bytes = guest->slot_pages * sizeof(*entries);
	unsigned int i;

	for (i = 0; i < guest->slots; i++)
		transferred(pread(pagemap, entries + i * guest->slot_pages, bytes,
				  (off_t)(guest->first_page[i] * sizeof(*entries))),
			    bytes, "pagemap");
}
