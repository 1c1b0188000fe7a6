// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * presence.c - which pages a process has in memory, by /proc/PID/pagemap
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "cgroup_child.h"
#include "presence.h"

#define PAGEMAP_PRESENT (1ULL << 63)

int presence_open(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

uint32_t presence_read(int fd, uintptr_t address, const struct page_set *set, bool *present)
{
	static uint64_t entries[MEMORY_PAGES];
	size_t bytes = set->pages * sizeof(entries[0]);
	uint64_t first = address / PAGE_SIZE + set->first;
	uint32_t i, count = 0;

	if (pread(fd, entries, bytes, (off_t)(first * sizeof(entries[0]))) != (ssize_t)bytes)
		die("pagemap");
	for (i = 0; i < set->pages; i++) {
		present[i] = entries[i] & PAGEMAP_PRESENT;
		count += present[i];
	}
	return count;
}
