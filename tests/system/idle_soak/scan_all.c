// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scan_all.c - scanning all of any process
 *
 * By one scan over all addresses, without bitmaps; and by write() and read(), which take a call for each mapping, of the
 * large ones.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "idle_map.h"
#include "scan_all.h"

#define INTERVAL_US 10000
#define ADDRESS_END (1UL << 47)
#define CHUNK_PAGES 65536UL
#define LARGE	    (2UL << 20)

static bool idle[CHUNK_PAGES];

/* Mark and read a range. Return: 0 or a negative errno. */
static int mark_and_read(int fd, uintptr_t start, uintptr_t end)
{
	int ret = 0;

	while (!ret && start < end) {
		size_t pages = (end - start) / IDLE_PAGE_SIZE;

		if (pages > CHUNK_PAGES)
			pages = CHUNK_PAGES;
		ret = idle_map_mark(fd, start, pages, NULL);
		if (!ret)
			ret = idle_map_read(fd, start, pages, idle);
		start += pages * IDLE_PAGE_SIZE;
	}
	return ret;
}

static int mark_and_read_large(int fd, pid_t pid)
{
	char path[64], line[1024], *dash;
	uintptr_t start, end;
	FILE *maps;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	if (!maps)
		return -ESRCH;
	while (!ret && fgets(line, sizeof(line), maps)) {
		start = strtoull(line, &dash, 16);
		end = strtoull(dash + 1, NULL, 16);
		if (end <= ADDRESS_END && end - start >= LARGE)
			ret = mark_and_read(fd, start, end);
	}
	fclose(maps);
	return ret;
}

static int scan_by_ioctl(int fd)
{
	struct vmheat_idle_scan scan = { .size = sizeof(scan), .end = ADDRESS_END };

	return ioctl(fd, VMHEAT_IDLE_IOC_SCAN, &scan) ? -errno : 0;
}

bool scan_all(pid_t pid, unsigned long seconds)
{
	time_t over = time(NULL) + (time_t)seconds;
	int fd = idle_map_open(pid), ret = 0;
	unsigned long scans = 0;

	if (fd < 0) {
		printf("cannot open idle_bitmap of %d: %s\n", (int)pid, strerror(-fd));
		return false;
	}
	while (!ret && time(NULL) < over) {
		ret = mark_and_read_large(fd, pid);
		if (!ret)
			ret = scan_by_ioctl(fd);
		scans += !ret;
		usleep(INTERVAL_US);
	}
	close(fd);
	printf("scanned all of %d %lu times\n", (int)pid, scans);
	if (ret && ret != -ESRCH)
		printf("scan of %d: %s\n", (int)pid, strerror(-ret));
	return (!ret || ret == -ESRCH) && scans;
}
