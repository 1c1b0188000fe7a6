// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * observer.c - who looks again and again at which pages were accessed, through /proc/PID/idle_bitmap
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vmheat/idle_bitmap.h>
#include "cgroup_child.h"
#include "idle_map.h"
#include "observer.h"

#define WORDS (MEMORY_PAGES / VMHEAT_IDLE_BITMAP_WORD_PAGES)

void observer_open(struct observer *observer, enum observer_kind kind, pid_t pid, uintptr_t address)
{
	*observer = (struct observer){ .kind = kind, .fd = idle_map_open(pid), .address = address };
	errno = observer->fd < 0 ? -observer->fd : 0;
	if (errno)
		die("idle_bitmap");
}

void observer_close(struct observer *observer)
{
	close(observer->fd);
}

static void look_by_marks(struct observer *observer)
{
	int error;

	observer->to_ns = now_ns();
	error = idle_map_read(observer->fd, observer->address, MEMORY_PAGES, observer->idle);
	observer->next_earliest_ns = now_ns();
	if (!error)
		error = idle_map_mark(observer->fd, observer->address, MEMORY_PAGES, NULL);
	observer->next_from_ns = now_ns();
	errno = -error;
	if (error)
		die("reading or marking");
}

static void look_by_scan(struct observer *observer)
{
	uint64_t accessed[WORDS] = { 0 }, present[WORDS] = { 0 };
	struct vmheat_idle_scan scan = {
		.size = sizeof(scan),
		.start = observer->address,
		.end = observer->address + MEMORY_PAGES * PAGE_SIZE,
		.accessed = (uintptr_t)accessed,
		.present = (uintptr_t)present,
	};
	uint32_t i;

	observer->to_ns = observer->next_earliest_ns = now_ns();
	if (ioctl(observer->fd, VMHEAT_IDLE_IOC_SCAN, &scan) || scan.next != scan.end)
		die("VMHEAT_IDLE_IOC_SCAN");
	observer->next_from_ns = now_ns();
	for (i = 0; i < MEMORY_PAGES; i++)
		observer->idle[i] = (present[i / 64] & ~accessed[i / 64]) >> i % 64 & 1;
}

void observer_look(struct observer *observer)
{
	observer->from_ns = observer->next_from_ns;
	observer->earliest_ns = observer->next_earliest_ns;
	if (observer->kind == OBSERVER_MARKS)
		look_by_marks(observer);
	else
		look_by_scan(observer);
	observer->looks++;
}
