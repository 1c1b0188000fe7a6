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

#define SLOT	  0
#define PAGES	  2048
#define OBSERVERS 2
#define ROUNDS	  200

/*
 * A VMM with one slot, its files, and what must come out.
 * @fd:      one for each observer, and one more for read() and write()
 * @mapped:  pages that were touched ever
 * @written: and written, so that they can be called
 * @touched: since the observer's last scan; before its first all count
 * @idle:    marked by a write and not touched since
 * @paths:   by which ways the guest's accesses are looked for
 */
struct scan_test {
	struct vmm_client vmm;
	uintptr_t address;
	int fd[OBSERVERS + 1];
	bool mapped[PAGES];
	bool written[PAGES];
	bool touched[OBSERVERS][PAGES];
	bool idle[PAGES];
	unsigned int paths;
};

static bool scan_test_start(struct scan_test *test)
{
	size_t i;

	memset(test, 0, sizeof(*test));
	test->paths = VMHEAT_IDLE_PATH_TDP;
	vmm_start(&test->vmm);
	test->address = vmm_slot_add(&test->vmm, SLOT, PAGES, false, 0);
	for (i = 0; i <= OBSERVERS; i++) {
		test->fd[i] = idle_map_open(test->vmm.pid);
		EXPECT(test->fd[i] >= 0);
	}
	return true;
}

static void scan_test_end(struct scan_test *test)
{
	size_t i;

	for (i = 0; i <= OBSERVERS; i++)
		close(test->fd[i]);
	vmm_end(&test->vmm, false);
}

static void touch_random(struct scan_test *test)
{
	char mode = "rwx"[random_below(3)];
	bool set[PAGES];
	size_t i, observer;

	random_set(set, PAGES);
	for (i = 0; i < PAGES; i++) {
		set[i] = set[i] && (mode != 'x' || test->written[i]);
		if (!set[i])
			continue;
		test->mapped[i] = true;
		test->written[i] |= mode == 'w';
		test->idle[i] = false;
		for (observer = 0; observer < OBSERVERS; observer++)
			test->touched[observer][i] = true;
	}
	vmm_touch(&test->vmm, "touch", mode, SLOT, set, PAGES);
}

/* Scan for one observer: it must see what was touched since its own last scan. */
static bool scan_is_right(struct scan_test *test, size_t observer, uint64_t budget_us)
{
	bool accessed[PAGES], present[PAGES];
	struct vmheat_idle_scan sum;
	int calls =
		page_scan(test->fd[observer], test->address, PAGES, budget_us, accessed, present, NULL, &sum);
	size_t i, pages_accessed = 0, pages_present = 0;

	EXPECT(calls > 0, "%s", strerror(-calls));
	if (!sets_equal("present", present, test->mapped, PAGES) ||
	    !sets_equal("accessed", accessed, test->touched[observer], PAGES))
		return false;
	for (i = 0; i < PAGES; i++) {
		pages_accessed += accessed[i];
		pages_present += present[i];
	}
	EXPECT(sum.pages_accessed == pages_accessed && sum.pages_present == pages_present);
	EXPECT(sum.paths == (VMHEAT_IDLE_PATH_HOST | test->paths), "paths %x", sum.paths);
	memset(test->touched[observer], 0, sizeof(test->touched[observer]));
	return true;
}

static bool run_scan_rounds(unsigned int paths)
{
	struct scan_test test;
	unsigned int round;

	EXPECT(scan_test_start(&test));
	test.paths = paths;
	for (round = 0; round < ROUNDS; round++) {
		touch_random(&test);
		EXPECT(scan_is_right(&test, 0, 0), "round %u", round);
	}
	scan_test_end(&test);
	return true;
}

static bool scan_rounds(void)
{
	return run_scan_rounds(VMHEAT_IDLE_PATH_TDP);
}

/* For a VM whose tables cannot be read: the scan says that it asked KVM. */
static bool scan_aging(void)
{
	return run_scan_rounds(VMHEAT_IDLE_PATH_KVM_AGING);
}

static bool mark_random(struct scan_test *test)
{
	bool set[PAGES];
	size_t i;

	random_set(set, PAGES);
	EXPECT(!idle_map_mark(test->fd[OBSERVERS], test->address, PAGES, set));
	for (i = 0; i < PAGES; i++) {
		if (set[i])
			test->idle[i] = test->mapped[i];
	}
	return true;
}

static bool read_is_right(struct scan_test *test)
{
	bool idle[PAGES];

	EXPECT(!idle_map_read(test->fd[OBSERVERS], test->address, PAGES, idle));
	return sets_equal("idle", idle, test->idle, PAGES);
}

/* Touches, scans by either observer, writes and reads, in any order. */
static bool scan_observers(void)
{
	struct scan_test test;
	unsigned int round;

	EXPECT(scan_test_start(&test));
	for (round = 0; round < 5 * ROUNDS; round++) {
		bool right = true;

		switch (random_below(5)) {
		case 0:
			right = scan_is_right(&test, 0, 0);
			break;
		case 1:
			right = scan_is_right(&test, 1, 0);
			break;
		case 2:
			right = mark_random(&test);
			break;
		case 3:
			right = read_is_right(&test);
			break;
		default:
			touch_random(&test);
		}
		EXPECT(right, "round %u", round);
	}
	scan_test_end(&test);
	return true;
}

/* A microsecond is enough for one block; the four blocks of the slot take several calls. */
static bool scan_budget(void)
{
	struct vmheat_idle_scan sum;
	struct scan_test test;
	unsigned int round;
	int calls;

	EXPECT(scan_test_start(&test));
	for (round = 0; round < ROUNDS / 4; round++) {
		touch_random(&test);
		EXPECT(scan_is_right(&test, 0, 1), "round %u", round);
	}
	calls = page_scan(test.fd[1], test.address, PAGES, 1, NULL, NULL, NULL, &sum);
	EXPECT(calls > 1 && calls <= (int)(PAGES / SCAN_BLOCK_PAGES), "%d calls", calls);
	EXPECT(sum.pages_first == sum.pages_present && sum.window_max_ns == 0, "first of this file");
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
	touch_random(&test);
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
	EXPECT(scan_is_right(&test, 0, 0), "errors have changed nothing");

	/* What could not be delivered is delivered by the next scan. */
	touch_random(&test);
	wrong = good;
	wrong.accessed = 8;
	EXPECT(scan_errno(test.fd[0], wrong) == EFAULT);
	memcpy(test.touched[0], test.mapped, sizeof(test.mapped));
	EXPECT(scan_is_right(&test, 0, 0), "after a bad buffer");

	wrong = good;
	wrong.end = wrong.start;
	EXPECT(scan_errno(test.fd[0], wrong) == 0, "an empty range");
	scan_test_end(&test);
	return true;
}

const struct check scan_checks[] = {
	{ "scan-rounds", scan_rounds }, { "scan-aging", scan_aging },	{ "scan-observers", scan_observers },
	{ "scan-budget", scan_budget }, { "scan-errors", scan_errors }, { NULL, NULL },
};
