// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * page_scan.c - the scan ioctl of /proc/PID/idle_bitmap as a checking program uses it
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "idle_map.h"
#include "page_scan.h"

#define BLOCK_WORDS 8UL

/* The bitmaps and bytes of a scan, over whole blocks. */
struct results {
	uint64_t *accessed;
	uint64_t *present;
	uint64_t *coarse;
};

static void add_counts(struct vmheat_idle_scan *sum, const struct vmheat_idle_scan *part)
{
	struct vmheat_idle_scan before = *sum;

	*sum = *part;
	sum->pages_present += before.pages_present;
	sum->pages_accessed += before.pages_accessed;
	sum->pages_first += before.pages_first;
	sum->pages_skipped += before.pages_skipped;
	sum->paths |= before.paths;
}

static int scan_parts(int fd, uint64_t start, uint64_t end, uint64_t budget_us, const struct results *results,
		      struct vmheat_idle_scan *sum)
{
	uint64_t next = start;
	int calls = 0;

	while (next < end) {
		uint64_t word = (next - start) / SCAN_BLOCK_SIZE * BLOCK_WORDS;
		struct vmheat_idle_scan scan = { .size = sizeof(scan),
						 .start = next,
						 .end = end,
						 .budget_us = budget_us,
						 .accessed = (uintptr_t)(results->accessed + word),
						 .present = (uintptr_t)(results->present + word),
						 .coarse = (uintptr_t)(results->coarse + word) };

		if (ioctl(fd, VMHEAT_IDLE_IOC_SCAN, &scan))
			return -errno;
		if (scan.next <= next || scan.next > end || scan.next % SCAN_BLOCK_SIZE)
			return -EPROTO;
		add_counts(sum, &scan);
		next = scan.next;
		calls++;
	}
	return calls;
}

static void spread(const uint64_t *bitmap, size_t first, bool *set, size_t pages)
{
	size_t i;

	for (i = 0; set && i < pages; i++)
		set[i] = bitmap[(first + i) / 64] >> (first + i) % 64 & 1;
}

int page_scan(int fd, uintptr_t address, size_t pages, uint64_t budget_us, bool *accessed, bool *present,
	      bool *coarse, struct vmheat_idle_scan *last)
{
	uint64_t start = address & -SCAN_BLOCK_SIZE;
	uint64_t end = (address + pages * IDLE_PAGE_SIZE + SCAN_BLOCK_SIZE - 1) & -SCAN_BLOCK_SIZE;
	size_t words = (end - start) / SCAN_BLOCK_SIZE * BLOCK_WORDS,
	       first = (address - start) / IDLE_PAGE_SIZE;
	/* Ones, so that what is not written shows. */
	uint64_t *memory = malloc(3 * words * sizeof(*memory));
	struct vmheat_idle_scan sum = { 0 };
	struct results results;
	size_t i;
	int calls;

	if (!memory)
		return -ENOMEM;
	for (i = 0; i < 3 * words; i++)
		memory[i] = ~0ULL;
	results = (struct results){ memory, memory + words, memory + 2 * words };
	calls = scan_parts(fd, start, end, budget_us, &results, &sum);
	if (calls >= 0) {
		spread(results.accessed, first, accessed, pages);
		spread(results.present, first, present, pages);
		spread(results.coarse, first, coarse, pages);
		if (last)
			*last = sum;
	}
	free(memory);
	return calls;
}

int page_scan_leaves(int fd, uintptr_t address, size_t pages, uint8_t *leaves)
{
	struct vmheat_idle_scan scan = { .size = sizeof(scan),
					 .start = address,
					 .end = address + pages * IDLE_PAGE_SIZE,
					 .leaves = (uintptr_t)leaves };

	memset(leaves, 0xff, pages / SCAN_BLOCK_PAGES);
	return ioctl(fd, VMHEAT_IDLE_IOC_SCAN, &scan) ? -errno : 0;
}
