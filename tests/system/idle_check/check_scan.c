// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_scan.c - the scan ioctl: each observer sees every access since its own last scan
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "idle_check.h"
#include "idle_map.h"
#include "page_scan.h"
#include "vmm_client.h"

#define SLOT  0
#define PAGES 2048

/* A VMM with one slot, and two of its files. */
struct scan_test {
	struct vmm_client vmm;
	uintptr_t address;
	int fd[2];
};

static bool scan_test_start(struct scan_test *test)
{
	size_t i;

	vmm_start(&test->vmm);
	test->address = vmm_slot_add(&test->vmm, SLOT, PAGES, BACKING_SMALL, 0);
	for (i = 0; i < 2; i++) {
		test->fd[i] = idle_map_open(test->vmm.pid);
		EXPECT(test->fd[i] >= 0);
	}
	return true;
}

static void scan_test_end(struct scan_test *test)
{
	close(test->fd[0]);
	close(test->fd[1]);
	vmm_end(&test->vmm, false);
}

/* The guest writes to pages of the slot. */
static void touch(struct scan_test *test, size_t first, size_t last)
{
	bool set[PAGES];

	fill_set(set, PAGES, first, last);
	vmm_touch(&test->vmm, "touch", 'w', SLOT, set, PAGES);
}

/* Scan by one file, whose answer must be these pages. */
static bool scan_is(struct scan_test *test, size_t file, size_t first, size_t last)
{
	bool accessed[PAGES], expected[PAGES];
	int calls = page_scan(test->fd[file], test->address, PAGES, 0, accessed, NULL, NULL, NULL);

	EXPECT(calls == 1, "%d", calls);
	fill_set(expected, PAGES, first, last);
	return sets_equal("scan", accessed, expected, PAGES);
}

/* A microsecond is enough for one block; the four blocks of the slot take several calls. */
static bool scan_budget(void)
{
	struct vmheat_idle_scan sum;
	struct scan_test test;
	int calls;

	EXPECT(scan_test_start(&test));
	touch(&test, 0, PAGES - 1);
	calls = page_scan(test.fd[1], test.address, PAGES, 1, NULL, NULL, NULL, &sum);
	EXPECT(calls > 1 && calls <= (int)(PAGES / SCAN_BLOCK_PAGES), "%d calls", calls);
	EXPECT(sum.pages_first == PAGES && sum.window_max_ns == 0, "first of this file");
	EXPECT(page_scan(test.fd[1], test.address, PAGES, 0, NULL, NULL, NULL, &sum) == 1);
	EXPECT(sum.pages_first == 0 && sum.pages_accessed == 0);
	EXPECT(sum.window_min_ns > 0 && sum.window_min_ns <= sum.window_max_ns);
	scan_test_end(&test);
	return true;
}

static int scan_errno(int fd, struct vmheat_idle_scan scan)
{
	return ioctl(fd, VMHEAT_IDLE_IOC_SCAN, &scan) ? errno : 0;
}

