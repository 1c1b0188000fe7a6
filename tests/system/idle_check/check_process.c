// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_process.c - ordinary processes: what they touch is what idle_bitmap says
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "idle_check.h"
#include "idle_map.h"
#include "rounds.h"
#include "toucher.h"

#define PAGES	   2048
#define LEAF_PAGES 512

static void touch_process(void *context, unsigned int way, char mode, bool *set, size_t pages)
{
	toucher_touch(context, mode, set);
}

/* 200 random rounds with small pages, by read, write and instruction fetch; and they are unmapped, too. */
static bool process_rounds(void)
{
	struct toucher toucher;
	struct rounds rounds;
	bool right;

	toucher_start(&toucher, PAGES, false);
	rounds = (struct rounds){
		.pid = toucher.pid,
		.address = toucher.address,
		.pages = PAGES,
		.leaf = 1,
		.paths = VMHEAT_IDLE_PATH_HOST,
		.ways = { { "rwxu", false } },
		.touch = touch_process,
		.context = &toucher,
	};
	right = rounds_run(&rounds, 200);
	toucher_end(&toucher);
	return right;
}

/*
 * A page that was marked, unmapped, and mapped again by a touch is not idle; one that stays unmapped is a
 * hole.
 */
static bool holes_with(struct toucher *toucher, int fd)
{
	bool set[PAGES], found[PAGES], expected[PAGES];

	fill_set(set, PAGES, 0, 99);
	toucher_touch(toucher, 'w', set);
	EXPECT(!idle_map_mark(fd, toucher->address, PAGES, NULL));
	EXPECT(!idle_map_read(fd, toucher->address, PAGES, found));
	fill_set(expected, PAGES, 0, 99);
	if (!sets_equal("100 pages written, all 2048 marked", found, expected, PAGES))
		return false;

	fill_set(set, PAGES, 20, 59);
	toucher_touch(toucher, 'u', set);
	fill_set(set, PAGES, 40, 49);
	toucher_touch(toucher, 'r', set);
	EXPECT(!idle_map_read(fd, toucher->address, PAGES, found));
	fill_set(expected, PAGES, 0, 99);
	memset(expected + 20, false, 40);
	return sets_equal("20 to 59 unmapped, 40 to 49 read", found, expected, PAGES);
}

static bool process_holes(void)
{
	struct toucher toucher;
	bool right;
	int fd;

	toucher_start(&toucher, PAGES, false);
	fd = idle_map_open(toucher.pid);
	right = holes_with(&toucher, fd);
	close(fd);
	toucher_end(&toucher);
	return right;
}

/*
 * A 2 MiB leaf: its pages are accessed together, and marking one page never makes another idle that was
 * accessed.
 */
static bool huge_with(struct toucher *toucher, int fd)
{
	bool set[LEAF_PAGES], found[LEAF_PAGES], expected[LEAF_PAGES];

	fill_set(set, LEAF_PAGES, 0, 0);
	toucher_touch(toucher, 'w', set);
	EXPECT(!idle_map_mark(fd, toucher->address, LEAF_PAGES, NULL));
	EXPECT(!idle_map_read(fd, toucher->address, LEAF_PAGES, found));
	fill_set(expected, LEAF_PAGES, 0, 511);
	if (!sets_equal("one page written, all marked", found, expected, LEAF_PAGES))
		return false;

	fill_set(set, LEAF_PAGES, 5, 5);
	toucher_touch(toucher, 'r', set);
	EXPECT(!idle_map_read(fd, toucher->address, LEAF_PAGES, found));
	fill_set(expected, LEAF_PAGES, 1, 0);
	if (!sets_equal("page 5 read", found, expected, LEAF_PAGES))
		return false;

	fill_set(set, LEAF_PAGES, 7, 7);
	EXPECT(!idle_map_mark(fd, toucher->address, LEAF_PAGES, set));
	EXPECT(!idle_map_read(fd, toucher->address, LEAF_PAGES, found));
	if (!sets_equal("page 7 marked", found, set, LEAF_PAGES))
		return false;

	fill_set(set, LEAF_PAGES, 8, 9);
	EXPECT(!idle_map_mark(fd, toucher->address, LEAF_PAGES, set));
	EXPECT(!idle_map_read(fd, toucher->address, LEAF_PAGES, found));
	fill_set(expected, LEAF_PAGES, 7, 9);
	return sets_equal("pages 8 and 9 marked too", found, expected, LEAF_PAGES);
}

static bool process_huge(void)
{
	struct toucher toucher;
	bool right;
	int fd;

	toucher_start(&toucher, LEAF_PAGES, true);
	fd = idle_map_open(toucher.pid);
	right = huge_with(&toucher, fd);
	close(fd);
	toucher_end(&toucher);
	return right;
}

const struct check process_checks[] = {
	{ "process-rounds", process_rounds },
	{ "process-holes", process_holes },
	{ "process-huge", process_huge },
	{ NULL, NULL },
};
