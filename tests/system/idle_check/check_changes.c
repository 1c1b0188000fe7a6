// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_changes.c - leaves that are split and collapsed while their pages are observed
 *
 * Nothing that was touched may be called idle, whatever happens to its mapping meanwhile. Where no mapping has
 * changed, what was not touched must be idle.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "idle_check.h"
#include "idle_map.h"
#include "page_scan.h"
#include "vmm_client.h"

#define SLOT	   0
#define ROUNDS	   200
#define LEAF_PAGES 512UL
#define LEAVES	   4UL
#define PAGES	   (LEAVES * LEAF_PAGES)
#define LEAF_SIZE  (LEAF_PAGES * IDLE_PAGE_SIZE)

#define LEAF_2M	   (VMHEAT_IDLE_LEAF_GUEST_2M | VMHEAT_IDLE_LEAF_HOST_2M)
#define LEAF_4K	   (VMHEAT_IDLE_LEAF_GUEST_4K | VMHEAT_IDLE_LEAF_HOST_4K)

/* A VMM with one slot of huge pages, and two of its files. */
struct change_test {
	struct vmm_client vmm;
	uintptr_t address;
	int shared;
	int scanner;
};

static bool change_test_start(struct change_test *test)
{
	vmm_start(&test->vmm);
	test->address = vmm_slot_add(&test->vmm, SLOT, PAGES, BACKING_HUGE, 0);
	test->shared = idle_map_open(test->vmm.pid);
	test->scanner = idle_map_open(test->vmm.pid);
	EXPECT(test->shared >= 0 && test->scanner >= 0);
	return true;
}

static void change_test_end(struct change_test *test)
{
	close(test->shared);
	close(test->scanner);
	vmm_end(&test->vmm, false);
}

static bool write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	bool written = file && fputs(text, file) >= 0;

	return file && !fclose(file) && written;
}

/* Let the kernel split the huge page of a leaf, and with it what maps it. */
static bool split(const struct change_test *test, size_t leaf)
{
	const uintptr_t start = test->address + leaf * LEAF_SIZE;
	char range[64];

	snprintf(range, sizeof(range), "%d,0x%lx,0x%lx", (int)test->vmm.pid, start, start + LEAF_SIZE);
	return write_file("/sys/kernel/debug/split_huge_pages", range);
}

static void touch_all(struct change_test *test)
{
	bool set[PAGES];

	fill_set(set, PAGES, 0, PAGES - 1);
	vmm_touch(&test->vmm, "touch", 'w', SLOT, set, PAGES);
}

/* A huge page that is split into 4 KiB leaves, of which the guest uses one: the other 511 are idle. */
static bool split_hot(void)
{
	bool hot[PAGES], found[PAGES], idle[PAGES];
	struct change_test test;
	uint8_t leaves[LEAVES];
	unsigned int round;
	size_t i;

	EXPECT(change_test_start(&test));
	touch_all(&test);
	EXPECT(!page_scan_leaves(test.shared, test.address, PAGES, leaves) && leaves[0] == LEAF_2M, "%x",
	       leaves[0]);
	vmm_command(&test.vmm, "advise nohugepage %d 0-%lu", SLOT, PAGES - 1);
	EXPECT(split(&test, 0));
	touch_all(&test);
	EXPECT(!page_scan_leaves(test.shared, test.address, PAGES, leaves) && leaves[0] == LEAF_4K, "%x",
	       leaves[0]);
	for (round = 0; round < ROUNDS / 4; round++) {
		size_t page = random_below(LEAF_PAGES);

		fill_set(hot, PAGES, page, page);
		for (i = 0; i < PAGES; i++)
			idle[i] = !hot[i];
		EXPECT(!idle_map_mark(test.shared, test.address, PAGES, NULL));
		vmm_touch(&test.vmm, "loop", "rwx"[random_below(3)], SLOT, hot, PAGES);
		vmm_loop_wait(&test.vmm);
		EXPECT(!idle_map_read(test.shared, test.address, PAGES, found));
		if (!sets_equal("idle", found, idle, PAGES))
			return false;
		vmm_command(&test.vmm, "stop");
		/* The first scan finds all accessed. */
		EXPECT(page_scan(test.scanner, test.address, PAGES, 0, found, NULL, NULL, NULL) > 0);
		if (round && !sets_equal("accessed", found, hot, PAGES))
			return false;
	}
	change_test_end(&test);
	return true;
}

/* How the mappings of a leaf are changed. */
enum change {
	CHANGE_NONE,
	CHANGE_COLLAPSE,
	CHANGE_SPLIT,
	CHANGE_UNMAP, /* one page, which splits a large leaf of the process */
	CHANGE_COUNT,
};

/* What happened since the pages were marked and scanned. */
struct history {
	bool touched[PAGES];
	bool unmapped[PAGES];
	bool changed[LEAVES];
};

static void touch_random(struct change_test *test, struct history *history)
{
	bool set[PAGES];
	size_t i;

	random_set(set, PAGES);
	for (i = 0; i < PAGES; i++) {
		history->touched[i] |= set[i];
		history->unmapped[i] &= !set[i];
	}
	vmm_touch(&test->vmm, random_below(3) ? "touch" : "host", "rw"[random_below(2)], SLOT, set, PAGES);
}