static bool scan_errors(void)
{
	struct {
		struct vmheat_idle_scan scan;
		uint64_t more;
	} longer = { .scan = { .size = sizeof(longer) }, .more = 1 };
	struct vmheat_idle_scan good, wrong;
	struct scan_test test;

	EXPECT(scan_test_start(&test));
	touch(&test, 0, 99);
	good = (struct vmheat_idle_scan){ .size = sizeof(good),
					  .start = test.address,
					  .end = test.address + PAGES * IDLE_PAGE_SIZE };
	wrong = good;
	wrong.start += IDLE_PAGE_SIZE;
	EXPECT(scan_errno(test.fd[0], wrong) == EINVAL);
	wrong = good;
	wrong.end += IDLE_PAGE_SIZE;
	EXPECT(scan_errno(test.fd[0], wrong) == EINVAL);
	wrong = good;
	wrong.end = wrong.start - SCAN_BLOCK_SIZE;
	EXPECT(scan_errno(test.fd[0], wrong) == EINVAL);
	wrong = good;
	wrong.flags = 1U << 31;
	EXPECT(scan_errno(test.fd[0], wrong) == EINVAL);
	wrong = good;
	wrong.size -= 8;
	EXPECT(scan_errno(test.fd[0], wrong) == EINVAL);
	EXPECT(ioctl(test.fd[0], VMHEAT_IDLE_IOC_SCAN, &longer) && errno == E2BIG);
	longer.more = 0;
	EXPECT(!ioctl(test.fd[0], VMHEAT_IDLE_IOC_SCAN, &longer));
	EXPECT(ioctl(test.fd[0], VMHEAT_IDLE_IOC_SCAN, NULL) && errno == EFAULT);
	EXPECT(scan_is(&test, 0, 0, 99), "errors have changed nothing");

	/* What could not be delivered is delivered by the next scan. */
	touch(&test, 20, 29);
	wrong = good;
	wrong.accessed = 8;
	EXPECT(scan_errno(test.fd[0], wrong) == EFAULT);
	EXPECT(scan_is(&test, 0, 0, 99), "after a bad buffer");

	wrong = good;
	wrong.end = wrong.start;
	EXPECT(scan_errno(test.fd[0], wrong) == 0, "an empty range");
	scan_test_end(&test);
	return true;
}

/* ioctl() as a 32-bit program calls it; @argument must lie below 4 GiB. Return: 0 or a negative errno. */
static int ioctl_of_32_bits(int fd, unsigned int request, void *argument)
{
	int result = 54; /* __NR_ioctl of such programs */

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(fd), "c"(request), "d"(argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static bool scan_32_bits(void)
{
	struct vmheat_idle_scan *scan;
	struct vmheat_idle_memslots *memslots;
	bool expected[PAGES], accessed[PAGES];
	struct scan_test test;
	uint64_t *bitmap;
	size_t i;

	EXPECT(scan_test_start(&test));
	touch(&test, 0, PAGES - 1);
	scan = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	EXPECT(scan != MAP_FAILED);
	memslots = (struct vmheat_idle_memslots *)(scan + 1);
	bitmap = (uint64_t *)(memslots + 1);
	*scan = (struct vmheat_idle_scan){ .size = sizeof(*scan),
					   .start = test.address,
					   .end = test.address + PAGES * IDLE_PAGE_SIZE,
					   .accessed = (uintptr_t)bitmap };
	EXPECT(ioctl_of_32_bits(test.fd[0], VMHEAT_IDLE_IOC_SCAN, scan) == 0);
	EXPECT(scan->next == scan->end && scan->pages_present == PAGES);
	touch(&test, 70, 99);
	EXPECT(ioctl_of_32_bits(test.fd[0], VMHEAT_IDLE_IOC_SCAN, scan) == 0);
	fill_set(expected, PAGES, 70, 99);
	for (i = 0; i < PAGES; i++)
		accessed[i] = bitmap[i / 64] >> i % 64 & 1;
	EXPECT(sets_equal("scan", accessed, expected, PAGES));
	*memslots = (struct vmheat_idle_memslots){ .size = sizeof(*memslots),
						   .slot_size = sizeof(struct vmheat_idle_memslot) };
	EXPECT(ioctl_of_32_bits(test.fd[0], VMHEAT_IDLE_IOC_MEMSLOTS, memslots) == 0);
	EXPECT(memslots->vms == 1 && memslots->count >= 2, "the slot and the control slot");
	scan->flags = 1U << 31;
	EXPECT(ioctl_of_32_bits(test.fd[0], VMHEAT_IDLE_IOC_SCAN, scan) == -EINVAL);
	munmap(scan, 4096);
	scan_test_end(&test);
	return true;
}

const struct check scan_checks[] = {
	{ "scan-32-bits", scan_32_bits },
	{ "scan-budget", scan_budget },
	{ "scan-errors", scan_errors },
	{ NULL, NULL },
};