static bool change_leaf(struct change_test *test, struct history *history, size_t leaf)
{
	size_t first = leaf * LEAF_PAGES, page;
	enum change change = random_below(CHANGE_COUNT);

	history->changed[leaf] |= change != CHANGE_NONE;
	switch (change) {
	case CHANGE_COLLAPSE:
		vmm_command(&test->vmm, "advise collapse %d %zu-%zu", SLOT, first, first + LEAF_PAGES - 1);
		break;
	case CHANGE_SPLIT:
		EXPECT(split(test, leaf));
		break;
	case CHANGE_UNMAP:
		page = first + random_below(LEAF_PAGES);
		vmm_command(&test->vmm, "host u %d %zu", SLOT, page);
		history->unmapped[page] = true;
		break;
	default:
		break;
	}
	return true;
}

/* Whether a leaf that has not changed is what it must be. */
static bool leaf_is_right(const struct history *history, const bool *idle, size_t leaf, bool large)
{
	bool expected[LEAF_PAGES];
	const size_t first = leaf * LEAF_PAGES;
	size_t i;

	for (i = 0; i < LEAF_PAGES; i++)
		expected[i] = !history->touched[first + i];
	/* Pages under a large leaf are touched together. */
	if (large && memchr(history->touched + first, 1, LEAF_PAGES))
		memset(expected, false, LEAF_PAGES);
	return sets_equal(large ? "unchanged large leaf" : "unchanged small leaves", idle + first, expected,
			  LEAF_PAGES);
}

static bool nothing_touched_is_idle(const struct history *history, const bool *idle)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		EXPECT(!idle[i] || !(history->touched[i] || history->unmapped[i]), "page %zu", i);
	return true;
}

/* Look by a read, and by a scan. */
static bool look(struct change_test *test, const struct history *history, const uint8_t *leaves)
{
	bool idle[PAGES], accessed[PAGES], present[PAGES];
	size_t i;

	EXPECT(!idle_map_read(test->shared, test->address, PAGES, idle));
	EXPECT(page_scan(test->scanner, test->address, PAGES, 0, accessed, present, NULL, NULL) > 0);
	if (!nothing_touched_is_idle(history, idle))
		return false;
	for (i = 0; i < PAGES; i++) {
		EXPECT(present[i] == !history->unmapped[i], "page %zu", i);
		accessed[i] = present[i] && !accessed[i];
	}
	if (!sets_equal("a scan says otherwise than a read", accessed, idle, PAGES))
		return false;
	for (i = 0; i < LEAVES; i++) {
		if (!history->changed[i] && !leaf_is_right(history, idle, i, leaves[i] & LEAF_2M))
			return false;
	}
	return true;
}

static bool split_round(struct change_test *test)
{
	struct history history = { 0 };
	uint8_t leaves[LEAVES];
	size_t leaf;

	touch_all(test);
	EXPECT(!page_scan_leaves(test->shared, test->address, PAGES, leaves));
	EXPECT(!idle_map_mark(test->shared, test->address, PAGES, NULL));
	EXPECT(page_scan(test->scanner, test->address, PAGES, 0, NULL, NULL, NULL, NULL) > 0);
	touch_random(test, &history);
	for (leaf = 0; leaf < LEAVES; leaf++) {
		if (!change_leaf(test, &history, leaf))
			return false;
	}
	if (random_below(2))
		touch_random(test, &history);
	return look(test, &history, leaves);
}

/* Huge pages are split, collapsed, and lose pages, between touches. */
static bool split_rounds(void)
{
	struct change_test test;
	unsigned int round;

	EXPECT(change_test_start(&test));
	for (round = 0; round < ROUNDS; round++)
		EXPECT(split_round(&test), "round %u", round);
	change_test_end(&test);
	return true;
}

static bool read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	bool was_read = file && fgets(text, size, file);

	return file && !fclose(file) && was_read;
}

#define KHUGEPAGED "/sys/kernel/mm/transparent_hugepage/khugepaged/"

/* khugepaged collapses small pages while they are observed, whenever it likes. */
static bool khugepaged(void)
{
	char before[32], after[32], interval[32];
	struct change_test test;
	long collapsed;
	unsigned int round;
	size_t leaf;

	EXPECT(change_test_start(&test));
	EXPECT(read_file(KHUGEPAGED "pages_collapsed", before, sizeof(before)));
	EXPECT(read_file(KHUGEPAGED "scan_sleep_millisecs", interval, sizeof(interval)));
	EXPECT(write_file(KHUGEPAGED "scan_sleep_millisecs", "5"));
	for (round = 0; round < ROUNDS; round++) {
		struct history history = { 0 };
		bool idle[PAGES];

		touch_all(&test);
		EXPECT(!idle_map_mark(test.shared, test.address, PAGES, NULL));
		touch_random(&test, &history);
		usleep(random_below(20000));
		touch_random(&test, &history);
		EXPECT(!idle_map_read(test.shared, test.address, PAGES, idle));
		EXPECT(nothing_touched_is_idle(&history, idle), "round %u", round);
		for (leaf = 0; leaf < LEAVES; leaf++)
			EXPECT(random_below(4) || split(&test, leaf));
	}
	EXPECT(write_file(KHUGEPAGED "scan_sleep_millisecs", interval));
	EXPECT(read_file(KHUGEPAGED "pages_collapsed", after, sizeof(after)));
	collapsed = strtol(after, NULL, 10) - strtol(before, NULL, 10);
	printf("%ld leaves were collapsed\n", collapsed);
	EXPECT(collapsed >= 10, "khugepaged had nothing to do");
	change_test_end(&test);
	return true;
}

const struct check change_checks[] = {
	{ "change-split-hot", split_hot },
	{ "change-split", split_rounds },
	{ "change-khugepaged", khugepaged },
	{ NULL, NULL },
};
